/* SPDX-License-Identifier: Apache-2.0 */
/* The audit trail, shown. */
#include <stdlib.h>

#include "base/json.h"
#include "base/str.h"
#include "daemon/api/table.h"
#include "daemon/api/authz.h"

#define MAX_DEFAULT 100
#define MAX_MAX 1000

static json_t *app_of(const struct audit *a)
{
	return a->app_id[0]
		       ? json_pack("{s:s, s:o}", "id", a->app_id, "name", json_text(a->app_name))
		       : json_null();
}

static json_t *audit_json(const struct audit *a)
{
	json_t *j = json_pack("{s:I, s:o, s:{s:s, s:o}, s:o}", "number", (json_int_t)a->number,
			      "at", json_time(a->at_ms), "user", "id", a->user_id, "name",
			      json_text(a->user), "app", app_of(a));

	json_object_update_new(
		j, json_pack("{s:o, s:o, s:I, s:o, s:s, s:o}", "action", json_text(a->action),
			     "note", json_text(a->note), "status", (json_int_t)a->status, "release",
			     a->version ? json_pack("{s:I}", "version", (json_int_t)a->version)
					: json_null(),
			     "request_id", a->request_id, "from", json_text(a->from)));
	return j;
}

static int answer(struct request *r, const char *app_id, const char *user_id, struct error *err)
{
	struct audit_filter f = { .app_id = app_id, .user_id = user_id };
	int64_t max = MAX_DEFAULT;
	struct audit *rows = NULL;
	const char *text;
	json_t *list;
	size_t n = 0;

	text = request_query(r, "max");
	if (text && !str_to_i64(text, 1, MAX_MAX, &max))
		return error_set(err, ERROR_INVALID, "\"max\" must be a whole number from 1 to %d",
				 MAX_MAX);
	text = request_query(r, "release");
	if (text && !str_to_i64(text, 1, INT64_MAX, &f.version))
		return error_set(err, ERROR_INVALID, "\"release\" must be the number of a release");
	f.max = (size_t)max;
	if (store_audit_list(request_store(r), &f, &rows, &n, err) < 0)
		return -1;
	list = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, audit_json(&rows[i]));
	audit_free_array(rows, n);
	return request_answer(r, 200, list);
}

/* Of everything for an administrator, else of what the caller did. */
static int api_audit_list(struct request *r, struct error *err)
{
	const struct caller *c = request_caller(r);

	return answer(r, NULL, c->admin ? NULL : c->user_id, err);
}

static int api_audit_of_app(struct request *r, struct error *err)
{
	return answer(r, request_app(r)->id, NULL, err);
}

const struct api_route audit_routes[] = {
	{ "GET", "/twelve/audit", NEED_USER, api_audit_list,
	  "audit trail, newest first: all of it for administrators, otherwise your own; ?max=",
	  .answer = "[audit]" },
	{ "GET", "/apps/:app/audit", NEED_VIEW, api_audit_of_app,
	  "audit trail of an app, newest first; ?max=, ?release=", .answer = "[audit]" },
	{ 0 },
};
