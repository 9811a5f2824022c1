/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Security updates of stacks: Debian's archive is asked what is newer than what the current
 * releases of apps run on. By default that is told and nothing else happens; or the stacks are made
 * anew, which the next builds use; or each app gets a release on its new stack, with the same slug,
 * which is rolled out and undone as any. A child of twelved does what takes time (`twelved
 * stack-updates`), one at a time; with TWELVE_STACK_UPDATES=auto it is started once a day and goes
 * all the way.
 *
 *     STATE/stack-updates.json    the last report; its time says when the next is due
 */
#pragma once

#include "daemon/core/caller.h"
#include "daemon/core/platform.h"

enum stack_update_extent {
	STACK_UPDATE_CHECK, /* tell */
	STACK_UPDATE_MAKE,  /* and make stacks anew */
	STACK_UPDATE_APPLY, /* and release apps on them */
};

struct stack_updates;
struct wanted;
struct collect;

struct stack_updates *stack_updates_new(const struct platform *p, struct wanted *wanted,
					const struct collect *collect);
void stack_updates_free(struct stack_updates *u);

/* ERROR_CONFLICT while one is under way. stack: the name of the only one to look at, or NULL. */
int stack_updates_start(struct stack_updates *u, const struct caller *who,
			enum stack_update_extent extent, const char *stack, struct error *err);
/* The last one, or the one that is under way: see docs/api.md. A new reference. */
json_t *stack_updates_report(const struct stack_updates *u);
/* Stacks are being made that nothing refers to yet. */
bool stack_updates_running(const struct stack_updates *u);

/* main() of `twelved stack-updates`: its order on stdin, its result on stdout. */
int stack_updates_worker_main(void);
