/* SPDX-License-Identifier: Apache-2.0 */
/* Add-ons. Conventions: store/store.h. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/error.h"

struct store;

/* Heroku's terms: "provisioning", "provisioned", "deprovisioning", "deprovisioned". The last: it
 * failed, or only its name is left. */
enum addon_state {
	ADDON_PROVISIONING,
	ADDON_PROVISIONED,
	ADDON_DEPROVISIONING,
	ADDON_DEPROVISIONED,
	_ADDON_STATE_MAX,
};
extern const char *const addon_state_names[_ADDON_STATE_MAX];

/*
 * A resource: a server that runs here, a service elsewhere ("external"), or one of a
 * provider. It is owned by an app, which may be gone while it is being deprovisioned.
 */
struct addon {
	char id[UUID_SIZE];
	char app_id[UUID_SIZE];	  /* the owner */
	char owner_id[UUID_SIZE]; /* the user who owned that app, when it is destroyed; "": it is
				     there */
	char *app_name;		  /* the owner's name; after that was destroyed, the name that it
				     had */
	char *name;		  /* unique among those that are not deprovisioned */
	char *service, *plan;
	char *attachment; /* the name requested for the owner's first attachment; NULL: the usual
			     one */
	enum addon_state state;
	int64_t first_port; /* of the block that it has for its life; 0: none */
	char *stack;	 /* digest of the stack that it runs in; NULL: the volume is not prepared */
	char *applied;	 /* "VERSION PLAN" with which the volume was last used; NULL: none */
	char *reason;	 /* for people: why it failed, or what is wrong now; NULL: no problem */
	char *restoring; /* the backup that is being restored, or NULL */
	int64_t full;	 /* a room_level (addon/room.h): the last one that its service was told */
	bool keep_last;	 /* DEPROVISIONING: a last backup is still to be made */
	char *provider_id;	 /* what its provider calls it, or NULL */
	int64_t schedule_minute; /* of the day, UTC, for scheduled backups; -1: none */
	int64_t schedule_keep;
	json_t *secret; /* object of strings; sealed on disk */
	int64_t created_ms, updated_ms;
};
void addon_done(struct addon *a);
void addon_free_array(struct addon *a, size_t n);
/* Fills id and times. ERROR_INVALID if the name is taken; the name of a deprovisioned add-on may be
 * reused. */
int store_addon_create(struct store *s, struct addon *a, struct error *err);
/* By id or name. */
int store_addon_get(struct store *s, const char *name_or_id, struct addon *ret, struct error *err);
/* Of an owner, or all when app_id is NULL; by name. */
int store_addon_list(struct store *s, const char *app_id, struct addon **ret, size_t *ret_n,
		     struct error *err);
/* Writes all but id, app_id, service and created_ms back. */
int store_addon_update(struct store *s, const struct addon *a, struct error *err);
/* With its credentials and databases, not its backups. */
int store_addon_delete(struct store *s, const char *id, struct error *err);
