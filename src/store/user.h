/* SPDX-License-Identifier: Apache-2.0 */
/* Users and collaborators. Conventions: store/store.h. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/error.h"

struct store;

#define EMAIL_MAX 254

struct user {
	char id[UUID_SIZE];
	char *email; /* in small letters; who comes over the unix socket is NAME@localhost */
	char *name;  /* may be "" */
	bool admin;
	char *password_hash;			  /* NULL: none, so tokens and keys only */
	int64_t created_ms, updated_ms, login_ms; /* login_ms 0: never by password */
};
void user_done(struct user *u);
void user_free_array(struct user *u, size_t n);
int user_check_email(const char *email, struct error *err);
/* Of 8 to 1,024 bytes. */
int user_check_password(const char *password, struct error *err);
/* What password_hash is for it, as a heap string; NULL when memory is gone. Takes about 15 ms. */
char *user_hash_password(const char *password);
/* Takes as long. */
bool user_has_password(const char *hash, const char *password);
/* Fills id and times. An address that is there is ERROR_INVALID. */
int store_user_create(struct store *s, struct user *u, struct error *err);
/* By address or id. */
int store_user_get(struct store *s, const char *email_or_id, struct user *ret, struct error *err);
/* The user of somebody who has an account of this machine: made as an administrator when there is
 * none yet. */
int store_user_of_system(struct store *s, const char *email, struct user *ret, struct error *err);
/* By address. */
int store_user_list(struct store *s, struct user **ret, size_t *ret_n, struct error *err);
/* Writes email, name, admin, password_hash, login_ms. */
int store_user_update(struct store *s, struct user *u, struct error *err);
/* With their tokens and keys. ERROR_CONFLICT while they own apps, or are the only administrator. */
int store_user_delete(struct store *s, const struct user *u, struct error *err);

struct collaborator {
	char id[UUID_SIZE];
	char app_id[UUID_SIZE], user_id[UUID_SIZE];
	unsigned permissions; /* of enum permission (model/role.h), never 0 */
	int64_t created_ms, updated_ms;
	char *email;
};
void collaborator_done(struct collaborator *c);
void collaborator_free_array(struct collaborator *c, size_t n);
/* Makes somebody a collaborator, or changes what they may. */
int store_collaborator_set(struct store *s, const char *app_id, const char *user_id,
			   unsigned permissions, struct error *err);
/* Of an app, by address. The owner is none. */
int store_collaborator_list(struct store *s, const char *app_id, struct collaborator **ret,
			    size_t *ret_n, struct error *err);
/* 0 for who is none. */
int store_permissions_of(struct store *s, const char *app_id, const char *user_id, unsigned *ret,
			 struct error *err);
int store_collaborator_delete(struct store *s, const char *id, struct error *err);
