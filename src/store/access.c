/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may come in: SSH keys, and tokens of the API; see store.h. A token has
 * 256 random bits, so its plain SHA-256 tells nothing about it and is looked
 * up without care for timing.
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/str.h"
#include "model/names.h"
#include "model/role.h"
#include "store/store-priv.h"

#define TOKEN_BYTES 32
/* Every request asks; noting each would cost it an fsync. */
#define USED_EVERY_MS 60000

void ssh_key_done(struct ssh_key *k)
{
	free(k->public_key);
	free(k->fingerprint);
	free(k->comment);
	*k = (struct ssh_key){ 0 };
}

static int read_key(struct query *q, void *record, struct error *err)
{
	struct ssh_key *k = record;

	(void)err;
	query_id(q, k->id);
	query_id(q, k->user_id);
	k->public_key = query_text(q);
	k->fingerprint = query_text(q);
	k->comment = query_text(q);
	k->created_ms = query_int(q);
	return 0;
}

static void done_key(void *record)
{
	ssh_key_done(record);
}

static const struct record_type key_type = { sizeof(struct ssh_key), read_key, done_key };

int store_key_create(struct store *s, struct ssh_key *k, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_KEY_INSERT);

	uuid_make(k->id);
	k->created_ms = clock_wall_ms();
	query_bind_text(&q, k->id);
	query_bind_text(&q, k->user_id[0] ? k->user_id : NULL);
	query_bind_text(&q, k->public_key);
	query_bind_text(&q, k->fingerprint);
	query_bind_text(&q, k->comment ? k->comment : "");
	query_bind_int(&q, k->created_ms);
	if (query_run(&q, err) == 0)
		return 0;
	if (query_is_duplicate(&q))
		return error_set(err, ERROR_INVALID, "The key %s is already there", k->fingerprint);
	return -1;
}

int store_key_list(struct store *s, const char *user_id, struct ssh_key **ret, size_t *ret_n,
		   struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_KEY_LIST);

	query_bind_text(&q, user_id);
	return query_all(&q, &key_type, ret, ret_n, err);
}

int store_key_delete(struct store *s, const char *user_id, const char *id_or_fingerprint,
		     struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_KEY_DELETE);
	char excerpt[NAME_EXCERPT_SIZE];

	query_bind_text(&q, id_or_fingerprint);
	query_bind_text(&q, user_id);
	if (query_run(&q, err) < 0)
		return -1;
	if (query_n_changed(&q))
		return 0;
	return error_set(err, ERROR_NOT_FOUND, "Couldn't find that key: %s",
			 name_excerpt(excerpt, id_or_fingerprint));
}

void token_done(struct token *t)
{
	free(t->description);
	*t = (struct token){ 0 };
}

static int read_token(struct query *q, void *record, struct error *err)
{
	struct token *t = record;
	char *masked;

	(void)err;
	query_id(q, t->id);
	query_id(q, t->user_id);
	t->description = query_text(q);
	masked = query_text(q);
	snprintf(t->masked, sizeof(t->masked), "%s", masked ? masked : "");
	free(masked);
	t->created_ms = query_int(q);
	t->used_ms = query_int(q);
	t->expires_ms = query_int(q);
	t->scopes = (unsigned)query_int(q);
	return 0;
}

static void done_token(void *record)
{
	token_done(record);
}

static const struct record_type token_type = { sizeof(struct token), read_token, done_token };

/* A new secret: its digest, and what is shown of it. */
static char *make_secret(struct token *t, char digest[static DIGEST_HEX_SIZE])
{
	char secret[3 + 2 * TOKEN_BYTES + 1] = "tw-";
	char *heap;

	random_hex(secret + 3, TOKEN_BYTES);
	digest_bytes(secret, strlen(secret), digest);
	snprintf(t->masked, sizeof(t->masked), "%.7s**********%s", secret,
		 secret + strlen(secret) - 4);
	heap = xstrdup(secret);
	sodium_memzero(secret, sizeof(secret));
	return heap;
}

/* Who comes with one that has expired is told so for a week. */
static int forget_expired(struct store *s, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_TOKEN_FORGET);

	query_bind_int(&q, clock_wall_ms() - INT64_C(7) * 86400000);
	return query_run(&q, err);
}

