/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/api/find.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "daemon/api/authz.h"
#include "daemon/api/call.h"
#include "daemon/api/route.h"
#include "daemon/api/sight.h"
#include "model/names.h"

/* ---- add-ons ---- */

/* To view one, an app that the caller may view and that is attached to it will do. */
static int allow_addon(struct request *r, const struct addon *a, enum need need, struct error *err)
{
	struct error own = ERROR_INIT, ignored = ERROR_INIT;
	struct sight sight = { 0 };
	bool seen;

	/* Of a destroyed app, whose last backup is still to be taken: its owner's. */
	if (authz_allow_former(r, a->app_id, a->owner_id, need, &own) == 0)
		return 0;
	seen = need == NEED_VIEW && sight_open(r, a->id, &sight, &ignored) == 0 &&
	       sight_count_attachments(&sight, a->id) > 0;
	sight_done(&sight);
	if (!seen)
		*err = own;
	return seen ? 0 : -1;
}

/* By the name of an attachment; what *err says stays when there is none of it. */
static int addon_attached(struct request *r, const struct app *app, const char *name,
			  struct addon *ret, struct error *err)
{
	struct attachment at;
	json_t *list = NULL;
	int result = -1;

	if (services_attachments(request_parts(r)->services, app, &list, err) == 0 &&
	    attach_find(list, name, &at))
		result = store_addon_get(request_store(r), at.addon, ret, err);
	json_decref(list);
	return result;
}

int api_addon_named(struct request *r, const struct app *app, const char *name, enum need need,
		    struct addon *ret, struct error *err)
{
	struct error own = ERROR_INIT;
	struct addon a = { 0 };
	int result = store_addon_get(request_store(r), name, &a, &own);

	if (result < 0 && own.kind == ERROR_NOT_FOUND && app)
		result = addon_attached(r, app, name, &a, &own);
	if (result < 0) {
		*err = own;
		return -1;
	}
	if (allow_addon(r, &a, need, err) < 0) {
		addon_done(&a);
		return -1;
	}
	*ret = a;
	return 0;
}

/* ---- attachments ---- */

int api_attachment_in(struct request *r, const struct app *app, const char *which,
		      json_t **ret_list, struct attachment *ret, bool try, struct error *err)
{
	char excerpt[NAME_EXCERPT_SIZE];

	if (services_attachments(request_parts(r)->services, app, ret_list, err) < 0)
		return -1;
	if (attach_find(*ret_list, which, ret) || attach_by_var(*ret_list, which, ret))
		return 0;
	json_decref(*ret_list);
	*ret_list = NULL;
	if (try)
		return 1;
	return error_set(err, ERROR_NOT_FOUND, "%s has no attachment %s", app->name,
			 name_excerpt(excerpt, which));
}

/* ---- releases ---- */

int api_release_find(struct request *r, const struct app *app, const char *which,
		     struct release *ret, struct error *err)
{
	struct store *s = request_store(r);
	int64_t version;

	if (uuid_is_valid(which)) {
		if (store_release_by_id(s, which, ret, err) < 0)
			return -1;
		if (streq(ret->app_id, app->id))
			return 0;
		release_done(ret);
		return error_set(err, ERROR_NOT_FOUND, "%s has no release %s", app->name, which);
	}
	if (streq(which, "current"))
		version = app->current_version;
	else if (!str_to_i64(which[0] == 'v' ? which + 1 : which, 1, INT64_MAX, &version))
		return error_set(err, ERROR_NOT_FOUND,
				 "\"%.40s\" is not a release: give a version such as v3", which);
	return store_release_get(s, app->id, version, ret, err);
}

/* ---- the path ---- */

static int take_app(struct request *r, const char *which, struct error *err)
{
	struct call *c = request_call(r);
	struct app app = { 0 };

	if (authz_app_named(r, which, c->route->need, &app, err) < 0)
		return -1;
	app_done(&c->app);
	c->app = app;
	return 0;
}

static int take_addon(struct request *r, const char *which, struct error *err)
{
	struct call *c = request_call(r);
	struct addon addon = { 0 };

	if (api_addon_named(r, c->app.name ? &c->app : NULL, which, c->route->need, &addon, err) <
	    0)
		return -1;
	addon_done(&c->addon);
	c->addon = addon;
	return 0;
}

/* Of any app. Who knows an id is told that they may not; names are looked for where the caller may
 * look. */
static int take_attachment(struct request *r, const char *which, struct error *err)
{
	struct call *c = request_call(r);
	struct app *apps = NULL;
	size_t n = 0, found = 0;
	int result = 1;

	if ((uuid_is_valid(which) ? store_app_list(request_store(r), &apps, &n, err)
				  : authz_app_list(r, &apps, &n, err)) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (result == 1)
			result = api_attachment_in(r, &apps[i], which, &c->attachments,
						   &c->attachment, true, err);
		if (result == 0 && !found++) {
			app_done(&c->app);
			c->app = apps[i];
			apps[i] = (struct app){ 0 };
		}
		app_done(&apps[i]);
	}
	free(apps);
	if (result == 1)
		return error_set(err, ERROR_NOT_FOUND, "Couldn't find that attachment: %.60s",
				 which);
	return result == 0 ? authz_allow(r, &c->app, c->route->need, err) : result;
}

/* Of the app in the path, or by id or APP::NAME (as Heroku has it) of any that the caller may. */
static int find_attachment(struct request *r, struct error *err)
{
	struct call *c = request_call(r);
	const char *which = request_param(r, "attachment"), *sep = strstr(which, "::");
	_cleanup_free_ char *name = sep ? xstrndup(which, (size_t)(sep - which)) : NULL;

	json_decref(c->attachments);
	c->attachments = NULL;
	if (!request_param(r, "app")[0]) {
		if (!sep)
			return take_attachment(r, which, err);
		if (take_app(r, name, err) < 0)
			return -1;
		which = sep + 2;
	}
	return api_attachment_in(r, &c->app, which, &c->attachments, &c->attachment, false, err);
}

/* By id what was found before: its name may be another's by now. */
static int find_named(struct request *r, struct error *err)
{
	const char *app = request_param(r, "app"), *addon = request_param(r, "addon");
	struct call *c = request_call(r);

	if (app[0] && take_app(r, c->app.name ? c->app.id : app, err) < 0)
		return -1;
	if (addon[0] && take_addon(r, c->addon.name ? c->addon.id : addon, err) < 0)
		return -1;
	return request_param(r, "attachment")[0] ? find_attachment(r, err) : 0;
}

int find_in_path(struct request *r, struct error *err)
{
	struct call *c = request_call(r);
	int64_t writes = store_writes(request_store(r));

	if (c->found_at == writes)
		return 0;
	if (authz_scope(r, err) < 0)
		return -1;
	if (c->route->need == NEED_ADMIN)
		return authz_admin(r, err);
	if (c->route->need >= NEED_VIEW && find_named(r, err) < 0)
		return -1;
	c->found_at = writes;
	return 0;
}
