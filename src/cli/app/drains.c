/* SPDX-License-Identifier: Apache-2.0 */
/* drains, drains:add, drains:info, drains:test, drains:remove: where an app's lines are carried to.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"
#include "cli/app/app.h"
#include "cli/cli.h"

#define CA_FILE_MAX 65536
#define URL_LINE_MAX 4096

/* "failing for 3m: connection refused", "sending", "idle". */
static void state_text(const json_t *drain, struct buf *out)
{
	int64_t since_ms = json_time(drain, "status.failing_since");
	char duration[DURATION_SIZE];

	buf_puts(out, json_str(drain, "status.state", "unknown"));
	if (since_ms)
		buf_printf(out, " for %s: %s", duration_text(clock_wall_ms() - since_ms, duration),
			   json_str(drain, "status.error", ""));
}

static char *number_text(const json_t *drain, const char *path)
{
	return xasprintf("%" PRId64, json_i64(drain, path, 0));
}

static int drains_run(struct cli *c, struct error *err)
{
	static const char *const headings[] = { "URL", "TOKEN", "SENT", "LAG", "DROPPED", "STATE" };
	_cleanup_json_ json_t *list = get_of_app(c, "log-drains", err);
	_cleanup_table_ struct table t;
	const json_t *d;
	size_t i;

	table_init(&t, ARRAY_SIZE(headings), headings);
	if (!list)
		return -1;
	if (printed_json(c, list))
		return 0;
	json_array_foreach (list, i, d) {
		_cleanup_free_ char *sent = number_text(d, "status.sent"),
				    *lag = number_text(d, "status.lag_lines"),
				    *dropped = number_text(d, "status.dropped");
		_cleanup_buf_ struct buf state = BUF_INIT;

		state_text(d, &state);
		table_add(&t, json_str(d, "display_url", json_str(d, "url", "")),
			  json_str(d, "token", ""), sent, lag, dropped, state.data);
	}
	if (json_array_size(list))
		table_print(c, &t);
	else
		note(c, "%s has no drains. Add one: twelve drains:add URL -a %s", c->app, c->app);
	return 0;
}

static const struct command cmd_drains = {
	.name = "drains",
	.usage = "",
	.summary = "list the log drains of an app and their status",
	.flags = CMD_APP | CMD_JSON,
	.run = drains_run,
	.details = "SENT, LAG and DROPPED count lines: delivered to the receiver, waiting for it, "
		   "and lost since the drain was added.",
	.examples = "twelve drains -a shop\ntwelve drains -a shop --json",
};

/* The certificates in a file, as a new string. */
static int read_ca(const char *path, json_t **ret, struct error *err)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	int r = fs_read_file(path, CA_FILE_MAX, &b);

	if (r < 0)
		return error_set_errno(err, r, "reading %s", path);
	*ret = json_stringn(b.data, b.len);
	return *ret ? 0 : error_set(err, ERROR_INVALID, "%s is no PEM file", path);
}

/* "-": so that a URL with a secret stands in no list of processes. */
static int read_url(const char *arg, char **ret, struct error *err)
{
	char line[URL_LINE_MAX];

	if (!streq(arg, "-")) {
		*ret = xstrdup(arg);
		return 0;
	}
	if (!fgets(line, sizeof(line), stdin))
		return error_set(err, ERROR_INVALID, "There is no URL on standard input");
	*ret = xstrdup(str_trim(line));
	return 0;
}

