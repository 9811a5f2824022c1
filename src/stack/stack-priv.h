/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the stack module share. */
#pragma once

#include "stack/stack.h"

/* Part of every spec and address: changes when what a stack has besides its packages changes. */
#define STACK_FORMAT "twelve-stack-2"

/* stack-make.c: makes the stack of base + o->packages; its digest is written to `digest`. The caller holds the spec's lock. */
int stack_make(const struct stack_options *o, char *const *base, const char *spec,
	       char digest[static DIGEST_HEX_SIZE], struct error *err);

/* stack-debian.c: fills the directory `rootfs` from Debian's archive; `packages` are separated by commas. */
int stack_debootstrap(const struct stack_options *o, const char *rootfs, const char *packages,
		      struct error *err);
/* Why it did not work, from what mmdebstrap printed: pure. Returns -1. */
int stack_explain(const struct stack_options *o, const char *log, struct error *err);

/* stack-debian.c: what Debian calls the release that a stack is made of; NULL for no stack of ours. */
const char *stack_suite(const char *name);
