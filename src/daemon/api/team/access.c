/* SPDX-License-Identifier: Apache-2.0 */
/* SSH keys and tokens. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "daemon/api/shapes.h"
#include "daemon/api/table.h"
#include "daemon/api/authz.h"
#include "daemon/git/git.h"

#define MAX_TOKEN_LIFE_S (100LL * 366 * 86400)

/* ---- keys ---- */

static json_t *key_json(const struct ssh_key *k)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o}", "id", k->id, "public_key",
			 k->public_key, "fingerprint", k->fingerprint, "comment", k->comment,
			 "email", k->comment, "created_at", json_time(k->created_ms), "updated_at",
			 json_time(k->created_ms));
}

static int answer_keys(struct request *r, const char *user_id, struct error *err)
{
	struct ssh_key *keys = NULL;
	json_t *list, *j;
	size_t n = 0;

	if (store_key_list(request_store(r), user_id, &keys, &n, err) < 0)
		return -1;
	list = json_array();
	for (size_t i = 0; i < n; i++) {
		j = key_json(&keys[i]);
		if (!user_id)
			json_object_set_new(j, "user", api_user_ref(r, keys[i].user_id));
		json_array_append_new(list, j);
		ssh_key_done(&keys[i]);
	}
	free(keys);
	return request_answer_list(r, list);
}

static int api_keys_list(struct request *r, struct error *err)
{
	return answer_keys(r, request_caller(r)->user_id, err);
}

static int api_keys_all(struct request *r, struct error *err)
{
	return answer_keys(r, NULL, err);
}

/* The key that the path names, of a user or (NULL) of all; NULL with *err. */
static json_t *find_key(struct request *r, const char *user_id, struct error *err)
{
	const char *which = request_param(r, "key");
	struct ssh_key *keys = NULL;
	json_t *found = NULL;
	size_t n = 0;

	if (store_key_list(request_store(r), user_id, &keys, &n, err) < 0)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		if (!found && (streq(keys[i].id, which) || streq(keys[i].fingerprint, which)))
			found = key_json(&keys[i]);
		ssh_key_done(&keys[i]);
	}
	free(keys);
	if (!found)
		error_set(err, ERROR_NOT_FOUND, "Couldn't find that key: %.100s", which);
	return found;
}

static int api_keys_get(struct request *r, struct error *err)
{
	json_t *found = find_key(r, request_caller(r)->user_id, err);

	return found ? request_answer(r, 200, found) : -1;
}

/* The caller, or, for an administrator, the user that the body names. */
static int for_whom(struct request *r, char user_id[static UUID_SIZE], struct error *err)
{
	struct user u = { 0 };
	const char *name;
	int result = request_ref(r, "user", false, &name, err);

	memcpy(user_id, request_caller(r)->user_id, UUID_SIZE);
	if (result < 0 || !name)
		return result;
	if (authz_admin(r, err) < 0 || store_user_get(request_store(r), name, &u, err) < 0)
		return -1;
	memcpy(user_id, u.id, UUID_SIZE);
	user_done(&u);
	return 0;
}

static int api_keys_create(struct request *r, struct error *err)
{
	struct parts *parts = request_parts(r);
	struct ssh_key k = { 0 };
	const char *text;
	int result = -1;

	if (request_string(r, "public_key", true, &text, err) < 0 ||
	    for_whom(r, k.user_id, err) < 0)
		return -1;
	k.public_key = xstrdup(text);
	if (git_check_key(str_trim(k.public_key), &k.fingerprint, &k.comment, err) == 0 &&
	    store_key_create(parts->platform.store, &k, err) == 0 &&
	    git_write_authorized_keys(&parts->platform, err) == 0) {
		request_note(r, "key %s %s", k.fingerprint, k.comment);
		result = request_answer(r, 201, key_json(&k));
	}
	ssh_key_done(&k);
	return result;
}

/* Whose keys and tokens may be removed: one's own; all by an administrator. */
static const char *reach(struct request *r)
{
	return request_caller(r)->admin ? NULL : request_caller(r)->user_id;
}

