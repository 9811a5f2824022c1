/* SPDX-License-Identifier: Apache-2.0 */
/* SSH keys and tokens. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "daemon/api-priv.h"
#include "daemon/git.h"

#define MAX_TOKEN_LIFE_S (100LL * 366 * 86400)

/* ---- keys ---- */

static json_t *key_json(const struct ssh_key *k)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o}", "id", k->id, "public_key",
			 k->public_key, "fingerprint", k->fingerprint, "comment", k->comment,
			 "email", k->comment, "created_at", api_time(k->created_ms), "updated_at",
			 api_time(k->created_ms));
}

int api_keys_list(struct request *r, struct error *err)
{
	struct ssh_key *keys = NULL;
	json_t *list;
	size_t n = 0;

	if (store_key_list(request_daemon(r)->store, &keys, &n, err) < 0)
		return -1;
	list = json_array();
	for (size_t i = 0; i < n; i++) {
		json_array_append_new(list, key_json(&keys[i]));
		ssh_key_done(&keys[i]);
	}
	free(keys);
	return request_answer_list(r, list);
}

int api_keys_create(struct request *r, struct error *err)
{
	struct daemon *d = request_daemon(r);
	struct ssh_key k = { 0 };
	const char *text;
	int result = -1;

	if (request_string(r, "public_key", true, &text, err) < 0)
		return -1;
	k.public_key = xstrdup(text);
	if (git_check_key(str_trim(k.public_key), &k.fingerprint, &k.comment, err) == 0 &&
	    store_key_create(d->store, &k, err) == 0 && git_write_authorized_keys(d, err) == 0)
		result = request_answer(r, 201, key_json(&k));
	ssh_key_done(&k);
	return result;
}

int api_keys_delete(struct request *r, struct error *err)
{
	struct daemon *d = request_daemon(r);

	if (store_key_delete(d->store, request_param(r, "key"), err) < 0 ||
	    git_write_authorized_keys(d, err) < 0)
		return -1;
	return request_answer(r, 200, json_object());
}

/* ---- tokens ---- */

static json_t *token_user(const struct token *t)
{
	json_t *user = api_user_ref(t->description);

	json_object_set_new(user, "full_name", api_text(t->description));
	return user;
}

static json_t *token_json(const struct token *t, const char *secret)
{
	int64_t left_s = t->expires_ms ? (t->expires_ms - clock_wall_ms()) / 1000 : 0;
	json_t *expires = t->expires_ms ? json_integer((json_int_t)left_s) : json_null();

	json_t *j = json_pack("{s:s, s:o, s:[s], s:o, s:o}", "id", t->id, "description",
			      api_text(t->description), "scope", "global", "created_at",
			      api_time(t->created_ms), "updated_at", api_time(t->created_ms));

	json_object_update_new(j, json_pack("{s:n, s:n, s:n, s:n}", "client", "grant",
					    "refresh_token", "session"));
	json_object_update_new(j, json_pack("{s:{s:s, s:s, s:o}, s:o, s:{s:o}}", "access_token",
					    "id", t->id, "token", secret ? secret : "tw-**********",
					    "expires_in", expires, "user", token_user(t), "twelve",
					    "used_at", api_time(t->used_ms)));
	return j;
}

int api_tokens_list(struct request *r, struct error *err)
{
	struct token *tokens = NULL;
	json_t *list;
	size_t n = 0;

	if (store_token_list(request_daemon(r)->store, &tokens, &n, err) < 0)
		return -1;
	list = json_array();
	for (size_t i = 0; i < n; i++) {
		json_array_append_new(list, token_json(&tokens[i], NULL));
		token_done(&tokens[i]);
	}
	free(tokens);
	return request_answer_list(r, list);
}

int api_tokens_get(struct request *r, struct error *err)
{
	const char *id = request_param(r, "token");
	struct token *tokens = NULL;
	json_t *found = NULL;
	size_t n = 0;

	if (store_token_list(request_daemon(r)->store, &tokens, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (streq(tokens[i].id, id))
			found = token_json(&tokens[i], NULL);
		token_done(&tokens[i]);
	}
	free(tokens);
	if (found)
		return request_answer(r, 200, found);
	/* `heroku logout` asks for "~" and wants to be told of what kind the missing thing is. */
	return request_answer(r, 404,
			      json_pack("{s:s, s:s, s:s}", "id", "not_found", "resource",
					"authorization", "message",
					"Couldn't find that authorization."));
}

int api_no_session(struct request *r, struct error *err)
{
	(void)err;
	return request_answer(r, 404,
			      json_pack("{s:s, s:s, s:s}", "id", "not_found", "resource", "session",
					"message", "Couldn't find that session."));
}

int api_tokens_create(struct request *r, struct error *err)
{
	struct token t = { 0 };
	const char *description;
	char *secret = NULL;
	int64_t expires_in;
	int result = -1;

	if (request_string(r, "description", false, &description, err) < 0 ||
	    request_int(r, "expires_in", 1, MAX_TOKEN_LIFE_S, 0, &expires_in, err) < 0)
		return -1;
	t.description = xstrdup(description && description[0] ? description : "a token");
	t.expires_ms = expires_in ? clock_wall_ms() + expires_in * 1000 : 0;
	if (store_token_create(request_daemon(r)->store, &t, &secret, err) == 0)
		result = request_answer(r, 201, token_json(&t, secret));
	free(secret);
	token_done(&t);
	return result;
}

int api_tokens_delete(struct request *r, struct error *err)
{
	if (store_token_delete(request_daemon(r)->store, request_param(r, "token"), err) < 0)
		return -1;
	return request_answer(r, 200, json_object());
}
