/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log drains, as of Heroku's schema, with `format`, `on_full`, `display_url` (without
 * secrets) and `status` beside it. The status is what twelve-logs last wrote.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "daemon/api/table.h"
#include "daemon/lines/drains.h"
#include "daemon/lines/lines.h"
#include "logs/drain.h"

/* A test has an answer within the time limits of a connection and a request. */
#define TEST_MS 45000
#define LOOK_MS 50

/* ---- shapes ---- */

static const char *state_of(const struct drain_status *s)
{
	return s->failures ? "failing" : drain_phase_names[s->phase];
}

static json_t *test_json(const struct drain_status *s)
{
	static const char *const results[] = {
		[DRAIN_TEST_NONE] = NULL,
		[DRAIN_TEST_RUNNING] = "running",
		[DRAIN_TEST_PASSED] = "passed",
		[DRAIN_TEST_FAILED] = "failed",
	};

	if (s->test == DRAIN_TEST_NONE || s->test >= ARRAY_SIZE(results))
		return json_null();
	return json_pack("{s:s, s:s, s:o}", "id", s->test_id, "result", results[s->test], "text",
			 json_text(s->test_text));
}

static json_t *status_json(struct parts *parts, const char *drain_id)
{
	int64_t now_ms = clock_wall_ms();
	struct drain_status s;
	uint64_t lag;

	if (!drains_status(&parts->platform, drain_id, &s))
		return json_pack("{s:s}", "state", "unknown");
	lag = s.tail_seq > s.next_seq ? s.tail_seq - s.next_seq : 0;
	return json_pack("{s:s, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o}", "state",
			 state_of(&s), "since",
			 json_time(s.failures ? s.failing_since_ms : s.phase_since_ms), "lag_lines",
			 (json_int_t)lag, "lag_ms",
			 (json_int_t)(lag && s.oldest_ns ? now_ms - s.oldest_ns / 1000000 : 0),
			 "sent", (json_int_t)s.sent, "sent_bytes", (json_int_t)s.sent_bytes,
			 "dropped", (json_int_t)s.dropped, "failures", (json_int_t)s.failures,
			 "failing_since", json_time(s.failing_since_ms), "error",
			 s.error[0] ? json_text(s.error) : json_null(), "error_at",
			 json_time(s.error_ms), "test", test_json(&s));
}

static json_t *drain_json(struct request *r, const struct app *app, const struct drain *dr)
{
	_cleanup_free_ char *masked = drain_mask_url(dr->url);

	return json_pack("{s:n, s:{s:s, s:s}, s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:o, s:o, s:o}",
			 "addon", "app", "id", app->id, "name", app->name, "id", dr->id, "token",
			 dr->token, "url", dr->url, "display_url", masked, "format", dr->format,
			 "on_full", dr->on_full, "own_ca", dr->ca != NULL, "created_at",
			 json_time(dr->created_ms), "updated_at", json_time(dr->updated_ms),
			 "status", status_json(request_parts(r), dr->id));
}

/* ---- reading ---- */

static int api_drains_list(struct request *r, struct error *err)
{
	struct drain *list = NULL;
	const struct app *app = request_app(r);
	json_t *j = json_array();
	size_t n = 0;
	int result = -1;

	if (store_drain_list(request_store(r), app->id, &list, &n, err) == 0) {
		for (size_t i = 0; i < n; i++)
			json_array_append_new(j, drain_json(r, app, &list[i]));
		result = request_answer_list(r, json_incref(j));
	}
	drain_free_array(list, n);
	json_decref(j);
	return result;
}

static int find(struct request *r, struct drain *dr, struct error *err)
{
	return store_drain_get(request_store(r), request_app(r)->id, request_param(r, "drain"), dr,
			       err);
}

static int api_drains_get(struct request *r, struct error *err)
{
	struct drain dr = { 0 };
	int result = find(r, &dr, err);

	if (result == 0)
		result = request_answer(r, 200, drain_json(r, request_app(r), &dr));
	drain_done(&dr);
	return result;
}

