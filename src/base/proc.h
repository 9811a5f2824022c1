/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Child processes. A child starts with default signal dispositions, an empty
 * signal mask and only the descriptors that it was given; an exec that fails
 * is an error of proc_spawn, not an exit code of the child.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"

/* Of one process. 0: as we are. */
struct proc_limits {
	uint64_t data_bytes; /* private memory (RLIMIT_DATA); files that are mapped read-only
				don't count */
	uint64_t cpu_seconds;
};

struct proc_options {
	const char *const *argv; /* argv[0] is looked up in $PATH and the sbin directories */
	const char *const *env;	 /* NULL: ours */
	const char *dir;	 /* NULL: ours */
	/* Descriptors that become 0, 1 and 2. 0 stands for "not given": stdin is then /dev/null,
	 * stdout and stderr ours. */
	int stdin_fd, stdout_fd, stderr_fd;
	int fd3; /* becomes descriptor 3; 0: not given */
	/* Further descriptors to keep, at the same numbers; n_keep of them. */
	const int *keep_fds;
	size_t n_keep;
	bool new_session; /* setsid: it outlives our terminal, and is the leader of a group of its
			     own */
	bool die_with_us; /* SIGKILL when the calling thread ends */
	struct proc_limits limits; /* of it, and of each that it starts */
	int64_t timeout_ms;	   /* proc_run: SIGKILL to the child's group after this; 0: none */
	size_t max_output;	   /* proc_run: bytes of output kept (the last ones); 0: 64 KiB */
};

/* Of this process, for good. A negative errno. */
int proc_limit(const struct proc_limits *l);

/*
 * No core of this process, whose memory is secret: neither as a file nor to the program that
 * core_pattern names. What it starts gets no core file, and where our limit may be 1 byte (which the
 * kernel takes for "not at all"), no program gets its core; such a limit can be handed on to sandboxes.
 * 0 or a negative errno.
 */
int proc_no_cores(void);

/* The directory of the program that runs, a heap string; NULL when it can't be told. */
char *proc_exe_dir(void);

/* Returns 0 with the child's pid, which the caller reaps. */
int proc_spawn(const struct proc_options *o, pid_t *ret_pid, struct error *err);

/*
 * Runs to the end. Its stdout and stderr, unless given, go to *out (if not
 * NULL). *ret_status is as of waitpid(2).
 */
int proc_run(const struct proc_options *o, struct buf *out, int *ret_status, struct error *err);

/* As proc_run for a plain argv; a status other than 0 is an error that carries the last line of the
 * output. */
int proc_run_simple(const char *const *argv, struct error *err);

/* "exited with status 1" or "was killed by signal 9 (Killed)", in a buffer of the caller's. */
char *proc_describe_status(int status, char *buf, size_t size);
/* The exit code as a shell reports it: its own, or 128 + the signal. */
int proc_exit_code(int status);
int proc_pidfd_open(pid_t pid);
