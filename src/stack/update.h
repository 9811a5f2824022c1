/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Newer packages for stacks that there are: what Debian's archive has for each, and a stack made
 * anew of the same packages. All of it blocks, so that it is for a process of its own.
 *
 *     STATE/stacks/updates/NAME/     apt's lists of the archive, asked for anew each time
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/digest.h"
#include "base/error.h"

struct stack_change {
	char *package, *from, *to;
	bool security; /* it comes from the security archive */
};

struct stack_changes {
	struct stack_change *list;
	size_t n;
};
void stack_changes_done(struct stack_changes *c);

struct stack_updater;
/* output_fd: for people who wait; -1: nobody. */
struct stack_updater *stack_updater_new(const char *state_dir, const char *data_dir, int output_fd);
void stack_updater_free(struct stack_updater *u);

/* Packages of the stack of which the archive has a newer version. The archive is asked once in the
 * life of *u. */
int stack_find_changes(struct stack_updater *u, const char *digest, struct stack_changes *ret,
		       struct error *err);
/*
 * Makes the stack anew from what the archive has; its digest is the same when nothing has changed.
 * Requests that gave the old one give the new one from here on; the old one stays until it is
 * collected.
 */
int stack_renew(struct stack_updater *u, const char *digest, char ret[static DIGEST_HEX_SIZE],
		struct error *err);
