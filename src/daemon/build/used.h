/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which slugs and stacks are needed: those of the releases that are kept (TWELVE_KEEP_RELEASES), of
 * dynos that run, and what those slugs were built on.
 */
#pragma once

#include "daemon/core/platform.h"

struct dynos;

/* Digests, each a strv. */
struct used {
	char **slugs, **stacks;
	char **known; /* slugs that the database knows of */
};

void used_done(struct used *u);
int used_read(const struct platform *p, struct dynos *dynos, struct used *ret, struct error *err);
