/* SPDX-License-Identifier: Apache-2.0 */
/* The ACME account key, and the reason for a failure from uacme's output. */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "daemon/edge/acme.h"

/* Creates STATE/acme and the key if needed. *ret is the thumbprint of its JWK (RFC 7638). */
int acme_key_prepare(const char *state_dir, char ret[static ACME_THUMBPRINT_SIZE],
		     struct error *err);
/* One sentence: the detail of the last problem document (RFC 7807), or uacme's last line. Heap. */
char *acme_reason(const char *output);
/* The authority said that there were too many. */
bool acme_is_rate_limit(const char *output);
