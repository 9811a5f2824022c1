/* SPDX-License-Identifier: Apache-2.0 */
/* Log sessions: the URL of one is the secret that opens it (core/sealed-url.h). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "daemon/api/table.h"
#include "daemon/api/log-answer.h"
#include "daemon/core/sealed-url.h"

#define LINES_DEFAULT 100
#define LINES_MAX 100000
#define SESSION_MS (24 * 3600 * 1000LL)

static int read_dyno(struct request *r, const char **ret, struct error *err)
{
	static const char *const names[] = { "dyno", "dyno_name", "type" };

	*ret = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(names) && !*ret; i++)
		if (request_string(r, names[i], false, ret, err) < 0)
			return -1;
	return 0;
}

/* RFC 3339. */
static int read_since(struct request *r, int64_t *ret_ms, struct error *err)
{
	const char *text;

	*ret_ms = 0;
	if (request_string(r, "since", false, &text, err) < 0)
		return -1;
	if (text && !clock_parse(text, ret_ms))
		return error_set(
			err, ERROR_INVALID,
			"\"since\" is \"%.40s\": expected a time such as 2026-11-24T10:00:00Z",
			text);
	return 0;
}

/* What is asked for; a new reference. */
static json_t *describe(struct request *r, const struct app *app, struct error *err)
{
	const char *dyno, *source;
	int64_t lines, release, since_ms;
	bool tail;

	if (read_dyno(r, &dyno, err) < 0 || request_string(r, "source", false, &source, err) < 0 ||
	    request_bool(r, "tail", false, &tail, err) < 0 ||
	    request_int(r, "release", 0, UINT32_MAX, 0, &release, err) < 0 ||
	    read_since(r, &since_ms, err) < 0 ||
	    request_int(r, "lines", 1, LINES_MAX, since_ms ? LINES_MAX : LINES_DEFAULT, &lines,
			err) < 0)
		return NULL;
	return json_pack("{s:s, s:I, s:b, s:s?, s:s?, s:I, s:I}", "app", app->id, "lines",
			 (json_int_t)lines, "tail", (int)tail, "dyno", dyno, "source", source,
			 "release", (json_int_t)release, "since_ms", (json_int_t)since_ms);
}

static int api_log_sessions_create(struct request *r, struct error *err)
{
	_cleanup_free_ char *secret = NULL, *url = NULL;
	json_t *session = describe(r, request_app(r), err);
	char id[UUID_SIZE];

	secret = session ? capability_seal(&request_parts(r)->platform, "log session", session,
					   SESSION_MS, err)
			 : NULL;
	if (!secret)
		return -1;
	url = request_url(r, "/log-streams/%s", secret);
	return request_answer(r, 201,
			      json_pack("{s:s, s:s, s:o, s:o}", "id", uuid_make(id), "logplex_url",
					url, "created_at", json_time(clock_wall_ms()), "updated_at",
					json_time(clock_wall_ms())));
}

static char *copy_string(json_t *session, const char *key)
{
	const char *s = json_string_value(json_object_get(session, key));

	return s ? xstrdup(s) : NULL;
}

static int api_log_stream(struct request *r, struct error *err)
{
	const char *last = request_header(r, "Last-Event-ID");
	json_t *session = capability_open(&request_parts(r)->platform, "log session",
					  request_param(r, "session"), err);
	struct log_session s = { 0 };
	int result;

	if (!session)
		return -1;
	snprintf(s.app_id, sizeof(s.app_id), "%s",
		 json_string_value(json_object_get(session, "app")));
	s.lines = json_integer_value(json_object_get(session, "lines"));
	s.tail = json_is_true(json_object_get(session, "tail"));
	s.dyno = copy_string(session, "dyno");
	s.source = copy_string(session, "source");
	s.release = json_integer_value(json_object_get(session, "release"));
	s.since_ms = json_integer_value(json_object_get(session, "since_ms"));
	s.seq = request_query(r, "seq") != NULL;
	if (last && !str_to_i64(last, 0, INT64_MAX, &s.after))
		s.after = 0;
	result = request_answer_logs(r, &s, err);
	free(s.dyno);
	free(s.source);
	json_decref(session);
	return result;
}

const struct api_route log_sessions_routes[] = {
	{ "POST", "/apps/:app/log-sessions", NEED_VIEW, api_log_sessions_create,
	  "a URL to read log lines from",
	  "lines?:int tail?:bool dyno?:string dyno_name?:string source?:string type?:string "
	  "release?:any since?:any",
	  API_QUIET, .answer = "log-session" },
	{ 0 },
};

const struct api_route log_streams_routes[] = {
	{ "GET", "/log-streams/:session", NEED_NOTHING, api_log_stream,
	  "log lines, as server-sent events or plain text", .answer = "text" },
	{ 0 },
};
