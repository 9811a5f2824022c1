/* SPDX-License-Identifier: Apache-2.0 */
/* ps, ps:scale, ps:type, ps:restart, ps:stop. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/str.h"
#include "cli/app/app.h"
#include "cli/cli.h"

static bool is_one_off(const json_t *dyno)
{
	const char *type = json_str(dyno, "type", "");

	return streq(type, "run") || streq(type, "release");
}

static int64_t number_of(const json_t *dyno)
{
	const char *dot = strrchr(json_str(dyno, "name", ""), '.');

	return dot ? atoll(dot + 1) : 0;
}

/* web before all, one-offs last, else by type and number; of two with one name the older first. */
static int by_name(const void *a, const void *b)
{
	const json_t *x = *(const json_t *const *)a, *y = *(const json_t *const *)b;
	const char *tx = json_str(x, "type", ""), *ty = json_str(y, "type", "");
	int r = (is_one_off(x) - is_one_off(y));

	if (r == 0)
		r = streq(ty, "web") - streq(tx, "web");
	if (r == 0)
		r = strcmp(tx, ty);
	if (r == 0)
		r = (number_of(x) > number_of(y)) - (number_of(x) < number_of(y));
	return r ? r : strcmp(json_str(x, "created_at", ""), json_str(y, "created_at", ""));
}

static const char *state_style(const struct cli *c, const char *state)
{
	if (streq(state, "up"))
		return style_on(c->color, STYLE_GREEN);
	return style_on(c->color, streq(state, "crashed") ? STYLE_RED : STYLE_YELLOW);
}

static const char *shown_state(const json_t *dyno, bool twin)
{
	const char *state = json_str(dyno, "state", "?");

	if (json_bool(dyno, "twelve.draining"))
		return "draining";
	return twin && streq(state, "down") ? "stopping" : state;
}

/* `twin`: another one has the same name, an old one or its successor: the release tells them apart.
 */
static void print_dyno(const struct cli *c, const json_t *dyno, bool twin)
{
	const char *state = shown_state(dyno, twin), *reason = json_str(dyno, "twelve.reason", ""),
		   *inside = json_str(dyno, "twelve.inside", "");
	int64_t since_ms = json_i64(dyno, "twelve.since_ms", json_time(dyno, "updated_at"));
	int64_t restarts = json_i64(dyno, "twelve.restarts", 0);
	_cleanup_buf_ struct buf b = BUF_INIT;
	char since[SINCE_SIZE];

	buf_put_clean(&b, json_str(dyno, "name", "?"));
	if (twin)
		buf_printf(&b, " (v%lld)", (long long)json_i64(dyno, "release.version", 0));
	if (is_one_off(dyno))
		buf_printf(&b, " (%s)", json_str(dyno, "size", ""));
	buf_printf(&b, ": %s%s%s %s", state_style(c, state), state, style_off(c->color),
		   since_text(since_ms, clock_wall_ms(), since));
	if (is_one_off(dyno)) {
		buf_puts(&b, ": ");
		buf_put_clean(&b, json_str(dyno, "command", ""));
		if (*inside)
			buf_printf(&b, " (inside %s)", inside);
	}
	if (restarts)
		buf_printf(&b, ", restarted %lld time%s", (long long)restarts,
			   str_plural(restarts));
	if (*reason && !streq(state, "up") && !streq(state, "draining")) {
		buf_puts(&b, ": ");
		buf_put_clean(&b, reason);
	}
	puts(b.data);
}

/* Has a successor, or is not wanted any more. */
static bool is_ending(const json_t *dyno)
{
	return streq(json_str(dyno, "state", ""), "down") || json_bool(dyno, "twelve.draining");
}

static void print_heading(const struct cli *c, const json_t *dyno, size_t n, const char *remark)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	if (is_one_off(dyno)) {
		buf_printf(&b, "%s: one-off processes", json_str(dyno, "type", ""));
	} else {
		buf_printf(&b, "%s (%s): ", json_str(dyno, "type", ""), json_str(dyno, "size", ""));
		buf_put_clean(&b, json_str(dyno, "command", ""));
	}
	printf("%s=== %s (%zu)%s%s\n", style_on(c->color, STYLE_BOLD), b.data, n, remark,
	       style_off(c->color));
}

