/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets at rest: XChaCha20-Poly1305 (libsodium's IETF construction) under a
 * random key in STATE/secret.key, with a random nonce each, bound to where they
 * stand in the database by the associated data. So a copy of the database
 * alone tells nothing, and rows can't be exchanged.
 *
 * A sealed value is: version (1 byte), nonce (24), ciphertext and tag (n + 16).
 */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/fs.h"
#include "base/str.h"
#include "store/store-priv.h"

#define SEAL_VERSION 1
#define NONCE_SIZE crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_SIZE crypto_aead_xchacha20poly1305_ietf_ABYTES
#define HEAD_SIZE (1 + NONCE_SIZE)

_Static_assert(SEAL_KEY_SIZE == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "the key's size");

static const char check_text[] = "twelve";

static int make_key(struct store *s, struct error *err)
{
	int r;

	crypto_aead_xchacha20poly1305_ietf_keygen(s->key);
	r = fs_write_atomic(s->key_path, 0600, s->key, SEAL_KEY_SIZE);
	return r < 0 ? error_set_errno(err, r, "Writing the key %s", s->key_path) : 0;
}

static int check_key_file(struct store *s, int fd, struct error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return error_set_errno(err, errno, "Reading the key %s", s->key_path);
	if (st.st_mode & 077)
		return error_set(err, ERROR_INVALID,
				 "The key %s can be read by others (mode %04o): chmod 600 %s",
				 s->key_path, (unsigned)(st.st_mode & 07777), s->key_path);
	if (!S_ISREG(st.st_mode) || st.st_size != SEAL_KEY_SIZE)
		return error_set(err, ERROR_INVALID,
				 "The key %s is damaged: expected a file of %d bytes; restore it "
				 "from a backup",
				 s->key_path, SEAL_KEY_SIZE);
	return 0;
}

int seal_open(struct store *s, bool create, struct error *err)
{
	_cleanup_fd_ int fd = open(s->key_path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	ssize_t n;

	s->key = sodium_malloc(SEAL_KEY_SIZE);
	if (!s->key)
		return error_set_errno(err, errno, "Memory for the key");
	if (fd < 0 && errno == ENOENT && create)
		return make_key(s, err);
	if (fd < 0 && errno == ENOENT)
		return error_set(
			err, ERROR_INVALID,
			"The key %s is missing, but %s is there and sealed with it: restore both "
			"from the same backup",
			s->key_path, s->path);
	if (fd < 0)
		return error_set_errno(err, errno, "Opening the key %s", s->key_path);
	if (check_key_file(s, fd, err) < 0)
		return -1;
	n = fd_read(fd, s->key, SEAL_KEY_SIZE);
	if (n != SEAL_KEY_SIZE)
		return error_set_errno(err, n < 0 ? (int)n : EIO, "Reading the key %s",
				       s->key_path);
	return 0;
}

static int remember_key(struct store *s, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_META_SET);
	_cleanup_free_ unsigned char *sealed = NULL;
	size_t n;

	sealed = seal_bytes(s, "key-check", check_text, strlen(check_text), &n);
	query_bind_text(&q, "key-check");
	query_bind_blob(&q, sealed, n);
	return query_run(&q, err);
}

int seal_check(struct store *s, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_META_GET);
	_cleanup_free_ char *text = NULL;
	const void *sealed;
	size_t n;
	int r;

	query_bind_text(&q, "key-check");
	r = query_row(&q, err);
	if (r < 0)
		return -1;
	if (r == 0 && !s->first)
		return error_set(
			err, ERROR_CONFLICT,
			"The database %s does not say which key it was sealed with: it is not a "
			"database of twelve; restore it from a backup, with its secret.key",
			s->path);
	if (r == 0)
		return remember_key(s, err);
	sealed = query_blob(&q, &n);
	text = seal_unseal(s, "key-check", sealed, n, &n);
	if (!text || !streq(text, check_text))
		return error_set(
			err, ERROR_INVALID,
			"The key %s is not the one that %s was sealed with: restore both from the "
			"same backup",
			s->key_path, s->path);
	return 0;
}

void seal_close(struct store *s)
{
	/* Wipes it too. */
	sodium_free(s->key);
}

unsigned char *seal_bytes(const struct store *s, const char *context, const void *data, size_t n,
			  size_t *ret_n)
{
	unsigned char *out = xcalloc(1, HEAD_SIZE + n + TAG_SIZE);
	unsigned long long n_cipher;

	out[0] = SEAL_VERSION;
	randombytes_buf(out + 1, NONCE_SIZE);
	crypto_aead_xchacha20poly1305_ietf_encrypt(out + HEAD_SIZE, &n_cipher, data, n,
						   (const unsigned char *)context, strlen(context),
						   NULL, out + 1, s->key);
	*ret_n = HEAD_SIZE + (size_t)n_cipher;
	return out;
}

char *seal_unseal(const struct store *s, const char *context, const void *sealed, size_t n_sealed,
		  size_t *ret_n)
{
	_cleanup_free_ char *out = NULL;
	const unsigned char *in = sealed;
	unsigned long long n = 0;

	if (!in || n_sealed < HEAD_SIZE + TAG_SIZE || in[0] != SEAL_VERSION)
		return NULL;
	out = xcalloc(1, n_sealed - HEAD_SIZE - TAG_SIZE + 1);
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(
		    (unsigned char *)out, &n, NULL, in + HEAD_SIZE, n_sealed - HEAD_SIZE,
		    (const unsigned char *)context, strlen(context), in + 1, s->key) < 0)
		return NULL;
	*ret_n = (size_t)n;
	return steal_ptr(out);
}

/* Frees a string that has held secrets. */
static void wipe_p(char **s)
{
	if (*s)
		sodium_memzero(*s, strlen(*s));
	free(*s);
}

unsigned char *seal_json(const struct store *s, const char *context, json_t *object, size_t *ret_n)
{
	__attribute__((cleanup(wipe_p))) char *text =
		object ? json_dumps(object, JSON_COMPACT) : xstrdup("{}");

	return text ? seal_bytes(s, context, text, strlen(text), ret_n) : NULL;
}

json_t *seal_unseal_json(const struct store *s, const char *context, const void *sealed,
			 size_t n_sealed)
{
	size_t n;
	__attribute__((cleanup(wipe_p))) char *text = seal_unseal(s, context, sealed, n_sealed, &n);

	return text ? json_loadb(text, n, 0, NULL) : NULL;
}
