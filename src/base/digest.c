/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256; see digest.h. */
#include "base/digest.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

struct digest {
	EVP_MD_CTX *ctx;
};

static void check(int ok)
{
	/* SHA-256 over memory can only fail for want of memory. */
	if (ok != 1)
		abort();
}

struct digest *digest_new(void)
{
	struct digest *d = xcalloc(1, sizeof(*d));

	d->ctx = EVP_MD_CTX_new();
	check(d->ctx != NULL);
	check(EVP_DigestInit_ex(d->ctx, EVP_sha256(), NULL));
	return d;
}

void digest_free(struct digest *d)
{
	if (!d)
		return;
	EVP_MD_CTX_free(d->ctx);
	free(d);
}

void digest_update(struct digest *d, const void *data, size_t n)
{
	check(EVP_DigestUpdate(d->ctx, data, n));
}

void digest_update_str(struct digest *d, const char *s)
{
	digest_update(d, s, strlen(s) + 1);
}

void digest_finish(struct digest *d, char hex[static DIGEST_HEX_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char bytes[32];

	check(EVP_DigestFinal_ex(d->ctx, bytes, NULL));
	for (size_t i = 0; i < sizeof(bytes); i++) {
		hex[2 * i] = digits[bytes[i] >> 4];
		hex[2 * i + 1] = digits[bytes[i] & 15];
	}
	hex[2 * sizeof(bytes)] = '\0';
}

void digest_bytes(const void *data, size_t n, char hex[static DIGEST_HEX_SIZE])
{
	struct digest *d = digest_new();

	digest_update(d, data, n);
	digest_finish(d, hex);
	digest_free(d);
}