/* ---- changing ---- */

static void set(char **to, const char *value)
{
	free(*to);
	*to = value ? xstrdup(value) : NULL;
}

/* What the request says, over what is there; all of it checked together. */
static int read_drain(struct request *r, struct drain *dr, struct error *err)
{
	const char *url, *format, *on_full, *ca;
	struct drain_target t = { 0 };
	int result = -1;

	if (request_string(r, "url", !dr->url, &url, err) < 0 ||
	    request_string(r, "format", false, &format, err) < 0 ||
	    request_string(r, "on_full", false, &on_full, err) < 0 ||
	    request_string(r, "ca", false, &ca, err) < 0)
		return -1;
	if (url)
		set(&dr->url, url);
	if (json_object_get(request_body(r), "ca"))
		set(&dr->ca, ca && *ca ? ca : NULL);
	if (on_full || !dr->on_full)
		set(&dr->on_full, on_full ? on_full : "drop");
	if (drain_target_parse(dr->url, &t, err) < 0)
		return -1;
	if (format || !dr->format)
		set(&dr->format, format ? format : drain_default_format(&t));
	if (!streq(dr->on_full, "drop") && !streq(dr->on_full, "block"))
		error_set(err, ERROR_INVALID, "\"on_full\" is \"%.20s\": expected drop or block",
			  dr->on_full);
	else if (drain_check_format(&t, dr->format, err) == 0 &&
		 (!dr->ca || drain_check_ca(&t, dr->ca, err) == 0))
		result = 0;
	drain_target_done(&t);
	return result;
}

static int check_new(struct parts *parts, const struct app *app, const struct drain *dr,
		     struct error *err)
{
	struct drain *list = NULL;
	size_t n = 0;
	int result = store_drain_list(parts->platform.store, app->id, &list, &n, err);

	for (size_t i = 0; result == 0 && i < n; i++)
		if (!streq(list[i].id, dr->id) && streq(list[i].url, dr->url))
			result = error_set(err, ERROR_INVALID,
					   "%s has a drain with this URL already: %s", app->name,
					   list[i].token);
	if (result == 0 && !dr->id[0] && n >= DRAINS_MAX)
		result = error_set(err, ERROR_INVALID,
				   "%s has %zu drains, and more than %d are not allowed", app->name,
				   n, DRAINS_MAX);
	drain_free_array(list, n);
	return result;
}

/* In the stream, without the URL's secrets. */
static void tell_change(struct request *r, const struct app *app, const struct drain *dr,
			const char *what)
{
	_cleanup_free_ char *masked = drain_mask_url(dr->url);
	struct parts *parts = request_parts(r);

	logs_append(parts->logs, app->id, "app", "api", "Log drain %s (%s) %s by user %s",
		    dr->token, masked, what, request_caller(r)->name);
	request_note(r, "drain %s (%s)", dr->token, masked);
	drains_tell(&parts->platform, parts->logs, app->id);
}

static int api_drains_create(struct request *r, struct error *err)
{
	struct parts *parts = request_parts(r);
	const struct app *app = request_app(r);
	struct drain dr = { 0 };
	int result = read_drain(r, &dr, err);

	memcpy(dr.app_id, app->id, UUID_SIZE);
	if (result == 0)
		result = check_new(parts, app, &dr, err);
	if (result == 0)
		result = store_drain_create(parts->platform.store, &dr, err);
	if (result == 0) {
		tell_change(r, app, &dr, "added");
		result = request_answer(r, 201, drain_json(r, app, &dr));
	}
	drain_done(&dr);
	return result;
}

