/* SPDX-License-Identifier: Apache-2.0 */
/* The operations that make a release; see wanted/releases.h. */
#include "daemon/wanted/releases.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "addon/attach.h"
#include "daemon/lines/lines.h"
#include "daemon/core/stream.h"
#include "daemon/wanted/base.h"
#include "daemon/wanted/owner.h"
#include "daemon/wanted/wanted-priv.h"
#include "model/config-change.h"
#include "stack/names.h"
#include "store/pipeline.h"

/* The output stream of a release phase; without one the release is the same, only silent. */
static struct stream *open_output(struct wanted *w, struct release *r)
{
	char id[UUID_SIZE];
	struct error err = ERROR_INIT;
	struct stream *st = NULL;

	free(steal_ptr(r->output_id));
	if (!r->slug || !procfile_get(&r->processes, "release"))
		return NULL;
	if (stream_create(w->o.streams, id, &st, &err) < 0) {
		log_warn("the release phase will be silent: %s", err.message);
		return NULL;
	}
	r->output_id = xstrdup(id);
	return st;
}

/* The rows. Without a slug there is nothing to run, so that a release succeeds at once; an app
 * without an id is new. */
static int write_rows(struct store *s, struct app *app, struct release *r,
		      const struct promotion_target *target, struct error *err)
{
	if (!app->id[0] && store_app_create(s, app, err) < 0)
		return -1;
	memcpy(r->app_id, app->id, sizeof(r->app_id));
	if (store_release_create(s, r, err) < 0)
		return -1;
	if (target && store_promotion_target_set(s, target->id, r->id, NULL, err) < 0)
		return -1;
	app->last_version = r->version;
	if (r->slug)
		return 0;
	app->current_version = r->version;
	return store_app_update(s, app, err);
}

/* All in one transaction; then it is told, and the reconciler looks. `said` is a line of the log
 * for what led to it. */
static int create_for(struct wanted *w, struct app *app, struct release *r,
		      const struct caller *who, const char *said,
		      const struct promotion_target *target, struct error *err)
{
	struct stream *output = NULL;
	struct owner_watch owner;

	if (owner_begin(w, app->owner_id, &owner, err) < 0)
		return -1;
	output = open_output(w, r);
	free(r->user);
	r->user = xstrdup(who->name);
	r->status = r->slug ? RELEASE_PENDING : RELEASE_SUCCEEDED;
	r->phase_done = !r->slug;
	if (store_begin(w->store, err) < 0)
		goto failed;
	if (write_rows(w->store, app, r, target, err) < 0 || owner_end(w, &owner, err) < 0 ||
	    store_commit(w->store, err) < 0) {
		store_rollback(w->store);
		goto failed;
	}
	if (said)
		logs_append(w->o.logs, app->id, "app", "api", "%s by user %s", said, who->name);
	logs_append(w->o.logs, app->id, "app", "api", "Release v%lld created by user %s",
		    (long long)r->version, who->name);
	wanted_changed(w, app->id);
	return 0;
failed:
	if (output)
		stream_end(output);
	return -1;
}

static int create(struct wanted *w, struct app *app, struct release *r, const struct caller *who,
		  const char *said, struct error *err)
{
	return create_for(w, app, r, who, said, NULL, err);
}

/* The end of what makes a release: r is the caller's in *ret if it was created, and freed if not. */
static int hand_over(int result, struct release *take_r, struct release *ret)
{
	if (result < 0)
		release_done(take_r);
	else
		*ret = *take_r;
	return result;
}

/* Clears what a new release must not inherit from its base. */
static void forget_past(struct release *r, char *take_description)
{
	free(r->description);
	r->description = take_description;
	free(steal_ptr(r->reason));
	json_decref(steal_ptr(r->proof));
}

int releases_initial(struct wanted *w, struct app *app, const struct caller *who, struct error *err)
{
	struct release r = { .description = xstrdup("Initial release"),
			     .commit = xstrdup(""),
			     .config = json_object() };
	int result = owner_may_come(w, app->owner_id, err);

	if (result == 0)
		result = create(w, app, &r, who, NULL, err);
	release_done(&r);
	return result;
}

/* Two names may stand for one stack: then the app's own is kept, since programs compare it. */
static char *stack_name_for(const struct app *app, const char *built_for)
{
	return built_for && !stack_is_same(built_for, app->stack) ? xstrdup(built_for)
								  : xstrdup(app->stack);
}

int releases_deploy(struct wanted *w, struct app *app, const struct build_result *build,
		    const char *commit, const char *description, const struct caller *who,
		    struct release *ret, struct error *err)
{
	struct release base = { 0 }, r = { 0 };

	if (releases_base(w, app, &base, err) < 0)
		return -1;
	r.slug = xstrdup(build->slug);
	r.stack = xstrdup(build->stack);
	r.stack_name = stack_name_for(app, build->stack_name);
	r.commit = xstrdup(commit ? commit : "");
	if (description)
		r.description = xstrdup(description);
	else
		r.description =
			commit && commit[0] ? xasprintf("Deploy %.8s", commit) : xstrdup("Deploy");
	r.config = json_incref(base.config);
	r.attachments = json_incref(base.attachments);
	for (size_t i = 0; i < build->n_processes; i++)
		procfile_set(&r.processes, build->processes[i].type, build->processes[i].command);
	release_done(&base);
	return hand_over(create(w, app, &r, who, r.description, err), &r, ret);
}

