/* SPDX-License-Identifier: Apache-2.0 */
/*
 * twelve-dyno, the supervisor of one dyno: what its files share.
 *
 * machine.h has its states, and what moves it from one to the next.
 *
 * A client that breaks off changes nothing here: the session waits for the next one.
 * In EXITED the loop goes on only until twelved, the session's client and twelve-logs
 * have what is theirs, for a stated time at most; then the directory is removed and
 * the program ends.
 *
 * One poll loop, one deadline. libc, base and ipc only; there is one of these
 * for each dyno.
 */
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "dyno/machine.h"
#include "ipc/dyno-proto.h"
#include "ipc/ipc.h"

#define DYNO_MAX_CLIENTS 8
#define DYNO_ENV_FD 3
#define DYNO_ATTACH_WAIT_S 60
#define SESSION_CHUNK 16384

struct dyno;

/* What came from the client. */
enum session_taken {
	SESSION_GOES_ON,
	SESSION_GOODBYE, /* it left on purpose; anything after that is ignored */
	SESSION_BROKEN,	 /* not what a client sends */
};

/* What a client speaks: frames, or Heroku's rendezvous. */
struct session_wire {
	void (*begin)(struct dyno *d);
	/* Takes all bytes of from_client that it can. */
	enum session_taken (*take)(struct dyno *d);
	/* Moves output to to_client, which is empty: as much as may be sent now. */
	void (*fill)(struct dyno *d);
	/* The client is gone: puts back what did not reach it. */
	void (*broken)(struct dyno *d);
	void (*on_time)(struct dyno *d);
};
extern const struct session_wire session_frames, session_raw;

struct session_raw {
	bool greeted;		/* the client has the greeting: output may follow */
	int64_t empty_since_ms; /* since when the socket holds nothing that we wrote; 0: it does */
	struct buf held;	/* output that must be sent in one piece, and what follows */
	int64_t hold_until_ms;	/* 0: nothing is held for lack of its end */
	int64_t eot_at_ms;	/* when a trailing 0x04 counts as the end of input; 0: none */
};

struct session {
	/* Callbacks to the process: as dyno_signal() and dyno_stop(). */
	void (*signal)(const struct dyno *d, int sig);
	void (*stop)(struct dyno *d, int64_t window_ms, const char *why);
	const struct session_wire *wire; /* of the present or last client; NULL: there was none */
	int client_fd;			 /* the client's stream socket, or -1 */
	int in_fd;			 /* to the process: pty master or pipe, or -1 */
	int out_fd;	  /* from the process: pty master (the same number) or pipe, or -1 */
	int err_fd;	  /* pipe, or -1 */
	bool input_ended; /* close the process's input when to_process is empty */
	bool ended;	  /* the exit frame is in kept, or was */
	bool left;	  /* the client said goodbye: it won't come back, and output is dropped */
	bool redraw;	  /* the client is new to the terminal: programs have to redraw */
	bool closing;	  /* all is sent, and the client's end is awaited */
	int64_t serial;	  /* counts the clients that came anew */
	struct buf from_client; /* a frame that is not whole yet */
	struct buf to_process;
	struct buf to_client; /* for the present client */
	struct buf kept;      /* output, in frames: what no client has for sure */
	uint64_t kept_at;     /* the position of its first byte in all output */
	size_t sent;	      /* of kept, moved to to_client */
	uint64_t n_input,
		n_input_acked;	/* bytes that the client gave; that it knows the process to have */
	int64_t alone_until_ms; /* clock_now_ms(): the client is gone, and another one is awaited;
				   0: not so */
	int64_t wake_ms;	/* clock_now_ms() of the wire's next thing to do; 0: none */
	struct session_raw raw;
};

enum session_slot {
	SESSION_CLIENT,
	SESSION_IN,
	SESSION_OUT,
	SESSION_ERR,
	N_SESSION_SLOTS,
};

struct dyno {
	struct ipc_msg spec; /* fields as twelved wrote them */
	const char *dir;
	const char *id, *app, *name, *release, *command, *log_source, *runtime, *runtime_root,
		*logs_path;
	const char
		*inside; /* id of the dyno whose container the process joins; "": it has its own */
	bool restart, terminal, attach;
	int64_t stop_ms, time_limit_ms, detach_ms, scratch_bytes, memory_bytes;

