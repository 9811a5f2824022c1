/* SPDX-License-Identifier: Apache-2.0 */
/* SSH keys and API tokens. Conventions: store/store.h. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/error.h"

struct store;

struct ssh_key {
	char id[UUID_SIZE];
	char user_id[UUID_SIZE];
	char *public_key;  /* "ssh-ed25519 AAAA... comment" */
	char *fingerprint; /* SHA256:... as ssh-keygen prints */
	char *comment;
	int64_t created_ms;
};
void ssh_key_done(struct ssh_key *k);
int store_key_create(struct store *s, struct ssh_key *k, struct error *err);
/* Of a user, or all when user_id is NULL. */
int store_key_list(struct store *s, const char *user_id, struct ssh_key **ret, size_t *ret_n,
		   struct error *err);
int store_key_delete(struct store *s, const char *user_id, const char *id_or_fingerprint,
		     struct error *err);

#define TOKEN_MASKED_SIZE 24

struct token {
	char id[UUID_SIZE];
	char user_id[UUID_SIZE];
	char masked[TOKEN_MASKED_SIZE]; /* "tw-1a2b**********9f8e": identifies the token, but
					   can't be used as one */
	char *description;
	int64_t created_ms, used_ms, expires_ms; /* 0: never */
	unsigned scopes;			 /* of enum scope (model/role.h), never 0 */
};
void token_done(struct token *t);
/* Creates a token, "tw-" and 64 hex digits. It is shown once, as only its digest is stored.
 * *ret_secret is the caller's. */
int store_token_create(struct store *s, struct token *t, char **ret_secret, struct error *err);
/* ERROR_UNAUTHORIZED when unknown or expired. */
int store_token_check(struct store *s, const char *secret, struct token *ret, struct error *err);
/* Of a user, or all when user_id is NULL. */
int store_token_list(struct store *s, const char *user_id, struct token **ret, size_t *ret_n,
		     struct error *err);
/* Of a user, by id. */
int store_token_get(struct store *s, const char *user_id, const char *id, struct token *ret,
		    struct error *err);
/* Writes the description. With `ret_secret`, also replaces the token; the old one stops working. */
int store_token_update(struct store *s, struct token *t, char **ret_secret, struct error *err);
int store_token_delete(struct store *s, const char *user_id, const char *id, struct error *err);