static bool same_name(const json_t *a, const json_t *b)
{
	return streq(json_str(a, "name", ""), json_str(b, "name", "?"));
}

/* web_remark: what there is to say of the web dynos besides. */
static void print_dynos(const struct cli *c, const json_t **dynos, size_t n, const char *web_remark)
{
	for (size_t i = 0, end; i < n; i = end) {
		const char *type = json_str(dynos[i], "type", "");
		size_t live = 0;

		for (end = i; end < n && streq(json_str(dynos[end], "type", ""), type); end++)
			live += !is_ending(dynos[end]);
		if (i)
			putchar('\n');
		print_heading(c, dynos[i], live, streq(type, "web") ? web_remark : "");
		for (size_t k = i; k < end; k++)
			print_dyno(c, dynos[k],
				   (k > i && same_name(dynos[k], dynos[k - 1])) ||
					   (k + 1 < end && same_name(dynos[k], dynos[k + 1])));
	}
}

static void why_nothing(struct cli *c, const char *app)
{
	_cleanup_json_ json_t *release = NULL;
	struct error ignored = ERROR_INIT;

	if (api_get(c->api, &release, &ignored, "/apps/%s/releases/current", app) == 0 &&
	    !*json_str(release, "twelve.slug", ""))
		note(c, "Nothing is deployed to %s yet: git push twelve main", app);
	else if (json_bool(release, "twelve.slug_gone"))
		note(c,
		     "v%lld can't run: its slug is gone. Push its commit again: git push -f twelve "
		     "%s:main",
		     (long long)json_i64(release, "version", 0),
		     json_str(release, "twelve.commit", "COMMIT"));
	else
		note(c, "No dynos of %s are running. twelve ps:scale shows the formation.", app);
}

static int ps_run(struct cli *c, struct error *err)
{
	const char *app = cli_app(c, err);
	_cleanup_json_ json_t *list = NULL;
	_cleanup_free_ const json_t **dynos = NULL;
	_cleanup_buf_ struct buf remark = BUF_INIT;
	size_t n;

	if (!app || !cli_api(c, err) || api_get(c->api, &list, err, "/apps/%s/dynos", app) < 0)
		return -1;
	if (printed_json(c, list))
		return 0;
	if (autoscale_remark(c, app, &remark, err) < 0)
		return -1;
	n = json_array_size(list);
	dynos = xcalloc(n + 1, sizeof(*dynos));
	for (size_t i = 0; i < n; i++)
		dynos[i] = json_array_get(list, i);
	qsort(dynos, n, sizeof(*dynos), by_name);
	print_dynos(c, dynos, n, remark.data);
	if (n == 0)
		why_nothing(c, app);
	return 0;
}

static const struct command cmd_ps = {
	.name = "ps",
	.aliases = { "dynos" },
	.usage = "",
	.summary = "show the dynos of an app",
	.flags = CMD_APP | CMD_JSON,
	.run = ps_run,
	.examples = "twelve ps -a shop",
};

static int show_formation(struct cli *c, const char *app, struct error *err)
{
	_cleanup_json_ json_t *list = NULL;
	const json_t *f;
	size_t i;

	if (api_get(c->api, &list, err, "/apps/%s/formation", app) < 0)
		return -1;
	if (printed_json(c, list))
		return 0;
	json_array_foreach (list, i, f)
		printf("%s%s=%lld:%s", i ? " " : "", json_str(f, "type", ""),
		       (long long)json_i64(f, "quantity", 0), json_str(f, "size", ""));
	if (json_array_size(list))
		putchar('\n');
	else
		note(c,
		     "%s has no process types yet: its Procfile names them, the first deploy "
		     "brings it.",
		     app);
	return 0;
}

/* A whole quantity as a number, a relative one as the API has it: "+1". */
static json_t *update_json(const struct scale *s)
{
	json_t *u = json_pack("{s:s}", "type", s->type);
	int64_t n;

	if (str_to_i64(s->quantity, 0, INT32_MAX, &n) && s->quantity[0] != '+' &&
	    s->quantity[0] != '-')
		json_object_set_new(u, "quantity", json_integer((json_int_t)n));
	else if (s->quantity[0])
		json_object_set_new(u, "quantity", json_string(s->quantity));
	if (s->size[0])
		json_object_set_new(u, "size", json_string(s->size));
	return u;
}