	enum dyno_state state;
	int64_t since_ms;    /* wall clock */
	int64_t deadline_ms; /* clock_now_ms() of the next thing to do by time; 0: none */
	int64_t began_ms;    /* clock_now_ms() when the process started */
	int64_t limit_at_ms; /* clock_now_ms() when time_limit_ms is over; 0: none */
	int64_t ran_ms;	     /* how long the last process ran; 0: it did not start */
	int64_t pause_ms;
	int64_t restarts;
	int exit_code;
	bool oom;
	bool killed;	   /* SIGKILL was sent, or what comes to the same */
	bool end_was_told; /* somebody got the status EXITED */
	bool leftover;	   /* the runtime could not remove everything: the directory stays for
			  twelved to clean up */
	char reason[MACHINE_REASON_MAX];
	const char *stopped; /* why it was stopped, the reason then; NULL: nobody did */
	int64_t window_ms;   /* of the stop that is under way */

	pid_t pid;    /* of the container's init; 0: none */
	int child_fd; /* signalfd of SIGCHLD and SIGTERM */
	int listen_fd;
	int clients[DYNO_MAX_CLIENTS];
	int alive_fd;	    /* a socket whose other end the init polls; it ends when this closes */
	int out[2], err[2]; /* the process's stdout and stderr: both ends are kept */
	int logs_fd;
	int64_t logs_retry_ms;
	struct buf lines;      /* our own, each with its NUL, that wait for twelve-logs */
	unsigned n_lines_lost; /* that found no room there */
	struct session session;
};

/* launch.c: the container. 0, or -1 with d->reason set. */
int dyno_launch(struct dyno *d);
void dyno_signal(const struct dyno *d, int sig);
/* Kills everything in it. True if the init has to do it, and may have to be asked again. */
bool dyno_kill(struct dyno *d);
/* Removes the container's records, after noting whether the memory limit ended it. */
void dyno_delete(struct dyno *d);
void dyno_unmount_scratch(const struct dyno *d);

/* control.c: twelved's connections. */
/* False when nobody waits. */
bool control_accept(struct dyno *d);
/* True with an order of twelved's. */
bool control_read(struct dyno *d, size_t client, struct ipc_msg *ret);
void control_report(struct dyno *d);

/* streams.c: the way to twelve-logs. */
int streams_open(struct dyno *d);
/* Before each run. */
void streams_reset(struct dyno *d);
bool streams_want_retry(const struct dyno *d);
void streams_retry(struct dyno *d);
void streams_lost(struct dyno *d);
void streams_say(struct dyno *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* True when nothing would be lost by our end. */
bool streams_are_settled(const struct dyno *d);

/* session.c: the process's stdio and an attached client. */
int session_prepare(struct dyno *d, int stdio[3]);
void session_take_terminal(struct dyno *d, int console_fd);
/* Takes a client's socket. True if it was attached, false if it was closed. */
bool session_attach(struct dyno *d, const struct ipc_msg *m, int take_fd);
void session_poll(const struct dyno *d, struct pollfd p[static N_SESSION_SLOTS]);
void session_dispatch(struct dyno *d, const struct pollfd p[static N_SESSION_SLOTS]);
/* clock_now_ms() of the next thing to do by time; 0: none. */
int64_t session_next_ms(const struct dyno *d);
void session_on_time(struct dyno *d);
/* The process has ended: sends the rest of its output, and the exit frame. */
void session_end(struct dyno *d);
/* True when nobody would miss anything by our end. */
bool session_is_settled(const struct dyno *d);

/* Fills and sends to_client as far as it goes. */
void session_pump(struct dyno *d);

/* stdio.c: the process's side of a session. */
/* Input, and its end. */
void stdio_take_input(struct dyno *d, const char *data, size_t n);
void stdio_end_input(struct dyno *d);
void stdio_set_size(struct dyno *d, int columns, int rows);
/* Writes what the process can take now. */
void stdio_write(struct dyno *d);
/* A terminal has no end of input: Ctrl-D is a byte that the client sends. */
void stdio_close_input(struct session *s);
/* Reads output into kept. False if there is nothing to read now. */
bool stdio_read(struct dyno *d, int *fd, enum attach_frame frame);
/* Forgets the output before a position. */
void session_acknowledge(struct session *s, uint64_t position);
/* Calls the wire's on_time() at that time, or before. */
void session_wake_at(struct session *s, int64_t at_ms);

/* frame.c: appends one to b. */
void frame_append(struct buf *b, enum attach_frame type, const void *data, size_t n);
/* Header and payload of the frame at `data`; its payload's length is in *ret_n. */
size_t frame_length(const char *data, size_t *ret_n);

/* state.c: what happens to it. */
void dyno_start(struct dyno *d);
void dyno_attached(struct dyno *d, const struct ipc_msg *m, int take_fd);
/* SIGTERM, and SIGKILL after the window (at once for 0). `why` is a constant: the reason that is
 * reported. */
void dyno_stop(struct dyno *d, int64_t window_ms, const char *why);
void dyno_process_ended(struct dyno *d, int status);
void dyno_on_deadline(struct dyno *d);
bool dyno_is_done(const struct dyno *d);
