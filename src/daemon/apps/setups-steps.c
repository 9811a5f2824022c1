/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of an app setup; see apps/setups.h. Each may be taken again after a kill, and then
 * finds what it did. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/str.h"
#include "daemon/services/services.h"
#include "daemon/build/builds.h"
#include "daemon/build/collect.h"
#include "daemon/build/upload.h"
#include "daemon/lines/lines.h"
#include "daemon/rollout/reconcile.h"
#include "daemon/wanted/owner.h"
#include "daemon/wanted/releases.h"
#include "daemon/apps/setups-priv.h"
#include "model/app-json.h"
#include "model/names.h"
#include "model/role.h"
#include "model/size.h"
#include "store/pipeline.h"
#include "stack/names.h"

#define ADDONS_LIMIT_MS (15 * 60 * 1000)
#define SCRIPT_LIMIT_MS (3600 * 1000)
#define OUTPUT_LINES 100

static json_t *plan_of(const struct setup *s)
{
	return json_object_get(s->data, "plan");
}

/* Who asked for it, as far as that is known after a restart. */
static struct caller caller_of(const struct setup *s)
{
	struct caller who = { .scopes = SCOPES_ALL };
	const char *name = json_string_value(json_object_get(s->data, "user"));

	snprintf(who.name, sizeof(who.name), "%s", name ? name : "");
	snprintf(who.email, sizeof(who.email), "%s", name ? name : "");
	memcpy(who.user_id, s->user_id, sizeof(who.user_id));
	return who;
}

/* ---- reading ---- */

static void override_member(json_t *plan, json_t *overrides, const char *key)
{
	json_t *v = json_object_get(overrides, key);

	if (v && !json_is_null(v))
		json_object_set(plan, key, v);
}

/* What the setup will do, or sentences. */
static json_t *make_plan(const struct setup *s, const char *text, size_t n, bool top,
			 json_t *errors)
{
	json_t *overrides = json_object_get(s->data, "overrides"), *env, *plan;
	struct error err = ERROR_INIT;
	const char *stack;

	plan = app_json_parse(text, n, json_string_value(json_object_get(s->data, "environment")),
			      errors);
	env = plan ? app_json_env(plan, json_object_get(overrides, "env"), errors) : NULL;
	if (!env) {
		json_decref(plan);
		return NULL;
	}
	if (stack_read_name(json_string_value(json_object_get(plan, "stack")), &stack, &err) < 0)
		json_array_append_new(errors, json_sprintf("app.json: \"stack\": %s", err.message));
	json_object_set_new(plan, "env", env);
	json_object_set_new(plan, "top", json_boolean(top));
	override_member(plan, overrides, "buildpacks");
	override_member(plan, overrides, "formation");
	return plan;
}

static void take_manifest(struct setups *ss, struct setup *s, const struct setup_manifest *m)
{
	json_t *errors = json_array(), *plan = make_plan(s, m->text, m->n, m->top, errors);

	json_object_set_new(s->data, "manifest_errors", errors);
	if (!plan || json_array_size(errors)) {
		json_decref(plan);
		setup_fail(ss, s, "invalid app.json");
		return;
	}
	json_object_set_new(s->data, "plan", plan);
	setup_go_to(ss, s, "preparing");
	setups_kick(ss);
}

void setup_manifest_read(struct setups *ss, const struct setup_manifest *m)
{
	struct error ignored = ERROR_INIT;
	struct setup s = { 0 };

	/* What can't be read now is read again in the next turn. */
	if (store_setup_get(ss->o.platform->store, m->setup_id, &s, &ignored) < 0 ||
	    !streq(s.step, "reading")) {
		setup_done(&s);
		return;
	}
	if (m->text)
		take_manifest(ss, &s, m);
	else
		setup_fail(ss, &s, m->why);
	setup_done(&s);
}

/* ---- preparing ---- */

