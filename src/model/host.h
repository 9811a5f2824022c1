/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host names as people write them and as DNS, HTTP and certificates have them: "Bücher.example." is
 * "xn--bcher-kva.example" (IDNA2008 with UTS 46's non-transitional mapping, as browsers do it, by
 * libidn2).
 */
#pragma once

#include "base/error.h"

/* The name in DNS's form, in lower case, without a dot at the end; "*.example.com" is one. Heap.
 * ERROR_INVALID when it is none. */
int host_from_text(const char *text, char **ret, struct error *err);
/* As people write it; the same when there is nothing to translate. Heap. */
char *host_to_text(const char *host);