static int drains_add_run(struct cli *c, struct error *err)
{
	const char *app = cli_app(c, err), *format = cli_get(c, "format"),
		   *on_full = cli_get(c, "on-full"), *ca_path = cli_get(c, "ca");
	_cleanup_json_ json_t *drain = NULL;
	_cleanup_free_ char *url = NULL;
	json_t *ca = NULL, *body;

	if (!app || read_url(cli_rest(c, 0), &url, err) < 0 ||
	    (ca_path && read_ca(ca_path, &ca, err) < 0) || !cli_api(c, err)) {
		json_decref(ca);
		return -1;
	}
	body = json_pack("{s:s, s:s*, s:s*, s:o*}", "url", url, "format", format, "on_full",
			 on_full, "ca", ca);
	if (!body)
		return error_set(err, ERROR_INVALID, "The URL must be UTF-8");
	if (api_request(c->api, "POST", body, &drain, err, "/apps/%s/log-drains", app) < 0)
		return -1;
	if (printed_json(c, drain))
		return 0;
	printf("Added drain %s to %s: %s\n", json_str(drain, "token", ""), app,
	       json_str(drain, "display_url", ""));
	note(c, "See what its receiver says: twelve drains:test %s -a %s",
	     json_str(drain, "token", ""), app);
	return 0;
}

static const struct arg_option add_options[] = {
	{ "format", "FORMAT",
	  "raw: lines as they are; records: fields of JSON lines, with metadata", 0 },
	{ "on-full", "WHAT", "drop: the oldest lines are dropped and counted; block: the app waits",
	  0 },
	{ "ca", "FILE", "certificate authorities (PEM) to verify the receiver with", 0 },
	{ 0 },
};

static const struct command cmd_drains_add = {
	.name = "drains:add",
	.usage = "URL",
	.min_args = 1,
	.max_args = 1,
	.summary = "send an app's logs to a log service",
	.flags = CMD_APP | CMD_JSON,
	.options = add_options,
	.run = drains_add_run,
	.details = "The URL decides the kind: syslog://, syslog+tls://, https:// (as Heroku's; "
		   "http:// without TLS), fluent://, fluent+tls://, elasticsearch+https://, "
		   "splunk+https://, loki+https://, otlp+https://. With - the URL is read from "
		   "standard input. docs/logs.md has the options of each.",
	.examples = "twelve drains:add syslog+tls://logs.example.com:6514 -a shop\n"
		    "twelve drains:add 'loki+https://user:password@loki.example.com' -a shop\n"
		    "twelve drains:add - -a shop <url.txt",
};

static void row(struct table *t, const char *name, char *take_value)
{
	table_add(t, name, take_value);
	free(take_value);
}

/* "3 lines" */
static char *lines(const json_t *drain, const char *path)
{
	int64_t n = json_i64(drain, path, 0);

	return xasprintf("%" PRId64 " line%s", n, str_plural(n));
}

/* "3 lines, 12 kB" */
static char *lines_and(const json_t *drain, const char *path, const char *more)
{
	_cleanup_free_ char *n = lines(drain, path);

	return xasprintf("%s, %s", n, more);
}

static char *since(const json_t *drain, const char *path)
{
	int64_t at_ms = json_time(drain, path);
	char text[SINCE_SIZE];

	return xstrdup(at_ms ? since_text(at_ms, clock_wall_ms(), text) : "never");
}

static void show(struct cli *c, const json_t *d)
{
	_cleanup_buf_ struct buf state = BUF_INIT;
	_cleanup_table_ struct table t;
	char lag[DURATION_SIZE], bytes[DURATION_SIZE];

	table_init(&t, 2, NULL);
	state_text(d, &state);
	table_add(&t, "URL:", json_str(d, "display_url", ""));
	table_add(&t, "Token:", json_str(d, "token", ""));
	table_add(&t, "Format:", json_str(d, "format", ""));
	table_add(&t, "When full:", json_str(d, "on_full", ""));
	table_add(&t, "State:", state.data);
	row(&t, "Since:", since(d, "status.since"));
	row(&t, "Sent:",
	    lines_and(d, "status.sent", bytes_text(json_i64(d, "status.sent_bytes", 0), bytes)));
	row(&t, "Lag:",
	    lines_and(d, "status.lag_lines", duration_text(json_i64(d, "status.lag_ms", 0), lag)));
	row(&t, "Dropped:", lines(d, "status.dropped"));
	table_add(&t, "Last error:", json_str(d, "status.error", "none"));
	if (json_time(d, "status.error_at"))
		row(&t, "", since(d, "status.error_at"));
	table_print(c, &t);
}

