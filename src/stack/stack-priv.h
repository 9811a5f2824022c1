/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the stack module share. */
#pragma once

#include "stack/stack.h"

/* Makes the stack of base + o->packages; its digest is written to `digest`. */
int stack_make(const struct stack_options *o, char *const *base, const char *spec,
	       char digest[static DIGEST_HEX_SIZE], struct error *err);
