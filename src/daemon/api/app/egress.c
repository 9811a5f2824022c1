/* SPDX-License-Identifier: Apache-2.0 */
/* What of the outside an app reaches. What is not public is for administrators to allow: a private
 * network is the operator's, and not the app's owner's. */
#include "store/egress.h"

#include "base/str.h"
#include "daemon/api/table.h"
#include "daemon/lines/lines.h"
#include "daemon/walls/walls.h"

#define MAX_ALLOWED 100

static int answer(struct request *r, const struct egress *e)
{
	struct parts *parts = request_parts(r);
	json_t *allowed = json_array();

	for (char *const *a = e->allowed; a && *a; a++)
		json_array_append_new(allowed, json_string(*a));
	return request_answer(r, 200,
			      json_pack("{s:{s:s, s:s}, s:b, s:o, s:b}", "app", "id",
					request_app(r)->id, "name", request_app(r)->name, "closed",
					(int)e->closed, "allowed", allowed, "enforced",
					(int)walls_are_up(parts->walls)));
}

static int api_egress_get(struct request *r, struct error *err)
{
	struct egress e = { 0 };
	int result = store_egress_get(request_store(r), request_app(r)->id, &e, err);

	if (result == 0)
		result = answer(r, &e);
	egress_done(&e);
	return result;
}

/* One that was allowed before may stay, whoever allowed it. */
static int read_one(struct request *r, const json_t *v, const struct egress *before,
		    char ***allowed, struct error *err)
{
	struct net_egress to = { 0 };
	char text[NET_EGRESS_TEXT_MAX];

	if (!json_is_string(v))
		return error_set(err, ERROR_INVALID, "\"allowed\" must be an array of strings");
	if (net_egress_parse(json_string_value(v), &to, err) < 0)
		return -1;
	net_egress_print(&to, text);
	if (!net_egress_is_public(&to) && !request_caller(r)->admin &&
	    !strv_has(before->allowed, text))
		return error_set(err, ERROR_FORBIDDEN,
				 "%s is not of the public internet: an administrator may allow it",
				 text);
	if (!strv_has(*allowed, text))
		strv_push(allowed, text);
	return 0;
}

static int read_allowed(struct request *r, json_t *list, struct egress *e, struct error *err)
{
	char **allowed = NULL;
	int result = 0;
	json_t *v;
	size_t i;

	if (json_array_size(list) > MAX_ALLOWED)
		return error_set(err, ERROR_INVALID,
				 "%zu destinations are too many: an app has %d at most",
				 json_array_size(list), MAX_ALLOWED);
	json_array_foreach (list, i, v)
		if (result == 0)
			result = read_one(r, v, e, &allowed, err);
	if (result < 0) {
		strv_free(allowed);
		return -1;
	}
	strv_free(e->allowed);
	e->allowed = allowed;
	return 0;
}

static int change(struct request *r, struct egress *e, struct error *err)
{
	json_t *closed = json_object_get(request_body(r), "closed"),
	       *allowed = json_object_get(request_body(r), "allowed");
	struct parts *parts = request_parts(r);
	const char *word;

	if (closed)
		e->closed = json_is_true(closed);
	if ((allowed && read_allowed(r, allowed, e, err) < 0) ||
	    store_egress_put(request_store(r), e, err) < 0)
		return -1;
	walls_change(parts->walls);
	word = e->closed ? "closed" : "open";
	request_note(r, "egress %s, %zu allowed", word, strv_len(e->allowed));
	logs_append(parts->logs, request_app(r)->id, "app", "api",
		    "Egress is %s, with %zu destination%s allowed, by user %s", word,
		    strv_len(e->allowed), str_plural((int64_t)strv_len(e->allowed)),
		    request_caller(r)->name);
	return answer(r, e);
}

static int api_egress_set(struct request *r, struct error *err)
{
	struct egress e = { 0 };
	int result = store_egress_get(request_store(r), request_app(r)->id, &e, err);

	if (result == 0)
		result = change(r, &e, err);
	egress_done(&e);
	return result;
}

const struct api_route egress_routes[] = {
	{ "GET", "/apps/:app/egress", NEED_VIEW, api_egress_get,
	  "what of the outside the app's dynos and builds reach; \"enforced\" is false where "
	  "sandboxes "
	  "share the machine's network",
	  .answer = "egress" },
	{ "PATCH", "/apps/:app/egress", NEED_OPERATE, api_egress_set,
	  "closed: nothing but what is allowed. allowed: destinations such as "
	  "\"198.51.100.0/24:443\"; "
	  "what is not public may be allowed by administrators",
	  "closed?:bool allowed?:array", .answer = "egress" },
	{ 0 },
};
