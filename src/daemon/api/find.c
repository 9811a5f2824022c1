/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/api/find.h"

#include <stdlib.h>

#include "base/str.h"
#include "daemon/api/authz.h"
#include "daemon/api/call.h"
#include "daemon/api/route.h"
#include "daemon/api/sight.h"
#include "model/names.h"

int api_app(struct request *r, struct app *ret, struct error *err)
{
	struct app app = { 0 };

	if (store_app_get(request_store(r), request_param(r, "app"), &app, err) < 0)
		return -1;
	if (authz_allow_route(r, &app, err) < 0) {
		app_done(&app);
		return -1;
	}
	*ret = app;
	return 0;
}

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

int api_addon_named(struct request *r, const char *name, enum need need, struct addon *ret,
		    struct error *err)
{
	struct addon a = { 0 };

	if (store_addon_get(request_store(r), name, &a, err) < 0)
		return -1;
	if (allow_addon(r, &a, need, err) < 0) {
		addon_done(&a);
		return -1;
	}
	*ret = a;
	return 0;
}

int api_addon(struct request *r, struct addon *ret, struct error *err)
{
	struct parts *parts = request_parts(r);
	const char *which = request_param(r, "addon");
	struct error own = ERROR_INIT;
	struct app app = { 0 };
	struct attachment at;
	json_t *list = NULL;
	int result;

	result = api_addon_named(r, which, request_need(r), ret, &own);
	if (result == 0 || own.kind != ERROR_NOT_FOUND || !request_param(r, "app")[0]) {
		if (result < 0)
			*err = own;
		return result;
	}
	if (api_app(r, &app, err) < 0)
		return -1;
	if (services_attachments(parts->services, &app, &list, err) < 0)
		result = -1;
	else if (attach_find(list, which, &at))
		result = api_addon_named(r, at.addon, request_need(r), ret, err);
	else
		*err = own;
	json_decref(list);
	app_done(&app);
	return result;
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

int api_attachment(struct request *r, struct app *app, json_t **ret_list, struct attachment *ret,
		   struct error *err)
{
	const char *which = request_param(r, "attachment");
	const char *sep = strstr(which, "::");
	struct app *apps = NULL;
	int result = 1;
	size_t n = 0;

	if (request_param(r, "app")[0])
		return api_app(r, app, err) < 0
			       ? -1
			       : api_attachment_in(r, app, which, ret_list, ret, false, err);
	if (sep) {
		_cleanup_free_ char *name = xstrndup(which, (size_t)(sep - which));

		return authz_app_named(r, name, request_need(r), app, err) < 0
			       ? -1
			       : api_attachment_in(r, app, sep + 2, ret_list, ret, false, err);
	}
	/* Who knows an id is told that they may not; names are looked for where the caller may
	 * look. */
	if ((uuid_is_valid(which) ? store_app_list(request_store(r), &apps, &n, err)
				  : authz_app_list(r, &apps, &n, err)) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (result == 1)
			result = api_attachment_in(r, &apps[i], which, ret_list, ret, true, err);
		if (result == 0 && !app->name) {
			*app = apps[i];
			apps[i] = (struct app){ 0 };
		}
		app_done(&apps[i]);
	}
	free(apps);
	if (result == 1)
		return error_set(err, ERROR_NOT_FOUND, "Couldn't find that attachment: %.60s",
				 which);
	return result == 0 ? authz_allow_route(r, app, err) : result;
}

/* ---- before the body ---- */

/* Who may not is told so before what is wrong with the body. */
static int allow_named_addon(struct request *r, const char *name, struct error *err)
{
	struct addon addon = { 0 };
	int result = api_addon_named(r, name, request_call(r)->route->need, &addon, err);

	addon_done(&addon);
	return result;
}

int find_allows(struct request *r, struct error *err)
{
	const char *name = request_param(r, "app"), *addon = request_param(r, "addon");
	struct app app = { 0 };
	int result;

	if (authz_scope(r, err) < 0)
		return -1;
	if (request_call(r)->route->need == NEED_ADMIN)
		return authz_admin(r, err);
	if (request_call(r)->route->need < NEED_VIEW || (!name[0] && !addon[0]))
		return 0;
	if (!name[0])
		return allow_named_addon(r, addon, err);
	result = authz_app_named(r, name, request_call(r)->route->need, &app, err);
	app_done(&app);
	return result;
}
