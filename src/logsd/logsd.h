/* SPDX-License-Identifier: Apache-2.0 */
/*
 * twelve-logs inside. One thread around epoll:
 *
 *     pipes of dynos ─▶ source ─┐
 *     logs.sock ─▶ peer ────────┼─▶ app: ring ─▶ reader ─▶ pipe of who asked
 *     router.sock ─▶ router ────┘
 *
 * What a kill -9 of twelve-logs can lose, and what not:
 *
 * - Bytes of a dyno: none, and none twice, while the run directory lives. Bytes leave
 *   a pipe only after they lie in the ring, see journal.h. A line that has not ended
 *   yet stays in the pipe.
 * - A line of the platform (LOGS_APPEND) or of HAProxy that was sent and had not
 *   been taken from the socket: the kernel drops it with the socket.
 * - HAProxy's lines while nobody listens: HAProxy counts those itself (dropped logs).
 *
 * When memory for a ring is refused (the run directory is full), lines are taken from the
 * pipes all the same, so that no app stops, and are counted; the count is a line in the
 * stream as soon as there is room.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "base/digest.h"
#include "base/error.h"
#include "logs/record.h"
#include "logs/ring.h"

/* The most that is taken from a pipe at once. */
#define CHUNK_BYTES 65536
/* A line without its end is shown after so long without a further byte. */
#define UNENDED_MS 1000
/* When little comes and nobody watches, pipes are looked at every so often only: a wake costs more
 * than a line. */
#define GATHER_MS 5
#define GATHER_BYTES 16384

/* An app may have very many pipes. */
#define SOURCE_BUCKETS 64

struct logsd;

/* First in everything that epoll calls. One that is let go during a round is freed after it. */
struct handler {
	void (*fn)(struct handler *h, uint32_t events);
	int fd;
	bool dead;
	struct handler *next_dead;
};

struct reader {
	struct handler handler;
	struct reader *next;
	struct app *app;
	struct log_filter filter;
	uint64_t at;	/* the cursor: the next record to show */
	uint64_t until; /* a reader that does not follow ends here; UINT64_MAX: it follows */
	uint64_t lost;	/* lines that were evicted before they were shown and not told yet, and */
	uint64_t lost_seq; /* the last one's number */
	struct buf rest;   /* what the pipe did not take: the end of one line */
	bool waiting;	   /* until it can be written to */
};

struct source {
	struct handler handler;
	struct source *next, *prev;
	struct source *next_bucket;		    /* of those with the same hash of `inode` */
	struct source *next_unended, *prev_unended; /* in the order of `deadline_ms` */
	struct source *next_again;
	struct app *app;
	uint64_t device, inode; /* of the pipe: who it is */
	char name[LOG_NAME_MAX + 1], dyno[LOG_NAME_MAX + 1];
	uint32_t release;
	size_t unended;	     /* bytes in the pipe that are no line yet */
	int64_t deadline_ms; /* when they are shown all the same */
	bool is_unended, is_again, is_wide;
	bool cut;   /* the last line was shown without its end */
	bool ended; /* all writers are gone */
};

struct app {
	struct app *next;
	struct logsd *logsd;
	char id[UUID_SIZE];
	struct ring *ring;
	struct reader *readers;
	struct source *sources, *buckets[SOURCE_BUCKETS];
	struct link *links; /* apps whose streams get these lines too */
	struct load *load;  /* how fast it is; NULL before its first request */
	char *name;	    /* as twelved told it with the drains */
	struct drain *drains;
	struct commit *commits; /* of its releases, the newest first */
	bool blocked;		/* sources wait for a drain that blocks */
	uint64_t boot_tail;	/* where the ring ended when it was opened */
	bool linked;		/* links have been set once */
	uint64_t dropped;	/* lines that found no room, not told yet */
};

struct question;