static void tell_formation(struct cli *c, const json_t *formation)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	const json_t *f;
	size_t i;

	json_array_foreach (formation, i, f)
		buf_printf(&b, "%s%s to %lld:%s", i ? ", " : "", json_str(f, "type", ""),
			   (long long)json_i64(f, "quantity", 0), json_str(f, "size", ""));
	note(c, "Scaled %s", b.data);
}

static int apply_scale(struct cli *c, const char *app, json_t *take_updates, struct error *err)
{
	_cleanup_json_ json_t *formation = NULL;

	if (api_request(c->api, "PATCH", json_pack("{s:o}", "updates", take_updates), &formation,
			err, "/apps/%s/formation", app) < 0)
		return -1;
	tell_formation(c, formation);
	if (cli_has(c, "no-wait"))
		return 0;
	return wait_for_formation(c, app, formation, err);
}

/* Adds to the updates of the formation what a word of the command line asks for. */
typedef int (*read_word_fn)(struct cli *c, const char *app, const char *word, json_t *updates,
			    struct error *err);

/* Without words, shows the formation. */
static int change_formation(struct cli *c, read_word_fn read_word, struct error *err)
{
	const char *app = cli_app(c, err);
	json_t *updates;

	if (!app || !cli_api(c, err))
		return -1;
	if (!cli_rest(c, 0))
		return show_formation(c, app, err);
	updates = json_array();
	for (size_t i = 0; cli_rest(c, i); i++)
		if (read_word(c, app, cli_rest(c, i), updates, err) < 0) {
			json_decref(updates);
			return -1;
		}
	return apply_scale(c, app, updates, err);
}

static int add_quantity(struct cli *c, const char *app, const char *word, json_t *updates,
			struct error *err)
{
	struct scale s;

	(void)c, (void)app;
	if (scale_parse(word, &s, err) < 0)
		return -1;
	if (!s.quantity[0])
		return error_set(err, ERROR_INVALID,
				 "%s: \"%s\" is not a number. Example: %s=2, or %s=2:standard-2x",
				 word, s.size, s.type, s.type);
	json_array_append_new(updates, update_json(&s));
	return 0;
}

static int ps_scale_run(struct cli *c, struct error *err)
{
	return change_formation(c, add_quantity, err);
}

static const struct command cmd_ps_scale = {
	.name = "ps:scale",
	.aliases = { "scale" },
	.usage = "[TYPE=QUANTITY[:SIZE]...]",
	.max_args = CMD_ANY_ARGS,
	.summary = "set the number and size of dynos of each type",
	.flags = CMD_APP | CMD_JSON | CMD_WAIT,
	.run = ps_scale_run,
	.details = "Without arguments, shows the formation. TYPE+N and TYPE-N add or remove N. "
		   "Waits until the dynos are up.",
	.examples = "twelve ps:scale web=3 worker=1:standard-2x -a shop\ntwelve ps:scale web+1",
};

/* "web=standard-2x" for one type, or a size alone for all. */
static int add_sizes(struct cli *c, const char *app, const char *word, json_t *updates,
		     struct error *err)
{
	_cleanup_json_ json_t *formation = NULL;
	struct scale s;
	const json_t *f;
	size_t i;

	if (strchr(word, '=')) {
		if (scale_parse(word, &s, err) < 0)
			return -1;
		if (!s.size[0] || s.quantity[0])
			return error_set(
				err, ERROR_INVALID,
				"expected TYPE=SIZE such as web=standard-2x, found \"%.100s\"",
				word);
		json_array_append_new(updates, update_json(&s));
		return 0;
	}
	if (api_get(c->api, &formation, err, "/apps/%s/formation", app) < 0)
		return -1;
	json_array_foreach (formation, i, f)
		json_array_append_new(updates, json_pack("{s:s, s:s}", "type",
							 json_str(f, "type", ""), "size", word));
	return 0;
}

static int ps_type_run(struct cli *c, struct error *err)
{
	return change_formation(c, add_sizes, err);
}

static const struct command cmd_ps_type = {
	.name = "ps:type",
	.aliases = { "ps:resize", "resize" },
	.usage = "[SIZE | TYPE=SIZE...]",
	.max_args = CMD_ANY_ARGS,
	.summary = "set the size of dynos",
	.flags = CMD_APP | CMD_JSON | CMD_WAIT,
	.run = ps_type_run,
	.examples = "twelve ps:type standard-2x -a shop\ntwelve ps:type web=performance-m",
};