static int api_drains_update(struct request *r, struct error *err)
{
	struct parts *parts = request_parts(r);
	const struct app *app = request_app(r);
	struct drain dr = { 0 };
	int result = find(r, &dr, err);

	if (result == 0)
		result = read_drain(r, &dr, err);
	if (result == 0)
		result = check_new(parts, app, &dr, err);
	if (result == 0)
		result = store_drain_update(parts->platform.store, &dr, err);
	if (result == 0) {
		tell_change(r, app, &dr, "changed");
		result = request_answer(r, 200, drain_json(r, app, &dr));
	}
	drain_done(&dr);
	return result;
}

static int api_drains_delete(struct request *r, struct error *err)
{
	const struct app *app = request_app(r);
	struct drain dr = { 0 };
	json_t *j = NULL;
	int result = find(r, &dr, err);

	if (result == 0) {
		j = drain_json(r, app, &dr);
		result = store_drain_delete(request_store(r), dr.id, err);
	}
	if (result == 0) {
		tell_change(r, app, &dr, "removed");
		drains_forget(&request_parts(r)->platform, dr.id);
		result = request_answer(r, 200, json_incref(j));
	}
	json_decref(j);
	drain_done(&dr);
	return result;
}

/* ---- a test ---- */

struct test {
	struct request *request;
	struct drain drain;
	char id[UUID_SIZE];
	int64_t until_ms;
	struct watch *timer;
};

static void free_test(void *work)
{
	struct test *t = work;

	watch_free(t->timer);
	drain_done(&t->drain);
	free(t);
}

static int answer_test(struct request *r, struct error *err)
{
	struct test *t = request_work(r);

	if (clock_now_ms() > t->until_ms)
		return error_set(err, ERROR_UNAVAILABLE,
				 "No answer to the test came within %d s: look at drains:info and "
				 "at the log of twelved",
				 TEST_MS / 1000);
	return request_answer(r, 200, drain_json(r, request_app(r), &t->drain));
}

static void look(void *userdata)
{
	struct test *t = userdata;
	struct parts *parts = request_parts(t->request);
	struct drain_status s;

	if ((drains_status(&parts->platform, t->drain.id, &s) && streq(s.test_id, t->id) &&
	     s.test != DRAIN_TEST_RUNNING) ||
	    clock_now_ms() > t->until_ms)
		request_resume(t->request);
	else
		watch_arm(t->timer, LOOK_MS);
}

static int api_drains_test(struct request *r, struct error *err)
{
	struct parts *parts = request_parts(r);
	struct test *t = xcalloc(1, sizeof(*t));

	t->request = r;
	if (find(r, &t->drain, err) < 0) {
		free_test(t);
		return -1;
	}
	logs_drain_test(parts->logs, request_app(r)->id, t->drain.id, uuid_make(t->id));
	t->until_ms = clock_now_ms() + TEST_MS;
	t->timer = watch_timer(parts->platform.loop, look, t);
	watch_arm(t->timer, LOOK_MS);
	request_defer(r, answer_test, t, free_test);
	return 0;
}

const struct api_route drains_routes[] = {
	{ "GET", "/apps/:app/log-drains", NEED_VIEW, api_drains_list,
	  "log drains, with how they are", .answer = "[log-drain]" },
	{ "POST", "/apps/:app/log-drains", NEED_OPERATE, api_drains_create, "add a log drain",
	  "url:string format?:string on_full?:string ca?:string", .answer = "log-drain" },
	{ "GET", "/apps/:app/log-drains/:drain", NEED_VIEW, api_drains_get,
	  "one log drain, by id, token or URL", .answer = "log-drain" },
	{ "PUT", "/apps/:app/log-drains/:drain", NEED_OPERATE, api_drains_update,
	  "change a log drain", "url?:string format?:string on_full?:string ca?:string",
	  .answer = "log-drain" },
	{ "DELETE", "/apps/:app/log-drains/:drain", NEED_OPERATE, api_drains_delete,
	  "remove a log drain", .answer = "log-drain" },
	{ "POST", "/apps/:app/log-drains/:drain/actions/test", NEED_OPERATE, api_drains_test,
	  "send one marked line and tell what came back", .answer = "log-drain-test" },
	{ 0 },
};
