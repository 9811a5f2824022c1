/* SPDX-License-Identifier: Apache-2.0 */
/* ps:autoscale, ps:autoscale:enable, ps:autoscale:disable. */
#include <stdio.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "cli/app/app.h"
#include "cli/cli.h"

#define TARGET_DEFAULT_MS 1000
#define QUANTITY_MAX 10000
#define TARGET_MAX_MS 30000

/* The app's monitor, borrowed from *ret_list; NULL in *ret when there is none. */
static int find(struct cli *c, const char *app, json_t **ret_list, const json_t **ret,
		struct error *err)
{
	if (api_get(c->api, ret_list, err, "/apps/%s/formation/web/monitors", app) < 0)
		return -1;
	*ret = json_array_get(*ret_list, 0);
	return 0;
}

int autoscale_remark(struct cli *c, const char *app, struct buf *out, struct error *err)
{
	_cleanup_json_ json_t *list = NULL;
	const json_t *m;

	if (find(c, app, &list, &m, err) < 0)
		return -1;
	if (m && json_bool(m, "is_active"))
		buf_printf(out, ", autoscaled %lld to %lld",
			   (long long)json_i64(m, "min_quantity", 0),
			   (long long)json_i64(m, "max_quantity", 0));
	return 0;
}

static void print_monitor(const char *app, const json_t *m)
{
	const char *at = json_str(m, "twelve.measured_at", NULL);
	int64_t requests = json_i64(m, "twelve.requests", 0);

	printf("web of %s: autoscaled\n", app);
	printf("quantity:  %lld, from %lld to %lld\n", (long long)json_i64(m, "twelve.quantity", 0),
	       (long long)json_i64(m, "min_quantity", 0),
	       (long long)json_i64(m, "max_quantity", 0));
	printf("target:    p95 below %lld ms\n", (long long)json_i64(m, "value", 0));
	if (!at)
		puts("measured:  nothing yet");
	else if (!requests)
		puts("measured:  no requests in the last period");
	else
		printf("measured:  p95 %lld ms of %lld request%s in the last period\n",
		       (long long)json_i64(m, "twelve.p95_ms", 0), (long long)requests,
		       str_plural(requests));
}

static int show_run(struct cli *c, struct error *err)
{
	const char *app = cli_app(c, err);
	_cleanup_json_ json_t *list = NULL;
	const json_t *m;

	if (!app || !cli_api(c, err) || find(c, app, &list, &m, err) < 0)
		return -1;
	if (cli_has(c, "json"))
		print_json(m ? m : json_null());
	else if (m && json_bool(m, "is_active"))
		print_monitor(app, m);
	else
		note(c, "web of %s is not autoscaled: twelve ps:autoscale:enable --min N --max N",
		     app);
	return 0;
}

static const struct command cmd_ps_autoscale = {
	.name = "ps:autoscale",
	.usage = "",
	.summary = "show whether web dynos are autoscaled, and the last measurement",
	.flags = CMD_APP | CMD_JSON,
	.run = show_run,
	.examples = "twelve ps:autoscale -a shop",
};

static int read_numbers(struct cli *c, json_t *body, struct error *err)
{
	int64_t min, max, p95;

	if (!cli_get(c, "min") || !cli_get(c, "max"))
		return error_set(err, ERROR_INVALID,
				 "How many dynos at least, and at most? twelve ps:autoscale:enable "
				 "--min 1 --max 3");
	if (args_number(&c->args, "min", 1, QUANTITY_MAX, 1, &min, err) < 0 ||
	    args_number(&c->args, "max", 1, QUANTITY_MAX, 1, &max, err) < 0 ||
	    args_number(&c->args, "p95", 1, TARGET_MAX_MS, TARGET_DEFAULT_MS, &p95, err) < 0)
		return -1;
	if (min > max)
		return error_set(err, ERROR_INVALID, "--min (%lld) can't be more than --max (%lld)",
				 (long long)min, (long long)max);
	json_object_update_new(body, json_pack("{s:s, s:b, s:I, s:I}", "action_type", "scale",
					       "is_active", 1, "min_quantity", (json_int_t)min,
					       "max_quantity", (json_int_t)max));
	if (cli_get(c, "p95"))
		json_object_set_new(body, "value", json_integer((json_int_t)p95));
	return 0;
}

