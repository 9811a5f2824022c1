/* SPDX-License-Identifier: Apache-2.0 */
/* The process of twelve-logs: started when nothing answers at its socket, ended at a shutdown. */
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/str.h"
#include "daemon/lines/client-priv.h"

#define SHUTDOWN_MS 5000

static void on_child(int status, void *userdata)
{
	struct logs_client *c = userdata;
	char how[64];

	c->child = NULL;
	c->started = 0;
	log_warn("twelve-logs %s", proc_describe_status(status, how, sizeof(how)));
}

void logs_process_start(struct logs_client *c)
{
	_cleanup_free_ char *run_dir =
		xasprintf("TWELVE_RUN_DIR=%s", c->platform->settings.run_dir);
	const char *const argv[] = { c->program, NULL };
	_cleanup_strv_ char **env = NULL;
	struct error err = ERROR_INIT;
	struct proc_options o = { .argv = argv, .new_session = true };
	pid_t pid;
	int r;

	/* Its settings only: what else is in our environment is none of its business. */
	for (char **e = environ; *e; e++)
		if (str_starts(*e, "TWELVE_LOG_") || str_starts(*e, "PATH="))
			strv_push(&env, *e);
	strv_push(&env, run_dir);
	o.env = (const char *const *)env;
	if (proc_spawn(&o, &pid, &err) < 0) {
		log_error("%s", err.message);
		return;
	}
	c->started = pid;
	r = watch_child(c->platform->loop, pid, on_child, c, &c->child);
	if (r < 0)
		log_error("watching twelve-logs: %s", strerror(-r));
	log_debug("twelve-logs was started");
}

void logs_process_end(pid_t pid, int pid_fd)
{
	struct pollfd p = { .fd = pid_fd, .events = POLLIN };

	kill(pid, SIGTERM);
	if (poll(&p, 1, SHUTDOWN_MS) == 0) {
		log_warn("twelve-logs did not stop within %d s and is killed", SHUTDOWN_MS / 1000);
		kill(pid, SIGKILL);
		poll(&p, 1, SHUTDOWN_MS);
	}
	/* It is our child or an earlier twelved's: then there is nothing to wait for. */
	waitpid(pid, NULL, WNOHANG);
}

void logs_client_undo(struct logs_client *c)
{
	_cleanup_fd_ int pid_fd = c && c->started ? proc_pidfd_open(c->started) : -1;

	if (pid_fd >= 0)
		logs_process_end(c->started, pid_fd);
}