static int api_keys_delete(struct request *r, struct error *err)
{
	struct parts *parts = request_parts(r);
	json_t *key = find_key(r, reach(r), err);

	if (!key)
		return -1;
	if (store_key_delete(parts->platform.store, reach(r), request_param(r, "key"), err) < 0 ||
	    git_write_authorized_keys(&parts->platform, err) < 0) {
		json_decref(key);
		return -1;
	}
	request_note(r, "key %s", request_param(r, "key"));
	return request_answer(r, 200, key);
}

/* ---- tokens ---- */

static json_t *token_user(struct request *r, const struct token *t)
{
	json_t *user = api_user_ref(r, t->user_id);

	json_object_set_new(user, "full_name", json_null());
	return user;
}

static json_t *scope_names(unsigned scopes)
{
	json_t *names = json_array();

	for (const struct scope_word *w = scope_words; w->name; w++)
		if (scopes & w->scope)
			json_array_append_new(names, json_string(w->name));
	return names;
}

/* ["read", "identity"] as bits; nothing said is everything. */
static int read_scopes(struct request *r, unsigned *ret, struct error *err)
{
	json_t *list = json_object_get(request_body(r), "scope"), *item;
	size_t i;

	*ret = 0;
	json_array_foreach (list, i, item) {
		const char *word = json_string_value(item);

		if (!word || !scope_parse(word))
			return error_set(err, ERROR_INVALID,
					 "\"scope\" has global, identity, read, write, "
					 "read-protected and write-protected, not \"%.50s\"",
					 word ? word : "(no word)");
		*ret |= scope_parse(word);
	}
	*ret = *ret ? *ret : SCOPE_GLOBAL;
	return 0;
}

static json_t *token_json(struct request *r, const struct token *t, const char *secret)
{
	int64_t left_s = t->expires_ms ? (t->expires_ms - clock_wall_ms()) / 1000 : 0;
	json_t *expires = t->expires_ms ? json_integer((json_int_t)left_s) : json_null();

	json_t *j =
		json_pack("{s:s, s:o, s:o, s:o, s:o}", "id", t->id, "description",
			  json_text(t->description), "scope", scope_names(t->scopes), "created_at",
			  json_time(t->created_ms), "updated_at", json_time(t->created_ms));

	json_object_update_new(j, json_pack("{s:n, s:n, s:n, s:n}", "client", "grant",
					    "refresh_token", "session"));
	json_object_update_new(j, json_pack("{s:{s:s, s:s, s:o}, s:o, s:{s:o}}", "access_token",
					    "id", t->id, "token", secret ? secret : t->masked,
					    "expires_in", expires, "user", token_user(r, t),
					    "twelve", "used_at", json_time(t->used_ms)));
	return j;
}

static int api_tokens_list(struct request *r, struct error *err)
{
	struct token *tokens = NULL;
	json_t *list;
	size_t n = 0;

	if (store_token_list(request_store(r), request_caller(r)->user_id, &tokens, &n, err) < 0)
		return -1;
	list = json_array();
	for (size_t i = 0; i < n; i++) {
		json_array_append_new(list, token_json(r, &tokens[i], NULL));
		token_done(&tokens[i]);
	}
	free(tokens);
	return request_answer_list(r, list);
}

static int own_token(struct request *r, struct token *ret, struct error *err)
{
	return store_token_get(request_store(r), request_caller(r)->user_id,
			       request_param(r, "token"), ret, err);
}

static int api_tokens_get(struct request *r, struct error *err)
{
	struct error own = ERROR_INIT;
	struct token t = { 0 };
	int result = own_token(r, &t, &own);

	if (result == 0)
		result = request_answer(r, 200, token_json(r, &t, NULL));
	token_done(&t);
	if (result == 0)
		return 0;
	if (own.kind != ERROR_NOT_FOUND) {
		*err = own;
		return -1;
	}
	/*
	 * `heroku logout` asks for "~", which is an account's default token with Heroku, spares
	 * that, and wants to be told of what kind the missing thing is. Here no token is the
	 * default.
	 */
	return request_answer(r, 404,
			      json_pack("{s:s, s:s, s:s}", "id", "not_found", "resource",
					"authorization", "message", own.message));
}

