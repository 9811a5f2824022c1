/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host names as people write them and as DNS, HTTP and certificates have them: "Bücher.example." is
 * "xn--bcher-kva.example" (IDNA2008 with UTS 46's non-transitional mapping, as browsers do it, by
 * libidn2).
 */
#pragma once

#include "base/error.h"

/* Converts to DNS form: lower case, no trailing dot; "*.example.com" is allowed. Heap.
 * ERROR_INVALID if it is not a host name. */
int host_from_text(const char *text, char **ret, struct error *err);
/* Converts to the form that people write. Heap. */
char *host_to_text(const char *host);
