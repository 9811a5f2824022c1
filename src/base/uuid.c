/* SPDX-License-Identifier: Apache-2.0 */
/* Random identifiers; see digest.h. Apart from digest.c, so that who needs no more brings no
 * OpenSSL along. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/digest.h"

static void to_hex(const unsigned char *bytes, size_t n, char *hex)
{
	for (size_t i = 0; i < n; i++)
		sprintf(hex + 2 * i, "%02x", bytes[i]);
}

static void random_bytes(void *p, size_t n)
{
	/* Up to 256 bytes, getrandom does not fail and is not interrupted once the pool is ready
	 * (getrandom(2)). */
	assert(n <= 256);
	if (getrandom(p, n, 0) != (ssize_t)n)
		abort();
}

char *uuid_make(char buf[static UUID_SIZE])
{
	unsigned char b[16];
	char hex[33];

	random_bytes(b, sizeof(b));
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	to_hex(b, sizeof(b), hex);
	snprintf(buf, UUID_SIZE, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16,
		 hex + 20);
	return buf;
}

bool uuid_is_valid(const char *s)
{
	size_t i;

	for (i = 0; s[i] && i < UUID_SIZE; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? s[i] != '-' : !strchr("0123456789abcdef", s[i]))
			return false;
	}
	return i == UUID_SIZE - 1;
}

void random_hex(char *buf, size_t n)
{
	unsigned char b[64];

	assert(n <= sizeof(b));
	random_bytes(b, n);
	to_hex(b, n, buf);
}
