/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attachments, as values. The attachments of an app are part of its release: an
 * array of objects
 *
 *     {"id": UUID, "name": "DATABASE", "addon": UUID, "credential": UUID,
 *      "shared": false, "created_ms": N, "vars": ["DATABASE_URL"]}
 *
 * and the values of their config vars are in the release's (sealed) config with
 * the app's own. So a rollback restores both, and what a release needs is known from
 * its row. "credential" is "" where there is none (a service elsewhere).
 *
 * Functions give new references and change nothing.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct attachment {
	const char *id, *name, *addon, *credential; /* borrowed from the array */
	bool shared;
	int64_t created_ms;
	json_t *vars; /* borrowed */
};

/* The i-th; false when there is none. */
bool attach_at(json_t *list, size_t i, struct attachment *ret);
/* By id or name (any case); false when there is none. */
bool attach_find(json_t *list, const char *id_or_name, struct attachment *ret);
/* The attachment that gives this config var; false when none does. */
bool attach_by_var(json_t *list, const char *var, struct attachment *ret);
/* Whether one of them is of this add-on, or has this credential. */
bool attach_has_addon(json_t *list, const char *addon);
bool attach_has_credential(json_t *list, const char *credential);

json_t *attach_make(const char *id, const char *name, const char *addon, const char *credential,
		    bool shared, int64_t created_ms, json_t *vars_object);
/* The list with this item added, or replacing the item with its id. Takes the reference. */
json_t *attach_put(json_t *list, json_t *take_item);
/* The list without the one of this id. */
json_t *attach_remove(json_t *list, const char *id);

/* The app's own config vars: the config without the attachments' vars. */
json_t *attach_own_config(json_t *config, json_t *list);
/* The vars of the attachments in a config. */
json_t *attach_vars(json_t *config, json_t *list);

/* Picks a free name: no attachment has it, and no config var that it would set exists. If `wanted`
 * is given and not free, ERROR_INVALID. Without it, the usual name or one with a colour:
 * "DATABASE", "POSTGRESQL_AMBER". Heap; NULL with *err. */
char *attach_pick_name(json_t *list, json_t *config, json_t *keys, const char *wanted,
		       const char *usual, const char *service, struct error *err);
