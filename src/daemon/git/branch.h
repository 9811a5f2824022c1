/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the deploying branch of an app's repository names (docs/decisions/0005): the commit of the
 * release that runs, or nothing when what runs has no commit that is in the repository, or was
 * built for another stack than the app's is now. A push moves it by git itself; after a rollback, a
 * promotion, a deployed archive, and where a kill came between, it is moved here, by a child.
 *
 * One push of an app at a time: from its build until git's own process has ended, the branch is
 * git's.
 */
#pragma once

#include "daemon/core/platform.h"

struct branches;

struct branches_options {
	const struct platform *platform;
	/* git's process of a push has ended, or who pushed has gone. */
	void (*push_ended)(const char *app_id, void *userdata);
	/* The branch may name something else than what runs: branch_follow() is to be asked. */
	void (*look)(const char *app_id, void *userdata);
	void *userdata;
};

struct branches *branches_new(const struct branches_options *o);
void branches_free(struct branches *b);

/* A push begins, of the git receive-pack with this pid. ERROR_CONFLICT while another one is under
 * way. */
int branch_push_begins(struct branches *b, const struct app *app, pid_t pid, struct error *err);

/* why is NULL when git would take the updates. */
typedef void (*branch_checked_fn)(const char *why, void *userdata);
/*
 * Asks git whether it would take these updates ("OLD NEW REF") now: its own transaction, without
 * its last step. fn is called once, not before this has returned.
 */
int branch_check(struct branches *b, const char *app_name, char *const *updates,
		 branch_checked_fn fn, void *userdata, struct error *err);

/*
 * True when the branch names what runs, or can't be made to now. Else it is being moved, and
 * look() is called when that is done.
 */
bool branch_follow(struct branches *b, const struct app *app, const struct release *runs);
/* The app is gone. */
void branch_forget(struct branches *b, const char *app_id);
