/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Builds in progress. Each runs as a child, `twelved build`, that gets its
 * options on stdin as JSON (config vars are in it, so no argument list), writes
 * what the pusher sees to stdout and its result, JSON, to descriptor 3. The
 * child dies with twelved.
 *
 * One build an app at a time: a second is ERROR_CONFLICT and names the first.
 * At most two run at once on the machine; others wait, and say so in their
 * output.
 */
#pragma once

#include <sys/types.h>

#include "build/build.h"
#include "daemon/core/caller.h"
#include "daemon/core/platform.h"

struct builds;
struct streams;
struct wanted;
struct branches;

struct builds *builds_new(const struct platform *p, struct streams *streams, struct wanted *wanted,
			  struct branches *branches);
/* Ends the children. */
void builds_free(struct builds *b);

struct builds_start {
	const struct app *app;
	const char *source; /* path of a tar file, which the build removes at its end */
	const char *url; /* where that is fetched from first (build/fetch.h); NULL: it is there */
	bool strip_top;	 /* the tar has one top folder, as GitHub's have */
	bool unwrap; /* it may have one, as those of Terraform's provider have: see build/build.h */
	const char *commit; /* "" when unknown */
	const char *sha256; /* what the source has to have, in hex; NULL: whatever it is */
	bool attached;	    /* cancel when the reader of the output goes away */
	/* Hold the output open after the build until the rollout of its release is done, and tell
	 * how it went: git push. */
	bool wait_for_rollout;
	bool no_cache;
	/* Of a push: what git will change when it has gone well, "OLD NEW REF" each, and git's
	 * process. NULL: it is none. */
	char *const *updates;
	pid_t push_pid;
	char *const *submodules; /* "ID PATH", whose folders are empty in the source */
	const struct caller *who;
	const struct builds_import *import; /* NULL: it is a build */
};

/* How an import ended: err is NULL when it went well, and the release is there. */
typedef void (*builds_imported_fn)(const struct error *err, const struct build_result *slug,
				   int64_t version, void *userdata);

/*
 * A slug that was built elsewhere (build/build.h), to be unpacked and released. It waits its turn
 * as builds do, and is one an app; it is none of the app's builds. `fn` is called once, from within
 * builds_start() if it can't begin.
 */
struct builds_import {
	const struct procfile *types;
	const char *stack;
	const char *buildpack;	 /* what is shown of how it was made, or NULL */
	const char *description; /* of the release, or NULL: the usual one */
	builds_imported_fn fn;
	void *userdata;
};

/* *ret has status "pending" and the id; *ret_stream_id names its output. */
int builds_start(struct builds *b, const struct builds_start *o, struct build *ret,
		 char ret_stream_id[static UUID_SIZE], struct error *err);
/* Of any app, slugs that are brought from elsewhere among them. */
bool builds_any_running(const struct builds *b);
/* The running build of an app, or NULL. */
const char *builds_running(struct builds *b, const char *app_id);
/* git's process of a push has ended: if its build has not, nobody waits for it any more. A release
 * that was made goes on. */
void builds_push_ended(struct builds *b, const char *app_id);
/* How many builds of an owner's apps run, and how many may at a time. */
size_t builds_owner_running(struct builds *b, const char *owner_id);
size_t builds_owner_max(struct builds *b, const char *owner_id);
/* What waits may begin, or learns that it may not. */
void builds_limits_changed(struct builds *b);
/* The stream of a build that runs or that ended lately; false when unknown. */
bool builds_stream_id(struct builds *b, const char *build_id, char ret[static UUID_SIZE]);
int builds_cancel(struct builds *b, const char *build_id, struct error *err);
/* The reconciler tells how the rollout of a release ended; reason NULL: well. */
void builds_rollout_done(struct builds *b, const char *app_id, int64_t version, const char *reason,
			 json_t *proof);
/* A newer release came before it was live. A push whose slug and commit that one has waits for it;
 * another is told that it has failed. */
void builds_rollout_superseded(struct builds *b, const char *app_id, int64_t version, int64_t by);
/* The app was destroyed: no rollout of it ends any more. */
void builds_app_gone(struct builds *b, const char *app_id);
/* The reconciler tells what a push that waits should see: "web.1 is starting". */
void builds_rollout_line(struct builds *b, const char *app_id, int64_t version, const char *fmt,
			 ...) __attribute__((format(printf, 4, 5)));

/* main() of `twelved build`. */
int build_worker_main(void);
