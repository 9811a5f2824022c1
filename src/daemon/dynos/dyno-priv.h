/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the dynos module share: dynos/dynos.c, dynos/start.c. */
#pragma once

#include "daemon/dynos/dynos.h"
#include "daemon/dynos/ready.h"

struct dyno_private {
	struct dynos *owner;
	struct dyno *dyno;
	char *dir;	/* RUN/dynos/ID */
	int control_fd; /* to the supervisor, or -1 */
	struct watch *readable;
	struct watch *connect_timer;
	int64_t connect_deadline_ms;
	struct ready *ready; /* it is watched until it is ready; NULL: it is not */
	char *app_name;
	/* When it is ready: config vars of its release. */
	char *check_path; /* or NULL: any answer will do */
	bool check_port_only;
	int64_t start_ms;      /* how long it may take to get ready */
	int pid_fd;	       /* of its init, or -1 */
	int pending_attach_fd; /* a client's socket that waits for the connection; -1: none */
	struct dyno_client pending_client;
	bool stop_wanted; /* told to stop before the connection was there */
};

struct dynos {
	const struct platform *platform;
	struct logs_client *logs;
	struct dyno **list;
	size_t n;
	uint16_t last_port;
	dynos_changed_fn changed;
	void *userdata;
};

/* dynos/start.c: writes DIR/spec and DIR/bundle, and spawns the supervisor. */
int dyno_launch(struct dyno *dyno, const struct dyno_start *o, struct error *err);
/* A port of the range that no dyno has and that can be bound now; 0 when there is none. */
uint16_t dyno_pick_port(struct dynos *ds);
