/* SPDX-License-Identifier: Apache-2.0 */
/* status, gc, version. */
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "cli/host/host.h"
#include "cli/cli.h"

static char *dynos_text(const json_t *status)
{
	json_t *counts = (json_t *)json_at(status, "dynos"), *n;
	struct buf b = BUF_INIT;
	const char *state;

	json_object_foreach (counts, state, n)
		buf_printf(&b, "%s%lld %s", b.len ? ", " : "", (long long)json_integer_value(n),
			   state);
	return b.len ? buf_steal(&b) : xstrdup("none");
}

/* Nothing is to be said of a loop that nobody held. */
static void add_loop(struct table *t, const json_t *s)
{
	char longest[DURATION_SIZE];
	_cleanup_free_ char *text = NULL;
	int64_t n = json_i64(s, "loop.holds", 0);

	if (!n)
		return;
	text = xasprintf("held %lld time%s, for %s at most, by %s", (long long)n, str_plural(n),
			 duration_text(json_i64(s, "loop.longest_ms", 0), longest),
			 json_str(s, "loop.longest_by", "?"));
	table_add(t, "Event loop:", text);
}

static int status_run(struct cli *c, struct error *err)
{
	_cleanup_free_ char *dynos = NULL, *apps = NULL, *runtime = NULL, *disk = NULL;
	char uptime[DURATION_SIZE], left[DURATION_SIZE], reserve[DURATION_SIZE];
	_cleanup_json_ json_t *s = NULL;
	_cleanup_table_ struct table t;

	table_init(&t, 2, NULL);
	if (!cli_api(c, err) || api_get(c->api, &s, err, "/twelve/status") < 0)
		return -1;
	if (printed_json(c, s))
		return 0;
	dynos = dynos_text(s);
	apps = xasprintf("%lld", (long long)json_i64(s, "apps", 0));
	runtime = xasprintf("%s (%s)", json_str(s, "runtime.name", "?"),
			    json_str(s, "runtime.version", "?"));
	disk = xasprintf("%s free, builds keep %s",
			 bytes_text(json_i64(s, "disk.free_bytes", 0), left),
			 bytes_text(json_i64(s, "disk.reserve_bytes", 0), reserve));
	table_add(&t, "twelved:", json_str(s, "version", "?"));
	table_add(&t, "Up for:", duration_text(json_i64(s, "uptime_s", 0) * 1000, uptime));
	table_add(&t, "Apps:", apps);
	table_add(&t, "Dynos:", dynos);
	table_add(&t, "Runtime:", runtime);
	table_add(&t, "Router:", json_str(s, "router.address", "?"));
	table_add(&t, "Disk:", disk);
	add_loop(&t, s);
	table_print(c, &t);
	return 0;
}

static const struct command cmd_status = {
	.name = "status",
	.usage = "",
	.summary = "show the status of the platform",
	.flags = CMD_JSON,
	.run = status_run,
	.examples = "twelve status",
};

/* The largest first: what frees space, if it is needed. */
static void print_held(const struct cli *c, const json_t *held)
{
	static const struct {
		const char *folder, *what;
	} rows[] = {
		{ "slugs", "of releases that are kept: TWELVE_KEEP_RELEASES, twelve destroy" },
		{ "stacks", "that releases and add-ons run in" },
		{ "cache", "of builds: they go with their app" },
		{ "volumes", "of add-ons: twelve addons:destroy" },
		{ "backups", "of add-ons: twelve backups:delete" },
		{ "git", "repositories of apps" },
		{ "streams", "outputs of builds: the newest 200 are kept" },
		{ "sources", "uploads: they go when they are built, or after a day" },
		{ "lost+found", "repositories that the database did not know: yours to remove" },
	};
	_cleanup_table_ struct table t;

	table_init(&t, 3, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int64_t bytes = json_i64(held, rows[i].folder, 0);
		char size[DURATION_SIZE];

		if (bytes)
			table_add(&t, rows[i].folder, bytes_text(bytes, size), rows[i].what);
	}
	table_print(c, &t);
}

static int gc_run(struct cli *c, struct error *err)
{
	_cleanup_json_ json_t *r = NULL;
	char freed[DURATION_SIZE];
	int64_t slugs, stacks;

	if (!cli_api(c, err))
		return -1;
	progress(c, "Collecting");
	if (api_request(c->api, "POST", NULL, &r, err, "/twelve/gc") < 0)
		return -1;
	progress_clear(c);
	if (cli_has(c, "json")) {
		print_json(r);
	} else {
		slugs = json_i64(r, "slugs", 0);
		stacks = json_i64(r, "stacks", 0);
		note(c, "Removed %lld slug%s and %lld stack%s that no release uses: %s freed",
		     (long long)slugs, str_plural(slugs), (long long)stacks, str_plural(stacks),
		     bytes_text(json_i64(r, "freed_bytes", 0), freed));
		if (json_i64(r, "unknown_slugs", 0))
			note(c,
			     "Slugs that the database does not know are left alone for a week: "
			     "there are %lld, which twelve doctor lists",
			     (long long)json_i64(r, "unknown_slugs", 0));
		print_held(c, json_at(r, "held_bytes"));
	}
	return 0;
}

static const struct command cmd_gc = {
	.name = "gc",
	.usage = "",
	.summary = "delete unused slugs and stacks, and show disk usage",
	.flags = CMD_JSON,
	.run = gc_run,
	.examples = "twelve gc",
};

static int version_run(struct cli *c, struct error *err)
{
	(void)c, (void)err;
	puts("twelve " TWELVE_VERSION);
	return 0;
}

static const struct command cmd_version = {
	.name = "version",
	.usage = "",
	.summary = "print the version of this program",
	.run = version_run,
	.examples = "twelve version",
};

const struct command *const status_commands[] = {
	&cmd_status,
	&cmd_gc,
	&cmd_version,
	NULL,
};
