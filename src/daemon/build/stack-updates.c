/* SPDX-License-Identifier: Apache-2.0 */
/* See stack-updates.h. */
#include "daemon/build/stack-updates.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/str.h"
#include "build/build.h"
#include "daemon/build/collect.h"
#include "daemon/core/child.h"
#include "daemon/core/trail.h"
#include "daemon/wanted/base.h"
#include "daemon/wanted/releases.h"
#include "stack/names.h"
#include "stack/stack.h"

#define RESULT_MAX_BYTES (16 << 20)
#define DAY_MS (24 * 3600 * 1000LL)
#define FIRST_MS (10 * 60 * 1000)
#define SOON_MS 3000
#define NAMED_MAX 3

struct stack_updates {
	const struct platform *platform;
	struct wanted *wanted;
	const struct collect *collect;
	struct watch *timer; /* NULL: not by itself */
	struct child *child; /* NULL: none runs */
	struct caller who;
	enum stack_update_extent extent;
	char *only; /* the name of the only stack, or NULL */
	json_t *report;
};

static const char *const extent_names[] = {
	[STACK_UPDATE_CHECK] = "check", [STACK_UPDATE_MAKE] = "make", [STACK_UPDATE_APPLY] = "apply"
};

/* ---- which stacks ---- */

typedef void (*current_fn)(struct stack_updates *u, struct app *app, struct release *current,
			   void *userdata);

/* Apps that run something, on the stack that is asked for. */
static int each_current(struct stack_updates *u, current_fn fn, void *userdata, struct error *err)
{
	struct app *apps = NULL;
	size_t n = 0;

	if (store_app_list(u->platform->store, &apps, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct release current = { 0 };
		struct error gone = ERROR_INIT;

		if (store_release_get(u->platform->store, apps[i].id, apps[i].current_version,
				      &current, &gone) == 0 &&
		    current.slug && current.stack &&
		    (!u->only || stack_is_same(u->only, current.stack_name ? current.stack_name
									   : apps[i].stack)))
			fn(u, &apps[i], &current, userdata);
		release_done(&current);
		app_done(&apps[i]);
	}
	free(apps);
	return 0;
}

struct needed {
	char **stacks, **slugs;
};

static void note_needed(struct stack_updates *u, struct app *app, struct release *current,
			void *userdata)
{
	struct needed *needed = userdata;

	(void)u, (void)app;
	strv_push(&needed->stacks, current->stack);
	strv_push(&needed->slugs, current->slug);
}

static json_t *text_list(char *const *v)
{
	json_t *list = json_array();

	for (; v && *v; v++)
		json_array_append_new(list, json_string(*v));
	return list;
}

static json_t *make_order(struct stack_updates *u, struct error *err)
{
	const struct settings *s = &u->platform->settings;
	struct needed needed = { 0 };
	_cleanup_strv_ char **more = NULL;
	json_t *j = NULL;
	int r = each_current(u, note_needed, &needed, err);

	strv_sort_unique(needed.stacks);
	strv_sort_unique(needed.slugs);
	if (r == 0)
		r = build_add_stacks(s->state_dir, needed.slugs, &more, err);
	if (r == 0) {
		strv_sort_unique(more);
		j = json_pack("{s:s, s:s, s:I, s:b, s:o, s:o}", "state_dir", s->state_dir,
			      "data_dir", s->data_dir, "reserve_bytes",
			      (json_int_t)s->disk_reserve_bytes, "make",
			      (int)(u->extent != STACK_UPDATE_CHECK), "run",
			      text_list(needed.stacks), "more", text_list(more));
	}
	strv_free(needed.stacks);
	strv_free(needed.slugs);
	return j;
}

/* ---- apps ---- */

/* "Update stack debian-13: openssl 3.0.1 -> 3.0.2, libc6 ... and 4 more": what comes from the
 * security archive first. Heap. */
static char *describe(const char *stack, json_t *changes)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	size_t n = 0, i;
	json_t *c;

	buf_printf(&b, "Update stack %s:", stack);
	for (int security = 1; security >= 0; security--)
		json_array_foreach (changes, i, c)
			if (json_is_true(json_object_get(c, "security")) == security &&
			    n++ < NAMED_MAX)
				buf_printf(&b, "%s %s %s -> %s", n > 1 ? "," : "",
					   json_string_value(json_object_get(c, "package")),
					   json_string_value(json_object_get(c, "from")),
					   json_string_value(json_object_get(c, "to")));
	if (n > NAMED_MAX)
		buf_printf(&b, " and %zu more", n - NAMED_MAX);
	return buf_steal(&b);
}

