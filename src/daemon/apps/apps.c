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

struct apps {
	struct apps_options o;
};

struct apps *apps_new(const struct apps_options *o)
{
	struct apps *as = xcalloc(1, sizeof(*as));

	as->o = *o;
	return as;
}

void apps_free(struct apps *as)
{
	free(as);
}

/* The row and its first release in one transaction, then what apps_mend() can make again. */
int apps_make(struct apps *as, struct app *app, const struct caller *who, struct error *err)
{
	struct error ignored = ERROR_INIT;

	if (releases_initial(as->o.wanted, app, who, err) < 0)
		return -1;
	/* A repository of this name is what was left of another app when twelved was killed, or of
	 * one that the database has lost. */
	if (git_make_room(as->o.platform, app->name, err) == 0 &&
	    git_create(as->o.platform, app, err) == 0)
		return 0;
	store_app_delete(as->o.platform->store, app->id, &ignored);
	git_delete(as->o.platform, app->name, &ignored);
	return -1;
}

/*
 * The row says where the repository is, so it changes first. Whoever is killed before the
 * repository has moved leaves it at the old name, where the next start finds it by its owner
 * (git_find_renamed()); so does git_make_room() until then.
 */
static int set_name(struct apps *as, struct app *app, const char *name, struct error *err)
{
	char *old = app->name;

	app->name = xstrdup(name);
	if (store_app_update(as->o.platform->store, app, err) == 0) {
		free(old);
		return 0;
	}
	free(app->name);
	app->name = old;
	return -1;
}

int apps_rename(struct apps *as, struct app *app, const char *name, struct error *err)
{
	_cleanup_free_ char *old = xstrdup(app->name);
	struct error back = ERROR_INIT;

	if (name_check_app(name, err) < 0 || set_name(as, app, name, err) < 0)
		return -1;
	if (git_rename(as->o.platform, old, app, err) == 0)
		return 0;
	if (set_name(as, app, old, &back) < 0)
		log_error("%s has its new name, and its repository does not: %s", name,
			  back.message);
	return -1;
}

/* What builds kept for the next ones. */
static void remove_kept(struct apps *as, const char *app_id)
{
	static const char *const folders[] = { "cache", "slugs/keys", "known-hosts" };

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		_cleanup_free_ char *path = xasprintf(
			"%s/%s/%s", as->o.platform->settings.state_dir, folders[i], app_id);

		remove_tree_later(as->o.platform, path);
	}
}

static void cancel_build(struct apps *as, const struct app *app)
{
	const char *build = builds_running(as->o.builds, app->id);
	struct error err = ERROR_INIT;

	if (build && builds_cancel(as->o.builds, build, &err) < 0)
		log_warn("destroying %s: %s", app->name, err.message);
}

static int delete_row(struct apps *as, const struct app *app, const struct audit *line,
		      struct error *err)
{
	if (store_begin(as->o.platform->store, err) < 0)
		return -1;
	if (store_app_delete(as->o.platform->store, app->id, err) == 0 &&
	    (!line || store_audit_add(as->o.platform->store, line, err) == 0) &&
	    store_commit(as->o.platform->store, err) == 0)
		return 0;
	store_rollback(as->o.platform->store);
	return -1;
}

/* The row goes first. What a kill leaves of the rest does no harm: see apps_mend() and
 * apps_make(). */
int apps_destroy_noted(struct apps *as, const struct app *app, const char *who,
		       const struct audit *line, struct error *err)
{
	struct error ignored = ERROR_INIT;

	if (services_check_app_delete(as->o.services, app, err) < 0)
		return -1;
	cancel_build(as, app);
	if (delete_row(as, app, line, err) < 0)
		return -1;
	log_info("app %s was destroyed by %s", app->name, who);
	reconcile_forget(as->o.reconciler, app->id);
	builds_app_gone(as->o.builds, app->id);
	certs_changed(as->o.certs);
	services_app_deleted(as->o.services, app);
	if (git_delete(as->o.platform, app->name, &ignored) < 0)
		log_warn("destroying %s: %s", app->name, ignored.message);
	remove_kept(as, app->id);
	logs_forget(as->o.logs, app->id);
	return 0;
}

int apps_destroy(struct apps *as, const struct app *app, const char *who, struct error *err)
{
	return apps_destroy_noted(as, app, who, NULL, err);
}
