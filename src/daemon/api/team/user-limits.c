/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of users: what is set, what is used. Administrators set them; what they do stands in
 * wanted/owner.h. */
#include "base/str.h"
#include "daemon/api/table.h"
#include "daemon/build/builds.h"
#include "daemon/wanted/owner.h"
#include "store/owner-limit.h"

/* null: no limit. */
static json_t *limit_json(int64_t max)
{
	return max == OWNER_UNLIMITED ? json_null() : json_integer(max);
}

static json_t *limits_json(struct request *r, const struct user *u, struct error *err)
{
	struct parts *parts = request_parts(r);
	struct owner_numbers own, max, used;
	json_t *j;

	if (store_owner_limits_get(parts->platform.store, u->id, &own, err) < 0 ||
	    owner_limits(parts->wanted, u->id, &max, err) < 0 ||
	    owner_used(parts->wanted, u->id, &used, err) < 0)
		return NULL;
	max.of[OWNER_BUILDS] = (int64_t)builds_owner_max(parts->builds, u->id);
	used.of[OWNER_BUILDS] = (int64_t)builds_owner_running(parts->builds, u->id);
	j = json_pack("{s:{s:s, s:s}}", "user", "id", u->id, "email", u->email);
	for (size_t i = 0; i < _OWNER_LIMIT_MAX; i++)
		json_object_set_new(j, owner_limit_names[i],
				    json_pack("{s:o, s:I, s:b}", "limit", limit_json(max.of[i]),
					      "used", (json_int_t)used.of[i], "own",
					      own.of[i] != OWNER_DEFAULT));
	return j;
}

static int answer(struct request *r, const char *user, struct error *err)
{
	struct user u = { 0 };
	json_t *j = NULL;

	if (store_user_get(request_store(r), user, &u, err) == 0)
		j = limits_json(r, &u, err);
	user_done(&u);
	return j ? request_answer(r, 200, j) : -1;
}

static int api_own_limits_get(struct request *r, struct error *err)
{
	return answer(r, request_caller(r)->user_id, err);
}

static int api_user_limits_get(struct request *r, struct error *err)
{
	return answer(r, request_param(r, "user"), err);
}

/* A number, or the words of owner_limit_parse(); null is "default". What is not there stays. */
static int read_limit(struct request *r, enum owner_limit what, int64_t *limit, struct error *err)
{
	json_t *v = json_object_get(request_body(r), owner_limit_names[what]);
	_cleanup_free_ char *text = NULL;

	if (!v)
		return 0;
	if (json_is_integer(v))
		text = xasprintf("%lld", (long long)json_integer_value(v));
	else if (json_is_null(v))
		text = xstrdup("default");
	else if (json_is_string(v))
		text = xstrdup(json_string_value(v));
	else
		return error_set(err, ERROR_INVALID, "\"%s\" must be a number or a string",
				 owner_limit_names[what]);
	return owner_limit_parse(what, text, limit, err);
}

static void note_limits(struct request *r, const struct user *u, const struct owner_numbers *now)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	char value[OWNER_TEXT];

	for (size_t i = 0; i < _OWNER_LIMIT_MAX; i++)
		if (json_object_get(request_body(r), owner_limit_names[i]))
			buf_printf(
				&text, " %s=%s", owner_limit_names[i],
				now->of[i] == OWNER_DEFAULT
					? "default"
					: owner_limit_text((enum owner_limit)i, now->of[i], value));
	request_note(r, "limits of %s:%s", u->email, text.data ? text.data : " none");
}

static int api_user_limits_set(struct request *r, struct error *err)
{
	struct store *s = request_store(r);
	struct owner_numbers limits;
	struct user u = { 0 };
	int result = store_user_get(s, request_param(r, "user"), &u, err);

	if (result == 0)
		result = store_owner_limits_get(s, u.id, &limits, err);
	for (size_t i = 0; result == 0 && i < _OWNER_LIMIT_MAX; i++)
		result = read_limit(r, (enum owner_limit)i, &limits.of[i], err);
	if (result == 0)
		result = store_owner_limits_set(s, u.id, &limits, err);
	if (result == 0) {
		note_limits(r, &u, &limits);
		builds_limits_changed(request_parts(r)->builds);
		result = answer(r, u.id, err);
	}
	user_done(&u);
	return result;
}

const struct api_route user_limits_routes[] = {
	{ "GET", "/twelve/limits", NEED_USER, api_own_limits_get,
	  "your limits and what your apps use of them; memory is in bytes, a limit of null is none",
	  .answer = "limits" },
	{ "GET", "/twelve/users/:user/limits", NEED_ADMIN, api_user_limits_get,
	  "the same of a user", .answer = "limits" },
	{ "PATCH", "/twelve/users/:user/limits", NEED_ADMIN, api_user_limits_set,
	  "set limits of a user: numbers, \"unlimited\", or \"default\" (or null) for what is set "
	  "for everybody; memory also as \"4G\"",
	  "apps?:any dynos?:any addons?:any memory?:any builds?:any", .answer = "limits" },
	{ 0 },
};
