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

#include "base/buf.h"
#include "logs/record.h"
#include "logsd/handler.h"

/* The most that is taken from a pipe at once. */
#define CHUNK_BYTES 65536
/* An incomplete line is shown after this long without another byte. */
#define UNENDED_MS 1000
/* With little output and no reader, pipes and the router's socket are polled at this interval: a
 * wake-up costs more than a line, for HAProxy, too. */
#define GATHER_MS 5
#define GATHER_BYTES 16384
/* From this many lines of the router at once on it is polled without a pause: HAProxy's socket has
 * room for some 200. */
#define GATHER_LINES 64

struct app;
struct drain_curl;
struct follower;
struct journal;
struct late_read;
struct peer;
struct question;
struct source;

struct logsd {
	char *dir; /* RUN/logs */
	size_t ring_bytes;
	int epoll_fd, sources_epoll_fd;
	struct handler listener, router, signals, pipes;
	struct journal *journal;
	struct app *apps;
	const struct follower *const *followers; /* of each app, NULL at the end; apps.c */
	struct peer *peers;
	struct late_read *late; /* answered behind what others have sent */
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
	size_t round_lines;			/* of the router, in this round */
	bool router_waits;			/* lines can wait in its socket */
	int64_t gather_until_ms;		/* 0: pipes and the router are watched */
	bool stopping;
	const struct drain_curl *curl; /* once a drain needs it */
	void *multi;		       /* libcurl's CURLM */
	int64_t curl_deadline_ms;
	size_t n_drains;
	char host[HOST_NAME_MAX + 1];
};
