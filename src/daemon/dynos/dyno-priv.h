/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the dynos module share: dynos/dynos.c, dynos/start.c, dynos/ready.c. */
#pragma once

#include "daemon/dynos/dynos.h"
#include "daemon/dynos/health.h"

struct dyno_private {
	struct dynos *owner;
	struct dyno *dyno;
	char *dir;	/* RUN/dynos/ID */
	int control_fd; /* to the supervisor, or -1 */
	struct watch *readable;
	struct watch *connect_timer;
	int64_t connect_deadline_ms;
	struct watch *ready_timer;
	struct health_probe *probe;
	char *app_name;
	/* When it is ready: config vars of its release. */
	char *check_path; /* or NULL: any answer will do */
	bool check_port_only;
	bool answered;		/* the request got its answer a moment ago */
	int64_t start_ms;	/* how long it may take to get ready */
	int64_t describe_at_ms; /* clock_now_ms(): what it listens on instead is to be said then */
	int pid_fd;		/* of its init, or -1 */
	int pending_attach_fd;	/* a client's socket that waits for the connection; -1: none */
	struct dyno_client pending_client;
	bool stop_wanted; /* told to stop before the connection was there */
};

struct dynos {
	struct daemon *d;
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

/* dynos/ready.c: watches a dyno that is up until it is ready; and stops doing so. */
void dyno_watch_ready(struct dyno *dyno);
void dyno_unwatch_ready(struct dyno *dyno);

/* dynos/dynos.c */
void dyno_set_health(struct dyno *dyno, char *take);
void dyno_changed(struct dyno *dyno);
