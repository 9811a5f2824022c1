/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the builds module share: build/builds.c, build/end.c, build/push.c. */
#pragma once

#include <sys/types.h>

#include "base/buf.h"
#include "daemon/build/builds.h"
#include "daemon/core/stream.h"

enum phase {
	PHASE_WAITING,	/* for its turn */
	PHASE_RUNNING,	/* the child runs */
	PHASE_CHECKING, /* built: git is asked whether it would take the push still */
	PHASE_ROLLOUT,	/* the push waits for the release */
};

struct job {
	struct builds *owner;
	enum phase phase;
	struct build row;
	char app_name[64];
	char owner_id[UUID_SIZE];     /* of the app: whose turn it takes */
	size_t told_before, told_own; /* what was said of its place; 0: nothing yet */
	char *source;
	bool strip_top, unwrap, wait_for_rollout, no_cache, cancelled;
	struct caller who;
	char *sha256, *url;
	char **submodules;
	char **updates; /* of the push that it is for, "OLD NEW REF" */
	/* Of an import: what it is, and who waits for it. */
	bool import;
	struct procfile types;
	char *stack, *buildpack, *description;
	builds_imported_fn imported;
	void *userdata;
	void (*released)(struct job *j, const struct error *err); /* while it is checked */
	enum error_kind why;					  /* it failed */
	char *stack_name; /* the app's when the build began */
	struct build_result slug;
	struct stream *stream;
	char stream_id[UUID_SIZE];
	struct child *child; /* NULL: none runs */
	struct buf result;
	int status;
};

struct recent {
	char build_id[UUID_SIZE];
	char stream_id[UUID_SIZE];
};

struct builds {
	const struct platform *platform;
	struct streams *streams;
	struct wanted *wanted;
	struct branches *branches;
	struct job **jobs;
	size_t n;
	struct recent recent[64]; /* of builds that have ended, a ring */
	size_t n_recent;
	json_t *begun; /* when the last build of an owner or an app began, by its id: milliseconds,
			  no two the same */
	int64_t begin_ms;
};

/* build/builds.c */
/* Writes the build's end to its row, tells it in its stream, and forgets the job. why: NULL when it
 * went well. */
void job_finish(struct job *j, const char *status, const char *why);

/* build/end.c */
/*
 * The child has ended: its result becomes a release, or the job fails. fn is called once, from
 * within this call or later, with err->kind ERROR_NONE when it went well. Until then the job is
 * PHASE_CHECKING; true when it is.
 */
typedef void (*job_released_fn)(struct job *j, const struct error *err);
bool job_release(struct job *j, job_released_fn fn);
