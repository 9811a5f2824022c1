/* SPDX-License-Identifier: Apache-2.0 */
/* The operations that make a release; see releases.h. */
#include "daemon/releases.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "daemon/logs-client.h"
#include "daemon/reconcile.h"
#include "daemon/streams.h"
#include "model/names.h"

int releases_base(struct daemon *d, const struct app *app, struct release *ret, struct error *err)
{
	struct release newest = { 0 };

	if (!app->last_version)
		return error_set(err, ERROR_NOT_FOUND, "%s has no release", app->name);
	if (store_release_get(d->store, app->id, app->last_version, &newest, err) < 0)
		return -1;
	if (newest.status == RELEASE_PENDING || newest.version == app->current_version) {
		*ret = newest;
		return 0;
	}
	release_done(&newest);
	return store_release_get(d->store, app->id, app->current_version, ret, err);
}

/* The output stream of a release phase; without one the release is the same, only silent. */
static void open_output(struct daemon *d, struct release *r)
{
	char id[UUID_SIZE];
	struct error err = ERROR_INIT;
	struct stream *st;

	if (!r->slug || !procfile_get(&r->processes, "release"))
		return;
	if (stream_create(d->streams, id, &st, &err) == 0) {
		free(r->output_id);
		r->output_id = xstrdup(id);
	}
}

/* Writes the row in one transaction with the app; without a slug there is nothing to run, so it succeeds at once. */
static int create(struct daemon *d, struct app *app, struct release *r, const struct caller *who, struct error *err)
{
	memcpy(r->app_id, app->id, sizeof(r->app_id));
	free(r->user);
	r->user = xstrdup(who->name);
	r->status = r->slug ? RELEASE_PENDING : RELEASE_SUCCEEDED;
	r->phase_done = !r->slug;
	open_output(d, r);
	if (store_begin(d->store, err) < 0)
		return -1;
	if (store_release_create(d->store, r, err) < 0)
		goto undo;
	app->last_version = r->version;
	if (!r->slug) {
		app->current_version = r->version;
		if (store_app_update(d->store, app, err) < 0)
			goto undo;
	}
	if (store_commit(d->store, err) < 0)
		goto undo;
	logs_append(d->logs, app->id, "app", "api", "Release v%lld created by %s", (long long)r->version, who->name);
	reconcile_app(d->reconciler, app->id);
	return 0;
undo:
	store_rollback(d->store);
	return -1;
}

int releases_initial(struct daemon *d, struct app *app, const struct caller *who, struct error *err)
{
	struct release r = { .description = xstrdup("Initial release"), .commit = xstrdup(""), .config = json_object() };
	int result = create(d, app, &r, who, err);

	release_done(&r);
	return result;
}

int releases_deploy(struct daemon *d, struct app *app, const struct build_result *build, const char *commit,
		    const struct caller *who, struct release *ret, struct error *err)
{
	struct release base = { 0 }, r = { 0 };

	if (releases_base(d, app, &base, err) < 0)
		return -1;
	r.slug = xstrdup(build->slug);
	r.stack = xstrdup(build->stack);
	r.commit = xstrdup(commit ? commit : "");
	r.description = commit && commit[0] ? xasprintf("Deploy %.8s", commit) : xstrdup("Deploy");
	r.config = json_incref(base.config);
	for (size_t i = 0; i < build->n_processes; i++)
		procfile_set(&r.processes, build->processes[i].type, build->processes[i].command);
	release_done(&base);
	logs_append(d->logs, app->id, "app", "api", "Deploy %.8s by %s", commit && commit[0] ? commit : "(no commit)", who->name);
	if (create(d, app, &r, who, err) < 0) {
		release_done(&r);
		return -1;
	}
	*ret = r;
	return 0;
}

/* ---- config ---- */

static int check_changes(json_t *changes, struct error *err)
{
	const char *key;
	json_t *value;

	json_object_foreach(changes, key, value) {
		if (json_is_null(value))
			continue;
		if (!json_is_string(value))
			return error_set(err, ERROR_INVALID, "The value of config var %s has to be a string, or null to unset it",
					 key);
		if (name_check_config_key(key, err) < 0 ||
		    name_check_config_value(key, json_string_value(value), err) < 0)
			return -1;
	}
	return 0;
}

static void add_name(struct buf *names, const char *key)
{
	buf_printf(names, "%s%s", names->len ? ", " : "", key);
}

/* The config after the changes, and what they were in words ("Set A, B config vars"); NULL when nothing changes. */
static json_t *apply(json_t *config, json_t *changes, char **ret_description)
{
	_cleanup_buf_ struct buf set = BUF_INIT, removed = BUF_INIT;
	json_t *now = json_deep_copy(config);
	const char *key;
	json_t *value;

	json_object_foreach(changes, key, value) {
		json_t *old = json_object_get(now, key);

		if (json_is_null(value) && old) {
			add_name(&removed, key);
			json_object_del(now, key);
		} else if (!json_is_null(value) && (!old || !json_equal(old, value))) {
			add_name(&set, key);
			json_object_set(now, key, value);
		}
	}
	if (!set.len && !removed.len) {
		json_decref(now);
		return NULL;
	}
	*ret_description = xasprintf("%s%s%s%s%s config vars", set.len ? "Set " : "", set.data,
				     set.len && removed.len ? " and remove " : removed.len ? "Remove " : "", removed.data, "");
	return now;
}

int releases_set_config(struct daemon *d, struct app *app, json_t *changes, const struct caller *who,
			struct release *ret, bool *ret_changed, struct error *err)
{
	struct release r = { 0 };
	char *description;
	json_t *config;

	if (check_changes(changes, err) < 0 || releases_base(d, app, &r, err) < 0)
		return -1;
	config = apply(r.config, changes, &description);
	*ret_changed = config != NULL;
	if (!config) {
		*ret = r;
		return 0;
	}
	json_decref(r.config);
	r.config = config;
	free(r.description);
	r.description = description;
	free(r.reason);
	r.reason = NULL;
	free(r.output_id);
	r.output_id = NULL;
	json_decref(r.proof);
	r.proof = NULL;
	logs_append(d->logs, app->id, "app", "api", "%s by %s", description, who->name);
	if (create(d, app, &r, who, err) < 0) {
		release_done(&r);
		return -1;
	}
	*ret = r;
	return 0;
}

/* ---- rollback ---- */

static int check_target(const struct release *r, struct error *err)
{
	if (!r->slug)
		return error_set(err, ERROR_INVALID, "v%lld can't be rolled back to: nothing was deployed in it",
				 (long long)r->version);
	if (r->status != RELEASE_SUCCEEDED)
		return error_set(err, ERROR_INVALID, "v%lld can't be rolled back to: it never ran (%s)", (long long)r->version,
				 release_status_names[r->status]);
	return 0;
}

int releases_rollback(struct daemon *d, struct app *app, int64_t version, const struct caller *who,
		      struct release *ret, struct error *err)
{
	struct release r = { 0 };

	if (store_release_get(d->store, app->id, version, &r, err) < 0)
		return -1;
	if (check_target(&r, err) < 0) {
		release_done(&r);
		return -1;
	}
	free(r.description);
	r.description = xasprintf("Rollback to v%lld", (long long)version);
	free(r.reason);
	r.reason = NULL;
	free(r.output_id);
	r.output_id = NULL;
	json_decref(r.proof);
	r.proof = NULL;
	if (create(d, app, &r, who, err) < 0) {
		release_done(&r);
		return -1;
	}
	*ret = r;
	return 0;
}
