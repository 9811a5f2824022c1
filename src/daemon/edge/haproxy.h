/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HAProxy process: its files, how it is started and found again, and its runtime API. It runs
 * in master-worker mode. The master outlives twelved, and its socket reaches all workers, also the
 * old ones. Workers end with their master.
 *
 *     RUN/haproxy/haproxy.cfg, *.map, errors/  its configuration
 *     RUN/haproxy/pid                          of the master
 *     RUN/haproxy/master.sock                  "show proc", "reload", "@!PID command"
 *     RUN/haproxy/admin.sock                   the current worker
 *     RUN/haproxy/output                       its output since the last load
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "daemon/core/child.h"
#include "event/loop.h"
#include "route/route.h"

struct haproxy {
	char *dir;
	char *cfg, *cfg_next;
	char *master_sock, *admin_sock;
	char *errors_dir;
	char *output;
	int64_t check_limit_ms; /* a check that takes longer is killed */
};

void haproxy_init(struct haproxy *h, const char *run_dir);
void haproxy_done(struct haproxy *h);

/* Writes error pages and maps, and the configuration to `path`. */
int haproxy_write_files(const struct haproxy *h, const struct route_config *c, const char *path,
			struct error *err);

/* The first error message in haproxy's output, without its prefix. Heap. */
char *haproxy_complaint(const char *output);
/* Starts `haproxy -c` on cfg_next. on_end gets its exit status and its output. */
int haproxy_check_start(const struct haproxy *h, struct loop *l,
			void (*on_end)(const struct child_end *end, void *userdata), void *userdata,
			struct child **ret, struct error *err);
/* Finds in /proc the processes that run our configuration file, master and workers. The caller
 * frees the array. */
size_t haproxy_running(const struct haproxy *h, pid_t **ret);
int haproxy_start(const struct haproxy *h, pid_t *ret_pid, struct error *err);
/* The end of the output file, for an error message. */
char *haproxy_last_words(const struct haproxy *h);

/*
 * Sends runtime commands, one a line, and reads the responses in the same order. It blocks, up to
 * 2 s for each read, so it is only for the start of twelved. Later, use edge/question.h.
 */
int haproxy_ask(const char *socket_path, const char *commands, struct buf *answer,
		struct error *err);
/* Blocks like haproxy_ask(). */
int haproxy_procs(const struct haproxy *h, struct route_procs *ret, struct error *err);
/* Sends "show proc" to the master. Returns the file descriptor to read the response from, or a
 * negative errno. */
int haproxy_procs_begin(const struct haproxy *h);
