/* SPDX-License-Identifier: Apache-2.0 */
/*
 * logs: lines of an app's stream. A tail that loses its connection (twelved is
 * restarted, the network is away) comes back and goes on after the last line
 * that it has shown.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/utf8.h"
#include "cli/app/app.h"
#include "cli/cli.h"
#include "cli/signals.h"
#include "cli/sse.h"

#define MAX_LINES 1500
#define RETRY_FIRST_MS 100
#define RETRY_MAX_MS 2000

struct tail {
	struct cli *c;
	struct sse sse;
	bool json;
	bool broken; /* stdout takes no more */
	bool opened; /* there was a connection once */
	bool came;   /* something, on this connection */
};

/* A colour for a dyno: the same one each time. */
static const char *dyno_style(const struct cli *c, const struct log_line *l)
{
	static const enum style styles[] = { STYLE_CYAN, STYLE_GREEN, STYLE_YELLOW };
	unsigned int h = 0;

	if (l->source_len != 3 || strncmp(l->source, "app", 3) != 0)
		return style_on(c->color, STYLE_DIM);
	for (int i = 0; i < l->dyno_len; i++)
		h = h * 31 + (unsigned char)l->dyno[i];
	return style_on(c->color, styles[h % ARRAY_SIZE(styles)]);
}

/* JSON is UTF-8, lines are what apps write. */
static void print_line_json(const struct log_line *l, int64_t seq)
{
	_cleanup_free_ char *stamp = utf8_dup(l->stamp, (size_t)l->stamp_len),
			    *source = utf8_dup(l->source, (size_t)l->source_len);
	_cleanup_free_ char *dyno = utf8_dup(l->dyno, (size_t)l->dyno_len),
			    *text = utf8_dup(l->text, strlen(l->text));
	json_t *j = json_pack("{s:I, s:s, s:s, s:s, s:s}", "seq", (json_int_t)seq, "time", stamp,
			      "source", source, "dyno", dyno, "text", text);

	json_dumpf(j, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(j);
}

static void on_line(const char *line, void *userdata)
{
	struct tail *t = userdata;
	struct log_line l;
	int64_t seq;

	t->came = true;
	if (!log_line_split(line, &l))
		puts(line);
	else if (t->json)
		print_line_json(&l,
				t->sse.id && str_to_i64(t->sse.id, 0, INT64_MAX, &seq) ? seq : 0);
	else if (t->c->color)
		printf("%s%.*s %.*s[%.*s]:%s %s\n", dyno_style(t->c, &l), l.stamp_len, l.stamp,
		       l.source_len, l.source, l.dyno_len, l.dyno, style_off(true), l.text);
	else
		puts(line);
}

static bool on_chunk(const char *data, size_t n, void *userdata)
{
	struct tail *t = userdata;

	t->opened = true;
	sse_feed(&t->sse, data, n, on_line, t);
	t->broken = fflush(stdout) != 0;
	return !t->broken;
}

/* "10m" ago, or a time. */
static int read_since(const char *text, char ret[static CLOCK_ISO_SIZE], struct error *err)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} units[] = { { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 } };
	_cleanup_free_ char *number = xstrdup(text);
	int64_t n;

	if (clock_parse(text, &n)) {
		snprintf(ret, CLOCK_ISO_SIZE, "%.*s", CLOCK_ISO_SIZE - 1, text);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (!str_ends(text, units[i].unit))
			continue;
		number[strlen(number) - 1] = '\0';
		if (!str_to_i64(number, 0, 1000000, &n))
			break;
		clock_iso(clock_wall_ms() - n * units[i].ms, ret);
		return 0;
	}
	return error_set(err, ERROR_INVALID,
			 "--since is \"%.40s\": expected 30s, 10m, 2h, 1d, or a time such as "
			 "2026-11-24T10:00:00Z",
			 text);
}

/* "7" or "v7". */
static int read_release(struct cli *c, int64_t *ret, struct error *err)
{
	const char *text = cli_get(c, "release");

	*ret = 0;
	if (!text || str_to_i64(*text == 'v' ? text + 1 : text, 1, UINT32_MAX, ret))
		return 0;
	return error_set(err, ERROR_INVALID,
			 "--release is \"%.20s\": expected a version such as v7", text);
}