static bool matches(const json_t *dyno, const char *what)
{
	if (is_one_off(dyno))
		return false;
	return !what || streq(json_str(dyno, "name", ""), what) ||
	       streq(json_str(dyno, "type", ""), what);
}

/* One that a scale-down has not ended yet is not started again. */
static bool is_wanted(const json_t *dyno, const json_t *formation)
{
	const json_t *f;
	size_t i;

	json_array_foreach (formation, i, f)
		if (streq(json_str(f, "type", ""), json_str(dyno, "type", "?")))
			return number_of(dyno) <= json_i64(f, "quantity", 0);
	return false;
}

/* The dynos that a restart replaces. NULL with *err. */
static json_t *to_restart(struct cli *c, const char *app, const char *what, struct error *err)
{
	_cleanup_json_ json_t *formation = NULL, *dynos = NULL;
	json_t *old, *dyno;
	size_t i;

	if (api_get(c->api, &formation, err, "/apps/%s/formation", app) < 0 ||
	    api_get(c->api, &dynos, err, "/apps/%s/dynos", app) < 0)
		return NULL;
	old = json_array();
	json_array_foreach (dynos, i, dyno)
		if (matches(dyno, what) && is_wanted(dyno, formation) && !is_ending(dyno))
			json_array_append(old, dyno);
	return old;
}

static int ps_restart_run(struct cli *c, struct error *err)
{
	const char *app = cli_app(c, err), *what = cli_rest(c, 0);
	_cleanup_free_ char *part = what ? api_escape(what) : NULL;
	_cleanup_json_ json_t *old = NULL;
	int r;

	if (!app || !cli_api(c, err) || !(old = to_restart(c, app, what, err)))
		return -1;
	if (!what)
		r = api_request(c->api, "DELETE", NULL, NULL, err, "/apps/%s/dynos", app);
	else
		r = api_request(c->api, "DELETE", NULL, NULL, err,
				strchr(what, '.') ? "/apps/%s/dynos/%s" : "/apps/%s/formations/%s",
				app, part);
	if (r < 0)
		return -1;
	note(c, "Restarting %s", what ? what : "all dynos");
	r = cli_has(c, "no-wait") ? 0 : wait_for_successors(c, app, old, err);
	if (r != 0 || cli_has(c, "no-wait"))
		return r;
	note(c, "%zu dyno%s restarted", json_array_size(old),
	     str_plural((int64_t)json_array_size(old)));
	return 0;
}

static const struct command cmd_ps_restart = {
	.name = "ps:restart",
	.aliases = { "restart", "dyno:restart" },
	.usage = "[TYPE | DYNO]",
	.max_args = 1,
	.summary = "restart dynos; new ones are up before old ones stop",
	.flags = CMD_APP | CMD_WAIT,
	.run = ps_restart_run,
	.examples = "twelve ps:restart -a shop\ntwelve ps:restart worker\ntwelve ps:restart web.2",
};

static int ps_stop_run(struct cli *c, struct error *err)
{
	const char *app = cli_app(c, err), *what = cli_rest(c, 0);
	_cleanup_free_ char *part = api_escape(what);

	if (!app || !cli_api(c, err))
		return -1;
	if (api_request(c->api, "POST", NULL, NULL, err,
			strchr(what, '.') ? "/apps/%s/dynos/%s/actions/stop"
					  : "/apps/%s/formations/%s/actions/stop",
			app, part) < 0)
		return -1;
	note(c, "Stopping %s", what);
	return 0;
}

static const struct command cmd_ps_stop = {
	.name = "ps:stop",
	.aliases = { "ps:kill", "dyno:kill" },
	.usage = "TYPE | DYNO",
	.min_args = 1,
	.max_args = 1,
	.summary = "stop dynos with SIGTERM, then SIGKILL after the timeout",
	.flags = CMD_APP,
	.run = ps_stop_run,
	.details = "Dynos of the formation restart; one-off dynos do not.",
	.examples = "twelve ps:stop run.3 -a shop",
};

const struct command *const ps_commands[] = {
	&cmd_ps, &cmd_ps_scale, &cmd_ps_type, &cmd_ps_restart, &cmd_ps_stop, NULL,
};