static int write_formation(struct setups *ss, const struct setup *s, const struct app *app,
			   struct error *err)
{
	char id[UUID_SIZE];
	const char *type;
	json_t *v;

	json_object_foreach (json_object_get(plan_of(s), "formation"), type, v) {
		json_t *quantity = json_object_get(v, "quantity");
		const char *size = json_string_value(json_object_get(v, "size"));
		int64_t n = json_is_integer(quantity) ? json_integer_value(quantity)
						      : streq(type, "web");

		if (n > ss->o.platform->settings.max_dynos)
			return error_set(err, ERROR_INVALID,
					 "app.json: \"formation.%.100s\": %lld dynos of one "
					 "process type are more than the "
					 "%lld that this platform runs (TWELVE_MAX_DYNOS)",
					 type, (long long)n,
					 (long long)ss->o.platform->settings.max_dynos);
		if (store_formation_set(ss->o.platform->store, app->id,
					name_uuid(app->id, type, id), type, n,
					size ? size : DYNO_SIZE_DEFAULT, err) < 0)
			return -1;
	}
	return 0;
}

/* Their process types are looked at when there is a release that has some, which then is when the
 * limits of the owner are met: unless somebody has deployed to the app already. */
static int set_formation(struct setups *ss, const struct setup *s, const struct app *app,
			 struct error *err)
{
	struct store *store = ss->o.platform->store;
	struct owner_watch owner;

	if (owner_begin(ss->o.wanted, app->owner_id, &owner, err) < 0 ||
	    store_begin(store, err) < 0)
		return -1;
	if (write_formation(ss, s, app, err) == 0 && owner_end(ss->o.wanted, &owner, err) == 0 &&
	    store_commit(store, err) == 0)
		return 0;
	store_rollback(store);
	return -1;
}

static int set_config(struct setups *ss, const struct setup *s, struct app *app, struct error *err)
{
	const struct caller who = caller_of(s);
	struct release release = { 0 };
	bool changed;
	int r = releases_set_config(ss->o.wanted, app, json_object_get(plan_of(s), "env"), &who,
				    &release, &changed, err);

	release_done(&release);
	return r;
}

static void tell_taken(struct setups *ss, const struct addon_create *o, const struct addon *a)
{
	_cleanup_free_ char *taken = services_taken(ss->o.services, a, o->service, o->plan);

	if (taken)
		logs_append(ss->o.logs, o->app->id, "app", "api", "%s", taken);
}

static int create_addon(struct setups *ss, const struct setup *s, const struct app *app, json_t *v,
			struct error *err)
{
	const char *plan = json_string_value(json_object_get(v, "plan")),
		   *colon = strchr(plan, ':');
	_cleanup_free_ char *service =
		xstrndup(plan, colon ? (size_t)(colon - plan) : strlen(plan));
	json_t *options = json_object_get(v, "options");
	const struct caller who = caller_of(s);
	const struct addon_create o = { .app = app,
					.service = service,
					.plan = colon ? colon + 1 : NULL,
					.attachment = json_string_value(json_object_get(v, "as")),
					.options = options,
					.who = &who };
	struct addon a = { 0 };
	int r;

	/* As "addons:create heroku-postgresql -- --version=16" is refused. */
	if (options && !services_is_provided(ss->o.services, service))
		return error_set(err, ERROR_INVALID,
				 "app.json: \"addons\": %s takes no option \"%.100s\": it runs "
				 "here, in the version that the platform has; take "
				 "its \"options\" out of app.json",
				 service, json_object_iter_key(json_object_iter(options)));

	if (streq(service, SERVICE_EXTERNAL))
		return error_set(err, ERROR_INVALID,
				 "app.json: \"addons\": a service elsewhere has a URL, which "
				 "app.json can't hold: add it to the "
				 "app with \"twelve addons:create external --url\"");
	r = services_create(ss->o.services, &o, &a, err);
	if (r == 0)
		tell_taken(ss, &o, &a);
	addon_done(&a);
	return r < 0 ? error_prefix(err, "app.json: \"addons\"") : 0;
}

