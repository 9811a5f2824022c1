/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drains inside twelve-logs: each is a cursor on its app's ring and a mover that carries
 * what lies behind the cursor to a receiver.
 *
 *     IDLE ──lines──▶ CONNECTING ──▶ SENDING ──all is sent──▶ IDLE
 *                        │              │
 *                        └── failed ────┴──▶ WAITING ──the time has come──▶ CONNECTING
 *
 * The ring is the only buffer. What a mover has taken and not yet got a yes for is kept
 * by it (a batch) or found again in the ring (syslog). When the ring's head overtakes a
 * cursor, the lines in between are counted, and the count is told to the receiver as an L10
 * notice before the next line; it is forgotten only when that notice has arrived.
 *
 * Nothing here waits: a drain costs an app nothing, however slow its receiver is, unless
 * it was added with on_full "block".
 */
#pragma once

#include "logs/drain-status.h"
#include "logs/drain.h"
#include "logsd/app.h"
#include "logsd/logsd.h"

struct drain;

/* How a kind of drain moves its lines. */
struct drain_mover {
	void (*start)(struct drain *d);
	/* Ends what is under way without a word; frees d->link. */
	void (*stop)(struct drain *d);
	/* There may be work: lines, an expired deadline, a test. */
	void (*pump)(struct drain *d);
	/* It was idle for a while: frees memory. NULL: nothing to free. */
	void (*rest)(struct drain *d);
	/* How long to collect lines before sending, unless there are this many bytes. */
	int64_t gather_ms;
	size_t gather_bytes;
};

extern const struct drain_mover mover_syslog, mover_forward;

struct drain {
	struct drain *next; /* of its app */
	struct app *app;
	char id[UUID_SIZE], token[UUID_SIZE + 8];
	char *url, *ca;
	char *name; /* of the target, for messages */
	char *app_name;
	struct buf tells; /* lines for the app's stream */
	struct drain_target target;
	struct batch_app names;
	bool records, block;
	bool wanted; /* while the set is being replaced */
	const struct drain_mover *mover;
	void *link; /* the mover's own */
	struct drain_status_map *map;
	struct drain_status now;
	bool dirty;
	uint64_t at, at_seq;   /* the next line to take: its offset in the ring, its number */
	uint64_t taken_seq;    /* after the last line that was taken; lines from here to at_seq were
			       lost */
	uint64_t lost_seq;     /* the first one of those that now.lost counts */
	int64_t deadline_ms;   /* monotonic: when to pump; INT64_MAX: not by itself */
	int64_t also_ms;       /* another such time */
	int64_t rest_ms;       /* when it will have been idle for a while */
	bool again;	       /* it has had its share of this round, and there is more */
	int64_t report_ms;     /* when a long failure is reported; monotonic, INT64_MAX: never */
	int64_t complained_ms; /* clock_now_ms() of the last report of refused lines; 0: none */
	bool told_long;
};

/* Replaces the app's set; json is logs-proto.h's. */
void drains_set(struct app *a, const char *json);
/* One marked line for one drain. */
void drains_test(struct app *a, const char *drain_id, const char *test_id);
/* Before the app is freed; `forget` removes the status files too. */
void drains_free(struct app *a, bool forget);
/* The time of the next deadline. */
int64_t drains_next_ms(const struct logsd *l);
/* Pumps drains whose deadline has passed; writes changed states. */
void drains_tick(struct logsd *l, int64_t now_ms);
extern const struct follower drains_follow;
