/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a dyno's supervisor (twelve-dyno) is started and spoken to.
 *
 * Started as
 *
 *     twelve-dyno --dir RUN/dynos/ID
 *
 * with descriptor 3 a sealed memory file: the environment of the app's process,
 * NAME=VALUE NUL ..., so that config vars are never on a disk nor in an
 * argument list. The directory holds, written by twelved before the start:
 *
 *     spec        one ipc message body (KEY NUL VALUE NUL ...), fields below
 *     bundle/     the OCI bundle, made by the sandbox module; for a process
 *                 that joins another dyno's container, its description
 *
 * and, made by the supervisor:
 *
 *     sock        SOCK_SEQPACKET, listening: this protocol
 *
 * Each connection gets a DYNO_STATUS at once and then one per change. When the
 * connection ends (EOF), the supervisor is dead, and so is its dyno.
 *
 * Fields of spec, which come back unchanged in each DYNO_STATUS:
 *
 *     id            UUID: of this dyno, the directory's name, the container's id
 *     app           UUID of the app
 *     app_name      when it was started
 *     name          web.1, run.7, release.3
 *     type          web, worker, run, release
 *     inside        id of another dyno whose container the process joins; "" or absent: its own
 *     release       version number
 *     release_id    UUID
 *     size          basic, standard-2x, ...
 *     command       what runs, for people
 *     port          the $PORT given, or 0
 *     created_ms    wall clock
 *     restart       1: restart with back-off when it exits; 0: one-off
 *     stop_ms       window between SIGTERM and SIGKILL
 *     time_limit_ms SIGTERM after this long, 0: none
 *     log_source    "app", or "addon"
 *     addon         1: the server of an add-on, whose id is in app
 *     memory_bytes  the limit, for messages
 *     terminal      1: the process gets a terminal
 *     columns, rows initial size of the terminal
 *     attach        1: wait for DYNO_ATTACH (60 s) before the process starts; its
 *                   stdio then goes to the session and not to the logs
 *     detach_ms     how long a session whose client is gone waits for another
 *     rendezvous    SHA-256, in hexadecimal, of the secret that lets Heroku's client
 *                   attach once, first; "" for none. Only twelved looks at it
 *     runtime       path of the OCI runtime
 *     runtime_root  its --root
 *     logs_sock     path of twelve-logs's socket (logs-proto.h)
 *     scratch_bytes cap of the throw-away file systems
 *
 * Fields that DYNO_STATUS adds:
 *
 *     state         one of dyno_state_names below
 *     since_ms      wall clock of the last change of state
 *     pid           of the container's init in the host's PID namespace, or 0
 *     supervisor    pid of the supervisor
 *     restarts      how often the process was started again
 *     exit          exit code of the last run as a shell tells it, or -1 when none has ended
 *     reason        a sentence for people: why it crashed or stopped ("" when up)
 *     oom           1: the last end was by the memory limit
 */
#pragma once

enum dyno_msg {
	DYNO_STATUS = 1, /* supervisor to twelved */
	DYNO_STOP,   /* SIGTERM now, SIGKILL after stop_ms (field, optional); then the supervisor
			exits */
	DYNO_ATTACH, /* descriptor 0: a client's stream socket; the fields are below */
	DYNO_KILL,   /* SIGKILL now; then the supervisor exits */
};

enum dyno_state {
	DYNO_STARTING, /* the sandbox is being made */
	DYNO_UP,       /* the process runs */
	DYNO_CRASHED,  /* it ended, and is restarted after a pause */
	DYNO_STOPPING, /* SIGTERM was sent */
	DYNO_EXITED,   /* it ended for good; the supervisor sends this and exits */
	_DYNO_STATE_MAX,
};

static const char *const dyno_state_names[_DYNO_STATE_MAX] = {
	[DYNO_STARTING] = "starting", [DYNO_UP] = "up",		[DYNO_CRASHED] = "crashed",
	[DYNO_STOPPING] = "stopping", [DYNO_EXITED] = "exited",
};

/*
 * Fields of DYNO_ATTACH:
 *
 *     mode          "raw": the client speaks no frames (dyno/session-raw.c). Only for the first one
 *     session       a client that comes back: which session it had, of ATTACH_HELLO; else absent
 *     position      and how much output it has: bytes of whole frames 'o', 'e', headers included
 *
 * A client that comes anew takes the session over from one that is attached, which gets
 * ATTACH_TAKEN. A client that comes back after another one came gets ATTACH_TAKEN itself.
 *
 * Attach frames, both ways over a stream socket: type (1 byte), length (4 bytes,
 * big endian, at most ATTACH_MAX_PAYLOAD), payload. Numbers are decimal.
 *
 * No byte is lost nor doubled when a connection breaks: the supervisor keeps what the client
 * has not acknowledged, at most ATTACH_KEPT_BYTES (then the process waits, as with a full
 * pipe), and sends it again to the next. The client keeps what the process has not
 * taken, at most ATTACH_WINDOW_BYTES; so the supervisor, which has room for more than that,
 * always reads, and neither waits for the other.
 */
#define ATTACH_HEADER_BYTES 5
#define ATTACH_MAX_PAYLOAD 65536
#define ATTACH_KEPT_BYTES (256 << 10)
#define ATTACH_WINDOW_BYTES (128 << 10)
/* How often the two are told, in bytes. */
#define ATTACH_ACK_BYTES (32 << 10)

enum attach_frame {
	ATTACH_STDIN = 'i',   /* to the dyno: bytes; an empty one is the end of input */
	ATTACH_WINSIZE = 'w', /* to the dyno: "COLUMNS ROWS" */
	ATTACH_SIGNAL = 's',  /* to the dyno: a signal's number */
	ATTACH_GOODBYE = 'h', /* to the dyno: the client goes on purpose. The process gets SIGHUP,
				 as from a terminal that is closed */
	ATTACH_STDOUT = 'o',  /* from the dyno */
	ATTACH_STDERR = 'e',  /* from the dyno; not with a terminal */
	ATTACH_EXIT = 'x',  /* from the dyno, the last frame: "CODE" or "CODE a sentence". Answered
			       with ATTACH_GOODBYE */
	ATTACH_HELLO = 'r', /* from the dyno, the first frame: "SESSION INPUT POSITION": bytes of
			       input that it has, and where its output goes on */
	ATTACH_TAKEN = 't', /* from the dyno, the last frame: another client has attached */
	ATTACH_ACK = 'a', /* to the dyno: the position that the client has; from it: how many bytes
			     of input the process has */
};
