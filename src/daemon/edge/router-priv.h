/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the router share: edge/router.c, edge/router-load.c, router-look.c,
 * edge/router-stat.c, edge/router-tally.c. */
#pragma once

#include "daemon/edge/question.h"
#include "daemon/edge/haproxy.h"
#include "daemon/edge/router.h"

enum router_phase {
	ROUTER_IDLE,
	ROUTER_TELLING,	  /* runtime commands that lead to `next` are under way */
	ROUTER_CHECKING,  /* haproxy -c reads `next` */
	ROUTER_LOOKING,	  /* the counters of the worker that a reload will replace are read */
	ROUTER_RELOADING, /* the master was told; its answer to "show proc" will tell */
	ROUTER_STARTING,  /* haproxy died; another comes up */
};

/* The last known counters of an app in one worker; pid 0: of all that are gone. */
struct router_tally {
	int64_t pid;
	char app_id[UUID_SIZE];
	struct router_counts counts;
};

/* Requests in flight at a port of an app, in all workers. */
struct router_load {
	char app_id[UUID_SIZE];
	uint16_t port;
	int64_t sessions;
};

/* Reading the counters and sessions of all workers, one after another. */
struct router_look {
	struct question *question; /* NULL: none is under way */
	int64_t began_ms;
	struct route_procs procs;
	size_t worker;		   /* 0: the current one, i: procs.old[i - 1] */
	struct router_load *loads; /* so far */
	size_t n_loads;
	/* Who waits for the end of this one, or NULL; procs is NULL when it has failed. */
	void (*then)(struct router *r, const struct route_procs *procs);
};

#define ROUTER_FILE_MAX_BYTES (64 << 20)

struct router {
	const struct platform *platform;
	struct haproxy h;
	struct route_config desired;
	struct route_config running; /* what haproxy has, and what its files say */
	struct route_config next;    /* what is being loaded */
	enum router_phase phase;
	bool stale; /* what haproxy has is not quite known: load anew */

	struct question *question; /* of TELLING, and "reload" */

	struct watch *process; /* the master */
	pid_t master;
	struct child *check;  /* of `next`, by haproxy -c */
	struct watch *answer; /* of the master, to "show proc" */
	int answer_fd;
	struct buf answer_text;
	int64_t worker_before;
	struct watch *timer; /* deadline of a reload; pause before another try */
	int64_t deadline_ms;
	int64_t pause_ms;

	struct router_tally *tallies;
	size_t n_tallies;
	struct router_look look;
	int64_t looked_ms,
		failed_ms; /* when the newest look began that was answered, that was not */
	bool awaited;	   /* somebody waits for what it tells */
	struct router_load *loads;
	size_t n_loads;
	struct watch *stat_timer;
	int64_t stat_pause_ms;
	/*
	 * An idle connection to the worker that a reload replaces: it does not end
	 * while this is open, so its last counters can be read at leisure.
	 */
	int hold_fd;
	bool let_go; /* of it, after the look that is under way */

	void (*settled)(void *userdata);
	void *userdata;
};

/* edge/router-load.c */
/* Brings haproxy from `running` to `desired`, now or by a load that begins here. */
int router_apply(struct router *r, struct error *err);
/* Starts haproxy with `running` and waits until it answers. */
int router_boot(struct router *r, struct error *err);
void router_watch(struct router *r, pid_t master);
void router_load_init(struct router *r);
void router_load_done(struct router *r);

/* edge/router-adopt.c */
/* True when a haproxy of ours answers; `running` is then what it has, and `stale` says whether to
 * trust it. */
bool router_adopt(struct router *r);
/* The apps of the configuration file that is there, if one is. */
void router_read_file(struct router *r);

/* edge/router-look.c */
/* Begins a look, unless one is under way or haproxy has no time for it. */
void router_look(struct router *r);
void router_look_done(struct router *r);

/* edge/router-tally.c */
/* What one worker's "show stat" says: its counters into the tallies, what is in flight there into
 * look.loads. */
int router_take_stat(struct router *r, int64_t pid, const char *csv, struct error *err);
/* Moves the tallies of workers that are gone to pid 0. */
void router_fold(struct router *r, const struct route_procs *procs);
void router_fold_all(struct router *r);
void router_forget_tallies(struct router *r, const char *app_id);
/* The sum of an app's counters, of workers that are gone too. */
struct router_counts router_tallied(const struct router *r, const char *app_id);

/* edge/router-stat.c */
/* Looks at the counters now and then while old workers live. */
void router_stat_watch(struct router *r);
void router_stat_init(struct router *r);
void router_stat_done(struct router *r);