/* lines 0: the server's choice. */
static int open_session(struct cli *c, int64_t lines, bool tail, json_t **ret, struct error *err)
{
	const char *dyno = cli_get(c, "dyno"), *type = cli_get(c, "type"),
		   *source = cli_get(c, "source");
	char since[CLOCK_ISO_SIZE] = "";
	int64_t release;
	json_t *body;

	if (source && !streq(source, "app") && !streq(source, "heroku"))
		return error_set(
			err, ERROR_INVALID,
			"--source: expected app or heroku (the platform's lines), found \"%s\"",
			source);
	if ((cli_has(c, "since") && read_since(cli_get(c, "since"), since, err) < 0) ||
	    read_release(c, &release, err) < 0)
		return -1;
	body = json_pack("{s:b}", "tail", tail);
	if (lines)
		json_object_set_new(body, "lines", json_integer(lines));
	if (since[0])
		json_object_set_new(body, "since", json_string(since));
	if (release)
		json_object_set_new(body, "release", json_integer(release));

	if (dyno || type)
		json_object_set_new(body, "dyno", json_string(dyno ? dyno : type));
	if (source)
		json_object_set_new(body, "source", json_string(source));
	return api_request(c->api, "POST", body, ret, err, "/apps/%s/log-sessions", c->app);
}

/* One connection, to its end. */
static int read_once(struct tail *t, int64_t lines, bool tail, struct error *err)
{
	_cleanup_json_ json_t *session = NULL;
	struct api_stream o = { .accept = "text/event-stream", .fn = on_chunk, .userdata = t };

	if (open_session(t->c, lines, tail, &session, err) < 0)
		return -1;
	sse_restart(&t->sse);
	o.url = json_str(session, "logplex_url", "/");
	o.last_event_id = t->sse.last_id;
	return api_stream(t->c->api, &o, err);
}

static int read_on(struct tail *t, int64_t lines, struct error *err)
{
	long pause_ms = RETRY_FIRST_MS;

	while (!cli_interrupted && !t->broken) {
		struct timespec pause = { .tv_sec = pause_ms / 1000,
					  .tv_nsec = pause_ms % 1000 * 1000000 };
		struct error e = ERROR_INIT;

		t->came = false;
		if (read_once(t, lines, true, &e) < 0) {
			/* What was refused stays refused; what broke comes back. */
			if (!t->opened || e.kind == ERROR_NOT_FOUND ||
			    e.kind == ERROR_UNAUTHORIZED || e.kind == ERROR_FORBIDDEN) {
				*err = e;
				return cli_interrupted ? 0 : -1;
			}
		}
		pause_ms = t->came			 ? RETRY_FIRST_MS
			   : pause_ms * 2 < RETRY_MAX_MS ? pause_ms * 2
							 : RETRY_MAX_MS;
		if (!cli_interrupted && !t->broken)
			nanosleep(&pause, NULL);
	}
	return 0;
}

/* Silence is an answer to programs, not to people. */
static void tell_nothing(const struct tail *t, const char *app)
{
	const char *dyno = cli_get(t->c, "dyno");

	if (t->came || t->json)
		return;
	if (dyno)
		note(t->c,
		     "No log lines from %s (%s keeps its most recent lines only). twelve ps -a %s "
		     "lists the dynos",
		     dyno, app, app);
	else
		note(t->c, "No matching log lines (%s keeps its most recent lines only)", app);
}

static int logs_run(struct cli *c, struct error *err)
{
	const char *app = cli_app(c, err);
	struct tail t = { .c = c, .sse = SSE_INIT, .json = cli_has(c, "json") };
	int64_t lines;
	int r;

	if (args_number(&c->args, "num", 1, MAX_LINES, 0, &lines, err) < 0 || !app ||
	    !cli_api(c, err))
		return -1;
	if (cli_has(c, "tail"))
		signals_note();
	r = cli_has(c, "tail") ? read_on(&t, lines, err) : read_once(&t, lines, false, err);
	if (r == 0 && !cli_has(c, "tail"))
		tell_nothing(&t, app);
	sse_done(&t.sse);
	if (cli_interrupted)
		return 128 + cli_interrupted;
	return r;
}

static const struct arg_option logs_options[] = {
	{ "num", "N", "number of lines (100)", 'n' },
	{ "tail", NULL, "follow new lines", 't' },
	{ "dyno", "DYNO", "only this dyno: web.1, router, api", 'd' },
	{ "type", "TYPE", "only dynos of this process type", 'p' },
	{ "source", "SOURCE", "only lines of app or heroku (the platform's)", 's' },
	{ "release", "VERSION", "only lines of dynos of this release", 0 },
	{ "since", "TIME", "only lines since this time: 10m, 2h, 1d, or 2026-11-24T10:00:00Z", 0 },
	{ 0 },
};

static const struct command cmd_logs = {
	.name = "logs",
	.usage = "",
	.summary = "show the logs of an app",
	.flags = CMD_APP | CMD_JSON,
	.options = logs_options,
	.run = logs_run,
	.details = "A tail continues through deploys and restarts of twelved. With --json each "
		   "line is an object with its number (seq).",
	.examples = "twelve logs -a shop\ntwelve logs --tail --dyno web.1\ntwelve logs -n 1500 "
		    "--source app\ntwelve logs --since 10m --release v7",
};

const struct command *const logs_commands[] = {
	&cmd_logs,
	NULL,
};