static int api_tokens_create(struct request *r, struct error *err)
{
	struct token t = { 0 };
	const char *description;
	char *secret = NULL;
	int64_t expires_in;
	int result = -1;

	if (request_string(r, "description", false, &description, err) < 0 ||
	    request_int(r, "expires_in", 1, MAX_TOKEN_LIFE_S, 0, &expires_in, err) < 0)
		return -1;
	if (for_whom(r, t.user_id, err) < 0)
		return -1;
	if (read_scopes(r, &t.scopes, err) < 0)
		return -1;
	t.description = xstrdup(description && description[0] ? description : "a token");
	t.expires_ms = expires_in ? clock_wall_ms() + expires_in * 1000 : 0;
	if (store_token_create(request_store(r), &t, &secret, err) == 0) {
		request_note(r, "authorization %s", t.id);
		result = request_answer(r, 201, token_json(r, &t, secret));
	}
	free(secret);
	token_done(&t);
	return result;
}

/* Another description, or another secret: shown once, as when it was made. */
static int change_token(struct request *r, bool regenerate, struct error *err)
{
	const char *description =
		json_string_value(json_object_get(request_body(r), "description"));
	_cleanup_free_ char *secret = NULL;
	struct token t = { 0 };
	int result = own_token(r, &t, err);

	if (result == 0 && description && !regenerate) {
		free(t.description);
		t.description = xstrdup(description);
	}
	if (result == 0)
		result = store_token_update(request_store(r), &t, regenerate ? &secret : NULL, err);
	if (result == 0) {
		request_note(r, "authorization %s%s", t.id, regenerate ? ": another secret" : "");
		result = request_answer(r, regenerate ? 201 : 200, token_json(r, &t, secret));
	}
	token_done(&t);
	return result;
}

static int api_tokens_update(struct request *r, struct error *err)
{
	return change_token(r, false, err);
}

static int api_tokens_regenerate(struct request *r, struct error *err)
{
	return change_token(r, true, err);
}

static int api_tokens_delete(struct request *r, struct error *err)
{
	const char *which = request_param(r, "token"), *own = request_caller(r)->token_id;
	struct store *s = request_store(r);
	struct token t = { 0 };
	int result =
		store_token_get(s, reach(r), streq(which, "~") && own[0] ? own : which, &t, err);

	if (result == 0)
		result = store_token_delete(s, reach(r), t.id, err);
	if (result == 0) {
		request_note(r, "authorization %s", t.id);
		result = request_answer(r, 200, token_json(r, &t, NULL));
	}
	token_done(&t);
	return result;
}

const struct api_route all_keys_routes[] = {
	{ "GET", "/twelve/keys", NEED_ADMIN, api_keys_all, "SSH keys of all users",
	  .answer = "[key]" },
	{ 0 },
};

const struct api_route access_routes[] = {
	{ "GET", "/account/keys", NEED_USER, api_keys_list, "SSH keys that may push",
	  .answer = "[key]" },
	{ "GET", "/account/keys/:key", NEED_USER, api_keys_get, "one key by id or fingerprint",
	  .answer = "key" },
	{ "POST", "/account/keys", NEED_USER, api_keys_create, "add a key",
	  "public_key:string user?:ref", .answer = "key" },
	{ "DELETE", "/account/keys/:key", NEED_USER, api_keys_delete,
	  "remove a key by id or fingerprint" },
	{ "GET", "/oauth/authorizations", NEED_USER, api_tokens_list, "tokens",
	  .answer = "[oauth-authorization]" },
	{ "POST", "/oauth/authorizations", NEED_USER, api_tokens_create,
	  "create a token, which is shown once",
	  "description?:string expires_in?:int scope?:array client?:any user?:ref",
	  .answer = "oauth-authorization" },
	{ "DELETE", "/oauth/authorizations/:token", NEED_USER, api_tokens_delete,
	  "revoke a token; ~ is the token of this request", .answer = "oauth-authorization" },
	{ "PATCH", "/oauth/authorizations/:token", NEED_USER, api_tokens_update,
	  "change the description of a token", "description?:string client?:any",
	  .answer = "oauth-authorization" },
	{ "POST", "/oauth/authorizations/:token/actions/regenerate-tokens", NEED_USER,
	  api_tokens_regenerate,
	  "replace the secret of a token; shown once, the old one is revoked",
	  .answer = "oauth-authorization" },
	{ "GET", "/oauth/authorizations/:token", NEED_USER, api_tokens_get, "one token",
	  .answer = "oauth-authorization" },
	{ 0 },
};