static int get_drain(struct cli *c, const char *method, const char *tail, json_t **ret,
		     struct error *err)
{
	_cleanup_free_ char *which = api_escape(cli_rest(c, 0));
	const char *app = cli_app(c, err);

	if (!app || !cli_api(c, err))
		return -1;
	return api_request(c->api, method, NULL, ret, err, "/apps/%s/log-drains/%s%s", app, which,
			   tail);
}

static int drains_info_run(struct cli *c, struct error *err)
{
	_cleanup_json_ json_t *drain = NULL;

	if (get_drain(c, "GET", "", &drain, err) < 0)
		return -1;
	if (cli_has(c, "json"))
		print_json(drain);
	else
		show(c, drain);
	return 0;
}

static const struct command cmd_drains_info = {
	.name = "drains:info",
	.usage = "DRAIN",
	.min_args = 1,
	.max_args = 1,
	.summary = "show a log drain",
	.flags = CMD_APP | CMD_JSON,
	.run = drains_info_run,
	.details = "DRAIN is its token, its id or its URL.",
	.examples = "twelve drains:info d.9173ea1f-6f14-4976-9cf0-7cd0dafdcdbc -a shop",
};

static int drains_test_run(struct cli *c, struct error *err)
{
	_cleanup_json_ json_t *drain = NULL;
	const char *result;

	progress(c, "Sending one line");
	if (get_drain(c, "POST", "/actions/test", &drain, err) < 0)
		return -1;
	progress_clear(c);
	result = json_str(drain, "status.test.result", "");
	if (cli_has(c, "json"))
		print_json(drain);
	else if (streq(result, "passed"))
		printf("%s took the line \"Test of drain %s: %s\": %s\n",
		       json_str(drain, "display_url", ""), json_str(drain, "token", ""),
		       json_str(drain, "status.test.id", ""),
		       json_str(drain, "status.test.text", ""));
	if (streq(result, "passed"))
		return 0;
	return error_set(err, ERROR_UNAVAILABLE, "%s did not take the line: %s",
			 json_str(drain, "display_url", ""),
			 json_str(drain, "status.test.text", ""));
}

static const struct command cmd_drains_test = {
	.name = "drains:test",
	.usage = "DRAIN",
	.min_args = 1,
	.max_args = 1,
	.summary = "send a test line to a drain and show the response",
	.flags = CMD_APP | CMD_JSON,
	.run = drains_test_run,
	.details = "The line is sent to this drain only. DRAIN is its token, its id or its URL.",
	.examples = "twelve drains:test d.9173ea1f-6f14-4976-9cf0-7cd0dafdcdbc -a shop",
};

static int drains_remove_run(struct cli *c, struct error *err)
{
	_cleanup_json_ json_t *drain = NULL;

	if (get_drain(c, "DELETE", "", &drain, err) < 0)
		return -1;
	note(c, "Removed drain %s (%s)", json_str(drain, "token", ""),
	     json_str(drain, "display_url", ""));
	return 0;
}

static const struct command cmd_drains_remove = {
	.name = "drains:remove",
	.usage = "DRAIN",
	.min_args = 1,
	.max_args = 1,
	.summary = "remove a log drain",
	.flags = CMD_APP,
	.run = drains_remove_run,
	.details = "DRAIN is its token, its id or its URL.",
	.examples = "twelve drains:remove d.9173ea1f-6f14-4976-9cf0-7cd0dafdcdbc -a shop",
};

const struct command *const drains_commands[] = {
	&cmd_drains, &cmd_drains_add, &cmd_drains_info, &cmd_drains_test, &cmd_drains_remove, NULL,
};
