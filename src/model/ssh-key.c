/* SPDX-License-Identifier: Apache-2.0 */
/* SSH public keys; see ssh-key.h. */
#include "model/ssh-key.h"

#include <openssl/evp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"

#define SHA256_BYTES 32
/* Below this sshd refuses a key. */
#define RSA_MIN_BITS 1024

/* What is left of the key's bytes. */
struct blob {
	const unsigned char *at;
	size_t left;
};

struct field {
	const unsigned char *data;
	size_t n;
};

/* RFC 4251, section 5: four bytes of length, and as many of data. */
static bool take(struct blob *b, struct field *ret)
{
	uint32_t n;

	if (b->left < 4)
		return false;
	n = (uint32_t)b->at[0] << 24 | (uint32_t)b->at[1] << 16 | (uint32_t)b->at[2] << 8 |
	    b->at[3];
	if (n > b->left - 4)
		return false;
	*ret = (struct field){ b->at + 4, n };
	b->at += 4 + n;
	b->left -= 4 + n;
	return true;
}

static bool take_text(struct blob *b, const char *text)
{
	struct field f;

	return take(b, &f) && f.n == strlen(text) && memcmp(f.data, text, f.n) == 0;
}

static bool take_ed25519(struct blob *b, const char *curve)
{
	struct field f;

	(void)curve;
	return take(b, &f) && f.n == 32;
}

/* Positive, and of as many bits. */
static bool is_mpint(const struct field *f, size_t min_bits)
{
	size_t skip = f->n && !f->data[0] ? 1 : 0, bits;

	if (f->n <= skip || (!skip && f->data[0] & 0x80))
		return false;
	bits = (f->n - skip) * 8;
	for (unsigned char top = f->data[skip]; !(top & 0x80) && bits;
	     top = (unsigned char)(top << 1))
		bits--;
	return bits >= min_bits;
}

static bool take_rsa(struct blob *b, const char *curve)
{
	struct field exponent, modulus;

	(void)curve;
	return take(b, &exponent) && take(b, &modulus) && is_mpint(&exponent, 2) &&
	       is_mpint(&modulus, RSA_MIN_BITS);
}

/* A point that is not compressed (SEC 1, section 2.3.3). */
static bool take_ecdsa(struct blob *b, const char *curve)
{
	size_t bits = streq(curve, "nistp256") ? 256 : streq(curve, "nistp384") ? 384 : 521;
	struct field point;

	return take_text(b, curve) && take(b, &point) && point.n == 1 + 2 * ((bits + 7) / 8) &&
	       point.data[0] == 4;
}

static const struct type {
	const char *name, *curve;
	bool (*take)(struct blob *b, const char *curve);
	bool security_key; /* the name of an application follows */
} types[] = {
	{ "ssh-ed25519", "", take_ed25519, false },
	{ "ssh-rsa", "", take_rsa, false },
	{ "ecdsa-sha2-nistp256", "nistp256", take_ecdsa, false },
	{ "ecdsa-sha2-nistp384", "nistp384", take_ecdsa, false },
	{ "ecdsa-sha2-nistp521", "nistp521", take_ecdsa, false },
	{ "sk-ssh-ed25519@openssh.com", "", take_ed25519, true },
	{ "sk-ecdsa-sha2-nistp256@openssh.com", "nistp256", take_ecdsa, true },
};

static bool is_blob(const struct type *t, const unsigned char *data, size_t n)
{
	struct blob b = { data, n };
	struct field application;

	return take_text(&b, t->name) && t->take(&b, t->curve) &&
	       (!t->security_key || take(&b, &application)) && b.left == 0;
}

static const struct type *type_of(const char *line, size_t n)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strlen(types[i].name) == n && memcmp(types[i].name, line, n) == 0)
			return &types[i];
	return NULL;
}

/* n characters of base64 with their padding; the number of bytes, 0 when it is none. */
static size_t decode(const char *text, size_t n, unsigned char *to)
{
	size_t padding = 0;
	int bytes;

	while (padding < 2 && padding < n && text[n - 1 - padding] == '=')
		padding++;
	if (!n || n % 4 || memchr(text, '=', n - padding))
		return 0;
	bytes = EVP_DecodeBlock(to, (const unsigned char *)text, (int)n);
	return bytes < 0 ? 0 : (size_t)bytes - padding;
}

static bool fingerprint_of(const unsigned char *data, size_t n,
			   char ret[static SSH_FINGERPRINT_SIZE])
{
	unsigned char digest[SHA256_BYTES];
	char text[4 * ((SHA256_BYTES + 2) / 3) + 1];

	if (!EVP_Digest(data, n, digest, NULL, EVP_sha256(), NULL))
		return false;
	EVP_EncodeBlock((unsigned char *)text, digest, sizeof(digest));
	/* Without the padding. */
	snprintf(ret, SSH_FINGERPRINT_SIZE, "SHA256:%.43s", text);
	return true;
}

static bool is_printable(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			return false;
	return true;
}

bool ssh_key_parse(const char *line, char ret_fingerprint[static SSH_FINGERPRINT_SIZE],
		   const char **ret_comment)
{
	size_t n_type = strcspn(line, " "), n_base64, n;
	const struct type *t = type_of(line, n_type);
	_cleanup_free_ unsigned char *data = NULL;
	const char *base64;

	if (!t || strlen(line) > SSH_KEY_MAX_BYTES || !is_printable(line))
		return false;
	base64 = line + n_type + strspn(line + n_type, " ");
	n_base64 = strcspn(base64, " ");
	data = xcalloc(1, n_base64 + 1);
	n = decode(base64, n_base64, data);
	if (!n || !is_blob(t, data, n) || !fingerprint_of(data, n, ret_fingerprint))
		return false;
	*ret_comment = base64 + n_base64 + strspn(base64 + n_base64, " ");
	return true;
}
