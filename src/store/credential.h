/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials for add-ons, and the databases that apps have in them. Conventions: store/store.h. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/error.h"

struct store;

/* A user with a password, of an app's database. */
struct credential {
	char id[UUID_SIZE];
	char addon_id[UUID_SIZE];
	char app_id[UUID_SIZE];
	char *username;
	char *database; /* "" when the service has one for all */
	char *password; /* sealed on disk */
	bool made;	/* the service knows it */
	int64_t created_ms;
};
void credential_done(struct credential *c);
void credential_free_array(struct credential *c, size_t n);
/* Fills id, username, password and time. */
int store_credential_create(struct store *s, struct credential *c, struct error *err);
int store_credential_get(struct store *s, const char *id, struct credential *ret,
			 struct error *err);
int store_credential_list(struct store *s, const char *addon_id, struct credential **ret,
			  size_t *ret_n, struct error *err);
int store_credential_set_made(struct store *s, const char *id, bool made, struct error *err);
/* All of an add-on have to be made again. */
int store_credential_unmake(struct store *s, const char *addon_id, struct error *err);
int store_credential_delete(struct store *s, const char *id, struct error *err);

/* The database that an app has in an add-on, "" when it has none yet. *ret is the caller's. */
int store_database_get(struct store *s, const char *addon_id, const char *app_id, char **ret,
		       struct error *err);
int store_database_set(struct store *s, const char *addon_id, const char *app_id, const char *name,
		       struct error *err);
/* All databases of an add-on, as a strv. */
int store_database_list(struct store *s, const char *addon_id, char ***ret, struct error *err);
