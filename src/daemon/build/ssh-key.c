/* SPDX-License-Identifier: Apache-2.0 */
/* Keys for SSH; see ssh-key.h. */
#include "daemon/build/ssh-key.h"

#include <arpa/inet.h>
#include <sodium.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"

#define TYPE "ssh-ed25519"
#define MAGIC "openssh-key-v1"
#define BLOCK 8
#define LINE 70

static void put_number(struct buf *b, uint32_t n)
{
	n = htonl(n);
	buf_append(b, &n, sizeof(n));
}

/* A string of the SSH protocol (RFC 4251, section 5). */
static void put(struct buf *b, const void *data, size_t n)
{
	put_number(b, (uint32_t)n);
	buf_append(b, data, n);
}

static void put_text(struct buf *b, const char *s)
{
	put(b, s, strlen(s));
}

static char *base64(const struct buf *b)
{
	size_t size = sodium_base64_encoded_len(b->len, sodium_base64_VARIANT_ORIGINAL);
	char *text = xcalloc(1, size);

	return sodium_bin2base64(text, size, (const unsigned char *)b->data, b->len,
				 sodium_base64_VARIANT_ORIGINAL);
}

static void wipe(struct buf *b)
{
	sodium_memzero(b->data, b->len);
	buf_done(b);
}

/* Without a passphrase: the same number twice stands where a wrong one would show. */
static void put_secret(struct buf *out, const unsigned char *public, const unsigned char *secret,
		       const char *comment)
{
	uint32_t check = randombytes_random();
	struct buf b = BUF_INIT;

	/* Room for all of it at once: what is grown away from is not wiped. */
	buf_reserve(&b, 512 + strlen(comment));
	put_number(&b, check);
	put_number(&b, check);
	put_text(&b, TYPE);
	put(&b, public, crypto_sign_PUBLICKEYBYTES);
	put(&b, secret, crypto_sign_SECRETKEYBYTES);
	put_text(&b, comment);
	for (char i = 1; b.len % BLOCK; i++)
		buf_putc(&b, i);
	put(out, b.data, b.len);
	wipe(&b);
}

static char *in_lines(const char *text)
{
	struct buf b = BUF_INIT;

	buf_reserve(&b, strlen(text) * 2 + 128);
	buf_puts(&b, "-----BEGIN OPENSSH PRIVATE KEY-----\n");
	for (size_t n = strlen(text); n; n = strlen(text)) {
		n = n < LINE ? n : LINE;
		buf_append(&b, text, n);
		buf_putc(&b, '\n');
		text += n;
	}
	buf_puts(&b, "-----END OPENSSH PRIVATE KEY-----\n");
	return buf_steal(&b);
}

void ssh_key_make(const char *comment, char **ret_public, char **ret_private)
{
	unsigned char public[crypto_sign_PUBLICKEYBYTES], secret[crypto_sign_SECRETKEYBYTES];
	struct buf blob = BUF_INIT, file = BUF_INIT;
	char *shown, *hidden;

	crypto_sign_keypair(public, secret);
	put_text(&blob, TYPE);
	put(&blob, public, sizeof(public));
	buf_reserve(&file, 1024 + strlen(comment));
	/* With its NUL. */
	buf_append(&file, MAGIC, sizeof(MAGIC));
	put_text(&file, "none");
	put_text(&file, "none");
	put_text(&file, "");
	put_number(&file, 1);
	put(&file, blob.data, blob.len);
	put_secret(&file, public, secret, comment);
	shown = base64(&blob);
	hidden = base64(&file);
	*ret_public = xasprintf(TYPE " %s %s", shown, comment);
	*ret_private = in_lines(hidden);
	sodium_memzero(hidden, strlen(hidden));
	sodium_memzero(secret, sizeof(secret));
	free(shown);
	free(hidden);
	buf_done(&blob);
	wipe(&file);
}
