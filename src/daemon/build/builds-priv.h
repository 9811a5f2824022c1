/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of the builds module: builds.c, end.c, push.c, queue.c. */
#pragma once

#include <sys/types.h>

#include "base/buf.h"
#include "daemon/build/builds.h"
#include "daemon/core/stream.h"

enum phase {
	PHASE_WAITING,	/* queued */
	PHASE_RUNNING,	/* the child process runs */
	PHASE_CHECKING, /* built; git checks whether the push is still possible */
	PHASE_ROLLOUT,	/* the push waits for the rollout */
};

struct job {
	struct builds *owner;
	enum phase phase;
	struct build row;
	char app_name[64];
	char owner_id[UUID_SIZE];     /* of the app, for the queue */
	size_t told_before, told_own; /* the place in the queue that was reported last; 0: none */
	char *source;
	bool strip_top, unwrap, wait_for_rollout, no_cache, cancelled;
	struct caller who;
	char *sha256, *url;
	char **submodules;
	char **updates; /* of its push, "OLD NEW REF" each */
	/* The options of an import. */
	bool import;
	struct procfile types;
	char *stack, *buildpack, *description;
	builds_imported_fn imported;
	void *userdata;
	void (*released)(struct job *j, const struct error *err); /* in PHASE_CHECKING */
	enum error_kind why;					  /* of its failure */
	char *stack_name; /* the app's stack when the build started */
	struct build_result slug;
	struct stream *stream;
	char stream_id[UUID_SIZE];
	struct child *child; /* NULL: not running */
	struct buf result;
	int status;
};

struct recent {
	char build_id[UUID_SIZE];
	char stream_id[UUID_SIZE];
};

struct builds {
	const struct platform *platform;
	struct walls *walls;
	struct streams *streams;
	struct wanted *wanted;
	struct branches *branches;
	struct job **jobs;
	size_t n;
	struct recent recent[64]; /* a ring of builds that have ended */
	size_t n_recent;
	json_t *begun; /* id of an owner or an app to the start of its last build: milliseconds,
			  each value once */
	int64_t begin_ms;
};

/* build/builds.c */
/* Ends a job: writes the result to the build's row and its output stream, and frees the job. why is
 * NULL if the build succeeded. */
void job_finish(struct job *j, const char *status, const char *why);

/* build/end.c */
/*
 * Creates a release from the result of the child process, which has ended. fn is called once, from
 * within this call or later; err->kind is ERROR_NONE if it succeeded. Returns whether it will be
 * called later; until then the job is in PHASE_CHECKING.
 */
typedef void (*job_released_fn)(struct job *j, const struct error *err);
bool job_release(struct job *j, job_released_fn fn);
