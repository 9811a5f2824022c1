/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Builds in progress. Each runs as a child process, `twelved build`. It reads its options as JSON
 * from stdin, not from its arguments, because they contain config vars. It writes the output for
 * the user to stdout and its result, also JSON, to file descriptor 3. The child ends with twelved.
 *
 * An app has one build at a time: starting a second fails with ERROR_CONFLICT, which names the
 * first. TWELVE_BUILDS limits the builds that run at once; others wait and say so in their output.
 */
#pragma once

#include <sys/types.h>

#include "build/build.h"
#include "daemon/core/caller.h"
#include "daemon/core/platform.h"

struct builds;
struct streams;
struct walls;
struct wanted;
struct branches;

struct builds *builds_new(const struct platform *p, struct walls *walls, struct streams *streams,
			  struct wanted *wanted, struct branches *branches);
/* Ends the child processes. */
void builds_free(struct builds *b);

struct builds_start {
	const struct app *app;
	const char *source; /* path of a tar file; the build removes it at the end */
	const char *url;    /* fetch the file from here first (build/fetch.h); NULL: it exists */
	bool strip_top;	    /* the tar file has one top folder, as GitHub's have */
	bool unwrap; /* it may have one, as those of Terraform's provider have: see build/build.h */
	const char *commit; /* "" if unknown */
	const char *sha256; /* the expected checksum in hex; NULL: any */
	bool attached;	    /* cancel the build if the reader of the output disconnects */
	/* For git push: keep the output open after the build until the rollout of its release has
	 * ended, and report the result. */
	bool wait_for_rollout;
	bool no_cache;
	/* Of a push: the ref updates that git makes if the build succeeds, "OLD NEW REF" each, and
	 * the pid of git's process. NULL: the build is not for a push. */
	char *const *updates;
	pid_t push_pid;
	char *const *submodules; /* "ID PATH" each; their folders are empty in the source */
	const struct caller *who;
	const struct builds_import *import; /* NULL: this is a build */
};

/* The result of an import. err is NULL if it succeeded and the release was created. */
typedef void (*builds_imported_fn)(const struct error *err, const struct build_result *slug,
				   int64_t version, void *userdata);

/*
 * Imports a slug that was built elsewhere (build/build.h): unpacks and releases it. It is queued
 * like a build and counts as the app's one build at a time, but is not listed among its builds.
 * `fn` is called once, from within builds_start() if the import can't start.
 */
struct builds_import {
	const struct procfile *types;
	const char *stack;
	const char *buildpack;	 /* shown as the slug's buildpack, or NULL */
	const char *description; /* of the release; NULL: the default */
	builds_imported_fn fn;
	void *userdata;
};

/* Starts or queues a build. *ret gets the id and status "pending", ret_stream_id the id of its
 * output stream. */
int builds_start(struct builds *b, const struct builds_start *o, struct build *ret,
		 char ret_stream_id[static UUID_SIZE], struct error *err);
/* Whether any build or import is in progress, waiting ones included. */
bool builds_any_running(const struct builds *b);
/* The id of an app's build in progress, or NULL. */
const char *builds_running(struct builds *b, const char *app_id);
/* Tells that git's process of a push has ended. If its build is still in progress, it is cancelled.
 * A release that was already created is rolled out. */
void builds_push_ended(struct builds *b, const char *app_id);
/* The number of builds of an owner's apps that run, and its maximum. */
size_t builds_owner_running(struct builds *b, const char *owner_id);
size_t builds_owner_max(struct builds *b, const char *owner_id);
/* Starts queued builds that the changed limits now allow. */
void builds_limits_changed(struct builds *b);
/* The output stream of a build that is in progress or ended recently; false if unknown. */
bool builds_stream_id(struct builds *b, const char *build_id, char ret[static UUID_SIZE]);
int builds_cancel(struct builds *b, const char *build_id, struct error *err);
/* Called by the reconciler when the rollout of a release has ended. reason is NULL if it
 * succeeded. */
void builds_rollout_done(struct builds *b, const char *app_id, int64_t version, const char *reason,
			 json_t *proof);
/* A newer release `by` replaced this one before it was live. If it has the same slug and commit, a
 * push now waits for it; otherwise the push fails. */
void builds_rollout_superseded(struct builds *b, const char *app_id, int64_t version, int64_t by);
/* The app was destroyed, so its rollouts will not end. */
void builds_app_gone(struct builds *b, const char *app_id);
/* Called by the reconciler with a line for the push that waits: "web.1 is starting". */
void builds_rollout_line(struct builds *b, const char *app_id, int64_t version, const char *fmt,
			 ...) __attribute__((format(printf, 4, 5)));

/* main() of `twelved build`. */
int build_worker_main(void);
