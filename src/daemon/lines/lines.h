/* SPDX-License-Identifier: Apache-2.0 */
/*
 * twelved's side of twelve-logs (ipc/logs-proto.h): starts it, restarts it when
 * it ends, and speaks to it. twelve-logs outlives twelved: one that runs
 * already (its socket answers) is used as it is.
 */
#pragma once

#include "daemon/core/platform.h"

struct logs_client;

/* Never fails: if twelve-logs does not start, it is tried again, and apps run without it. */
struct logs_client *logs_client_new(const struct platform *p);
/* The event loop that it runs on. */
struct loop *logs_loop(const struct logs_client *c);
void logs_client_free(struct logs_client *c);
/* Ends twelve-logs only if we started it: for when the rest of twelved's start fails. NULL is
 * allowed. */
void logs_client_undo(struct logs_client *c);
/* Ends twelve-logs, for a shutdown that leaves nothing running. */
void logs_client_shutdown(struct logs_client *c);

/* A line of the platform: source "heroku" or "app"; dyno "api", "web.1", "router", "release.3".
 * Never fails: what can't be sent is counted and told. */
void logs_append(struct logs_client *c, const char *app_id, const char *source, const char *dyno,
		 const char *fmt, ...) __attribute__((format(printf, 5, 6)));
void logs_forget(struct logs_client *c, const char *app_id);
/* Copies the lines of an add-on to the streams of these apps (strv); sent again to each twelve-logs
 * that starts. */
void logs_link(struct logs_client *c, const char *addon_id, char *const *app_ids);

/* An app's drains (logs-proto.h, LOGS_DRAINS); sent again to each twelve-logs that starts. */
struct logs_drains {
	const char *app_id, *app_name;
	int64_t release;    /* the newest, 0: none yet */
	const char *commit; /* of that release, or NULL */
	const char *drains; /* a JSON array: the whole set */
};
void logs_drains(struct logs_client *c, const struct logs_drains *what);
/* Sends one marked line to a drain. The result is in the drain's status file. */
void logs_drain_test(struct logs_client *c, const char *app_id, const char *drain_id,
		     const char *test_id);

struct logs_read {
	const char *app_id;
	int64_t lines; /* 100 when 0 */
	bool tail;
	const char *dyno;   /* NULL: all; "web" means every web.N */
	const char *source; /* NULL: all */
	int64_t release;    /* only lines of this release; 0: all */
	int64_t since_ms;   /* only lines of this time (wall clock) and later; 0: all */
	bool ended;	    /* with dyno, which has ended: waits for all that it wrote, then ends */
	int64_t after;	    /* lines after this sequence number; 0: none */
};
/* The read end of a pipe (non-blocking) with lines in the format of logs-proto.h; the caller closes
 * it. */
int logs_read(struct logs_client *c, const struct logs_read *o, int *ret_fd, struct error *err);

/* How fast an app was (logs-proto.h, LOGS_LOAD). */
struct logs_load {
	const char *app_id;
	int64_t requests, failed, p95_ms;
	int64_t for_ms; /* measured so long */
};
typedef void (*logs_load_fn)(const struct logs_load *load, void *userdata);
/* Gets the answers to logs_ask_load(); NULL: nobody does. */
void logs_on_load(struct logs_client *c, logs_load_fn fn, void *userdata);
/* Asks twelve-logs if it runs. The answer never comes if it is killed. */
void logs_ask_load(struct logs_client *c, const char *app_id);
