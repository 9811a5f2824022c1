/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One container, by the OCI runtime's command line. For twelve-dyno and for
 * builds; needs libc and base only, as there are many supervisors.
 *
 * The caller is a subreaper (prctl(2)), so after container_start() the
 * container's init is its child, and waitpid(2) tells its end. alive_fd is a
 * pipe's read end, or one of a pair of stream sockets: when the other end closes, by
 * a caller that wants it or by its death, the container ends. On a socket the init
 * sends a byte as soon as it takes signals, and then waits for one before it runs
 * the command.
 *
 * container_enter() starts one more process in a container that runs, in its namespaces, cgroup
 * and limits, with an init of its own (twelve-init --guest), for which the same holds. It ends with
 * the container at the latest.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

struct container {
	const char *runtime;	  /* path of the OCI runtime */
	const char *runtime_root; /* its --root */
	const char *id;
	const char *bundle_dir; /* with config.json; for container_enter() with process.json */
	const char *work_dir;	/* for the pid file, the runtime's log, the console socket */
};

struct container_stdio {
	int fds[3]; /* of the process, -1: /dev/null; with a terminal they are the runtime's own */
	int env_fd; /* becomes SANDBOX_ENV_FD; -1: none */
	int alive_fd; /* becomes descriptor 4 */
	/* Not NULL: the process gets a terminal, whose master is put here. */
	int *ret_console_fd;
};

/* Creates and starts it. An error has the runtime's message. On failure nothing is left behind. */
int container_start(const struct container *c, const struct container_stdio *s, pid_t *ret_pid,
		    struct error *err);
/* The same for an additional process in the container with this id. */
int container_enter(const struct container *c, const struct container_stdio *s, pid_t *ret_pid,
		    struct error *err);
/* Whether the memory limit killed a process in it. Call before container_delete(). */
bool container_was_oom_killed(const char *id);
/* Removes the runtime's records and the cgroup; -1 if something is left for sandbox_delete(). */
int container_delete(const struct container *c);
