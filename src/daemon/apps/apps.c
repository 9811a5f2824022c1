/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/apps/apps.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/str.h"
#include "daemon/build/builds.h"
#include "daemon/core/remove.h"
#include "daemon/edge/certs.h"
#include "daemon/git/git.h"
#include "daemon/lines/lines.h"
#include "daemon/rollout/reconcile.h"
#include "daemon/services/services.h"
#include "daemon/wanted/releases.h"
#include "model/names.h"

/* The row and its first release in one transaction, then what apps_mend() can make again. */
int apps_make(struct daemon *d, struct app *app, const struct caller *who, struct error *err)
{
	struct error ignored = ERROR_INIT;

	if (releases_initial(d->wanted, app, who, err) < 0)
		return -1;
	/* A repository of this name is what was left of another app when twelved was killed, or of
	 * one that the database has lost. */
	if (git_make_room(daemon_platform(d), app->name, err) == 0 &&
	    git_create(daemon_platform(d), app, err) == 0)
		return 0;
	store_app_delete(d->store, app->id, &ignored);
	git_delete(daemon_platform(d), app->name, &ignored);
	return -1;
}

/*
 * The row says where the repository is, so it changes first. Whoever is killed before the
 * repository has moved leaves it at the old name, where the next start finds it by its owner
 * (git_find_renamed()); so does git_make_room() until then.
 */
static int set_name(struct daemon *d, struct app *app, const char *name, struct error *err)
{
	char *old = app->name;

	app->name = xstrdup(name);
	if (store_app_update(d->store, app, err) == 0) {
		free(old);
		return 0;
	}
	free(app->name);
	app->name = old;
	return -1;
}

int apps_rename(struct daemon *d, struct app *app, const char *name, struct error *err)
{
	_cleanup_free_ char *old = xstrdup(app->name);
	struct error back = ERROR_INIT;

	if (name_check_app(name, err) < 0 || set_name(d, app, name, err) < 0)
		return -1;
	if (git_rename(daemon_platform(d), old, app, err) == 0)
		return 0;
	if (set_name(d, app, old, &back) < 0)
		log_error("%s has its new name, and its repository does not: %s", name,
			  back.message);
	return -1;
}

/* What builds kept for the next ones. */
static void remove_kept(struct daemon *d, const char *app_id)
{
	static const char *const folders[] = { "cache", "slugs/keys", "known-hosts" };

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		_cleanup_free_ char *path =
			xasprintf("%s/%s/%s", d->settings.state_dir, folders[i], app_id);

		remove_tree_later(daemon_platform(d), path);
	}
}

static void cancel_build(struct daemon *d, const struct app *app)
{
	const char *build = builds_running(d->builds, app->id);
	struct error err = ERROR_INIT;

	if (build && builds_cancel(d->builds, build, &err) < 0)
		log_warn("destroying %s: %s", app->name, err.message);
}

static int delete_row(struct daemon *d, const struct app *app, const struct audit *line,
		      struct error *err)
{
	if (store_begin(d->store, err) < 0)
		return -1;
	if (store_app_delete(d->store, app->id, err) == 0 &&
	    (!line || store_audit_add(d->store, line, err) == 0) &&
	    store_commit(d->store, err) == 0)
		return 0;
	store_rollback(d->store);
	return -1;
}

/* The row goes first. What a kill leaves of the rest does no harm: see apps_mend() and
 * apps_make(). */
int apps_destroy_noted(struct daemon *d, const struct app *app, const char *who,
		       const struct audit *line, struct error *err)
{
	struct error ignored = ERROR_INIT;

	if (services_check_app_delete(d->services, app, err) < 0)
		return -1;
	cancel_build(d, app);
	if (delete_row(d, app, line, err) < 0)
		return -1;
	log_info("app %s was destroyed by %s", app->name, who);
	reconcile_forget(d->reconciler, app->id);
	builds_app_gone(d->builds, app->id);
	certs_changed(d->certs);
	services_app_deleted(d->services, app);
	if (git_delete(daemon_platform(d), app->name, &ignored) < 0)
		log_warn("destroying %s: %s", app->name, ignored.message);
	remove_kept(d, app->id);
	logs_forget(d->logs, app->id);
	return 0;
}

int apps_destroy(struct daemon *d, const struct app *app, const char *who, struct error *err)
{
	return apps_destroy_noted(d, app, who, NULL, err);
}
