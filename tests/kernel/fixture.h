/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests with the real OCI runtime share: a root file system of a
 * handful of the host's programs, and a supervisor with its two sockets. Each
 * wait has a limit, so that a test fails and does not hang.
 */
#pragma once

#include <pthread.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/digest.h"
#include "ipc/dyno-proto.h"
#include "ipc/ipc.h"
#include "sandbox/sandbox.h"

#define WAIT_MS 20000
#define MIB (1ULL << 20)

extern struct sandbox_runtime test_runtime;
extern char test_dir[], test_rootfs[], test_slug[], test_runtime_root[];

/* 77, with a reason on stderr, where these tests can't run; else 0. */
int fixture_begin(void);
void fixture_end(void);

/* A spec for a command of bash, with a fresh id. */
struct test_sandbox {
	char id[UUID_SIZE];
	char *dir, *bundle, *scratch, *cgroup;
	char **argv;
	struct sandbox_spec spec;
};
void test_sandbox_init(struct test_sandbox *t, const char *command);
void test_sandbox_done(struct test_sandbox *t);

/* A supervisor. Set the options, then dyno_begin(). */
struct test_dyno {
	struct test_sandbox sandbox;
	bool terminal, attach, raw, restart;
	int64_t stop_ms, time_limit_ms, detach_ms, memory_bytes;
	const char *logs_sock;

	pid_t pid;
	int control_fd, client_fd;
	struct buf frames;
	int64_t serial, position; /* of the session, as the last frames told */
	int64_t position_told;	  /* acknowledged */
	uint64_t n_input;	  /* what the supervisor had, as ATTACH_HELLO told */
	pthread_mutex_t lock;	  /* of writing frames, and of n_acked */
	pthread_cond_t told;
	uint64_t n_acked; /* bytes of input that the process has */
};
void dyno_begin(struct test_dyno *d, const char *command);
/* Attaches a client in place of the one there is. With come_back it is the same one again. */
void dyno_attach(struct test_dyno *d, bool come_back);
/* The same for Heroku's client: the socket speaks no frames. */
void dyno_attach_raw(struct test_dyno *d);
void dyno_end(struct test_dyno *d);
/* Waits for a status with this state (a name) and leaves it in *ret. */
void dyno_await(struct test_dyno *d, const char *state, struct ipc_msg *ret);
void dyno_send(struct test_dyno *d, enum dyno_msg type);
void dyno_frame(struct test_dyno *d, enum attach_frame type, const void *data, size_t n);
/*
 * The next frame's type, 0 at the end; its payload is in *ret. What a client has to answer is
 * answered: output with ATTACH_ACK now and then, the exit with ATTACH_GOODBYE. ATTACH_HELLO and
 * ATTACH_ACK are noted and passed over.
 */
char dyno_next_frame(struct test_dyno *d, struct buf *ret);
/* All output up to the exit frame, whose payload is in *ret_exit. */
void dyno_output(struct test_dyno *d, struct buf *out, struct buf *ret_exit);
/* The number of processes in the cgroup, each of which gets a pidfd. */
size_t dyno_pidfds(const struct test_sandbox *t, int *fds, size_t max);
/* Waits until a descriptor is readable, or hung up. */
void await_fd(int fd);
