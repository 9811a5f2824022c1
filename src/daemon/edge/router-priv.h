/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the router's files: router.c, router-adopt.c, router-load.c, router-look.c,
 * router-stat.c, router-tally.c. */
#pragma once

#include "daemon/edge/question.h"
#include "daemon/edge/haproxy.h"
#include "daemon/edge/router.h"

enum router_phase {
	ROUTER_IDLE,
	ROUTER_TELLING,	  /* sends the runtime commands for `next` */
	ROUTER_CHECKING,  /* haproxy -c checks `next` */
	ROUTER_LOOKING,	  /* reads the counters of the worker that a reload will replace */
	ROUTER_RELOADING, /* the master reloads; "show proc" will tell when it is done */
	ROUTER_STARTING,  /* haproxy ended and is started again */
};

/* The last known counters of an app in one worker; pid 0: the sum of all that have ended. */
struct router_tally {
	int64_t pid;
	char app_id[UUID_SIZE];
	struct router_counts counts;
};

/* Requests in progress at a port of an app, in all workers. */
struct router_load {
	char app_id[UUID_SIZE];
	struct route_place place;
	int64_t sessions;
};

/* Reads the counters and sessions of all workers, one after another. */
struct router_look {
	struct question *question; /* NULL: none is under way */
	int64_t began_ms;
	struct route_procs procs;
	size_t worker;		   /* 0: the current one, i: procs.old[i - 1] */
	struct router_load *loads; /* so far */
	size_t n_loads;
	/* Called at the end of this look, or NULL. procs is NULL if the look failed. */
	void (*then)(struct router *r, const struct route_procs *procs);
};

#define ROUTER_FILE_MAX_BYTES (64 << 20)

struct router {
	const struct platform *platform;
	struct haproxy h;
	struct route_config desired;
	struct route_config running; /* what haproxy runs, as its files say */
	struct route_config next;    /* being loaded */
	enum router_phase phase;
	bool stale; /* `running` may be wrong: load again */

	struct question *question; /* the runtime commands of ROUTER_TELLING, or "reload" */

	struct watch *process; /* the master */
	pid_t master;
	struct child *check;  /* haproxy -c for `next` */
	struct watch *answer; /* the master's response to "show proc" */
	int answer_fd;
	struct buf answer_text;
	int64_t worker_before;
	struct watch *timer; /* deadline of a reload; pause before a retry */
	int64_t deadline_ms;
	int64_t pause_ms;

	struct router_tally *tallies;
	size_t n_tallies;
	struct router_look look;
	int64_t looked_ms,
		failed_ms; /* when the last look that succeeded, and that failed, began */
	bool awaited;	   /* a caller waits for the result of a look */
	struct router_load *loads;
	size_t n_loads;
	struct watch *stat_timer;
	int64_t stat_pause_ms;
	/* An idle connection to the worker that a reload replaces. It keeps the worker alive until
	 * its last counters have been read. */
	int hold_fd;
	bool let_go; /* close hold_fd after the current look */

	void (*settled)(void *userdata);
	void *userdata;
};

/* edge/router-load.c */
/* Brings haproxy from `running` to `desired`, either at once or by starting a load. */
int router_apply(struct router *r, struct error *err);
/* Starts haproxy with `running` and waits until it responds. */
int router_boot(struct router *r, struct error *err);
void router_watch(struct router *r, pid_t master);
void router_load_init(struct router *r);
void router_load_done(struct router *r);

/* edge/router-adopt.c */
/* Whether a haproxy of an earlier twelved responds. Fills `running` then, and sets `stale` if that
 * may be wrong. */
bool router_adopt(struct router *r);
/* Reads the apps from the configuration file, if there is one, into `running`. */
void router_read_file(struct router *r);

/* edge/router-look.c */
/* Starts a look, unless one is in progress or haproxy is loading. */
void router_look(struct router *r);
void router_look_done(struct router *r);

/* edge/router-tally.c */
/* Parses the "show stat" response of a worker: counters go to the tallies, requests in progress to
 * look.loads. */
int router_take_stat(struct router *r, int64_t pid, const char *csv, struct error *err);
/* Moves the tallies of workers that have ended to pid 0. */
void router_fold(struct router *r, const struct route_procs *procs);
void router_fold_all(struct router *r);
void router_forget_tallies(struct router *r, const char *app_id);
/* The sum of an app's counters, including workers that have ended. */
struct router_counts router_tallied(const struct router *r, const char *app_id);

/* edge/router-stat.c */
/* Reads the counters periodically while old workers run. */
void router_stat_watch(struct router *r);
void router_stat_init(struct router *r);
void router_stat_done(struct router *r);
