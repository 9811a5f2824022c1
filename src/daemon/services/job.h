/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Jobs of add-ons: blocking work runs in a child, `twelved addon`, that gets its order as JSON on
 * stdin (it contains passwords, so it is never an argument) and returns its result, JSON, on
 * descriptor 3. The child and its sandbox die with twelved; the caller starts the job again.
 *
 * A job creates the stack if needed, runs one script of the service in a sandbox, and measures a
 * file that the script wrote. Or it makes a request to a provider, which may take long.
 */
#pragma once

#include "daemon/core/platform.h"

#define ADDON_JOB_OUTPUT_BYTES 8192

struct addon_job;

struct addon_job_order {
	char *const *packages;	 /* strv, for the stack */
	const char *stack;	 /* its digest; NULL: made from the packages */
	const char *lower;	 /* the service's directory, at /app */
	const char *volume;	 /* at /app/data; NULL: none */
	const char *exchange;	 /* at /app/backup; NULL: none */
	const char *const *argv; /* NULL: only the stack is made */
	json_t *env;		 /* object of strings */
	uint64_t memory_bytes;	 /* 0: 1 GiB */
	int64_t timeout_ms;
	const char *measure; /* a file whose size and SHA-256 are returned; NULL: none */
	json_t *http;	     /* instead: an HTTP request, {method, url, user, password, type, body};
			 NULL: none */
};

struct addon_job_result {
	bool ok;       /* the script ended with 0 */
	char *reason;  /* otherwise: one sentence */
	char *output;  /* the last bytes of what the script said */
	char *stack;   /* digest of the stack that was used */
	int64_t bytes; /* of the measured file */
	char *sha256;
	long status; /* of HTTP; 0: no answer, and why is in `reason` */
	int64_t retry_after_s;
};
void addon_job_result_done(struct addon_job_result *r);

/* Called once, in a turn of the loop; then the job is freed. */
typedef void (*addon_job_fn)(const struct addon_job_result *result, void *userdata);

int addon_job_start(struct platform *p, const struct addon_job_order *o, addon_job_fn fn,
		    void *userdata, struct addon_job **ret, struct error *err);
/* Ends it without a call. */
void addon_job_cancel(struct addon_job *j);
/* At start: removes what is left of jobs that died with an earlier twelved. Returns their number;
 * fn is called for each when it was removed. */
size_t addon_jobs_sweep(struct platform *p, void (*fn)(void *userdata), void *userdata);

/* main() of `twelved addon`. */
int addon_worker_main(void);
