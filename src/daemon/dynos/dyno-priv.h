/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this room share. */
#pragma once

#include "daemon/dynos/dynos.h"
#include "daemon/dynos/ready.h"
#include "ipc/ipc.h"

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
	struct walls *walls;
	struct dyno **list;
	size_t n;
	uint16_t last_port;
	dynos_changed_fn changed;
	void *userdata;
};

/* ---- list.c ---- */

/* A dyno with this id, listed, of which nothing else is known yet. */
struct dyno *dyno_new(struct dynos *ds, const char *id);
/* Ends the connection to its supervisor and frees it; take it off the list before. */
void dyno_free(struct dyno *dyno);
void dyno_unlist(struct dyno *dyno);
void dyno_disconnect(struct dyno *dyno);
/* Calls whoever follows the dynos. */
void dyno_changed(struct dyno *dyno);

/* ---- state.c ---- */

/* It has entered its state just now, or we did not know of it before. */
void dyno_entered(struct dyno *dyno);
/* Begins to look whether it is ready, unless it is, or does not have to be. */
void dyno_watch_ready(struct dyno *dyno);
/* Stops looking; it is not ready. */
void dyno_unwatch_ready(struct dyno *dyno);

/* ---- supervisor.c ---- */

/* Tries to connect from the next turn of the loop on; after timeout_ms the dyno has ended. */
void dyno_connect(struct dyno *dyno, int64_t timeout_ms);
/* One try, now. */
void dyno_try_connect(void *dyno);
/* *to, a heap string, becomes the field's value, "" when there is none. */
void dyno_replace_field(char **to, const struct ipc_msg *m, const char *key);

/* ---- launch.c ---- */

/* Writes DIR/spec and DIR/bundle, and spawns the supervisor. */
int dyno_launch(struct dyno *dyno, const struct dyno_start *o, struct error *err);