/* A release of this slug on this stack that was not healthy: it would not be today either. Its
 * version, or 0. */
static int64_t failed_before(struct stack_updates *u, const struct app *app, const char *slug,
			     const char *stack)
{
	struct error ignored = ERROR_INIT;
	struct release *rows = NULL;
	int64_t version = 0;
	size_t n = 0;

	if (store_release_list(u->platform->store, app->id, 0, &rows, &n, &ignored) < 0)
		return 0;
	for (size_t i = 0; i < n; i++) {
		if (rows[i].status == RELEASE_FAILED && rows[i].slug && rows[i].stack &&
		    streq(rows[i].slug, slug) && streq(rows[i].stack, stack))
			version = rows[i].version;
		release_done(&rows[i]);
	}
	free(rows);
	return version;
}

/* NULL, or why the app is left alone now. Heap. */
static char *why_not(struct stack_updates *u, struct app *app, struct release *current,
		     const char *to)
{
	struct error err = ERROR_INIT;
	struct release base = { 0 };
	char *why = NULL;
	int64_t failed;

	if (releases_base(u->wanted, app, &base, &err) < 0)
		return xstrdup(err.message);
	failed = failed_before(u, app, current->slug, to);
	if (base.version != current->version)
		why = xasprintf("v%lld is being rolled out: the next run takes it",
				(long long)base.version);
	else if (failed)
		why = xasprintf("v%lld on it was not healthy: push a change that is",
				(long long)failed);
	release_done(&base);
	return why;
}

static int64_t release_on(struct stack_updates *u, struct app *app, const struct release *current,
			  const char *to, json_t *changes, struct error *err)
{
	_cleanup_free_ char *description =
		describe(current->stack_name ? current->stack_name : app->stack, changes);
	struct release made = { 0 };
	int64_t version;

	if (releases_restack(u->wanted, app, to, description, &u->who, &made, err) < 0)
		return 0;
	version = made.version;
	if (u->who.user_id[0])
		trail_release(u->platform->store, &u->who, app, version, description);
	else
		trail_platform(u->platform->store, u->who.name, app, "stack:update", description);
	release_done(&made);
	return version;
}

static size_t count_security(json_t *changes)
{
	size_t n = 0, i;
	json_t *c;

	json_array_foreach (changes, i, c)
		n += json_is_true(json_object_get(c, "security"));
	return n;
}

static void update_app(struct stack_updates *u, struct app *app, struct release *current,
		       void *userdata)
{
	json_t *apps = userdata,
	       *stack = json_object_get(json_object_get(u->report, "stacks"), current->stack),
	       *changes = json_object_get(stack, "changes");
	const char *to = json_string_value(json_object_get(stack, "new"));
	_cleanup_free_ char *why = NULL;
	struct error err = ERROR_INIT;
	int64_t version = 0;

	if (!json_array_size(changes))
		return;
	if (u->extent == STACK_UPDATE_APPLY && to && !streq(to, current->stack)) {
		why = why_not(u, app, current, to);
		if (!why)
			version = release_on(u, app, current, to, changes, &err);
	}
	if (err.kind != ERROR_NONE)
		why = xstrdup(err.message);
	json_array_append_new(
		apps,
		json_pack("{s:s, s:s, s:s, s:I, s:I, s:o, s:s?}", "app", app->name, "stack_name",
			  current->stack_name ? current->stack_name : app->stack, "stack",
			  current->stack, "packages", (json_int_t)json_array_size(changes),
			  "security", (json_int_t)count_security(changes), "release",
			  version ? json_integer(version) : json_null(), "reason", why));
}

/* ---- a run ---- */

static char *report_path(const struct stack_updates *u)
{
	return xasprintf("%s/stack-updates.json", u->platform->settings.state_dir);
}

/* The file is for the next start; that it is not there only means that it is done again. */
static void keep_report(struct stack_updates *u)
{
	_cleanup_free_ char *path = report_path(u), *text = json_dumps(u->report, JSON_INDENT(1));
	int r = text ? fs_write_fleeting(path, 0600, text, strlen(text)) : -EINVAL;

	if (r < 0)
		log_error("writing %s: %s", path, strerror(-r));
}

static json_t *read_result(const struct child_end *end, struct error *err)
{
	char described[64];
	json_t *j = end->status == 0 ? json_loadb(end->result, end->n_result, 0, NULL) : NULL;

	if (!j)
		error_set(err, ERROR_SYSTEM, "The process that looks for newer packages %s",
			  proc_describe_status(end->status, described, sizeof(described)));
	return j;
}

