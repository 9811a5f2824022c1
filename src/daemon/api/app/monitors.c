/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Autoscaling of web dynos, as Heroku's metrics service (api.metrics.heroku.com) has it: a monitor
 * of a process type, of which there is one kind here. Its own CLI asks for it on the API's port, by
 * that host name.
 */
#include "base/json.h"
#include "base/str.h"
#include "daemon/api/shapes.h"
#include "daemon/api/table.h"
#include "daemon/rollout/autoscale.h"
#include "daemon/wanted/formation.h"
#include "model/names.h"
#include "store/monitor.h"

#define NAME "LATENCY_SCALE"
#define OP "GREATER_OR_EQUAL"
#define TARGET_DEFAULT_MS 1000
/* The router's own patience. */
#define TARGET_MAX_MS 30000
#define NOTIFICATION_PERIOD 1440

/* ---- what is shown ---- */

static int monitor_json(struct request *r, const struct app *app, const struct monitor *m,
			json_t **ret, struct error *err)
{
	struct parts *parts = request_parts(r);
	struct autoscale_period last;
	struct formation web = { 0 };
	int64_t at_ms;
	json_t *more;

	if (formation_find(parts->wanted, app, "web", &web, err) < 0)
		return -1;
	more = json_pack("{s:I}", "quantity", (json_int_t)web.quantity);
	formation_done(&web);
	if (autoscaler_last(parts->autoscaler, app->id, &last, &at_ms))
		json_object_update_new(
			more, json_pack("{s:o, s:I, s:o}", "measured_at", json_time(at_ms),
					"requests", (json_int_t)last.requests, "p95_ms",
					last.requests ? json_integer((json_int_t)last.p95_ms)
						      : json_null()));
	*ret = json_pack("{s:s, s:o, s:s, s:s, s:s, s:s}", "id", m->id, "app", api_app_ref(app),
			 "process_type", "web", "name", NAME, "action_type", "scale", "op", OP);
	json_object_update_new(*ret, json_pack("{s:b, s:I, s:I, s:I, s:i}", "is_active", m->active,
					       "min_quantity", (json_int_t)m->min, "max_quantity",
					       (json_int_t)m->max, "value",
					       (json_int_t)m->target_ms, "period", 1));
	json_object_update_new(*ret,
			       json_pack("{s:[], s:i, s:o, s:o, s:o}", "notification_channels",
					 "notification_period", NOTIFICATION_PERIOD, "created_at",
					 json_time(m->created_ms), "updated_at",
					 json_time(m->updated_ms), "twelve", more));
	return 0;
}

static int answer_one(struct request *r, const struct app *app, const struct monitor *m, int status,
		      struct error *err)
{
	json_t *j;

	if (monitor_json(r, app, m, &j, err) < 0)
		return -1;
	if (m->active)
		request_note(r, "autoscale web from %lld to %lld at %lld ms", (long long)m->min,
			     (long long)m->max, (long long)m->target_ms);
	else
		request_note(r, "autoscale web no more");
	return request_answer(r, status, j);
}

/* ---- what is given ---- */

static int check_word(struct request *r, const char *key, const char *expected, struct error *err)
{
	char excerpt[NAME_EXCERPT_SIZE];
	const char *word;

	if (request_string(r, key, false, &word, err) < 0)
		return -1;
	if (word && !streq(word, expected))
		return error_set(err, ERROR_INVALID, "\"%s\" can only be %s here, not \"%s\"", key,
				 expected, name_excerpt(excerpt, word));
	return 0;
}

/* The parts of Heroku's monitors that there is one value for. */
static int check_kind(struct request *r, struct error *err)
{
	const char *type = request_param(r, "type");
	char excerpt[NAME_EXCERPT_SIZE];
	int64_t ignored;

	if (!streq(type, "web"))
		return error_set(err, ERROR_INVALID,
				 "Only web dynos can be autoscaled, since requests are what is "
				 "measured; not \"%s\"",
				 name_excerpt(excerpt, type));
	if (check_word(r, "action_type", "scale", err) < 0 || check_word(r, "op", OP, err) < 0 ||
	    check_word(r, "name", NAME, err) < 0 ||
	    request_int(r, "period", 1, 1, 1, &ignored, err) < 0 ||
	    request_int(r, "notification_period", 0, INT32_MAX, 0, &ignored, err) < 0)
		return -1;
	if (json_array_size(json_object_get(request_body(r), "notification_channels")))
		return error_set(err, ERROR_INVALID,
				 "\"notification_channels\" must be empty: no mail is sent from "
				 "here; that the maximum is reached is a line in the app's log");
	return 0;
}