/* A review app stands in its pipeline from the start. */
static int couple(struct setups *ss, const struct setup *s, const struct app *app,
		  struct error *err)
{
	const char *id = json_string_value(json_object_get(s->data, "pipeline"));
	struct error none = ERROR_INIT;
	struct coupling c = { .stage = STAGE_REVIEW };
	struct pipeline p = { 0 };
	int r = 0;

	if (!id || store_coupling_get(ss->o.platform->store, app->id, &c, &none) == 0) {
		coupling_done(&c);
		return 0;
	}
	if (store_pipeline_get(ss->o.platform->store, id, &p, err) < 0)
		return -1;
	memcpy(c.app_id, app->id, UUID_SIZE);
	memcpy(c.pipeline_id, p.id, UUID_SIZE);
	r = store_coupling_create(ss->o.platform->store, &c, err);
	coupling_done(&c);
	pipeline_done(&p);
	return r;
}

/* What app.json says counts when the request said nothing. */
static int take_stack(const struct setup *s, struct app *app, struct error *err)
{
	const char *said = json_string_value(json_object_get(plan_of(s), "stack")), *name;

	if (!said || json_object_get(s->data, "stack"))
		return 0;
	if (stack_read_name(said, &name, err) < 0)
		return -1;
	free(app->stack);
	app->stack = xstrdup(name);
	return 0;
}

/* Add-ons are made in their order, so that their number says which are there since before a kill.
 */
int setup_prepare(struct setups *ss, struct setup *s, struct app *app, const char **ret_next,
		  struct error *err)
{
	json_t *addons = json_object_get(plan_of(s), "addons");
	struct addon *rows = NULL;
	size_t n = 0;

	if (take_stack(s, app, err) < 0)
		return -1;
	free(app->buildpacks);
	app->buildpacks = json_dumps(json_object_get(plan_of(s), "buildpacks"), JSON_COMPACT);
	if (couple(ss, s, app, err) < 0 || store_app_update(ss->o.platform->store, app, err) < 0 ||
	    set_formation(ss, s, app, err) < 0 || set_config(ss, s, app, err) < 0 ||
	    store_addon_list(ss->o.platform->store, app->id, &rows, &n, err) < 0)
		return -1;
	addon_free_array(rows, n);
	for (size_t i = n; i < json_array_size(addons); i++)
		if (create_addon(ss, s, app, json_array_get(addons, i), err) < 0)
			return -1;
	*ret_next = "addons";
	return 0;
}

/* ---- add-ons ---- */

static int look_at_addon(const struct setup *s, const struct addon *a, bool *ret_ready,
			 struct error *err)
{
	*ret_ready = a->state == ADDON_PROVISIONED;
	if (*ret_ready)
		return 0;
	if (a->state != ADDON_PROVISIONING)
		return error_set(err, ERROR_CONFLICT,
				 "The add-on %s was destroyed while the app was being set up",
				 a->name);
	if (clock_wall_ms() - s->updated_ms < ADDONS_LIMIT_MS)
		return 0;
	return error_set(err, ERROR_UNAVAILABLE,
			 "The add-on %s was not ready within %d minutes%s%s", a->name,
			 ADDONS_LIMIT_MS / 60000, a->reason ? ": " : "",
			 a->reason ? a->reason : "");
}

int setup_addons(struct setups *ss, struct setup *s, struct app *app, const char **ret_next,
		 struct error *err)
{
	struct addon *rows = NULL;
	bool all = true, ready;
	size_t n = 0;
	int r = store_addon_list(ss->o.platform->store, app->id, &rows, &n, err);

	for (size_t i = 0; r == 0 && i < n; i++) {
		r = look_at_addon(s, &rows[i], &ready, err);
		all = all && r == 0 && ready;
	}
	addon_free_array(rows, n);
	if (r == 0 && all)
		*ret_next = "building";
	return r;
}

