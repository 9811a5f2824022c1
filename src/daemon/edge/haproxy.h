/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HAProxy as a process: where its files are, how it is started and found
 * again, and how it is asked. It runs in master-worker mode: the master outlives
 * twelved and keeps all workers, old ones too, within reach of one socket; its
 * workers end when it does.
 *
 *     RUN/haproxy/haproxy.cfg, *.map, errors/  what it runs
 *     RUN/haproxy/pid                          the master's
 *     RUN/haproxy/master.sock                  "show proc", "reload", "@!PID command"
 *     RUN/haproxy/admin.sock                   the current worker
 *     RUN/haproxy/output                       what it said since its last load
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

/* Pages, maps, and haproxy.cfg at `path`. */
int haproxy_write_files(const struct haproxy *h, const struct route_config *c, const char *path,
			struct error *err);

/* The first complaint in what haproxy said, without its decoration, as a heap string. */
char *haproxy_complaint(const char *output);
/*
 * Starts `haproxy -c` on cfg_next. on_end gets its status and, as `output`, what it said.
 */
int haproxy_check_start(const struct haproxy *h, struct loop *l,
			void (*on_end)(const struct child_end *end, void *userdata), void *userdata,
			struct child **ret, struct error *err);
/* Processes that run with our file, master and workers, found in /proc: an array that the caller
 * frees. */
size_t haproxy_running(const struct haproxy *h, pid_t **ret);
int haproxy_start(const struct haproxy *h, pid_t *ret_pid, struct error *err);
/* The end of the output file, for a message. */
char *haproxy_last_words(const struct haproxy *h);

/*
 * Commands, one a line; the answers come one after the other. Waits, up to 2 s for each read: for
 * the start of twelved alone, when nothing else waits (edge/question.h is for later).
 */
int haproxy_ask(const char *socket_path, const char *commands, struct buf *answer,
		struct error *err);
/* Waits as haproxy_ask() does. */
int haproxy_procs(const struct haproxy *h, struct route_procs *ret, struct error *err);
/* Sends "show proc" to the master and returns the descriptor that will have the answer, or a
 * negative errno. */
int haproxy_procs_begin(const struct haproxy *h);