static int read_monitor(struct request *r, struct monitor *m, struct error *err)
{
	int64_t max = request_parts(r)->platform.settings.max_dynos;

	if (check_kind(r, err) < 0 ||
	    request_int(r, "min_quantity", 1, max, m->min, &m->min, err) < 0 ||
	    request_int(r, "max_quantity", 1, max, m->max, &m->max, err) < 0 ||
	    request_int(r, "value", 1, TARGET_MAX_MS, m->target_ms, &m->target_ms, err) < 0 ||
	    request_bool(r, "is_active", m->active, &m->active, err) < 0)
		return -1;
	if (m->min > m->max)
		return error_set(
			err, ERROR_INVALID,
			"\"min_quantity\" (%lld) can't be more than \"max_quantity\" (%lld)",
			(long long)m->min, (long long)m->max);
	return 0;
}

/* ---- handlers ---- */

static int api_monitors_list(struct request *r, struct error *err)
{
	json_t *list = json_array(), *j;
	struct monitor m = { 0 };
	const struct app *app = request_app(r);
	int result = 0;

	if (streq(request_param(r, "type"), "web"))
		result = store_monitor_get(request_store(r), app->id, &m, err);
	if (result > 0) {
		result = monitor_json(r, app, &m, &j, err);
		if (result == 0)
			json_array_append_new(list, j);
	}
	if (result == 0)
		result = request_answer_list(r, json_incref(list));
	json_decref(list);
	return result;
}

static int api_monitors_create(struct request *r, struct error *err)
{
	struct monitor m = { .active = true, .target_ms = TARGET_DEFAULT_MS };
	const struct app *app = request_app(r);
	int result = read_monitor(r, &m, err);

	memcpy(m.app_id, app->id, sizeof(m.app_id));
	if (result == 0)
		result = store_monitor_create(request_store(r), &m, err);
	if (result == 0)
		result = answer_one(r, app, &m, 201, err);
	return result;
}

static int find_monitor(struct request *r, const struct app *app, struct monitor *ret,
			struct error *err)
{
	const char *which = request_param(r, "monitor");
	char excerpt[NAME_EXCERPT_SIZE];
	int found = store_monitor_get(request_store(r), app->id, ret, err);

	if (found < 0)
		return -1;
	if (found && (streq(which, ret->id) || streq(which, NAME)))
		return 0;
	return error_set(err, ERROR_NOT_FOUND, "%s has no monitor \"%s\"", app->name,
			 name_excerpt(excerpt, which));
}

static int api_monitors_update(struct request *r, struct error *err)
{
	struct monitor m = { 0 };
	const struct app *app = request_app(r);
	int result = find_monitor(r, app, &m, err);

	if (result == 0)
		result = read_monitor(r, &m, err);
	if (result == 0)
		result = store_monitor_update(request_store(r), &m, err);
	if (result == 0)
		result = answer_one(r, app, &m, 200, err);
	return result;
}

const struct api_route monitors_routes[] = {
	{ "GET", "/apps/:app/formation/:type/monitors", NEED_VIEW, api_monitors_list,
	  "what autoscaling was asked for, and what it measured last; none or one",
	  .answer = "[monitor]" },
	{ "POST", "/apps/:app/formation/:type/monitors", NEED_OPERATE, api_monitors_create,
	  "have the web dynos autoscaled by the 95th percentile of response times: value, in ms",
	  "min_quantity:int max_quantity:int value?:int is_active?:bool action_type?:string "
	  "name?:string op?:string period?:int "
	  "notification_channels?:array notification_period?:int",
	  .answer = "monitor" },
	{ "PATCH", "/apps/:app/formation/:type/monitors/:monitor", NEED_OPERATE,
	  api_monitors_update, "change that, or turn it off",
	  "min_quantity?:int max_quantity?:int value?:int is_active?:bool action_type?:string "
	  "name?:string op?:string period?:int "
	  "notification_channels?:array notification_period?:int",
	  .answer = "monitor" },
	{ 0 },
};