static void conclude(struct stack_updates *u, const struct error *failed)
{
	json_object_set_new(u->report, "status", json_string(failed ? "failed" : "succeeded"));
	json_object_set_new(u->report, "error",
			    failed ? json_string(failed->message) : json_null());
	json_object_set_new(u->report, "finished_at", json_time(clock_wall_ms()));
	if (failed)
		log_error("updates of stacks: %s", failed->message);
	keep_report(u);
}

static void on_end(const struct child_end *end, void *userdata)
{
	struct stack_updates *u = userdata;
	struct error err = ERROR_INIT;
	json_t *result = read_result(end, &err), *apps = json_array();

	u->child = NULL;
	if (result) {
		json_object_set(u->report, "stacks", json_object_get(result, "stacks"));
		json_object_set(u->report, "apps", apps);
		each_current(u, update_app, apps, &err);
	}
	conclude(u, err.kind == ERROR_NONE ? NULL : &err);
	json_decref(result);
	json_decref(apps);
}

static int spawn(struct stack_updates *u, struct error *err)
{
	static const char *const argv[] = { "/proc/self/exe", "stack-updates", NULL };
	json_t *order = make_order(u, err);
	const struct child_options o = { .argv = argv,
					 .order = order,
					 .max_result = RESULT_MAX_BYTES,
					 .result_on_stdout = true,
					 .on_end = on_end,
					 .userdata = u };
	int r = order ? child_start(u->platform->loop, &o, &u->child, err) : -1;

	json_decref(order);
	return r;
}

int stack_updates_start(struct stack_updates *u, const struct caller *who,
			enum stack_update_extent extent, const char *stack, struct error *err)
{
	if (u->child)
		return error_set(err, ERROR_CONFLICT,
				 "Updates of stacks are already being looked for: GET "
				 "/twelve/stacks/updates shows its progress");
	if (collect_is_running(u->collect))
		return error_set(err, ERROR_CONFLICT,
				 "Unused slugs are being deleted: try again in a moment");
	u->who = *who;
	u->extent = extent;
	free(u->only);
	u->only = stack ? xstrdup(stack) : NULL;
	if (spawn(u, err) < 0)
		return -1;
	json_decref(u->report);
	u->report = json_pack("{s:s, s:s, s:s?, s:s, s:o, s:n, s:n}", "status", "running", "extent",
			      extent_names[extent], "stack", stack, "user", who->name, "started_at",
			      json_time(clock_wall_ms()), "finished_at", "error");
	return 0;
}

json_t *stack_updates_report(const struct stack_updates *u)
{
	return json_incref(u->report);
}

bool stack_updates_running(const struct stack_updates *u)
{
	return u && u->child;
}

/* ---- by itself ---- */

static void on_timer(void *userdata)
{
	static const struct caller platform = { .name = "stack updates" };
	struct stack_updates *u = userdata;
	struct error err = ERROR_INIT;

	if (stack_updates_start(u, &platform, STACK_UPDATE_APPLY, NULL, &err) < 0)
		log_warn("updates of stacks, once a day: %s", err.message);
	watch_arm(u->timer, DAY_MS);
}

/* A day after the last one, which may have been before this start. */
static int64_t due_ms(const struct stack_updates *u)
{
	_cleanup_free_ char *path = report_path(u);
	int64_t left_ms = FIRST_MS;
	struct stat st;

	if (stat(path, &st) == 0)
		left_ms = (int64_t)st.st_mtime * 1000 + DAY_MS - clock_wall_ms();
	return left_ms < SOON_MS ? SOON_MS : left_ms > DAY_MS ? DAY_MS : left_ms;
}

struct stack_updates *stack_updates_new(const struct platform *p, struct wanted *wanted,
					const struct collect *collect)
{
	struct stack_updates *u = xcalloc(1, sizeof(*u));
	_cleanup_free_ char *path = NULL;

	*u = (struct stack_updates){ .platform = p, .wanted = wanted, .collect = collect };
	path = report_path(u);
	u->report = json_load_file(path, 0, NULL);
	if (!u->report)
		u->report = json_pack("{s:s}", "status", "none");
	if (!p->settings.stack_updates)
		return u;
	u->timer = watch_timer(p->loop, on_timer, u);
	watch_arm(u->timer, due_ms(u));
	return u;
}

void stack_updates_free(struct stack_updates *u)
{
	if (!u)
		return;
	child_abandon(u->child);
	watch_free(u->timer);
	json_decref(u->report);
	free(u->only);
	free(u);
}