static int answered(struct cli *c, const char *app, const json_t *m)
{
	if (cli_has(c, "json"))
		print_json(m);
	else if (json_bool(m, "is_active"))
		note(c, "web of %s is autoscaled: %lld to %lld dynos, p95 below %lld ms", app,
		     (long long)json_i64(m, "min_quantity", 0),
		     (long long)json_i64(m, "max_quantity", 0), (long long)json_i64(m, "value", 0));
	else
		note(c, "web of %s is autoscaled no more, and stays at %lld", app,
		     (long long)json_i64(m, "twelve.quantity", 0));
	return 0;
}

static int enable_run(struct cli *c, struct error *err)
{
	const char *app = cli_app(c, err);
	_cleanup_json_ json_t *list = NULL, *body = json_object(), *made = NULL;
	const json_t *m;
	int r;

	if (!app || read_numbers(c, body, err) < 0 || !cli_api(c, err) ||
	    find(c, app, &list, &m, err) < 0)
		return -1;
	if (m)
		r = api_request(c->api, "PATCH", json_incref(body), &made, err,
				"/apps/%s/formation/web/monitors/%s", app, json_str(m, "id", ""));
	else
		r = api_request(c->api, "POST", json_incref(body), &made, err,
				"/apps/%s/formation/web/monitors", app);
	return r < 0 ? -1 : answered(c, app, made);
}

static const struct arg_option enable_options[] = {
	{ "min", "N", "minimum number of dynos", 0 },
	{ "max", "N", "maximum number of dynos", 0 },
	{ "p95", "MS",
	  "target for the 95th percentile of response times in ms (1000, or the previous value)",
	  0 },
	{ 0 },
};

static const struct command cmd_ps_autoscale_enable = {
	.name = "ps:autoscale:enable",
	.usage = "",
	.summary = "add and remove web dynos by response time",
	.options = enable_options,
	.flags = CMD_APP | CMD_JSON,
	.run = enable_run,
	.details = "Adds or removes one dyno at a time, at most once a minute "
		   "(TWELVE_AUTOSCALE_PERIOD). A dyno is added when the 95th percentile of "
		   "response times in the last minute was above the target. One is removed after "
		   "five minutes below it if fewer dynos can serve the load, and each minute "
		   "without requests. Works for all dyno sizes. ps:scale stays within the bounds, "
		   "except web=0. WebSockets and responses of the router are not measured; don't "
		   "use it for apps with slow responses by design, such as long polling.",
	.examples = "twelve ps:autoscale:enable --min 1 --max 5 --p95 300 -a shop",
};

static int disable_run(struct cli *c, struct error *err)
{
	const char *app = cli_app(c, err);
	_cleanup_json_ json_t *list = NULL, *made = NULL;
	const json_t *m;

	if (!app || !cli_api(c, err) || find(c, app, &list, &m, err) < 0)
		return -1;
	if (!m || !json_bool(m, "is_active"))
		return error_set(err, ERROR_NOT_FOUND, "web of %s is not autoscaled", app);
	if (api_request(c->api, "PATCH", json_pack("{s:b}", "is_active", 0), &made, err,
			"/apps/%s/formation/web/monitors/%s", app, json_str(m, "id", "")) < 0)
		return -1;
	return answered(c, app, made);
}

static const struct command cmd_ps_autoscale_disable = {
	.name = "ps:autoscale:disable",
	.usage = "",
	.summary = "stop autoscaling; the number of web dynos stays",
	.flags = CMD_APP | CMD_JSON,
	.run = disable_run,
	.examples = "twelve ps:autoscale:disable -a shop",
};

const struct command *const autoscale_commands[] = {
	&cmd_ps_autoscale,
	&cmd_ps_autoscale_enable,
	&cmd_ps_autoscale_disable,
	NULL,
};
