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
 *     bundle/     the OCI bundle, made by the sandbox module
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
	DYNO_STOP,       /* SIGTERM now, SIGKILL after stop_ms (field, optional); then the supervisor exits */
	DYNO_ATTACH,     /* descriptor 0: a stream socket that speaks attach frames (below) */
	DYNO_KILL,       /* SIGKILL now; then the supervisor exits */
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
	[DYNO_STARTING] = "starting", [DYNO_UP] = "up",         [DYNO_CRASHED] = "crashed",
	[DYNO_STOPPING] = "stopping", [DYNO_EXITED] = "exited",
};

/*
 * Attach frames, both ways over a stream socket: type (1 byte), length (4 bytes,
 * big endian, at most ATTACH_MAX_PAYLOAD), payload.
 */
#define ATTACH_HEADER_BYTES 5
#define ATTACH_MAX_PAYLOAD 65536

enum attach_frame {
	ATTACH_STDIN = 'i',  /* to the dyno: bytes; an empty one is the end of input */
	ATTACH_WINSIZE = 'w', /* to the dyno: "COLUMNS ROWS" in decimal */
	ATTACH_SIGNAL = 's',  /* to the dyno: a signal's number in decimal */
	ATTACH_STDOUT = 'o',  /* from the dyno */
	ATTACH_STDERR = 'e',  /* from the dyno; not with a terminal */
	ATTACH_EXIT = 'x',    /* from the dyno, the last frame: "CODE" or "CODE a sentence" */
};
