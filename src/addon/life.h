/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of an add-on that runs here: what to do next, as a pure function of
 * what is wanted (its row) and what is seen (its server, its jobs). It keeps nothing
 * between calls; each action may be cut off anywhere and is then taken again.
 *
 *  PROVISIONING   prepare the volume ─▶ certify ─▶ start ─▶ health ─▶ make credentials ─▶ attach ─┐
 *       │ a step says no, or the server does not come up                               ▼
 *       └──▶ stop ─▶ fail: removed, the reason stays                            PROVISIONED
 *                            serves; restarts on a crash; plan changed: stop ─▶ upgrade ─▶ start
 *                            restore, new and old credentials, the disk's limit: as they fall due
 *
 *  DEPROVISIONING   no release refers to it ─▶ last backup ─▶ destroy ─▶ stop ─▶ remove
 *
 * One action at a time for each add-on; backups that people ask for go beside it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum life_state { LIFE_PROVISIONING, LIFE_PROVISIONED, LIFE_DEPROVISIONING };

enum life_server {
	LIFE_NO_SERVER,
	LIFE_STARTING, /* or crashed, and its supervisor will restart it */
	LIFE_UP,
	LIFE_STOPPING,
};

struct life_view {
	enum life_state state;
	bool busy;     /* an action is running, or a failed one waits to be retried */
	bool failed;   /* PROVISIONING: a step has said no for good */
	bool prepared; /* the volume is ready for a server */
	bool changed;  /* the volume was last used with another plan or version */
	enum life_server server;
	bool stale;	 /* the server runs with another plan */
	int64_t crashes; /* of the server since it was started */
	bool healthy;	 /* health has succeeded since the server's last start */
	bool attached;	 /* PROVISIONING: the owner has its first attachment */
	bool restoring;
	size_t to_create; /* credentials to be made */
	size_t to_revoke; /* credentials that nothing refers to */
	bool uncertified; /* it speaks TLS, and its certificate is missing or old */
	bool limit_due;	  /* the volume has reached its quota, or has room again */
	bool referenced;  /* a release that runs or may yet run refers to it */
	bool backup_due;  /* DEPROVISIONING: the last backup is not made yet */
	bool destroyed;	  /* DEPROVISIONING: the destroy script has run */
};

enum life_action {
	LIFE_WAIT,
	LIFE_PREPARE,
	LIFE_UPGRADE,
	LIFE_CERTIFY,
	LIFE_START,
	LIFE_CHECK_HEALTH,
	LIFE_STOP,
	LIFE_ATTACH,
	LIFE_RESTORE,
	LIFE_CREATE_CREDENTIAL,
	LIFE_REVOKE_CREDENTIAL,
	LIFE_LIMIT,
	LIFE_LAST_BACKUP,
	LIFE_DESTROY,
	LIFE_REMOVE,
	LIFE_FAIL,
	_LIFE_ACTION_MAX,
};

/* Gives up after this many crashes before the server was ever healthy. */
#define LIFE_MAX_CRASHES 3

enum life_action life_next(const struct life_view *v);
