/* SPDX-License-Identifier: Apache-2.0 */
/* Backups of add-ons. Conventions: store/store.h. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/error.h"

struct store;

/* Backups outlive their add-on and its app, so they contain the names. */
struct backup {
	char id[UUID_SIZE];
	char addon_id[UUID_SIZE];
	char app_id[UUID_SIZE];
	char *addon_name, *app_name, *service, *plan, *attachment;
	char *extension; /* of its file */
	int64_t number;	 /* 3 for "b3"; counted for each add-on */
	char *status;	 /* "running", "succeeded", "failed" */
	char *kind;	 /* "manual", "scheduled", "last" */
	int64_t bytes;
	char *sha256, *summary, *error; /* NULL until known */
	json_t *databases;	  /* object: app id to database, for a restore into a new add-on */
	json_t *attachments;	  /* array of {"app": id, "app_name", "name"}: the attachments of
				     the add-on; NULL in store_backup_create(): none */
	char owner_id[UUID_SIZE]; /* the last owner of an app that was destroyed; "": the app
				     exists, had no owner, or was destroyed before this was
				     recorded */
	int64_t verified_ms;	  /* 0: never */
	bool verified_ok;
	char *verified_text;			     /* or NULL */
	int64_t created_ms, finished_ms, expires_ms; /* 0: not yet; never */
};
void backup_done(struct backup *b);
void backup_copy(struct backup *ret, const struct backup *b);
void backup_free_array(struct backup *b, size_t n);
/* Fills id, number and created_ms. */
int store_backup_create(struct store *s, struct backup *b, struct error *err);
int store_backup_get(struct store *s, const char *id, struct backup *ret, struct error *err);
/* By number. */
int store_backup_by_number(struct store *s, const char *addon_id, int64_t number,
			   struct backup *ret, struct error *err);
/*
 * Backups of an add-on, of an app's add-ons, or all (both NULL); newest first. The backups of an
 * app include those of a destroyed app with the same name and owner.
 */
int store_backup_list(struct store *s, const char *addon_id, const char *app_id,
		      struct backup **ret, size_t *ret_n, struct error *err);
/* Backups of destroyed apps: of all (NULL), or of a former owner. Newest first. */
int store_backup_list_destroyed(struct store *s, const char *owner_id, struct backup **ret,
				size_t *ret_n, struct error *err);
/* Writes the members that may change: status, bytes, sha256, summary, error, verified_*,
 * finished_ms, expires_ms. */
int store_backup_update(struct store *s, const struct backup *b, struct error *err);
int store_backup_delete(struct store *s, const char *id, struct error *err);
