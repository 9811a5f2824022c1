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
#include "logsd/logsd.h"

struct drain;

/* How a kind of drain moves its lines. */
struct drain_mover {
	void (*start)(struct drain *d);
	/* Ends what is under way without a word; frees d->link. */
	void (*stop)(struct drain *d);
	/* There may be something to do: lines, a time that has come, a test. */
	void (*pump)(struct drain *d);
	/* It has been idle for a while: gives memory back. NULL: there is none to give. */
	void (*rest)(struct drain *d);
	/* Small amounts gather for so long, or until there are so many bytes. */
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
	uint64_t at, at_seq; /* the next line to take: its place in the ring, its number */
	uint64_t taken_seq; /* behind the last line that was taken: up to at_seq, lines were lost */
	uint64_t lost_seq;  /* the first one of those that now.lost counts */
	int64_t deadline_ms; /* monotonic: when to pump; INT64_MAX: not by itself */
	int64_t also_ms;     /* another such time */
	int64_t rest_ms;     /* when it will have been idle for a while */
	bool again;	     /* it has had its share of this round, and there is more */
	int64_t report_ms;   /* when it is told that it fails for long; monotonic, INT64_MAX: not */
	int64_t complained_ms; /* clock_now_ms() of what was told of refused lines; 0: nothing yet
				*/
	bool told_long;
};

/* ---- drains.c: the set, and turns ---- */

/* Lines that came: pumps now or soon. */
void drains_show(struct app *a);
/* Replaces the app's set; json is logs-proto.h's. */
void drains_set(struct app *a, const char *json);
/* One marked line for one drain. */
void drains_test(struct app *a, const char *drain_id, const char *test_id);
/* Before the app is freed; `forget` removes the status files too. */
void drains_free(struct app *a, bool forget);
/* The time of the next deadline. */
int64_t drains_next_ms(const struct logsd *l);
/* Pumps those whose time has come; writes what has changed. */
void drains_tick(struct logsd *l, int64_t now_ms);

/* ---- drain-cursor.c: the place in the ring, and what is lost ---- */

/* Counts what is lost below the offset, which is about to be evicted. */
void drains_evict(struct app *a, uint64_t head);
/* True when room for a batch would cost a drain that blocks a line. */
bool drains_block(const struct app *a, uint64_t head);
/* A new drain begins at the first line of this time; one that was there before, where it was. */
void drain_start_at(struct drain *d, int64_t created_ns);
void drain_go_on(struct drain *d);

bool drain_has_lines(const struct drain *d);
/* True when there are lines and it is time to take them; sets the deadline when it is not yet. */
bool drain_is_due(struct drain *d);
/* Takes the next line. False at the end. */
bool drain_take(struct drain *d, struct log_record *ret, const char **ret_commit);
/*
 * The cursor back to a line that was taken, behind which nothing is under way any more. What the
 * ring has lost from there on is counted: counts of the same lines (drain_uncount()) are the
 * caller's to take away before.
 */
void drain_rewind(struct drain *d, uint64_t seq);
/* Looks at a line again, without a word about what is lost; drain_rewind() comes after. */
void drain_seek(struct drain *d, uint64_t seq);
/* n lines are lost, the first of which was of this time; counted, and to be told. */
void drain_lose(struct drain *d, uint64_t n, int64_t since_ns);
/* n of the lines that were counted as lost are about to be counted again. */
void drain_uncount(struct drain *d, uint64_t n);
/* The batch under way is given up: its notice is to be told again. Its lines are the caller's. */
void drain_void_batch(struct drain *d);
/* n lines, in so many bytes, have gone. */
void drain_sent(struct drain *d, uint64_t n, uint64_t bytes);
void drain_phase(struct drain *d, enum drain_phase phase);
/* Nothing is left to carry. */
void drain_idle(struct drain *d);
/* Writes the status down: what a kill leaves. */
void drain_save(struct drain *d);

/* ---- drain-report.c: how it fares ---- */

/* It works: what was told of failures is over. */
void drain_ok(struct drain *d);
/* A try failed: the next one comes after a pause, or after retry_after_ms when that is not 0. */
void drain_fail(struct drain *d, int64_t retry_after_ms, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* A certificate was refused: L14, told at once. */
void drain_fail_certificate(struct drain *d, const char *why);
/* Told with the status and in the app's stream, but no reason to pause. */
void drain_complain(struct drain *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* L13: it has failed for long. */
void drain_report_long(struct drain *d, int64_t now_ms);
/* What is to be told goes into the app's stream, which calls its drains: not from within one. */
void drain_flush_tells(struct drain *d);
/* The line of a test that waits to be sent: true, and then it runs. */
bool drain_take_test(struct drain *d, struct log_record *ret, char text[static DRAIN_TEXT_MAX]);
bool drain_test_runs(const struct drain *d);
void drain_test_result(struct drain *d, bool passed, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* ---- what libcurl does: curl-load.c, and curl.h for what is behind it ---- */

/* The mover of HTTP drains, which comes with libcurl. NULL: it could not be loaded, as err says. */
const struct drain_mover *drains_http_mover(struct logsd *l, struct error *err);
/* The time of curl's next deadline, monotonic; INT64_MAX: none. */
int64_t drains_curl_next_ms(const struct logsd *l);
void drains_curl_tick(struct logsd *l, int64_t now_ms);
void drains_curl_done(struct logsd *l);
