/* SPDX-License-Identifier: Apache-2.0 */
/*
 * twelve-dyno, the supervisor of one dyno: what its files share.
 *
 *              launch ok              SIGTERM (DYNO_STOP, time limit)
 *  STARTING ──────────────▶ UP ───────────────────────▶ STOPPING ──┐
 *     ▲  │ launch failed     │ process ended                │       │ window over: SIGKILL
 *     │  ▼                   ▼                              ▼       ▼
 *     └ CRASHED ◀────── restart=1 ?  ── no ─────────────▶ EXITED (report, clean up, exit)
 *      pause: 1, 2, 4 ... 60 s; again 1 s after a run of 60 s
 *
 * One poll loop, one deadline. libc, base and ipc only; there is one of these
 * for each dyno.
 */
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "ipc/dyno-proto.h"
#include "ipc/ipc.h"

#define DYNO_MAX_CLIENTS 8
#define DYNO_ENV_FD 3

struct session {
	int client_fd; /* the client's stream socket, or -1 */
	int in_fd;     /* to the process: pty master or pipe, or -1 */
	int out_fd;    /* from the process: pty master (the same number) or pipe, or -1 */
	int err_fd;    /* pipe, or -1 */
	struct buf from_client;
};

struct dyno {
	struct ipc_msg spec; /* fields as twelved wrote them */
	const char *dir;
	const char *id, *name, *runtime, *runtime_root, *logs_path;
	bool restart, terminal, attach;
	int64_t stop_ms, time_limit_ms, scratch_bytes, memory_bytes;

	enum dyno_state state;
	int64_t since_ms;    /* wall clock */
	int64_t deadline_ms; /* clock_now_ms() of the next thing to do by time; 0: none */
	int64_t began_ms;    /* clock_now_ms() when the process started */
	int64_t limit_at_ms; /* clock_now_ms() when time_limit_ms is over; 0: none */
	int64_t pause_ms;
	int64_t restarts;
	int exit_code;
	bool oom, killed;
	char reason[256];

	pid_t pid; /* of the container's init; 0: none */
	int child_fd;  /* signalfd of SIGCHLD and SIGTERM */
	int listen_fd;
	int clients[DYNO_MAX_CLIENTS];
	int alive[2];  /* the init polls the read end; the write end is ours alone */
	int out[2], err[2]; /* the process's stdout and stderr: both ends are kept */
	int logs_fd;
	int64_t logs_retry_ms;
	struct session session;
};

/* launch.c: the container. 0, or -1 with d->reason set. */
int dyno_launch(struct dyno *d);
void dyno_signal(const struct dyno *d, int sig);
/* Removes the container's records; notes whether memory ended it, before they are gone. */
void dyno_delete(struct dyno *d);

/* control.c: twelved's connections. */
void control_accept(struct dyno *d);
void control_read(struct dyno *d, size_t client);
void control_report(struct dyno *d);

/* streams.c: the way to twelve-logs. */
int streams_open(struct dyno *d);
void streams_connect(struct dyno *d);
void streams_lost(struct dyno *d);
void streams_say(struct dyno *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* session.c: an attached client. */
int session_prepare(struct dyno *d, int stdio[3]);
int session_take_terminal(struct dyno *d, int console_fd);
void session_client(struct dyno *d);
void session_output(struct dyno *d, int fd, enum attach_frame frame);
void session_end(struct dyno *d);

/* main.c */
void dyno_set_state(struct dyno *d, enum dyno_state state);
void dyno_stop(struct dyno *d, int64_t window_ms);
void dyno_attached(struct dyno *d, int client_fd);
