/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Jobs of add-ons: blocking work runs in a child process, `twelved addon`. It reads its order as
 * JSON from stdin, not from its arguments, because the order contains passwords. It writes its
 * result, also JSON, to file descriptor 3. The child and its sandbox end with twelved; the caller
 * then starts the job again.
 *
 * A job creates the stack if needed, runs one script of the service in a sandbox, and measures a
 * file that the script wrote. Or it makes an HTTP request to a provider, which may be slow.
 */
#pragma once

#include "daemon/core/platform.h"

#define ADDON_JOB_OUTPUT_BYTES 8192

struct addon_job;
struct walls;

struct addon_job_order {
	char *const *packages; /* strv, for the stack */
	const char *stack;     /* its digest; NULL: create it from the packages */
	const char *lower;     /* the service's directory, at /app */
	const char *volume;    /* at /app/data; NULL: none */
	const char *exchange;  /* at /app/backup; NULL: none */
	/* Of a script: its network is that of sandboxes of this add-on or app; "": of nobody, which
	 * reach the public internet alone. A request is made in the machine's. */
	struct walls *walls;
	const char *owner_id;
	const char *const *argv; /* NULL: only create the stack */
	json_t *env;		 /* object of strings */
	uint64_t memory_bytes;	 /* 0: 1 GiB */
	int64_t timeout_ms;
	const char *measure; /* a file whose size and SHA-256 are returned; NULL: none */
	json_t *http;	     /* make this HTTP request instead: {method, url, user, password, type,
			 body}; NULL: none */
};

struct addon_job_result {
	bool ok;       /* the script's exit status was 0 */
	char *reason;  /* else why not: one sentence */
	char *output;  /* the end of the script's output */
	char *stack;   /* digest of the stack that was used */
	int64_t bytes; /* of the measured file */
	char *sha256;
	long status; /* of the HTTP response; 0: no response, and `reason` says why */
	int64_t retry_after_s;
};
void addon_job_result_done(struct addon_job_result *r);

/* Called once, in a later turn of the event loop. The job is freed after the call. */
typedef void (*addon_job_fn)(const struct addon_job_result *result, void *userdata);

int addon_job_start(struct platform *p, const struct addon_job_order *o, addon_job_fn fn,
		    void *userdata, struct addon_job **ret, struct error *err);
/* Ends the job; its callback is not called. */
void addon_job_cancel(struct addon_job *j);
/* At start: removes the files of jobs that ended with an earlier twelved. Returns their number;
 * calls fn once for each when it has been removed. */
size_t addon_jobs_sweep(struct platform *p, void (*fn)(void *userdata), void *userdata);

/* main() of `twelved addon`. */
int addon_worker_main(void);