int releases_promote(struct wanted *w, struct app *app, const struct app *source,
		     const struct release *from, const struct promotion_target *target,
		     const struct caller *who, struct release *ret, struct error *err)
{
	struct release base = { 0 }, r = { 0 };

	if (releases_base(w, app, &base, err) < 0)
		return -1;
	r.slug = xstrdup(from->slug);
	r.stack = from->stack ? xstrdup(from->stack) : NULL;
	r.stack_name = stack_name_for(app, from->stack_name);
	r.commit = xstrdup(from->commit);
	r.description = xasprintf("Promote %s v%lld%s%.8s", source->name, (long long)from->version,
				  from->commit[0] ? " " : "", from->commit);
	r.config = json_incref(base.config);
	r.attachments = json_incref(base.attachments);
	for (size_t i = 0; i < from->processes.n_types; i++)
		procfile_set(&r.processes, from->processes.types[i].name,
			     from->processes.types[i].command);
	release_done(&base);
	return hand_over(create_for(w, app, &r, who, r.description, target, err), &r, ret);
}

int releases_restack(struct wanted *w, struct app *app, const char *stack, const char *description,
		     const struct caller *who, struct release *ret, struct error *err)
{
	struct release r = { 0 };

	if (releases_base(w, app, &r, err) < 0)
		return -1;
	free(r.stack);
	r.stack = xstrdup(stack);
	forget_past(&r, xstrdup(description));
	return hand_over(create(w, app, &r, who, description, err), &r, ret);
}

/* ---- config ---- */

/* What an attachment gives is changed by its add-on, or by detaching it. */
static int check_attached(json_t *changes, json_t *attachments, struct error *err)
{
	struct attachment a;
	const char *key;
	json_t *value;

	json_object_foreach (changes, key, value)
		if (attach_by_var(attachments, key, &a))
			return error_set(err, ERROR_INVALID,
					 "%s comes from the attachment %s: detach it "
					 "(twelve addons:detach %s), or swap it for another add-on",
					 key, a.name, a.name);
	return 0;
}

int releases_set_config(struct wanted *w, struct app *app, json_t *changes,
			const struct caller *who, struct release *ret, bool *ret_changed,
			struct error *err)
{
	struct release r = { 0 };
	char *description;
	json_t *config;

	if (releases_base(w, app, &r, err) < 0)
		return -1;
	if (check_attached(changes, r.attachments, err) < 0 ||
	    config_change_check(changes, err) < 0) {
		release_done(&r);
		return -1;
	}
	config = config_change_apply(r.config, changes, &description);
	*ret_changed = config != NULL;
	if (!config) {
		*ret = r;
		return 0;
	}
	json_decref(r.config);
	r.config = config;
	forget_past(&r, description);
	return hand_over(create(w, app, &r, who, description, err), &r, ret);
}

/* ---- rollback ---- */

static int check_target(const struct wanted *w, const struct release *r, struct error *err)
{
	if (!r->slug)
		return error_set(err, ERROR_INVALID,
				 "v%lld can't be rolled back to: nothing was deployed in it",
				 (long long)r->version);
	if (r->status != RELEASE_SUCCEEDED)
		return error_set(err, ERROR_INVALID,
				 "v%lld can't be rolled back to: it never ran (%s)",
				 (long long)r->version, release_status_names[r->status]);
	if (!build_slug_is_there(w->o.platform->settings.state_dir, r->slug))
		return error_set(
			err, ERROR_CONFLICT,
			"v%lld can't be rolled back to: its slug is gone (kept are those of "
			"the newest releases, TWELVE_KEEP_RELEASES=%lld). "
			"Push that commit again: git push -f twelve %.40s:main",
			(long long)r->version, (long long)w->o.platform->settings.keep_releases,
			r->commit[0] ? r->commit : "COMMIT");
	return 0;
}

int wanted_check_rollback(const struct wanted *w, const struct app *app, int64_t version,
			  struct error *err)
{
	struct release r = { 0 };
	int result = store_release_get(w->store, app->id, version, &r, err);

	if (result == 0)
		result = check_target(w, &r, err);
	release_done(&r);
	return result;
}

/* ---- attachments ---- */

int releases_set_attachments(struct wanted *w, struct app *app, int64_t version, json_t *list,
			     json_t *vars, const char *description, const struct caller *who,
			     struct release *ret, struct error *err)
{
	struct release r = { 0 };
	json_t *config;

	if (version ? store_release_get(w->store, app->id, version, &r, err) < 0
		    : releases_base(w, app, &r, err) < 0)
		return -1;
	config = attach_own_config(r.config, r.attachments);
	json_object_update(config, vars);
	json_decref(r.config);
	json_decref(r.attachments);
	r.config = config;
	r.attachments = json_incref(list);
	forget_past(&r, xstrdup(description));
	return hand_over(create(w, app, &r, who, description, err), &r, ret);
}