int store_token_create(struct store *s, struct token *t, char **ret_secret, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_TOKEN_INSERT);
	_cleanup_free_ char *secret = NULL;
	char digest[DIGEST_HEX_SIZE];

	if (forget_expired(s, err) < 0)
		return -1;
	uuid_make(t->id);
	t->created_ms = clock_wall_ms();
	t->used_ms = 0;
	t->scopes = t->scopes ? t->scopes : SCOPE_GLOBAL;
	secret = make_secret(t, digest);
	query_bind_text(&q, t->id);
	query_bind_text(&q, t->user_id[0] ? t->user_id : NULL);
	query_bind_text(&q, t->description ? t->description : "");
	query_bind_text(&q, t->masked);
	query_bind_int(&q, t->created_ms);
	query_bind_int(&q, t->used_ms);
	query_bind_int(&q, t->expires_ms);
	query_bind_int(&q, t->scopes);
	query_bind_text(&q, digest);
	if (query_run(&q, err) < 0)
		return -1;
	*ret_secret = steal_ptr(secret);
	return 0;
}

int store_token_update(struct store *s, struct token *t, char **ret_secret, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_TOKEN_UPDATE);
	_cleanup_free_ char *secret = NULL;
	char digest[DIGEST_HEX_SIZE];

	if (ret_secret)
		secret = make_secret(t, digest);
	query_bind_text(&q, t->id);
	query_bind_text(&q, t->user_id);
	query_bind_text(&q, t->description);
	query_bind_text(&q, secret ? digest : NULL);
	query_bind_text(&q, secret ? t->masked : NULL);
	if (query_run(&q, err) < 0)
		return -1;
	if (ret_secret)
		*ret_secret = steal_ptr(secret);
	return 0;
}

static int no_token(const char *id, struct error *err)
{
	char excerpt[NAME_EXCERPT_SIZE];

	return error_set(err, ERROR_NOT_FOUND, "Couldn't find that authorization: %s",
			 name_excerpt(excerpt, id));
}

int store_token_get(struct store *s, const char *user_id, const char *id, struct token *ret,
		    struct error *err)
{
	struct token *all = NULL;
	bool found = false;
	size_t n = 0;

	if (store_token_list(s, user_id, &all, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (!found && streq(all[i].id, id)) {
			*ret = all[i];
			found = true;
		} else {
			token_done(&all[i]);
		}
	}
	free(all);
	return found ? 0 : no_token(id, err);
}

static int get_by_secret(struct store *s, const char *secret, struct token *ret, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_TOKEN_GET);
	char digest[DIGEST_HEX_SIZE];

	digest_bytes(secret, strlen(secret), digest);
	query_bind_text(&q, digest);
	return query_one(&q, &token_type, ret, err);
}

/* For people who look for tokens that nobody uses. On a full disk they may still come in, so no
 * error. */
static void note_use(struct store *s, struct token *t, int64_t now_ms)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_TOKEN_USED);

	query_bind_int(&q, now_ms);
	query_bind_text(&q, t->id);
	if (query_run(&q, NULL) == 0)
		t->used_ms = now_ms;
}

int store_token_check(struct store *s, const char *secret, struct token *ret, struct error *err)
{
	struct token t = { 0 };
	int64_t now_ms = clock_wall_ms();
	int r = get_by_secret(s, secret, &t, err);

	if (r < 0)
		return -1;
	if (r == 0)
		return error_set(err, ERROR_UNAUTHORIZED, "Invalid credentials provided");
	if (t.expires_ms && t.expires_ms <= now_ms) {
		token_done(&t);
		return error_set(err, ERROR_UNAUTHORIZED,
				 "The token has expired: make another one");
	}
	if (now_ms - t.used_ms >= USED_EVERY_MS)
		note_use(s, &t, now_ms);
	*ret = t;
	return 0;
}

int store_token_list(struct store *s, const char *user_id, struct token **ret, size_t *ret_n,
		     struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_TOKEN_LIST);

	query_bind_text(&q, user_id);
	return query_all(&q, &token_type, ret, ret_n, err);
}

int store_token_delete(struct store *s, const char *user_id, const char *id, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_TOKEN_DELETE);

	query_bind_text(&q, id);
	query_bind_text(&q, user_id);
	if (query_run(&q, err) < 0)
		return -1;
	if (query_n_changed(&q))
		return 0;
	return no_token(id, err);
}
