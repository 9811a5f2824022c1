/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256 (FIPS 180-4) as lower-case hex, over OpenSSL; and random identifiers
 * from getrandom(2) (uuid.c).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

#define DIGEST_HEX_SIZE 65
#define UUID_SIZE 37

struct digest;

struct digest *digest_new(void);
void digest_free(struct digest *d);
void digest_update(struct digest *d, const void *data, size_t n);
/* Adds a string with its NUL, so that ("ab","c") and ("a","bc") differ. */
void digest_update_str(struct digest *d, const char *s);
/* May be called once. */
void digest_finish(struct digest *d, char hex[static DIGEST_HEX_SIZE]);

void digest_bytes(const void *data, size_t n, char hex[static DIGEST_HEX_SIZE]);

/* A random UUID, version 4 (RFC 9562). Returns buf. */
char *uuid_make(char buf[static UUID_SIZE]);
/* True for the 8-4-4-4-12 form in lower-case hex. */
bool uuid_is_valid(const char *s);
/* n random bytes as 2n hex digits and a NUL. */
void random_hex(char *buf, size_t n);