struct logsd {
	char *dir; /* RUN/logs */
	size_t ring_bytes;
	int epoll_fd, sources_epoll_fd;
	struct handler listener, router, signals, pipes;
	struct journal *journal;
	struct app *apps;
	struct peer *peers;
	size_t n_readers, n_sources;
	struct source *unended_first, *unended_last;
	struct source *again;
	struct handler *dead;
	int peek_fds[2]; /* a pipe of ours into which pipes are looked */
	char *peek;	 /* CHUNK_BYTES */
	struct buf text; /* for readers */
	struct log_formatter formatter;
	uint64_t dropped;   /* lines that a slow reader missed or nobody could keep */
	uint64_t n_refused; /* by haproxy, since it was last said */
	int64_t refused_again_ms, ask_again_ms; /* when to say it, and to ask for it, again */
	struct question *question;		/* to haproxy, what the last one was */
	char *last_refused;			/* its event */
	size_t round_bytes;			/* taken from pipes in this round */
	int64_t gather_until_ms;		/* 0: pipes are watched */
	bool stopping;
	const struct drain_curl *curl; /* once a drain needs it */
	void *multi;		       /* libcurl's CURLM */
	int64_t curl_deadline_ms;
	size_t n_drains;
	char host[HOST_NAME_MAX + 1];
};

/* handler.c */
void logsd_watch(struct logsd *l, struct handler *h, uint32_t events);
void logsd_change(struct logsd *l, struct handler *h, uint32_t events);
/* Closes its descriptor now, frees it after the round. */
void logsd_let_go(struct logsd *l, struct handler *h);
/* The same for a descriptor that is another's to close, and may be gone already. */
void logsd_let_go_unowned(struct logsd *l, struct handler *h);
/* Frees those, after a round. */
void logsd_bury(struct logsd *l);

/* refused.c: `text` is a line of the router's log without an app. */
void refused_note(struct logsd *l, const char *text, size_t n);
void refused_done(struct logsd *l);

/* app.c */
/* Opens the rings that an earlier twelve-logs left. */
void apps_load(struct logsd *l);
struct app *app_find(struct logsd *l, const char *id);
/* The app with its ring, made when it is new; NULL when that fails, which has been told then. */
struct app *app_get(struct logsd *l, const char *id);
/* `forget`: its files go, too. */
void app_free(struct app *a, bool forget);
/* Room for a batch, once readers have counted what they lose by it. -EAGAIN: a drain that blocks
 * needs the room. */
int app_begin(struct app *a);
/* Shows the readers what was committed. */
void app_show(struct app *a);
/* Lines of the platform; text may hold several. */
void app_append(struct app *a, const char *source, const char *dyno, const char *text, size_t n);
/* n lines found no room. */
void app_drop(struct app *a, uint64_t n);

/* link.c */
/* The set of apps, by ids with blanks between, that get this one's lines too. */
void links_set(struct app *from, const char *ids);
/* Copies what was committed. */
void links_pump(struct app *from);
/* Before an app is freed. */
void links_forget(struct app *a);

/* load.c */
/* A line of the router that goes into the app's stream: the request is counted when it is a measure
 * of the app. */
void app_measure(struct app *a, const char *line, size_t n);
/* The answer to LOGS_LOAD, after which counting begins anew; a NULL app is one that had no
 * requests. 0 or a negative errno. */
int app_answer_load(struct app *a, const char *id, int peer_fd);

/* commit.c */
/* The commit of a release of the app; "" when it is not known. */
const char *app_commit(const struct app *a, uint32_t release);
void app_set_commit(struct app *a, uint32_t release, const char *commit);
void app_forget_commits(struct app *a);

/* source.c */
/* Reads the app's pipes again, which a drain had made wait. */
void sources_unblock(struct app *a);
/* Takes the pipe's read end; one that is known already is closed. */
void source_add(struct app *a, int take_fd, const char *name, const char *dyno, uint32_t release);
void source_free(struct source *s);
/* Goes on with pipes that had more than a fair share. */
void sources_again(struct logsd *l);
/* Shows unended lines whose time has come. */
void sources_flush(struct logsd *l, int64_t now_ms);
/* Takes what all pipes hold: before the end. */
void sources_drain(struct logsd *l);

/* reader.c */
struct read_options {
	struct log_filter filter;
	uint64_t lines; /* of the newest */
	uint64_t after; /* when not 0: from the line after this one instead */
	bool tail;
};
void reader_add(struct app *a, int take_fd, const struct read_options *o);
void reader_free(struct reader *r);
/* Writes what there is and its descriptor takes. Frees the reader when it has come to its end. */
void reader_pump(struct reader *r);
/* Counts what is lost below the offset, which is about to be evicted. */
void reader_evict(struct reader *r, uint64_t head);

/* peer.c */
int peers_listen(struct logsd *l, const char *run_dir, struct error *err);
/* Takes what has been sent already: before the end. */
void peers_drain(struct logsd *l);
void peers_free(struct logsd *l);