/* ---- the build ---- */

static int start_build(struct setups *ss, struct setup *s, const struct app *app, struct error *err)
{
	_cleanup_free_ char *path = upload_path(&ss->o.platform->settings, s->source_id);
	const struct caller who = caller_of(s);
	const char *version = json_string_value(json_object_get(s->data, "version"));
	const struct builds_start o = { .app = app,
					.source = path,
					.commit = version ? version : "",
					.strip_top =
						json_is_true(json_object_get(plan_of(s), "top")),
					.who = &who };
	char stream[UUID_SIZE];
	struct build build = { 0 };

	/* What no release uses is being removed: in the next turn. */
	if (collect_is_running(ss->o.collect) || builds_running(ss->o.builds, app->id))
		return 0;
	if (!fs_exists(path))
		return error_set(err, ERROR_CONFLICT,
				 "The archive is gone: upload it and create the app again");
	if (builds_start(ss->o.builds, &o, &build, stream, err) < 0)
		return -1;
	memcpy(s->build_id, build.id, sizeof(s->build_id));
	build_row_done(&build);
	json_object_set_new(s->data, "stream", json_string(stream));
	return setup_save(ss, s) == 0
		       ? 0
		       : error_set(err, ERROR_SYSTEM, "The step could not be recorded");
}

/* A build that was cut off with twelved leaves its archive: it is begun again. One that failed does
 * not. */
int setup_build(struct setups *ss, struct setup *s, struct app *app, const char **ret_next,
		struct error *err)
{
	_cleanup_free_ char *path = upload_path(&ss->o.platform->settings, s->source_id);
	struct build build = { 0 };
	int r = 0;

	if (!s->build_id[0])
		return start_build(ss, s, app, err);
	if (store_build_get(ss->o.platform->store, app->id, s->build_id, &build, err) < 0)
		return -1;
	json_object_set_new(s->data, "build_status", json_string(build.status));
	if (streq(build.status, "succeeded"))
		*ret_next = "releasing";
	else if (streq(build.status, "failed") && fs_exists(path))
		r = start_build(ss, s, app, err);
	else if (streq(build.status, "failed"))
		r = error_set(err, ERROR_INVALID, "The build failed: %s",
			      build.error ? build.error : "its output says why");
	build_row_done(&build);
	return r;
}

/* ---- the release ---- */

static int check_types(const struct setup *s, const struct release *release, struct error *err)
{
	const char *type;
	json_t *v;

	json_object_foreach (json_object_get(plan_of(s), "formation"), type, v)
		if (!procfile_get(&release->processes, type) || streq(type, "release"))
			return error_set(err, ERROR_INVALID,
					 "app.json: \"formation.%.100s\": the app has no process "
					 "type of this name: name it in the "
					 "Procfile",
					 type);
	return 0;
}

/* A release that a newer one took the place of before it was live: that one counts. */
static int64_t version_that_counts(const struct app *app, const struct build *build,
				   const struct release *release)
{
	return release->status == RELEASE_EXPIRED ? app->last_version : build->release_version;
}

int setup_release(struct setups *ss, struct setup *s, struct app *app, const char **ret_next,
		  struct error *err)
{
	struct release release = { 0 };
	struct build build = { 0 };
	int64_t version;
	int r = store_build_get(ss->o.platform->store, app->id, s->build_id, &build, err);

	if (r == 0)
		r = store_release_get(ss->o.platform->store, app->id, build.release_version,
				      &release, err);
	if (r == 0)
		r = check_types(s, &release, err);
	version = r == 0 ? version_that_counts(app, &build, &release) : 0;
	if (r == 0 && version != release.version) {
		release_done(&release);
		r = store_release_get(ss->o.platform->store, app->id, version, &release, err);
	}
	if (r == 0 && release.status == RELEASE_SUCCEEDED)
		*ret_next = json_is_string(json_object_get(plan_of(s), "postdeploy")) ? "running"
										      : "succeeded";
	else if (r == 0 && release.status != RELEASE_PENDING)
		r = error_set(err, ERROR_INVALID, "Release v%lld did not go live: %s",
			      (long long)release.version,
			      release.reason ? release.reason : "a newer one came");
	release_done(&release);
	build_row_done(&build);
	return r;
}

