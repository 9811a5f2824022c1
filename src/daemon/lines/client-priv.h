/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the connection to twelve-logs share: process.c the process, client.c the connection,
 * messages.c what is said over it.
 */
#pragma once

#include "daemon/lines/lines.h"
#include "daemon/lines/outbox.h"

enum link_state {
	LINK_ABSENT,
	LINK_ASKED,
	LINK_READY,
};

struct logs_client {
	const struct platform *platform;
	char *socket_path, *program;
	enum link_state state;
	int fd;
	struct watch *readable, *writable, *timer, *child;
	pid_t started; /* the twelve-logs that we started, while it runs; 0: none, or it was there
			  before us */
	int64_t retry_ms;
	struct outbox outbox;
	logs_load_fn load_fn;
	void *load_userdata;
};

/* ---- process.c ---- */

void logs_process_start(struct logs_client *c);
/* SIGTERM, and SIGKILL when that does not help. */
void logs_process_end(pid_t pid, int pid_fd);

/* ---- client.c ---- */

/* Sends what waits, as far as there is a connection and room. */
void logs_client_flush(struct logs_client *c);
/* Takes what the message holds, and sends it when it can. */
void logs_client_send(struct logs_client *c, struct ipc_msg *take_msg);