/* ---- scripts.postdeploy ---- */

static int start_script(struct setups *ss, struct setup *s, struct app *app, struct error *err)
{
	struct release release = { 0 };
	struct dyno_start o = { .app = app,
				.release = &release,
				.type = SETUP_DYNO_TYPE,
				.number = 1,
				.size = DYNO_SIZE_DEFAULT,
				.command = json_string_value(
					json_object_get(plan_of(s), "postdeploy")),
				.one_off = true,
				.time_limit_ms = SCRIPT_LIMIT_MS };
	struct dyno *dyno;
	int r;

	/* First the note that it was begun: it is never run twice. */
	json_object_set_new(s->data, "started", json_true());
	if (setup_save(ss, s) < 0)
		return error_set(err, ERROR_SYSTEM,
				 "The start of the postdeploy script could not be recorded");
	r = store_release_get(ss->o.platform->store, app->id, app->current_version, &release, err);
	if (r == 0)
		r = dynos_start(ss->o.dynos, &o, &dyno, err);
	if (r == 0)
		logs_append(ss->o.logs, app->id, "app", "api",
			    "Starting the postdeploy script by user %s", caller_of(s).name);
	release_done(&release);
	return r;
}

static void on_lines(char *const *lines, void *userdata)
{
	struct setup_work *w = userdata;
	struct setups *ss = w->owner;
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct error ignored = ERROR_INIT;
	struct setup s = { 0 };

	for (char *const *l = lines; l && *l; l++)
		buf_printf(&text, "%s\n", *l);
	/* The handle goes when this returns. */
	w->lines = NULL;
	if (store_setup_get(ss->o.platform->store, w->id, &s, &ignored) == 0) {
		json_object_set_new(s.data, "output", json_text(text.data ? text.data : ""));
		setup_save(ss, &s);
	}
	setup_done(&s);
	setup_work_free(w);
	setups_kick(ss);
}

static void fetch_output(struct setups *ss, const struct setup *s)
{
	const struct logs_read what = { .app_id = s->app_id,
					.lines = OUTPUT_LINES,
					.source = "app",
					.dyno = SETUP_DYNO_TYPE ".1" };
	struct setup_work *w;

	if (setup_work_find(ss, s->id))
		return;
	w = setup_work_new(ss, s->id);
	w->lines = last_lines_fetch(ss->o.logs, &what, on_lines, w);
}

int setup_run(struct setups *ss, struct setup *s, struct app *app, const char **ret_next,
	      struct error *err)
{
	json_t *code = json_object_get(s->data, "exit_code");
	const char *reason = json_string_value(json_object_get(s->data, "reason"));
	const struct dyno *dyno = dynos_find(ss->o.dynos, app->id, SETUP_DYNO_TYPE ".1");

	if (!code && dyno && dyno->state != DYNO_EXITED)
		return 0;
	if (!code && !json_is_true(json_object_get(s->data, "started")))
		return start_script(ss, s, app, err);
	if (!code)
		return error_set(err, ERROR_SYSTEM,
				 "twelved was restarted while the postdeploy script ran, and its "
				 "result is unknown");
	if (!json_object_get(s->data, "output")) {
		fetch_output(ss, s);
		return 0;
	}
	if (json_integer_value(code) != 0)
		return error_set(err, ERROR_INVALID, "The postdeploy script %s",
				 reason && reason[0] ? reason : "did not end well");
	*ret_next = "succeeded";
	return 0;
}
