/* SPDX-License-Identifier: Apache-2.0 */
/* Authorization; see authz.h. */
#include "daemon/api/authz.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "daemon/api/audit.h"
#include "daemon/api/route.h"
#include "daemon/api/call.h"

static int standing_of(struct request *r, const struct app *app, struct standing *ret,
		       struct error *err)
{
	*ret = (struct standing){
		.known = request_caller(r)->name[0],
		.admin = request_caller(r)->admin,
		.owner = app->owner_id[0] && streq(app->owner_id, request_caller(r)->user_id),
	};
	if (ret->admin || ret->owner || !request_caller(r)->user_id[0])
		return 0;
	return store_permissions_of(request_store(r), app->id, request_caller(r)->user_id,
				    &ret->permissions, err);
}

int authz_allow(struct request *r, const struct app *app, enum need need, struct error *err)
{
	struct standing s;

	/* What is refused is noted with the app, too. */
	if (need > NEED_VIEW)
		audit_app(r, app);
	if (standing_of(r, app, &s, err) < 0)
		return -1;
	if (role_allows(need, &s))
		return 0;
	if (!role_allows(NEED_VIEW, &s))
		return error_set(err, ERROR_FORBIDDEN, "You do not have access to the app %s.",
				 app->name);
	if (need == NEED_OWNER)
		return error_set(err, ERROR_FORBIDDEN, "Only the owner of %s may do this.",
				 app->name);
	return error_set(err, ERROR_FORBIDDEN,
			 "You do not have the %s permission on %s, which this needs.",
			 need_names[need], app->name);
}

int authz_admin(struct request *r, struct error *err)
{
	if (request_caller(r)->admin)
		return 0;
	return error_set(err, ERROR_FORBIDDEN,
			 "Only an administrator of this platform may do this.");
}

int authz_allow_id(struct request *r, const char *app_id, enum need need, struct error *err)
{
	struct error own = ERROR_INIT;
	struct app app = { 0 };
	int result;

	result = store_app_get(request_store(r), app_id, &app, &own);
	if (result < 0 && own.kind == ERROR_NOT_FOUND)
		return authz_admin(r, err);
	if (result < 0)
		*err = own;
	else
		result = authz_allow(r, &app, need, err);
	app_done(&app);
	return result;
}

int authz_allow_former(struct request *r, const char *app_id, const char *owner_id, enum need need,
		       struct error *err)
{
	struct error own = ERROR_INIT;
	struct app app = { 0 };
	bool destroyed = store_app_get(request_store(r), app_id, &app, &own) < 0 &&
			 own.kind == ERROR_NOT_FOUND;

	app_done(&app);
	if (destroyed && owner_id[0] && streq(owner_id, request_caller(r)->user_id))
		return 0;
	return authz_allow_id(r, app_id, need, err);
}

int authz_app_named(struct request *r, const char *name, enum need need, struct app *ret,
		    struct error *err)
{
	struct app app = { 0 };

	if (store_app_get(request_store(r), name, &app, err) < 0)
		return -1;
	if (authz_allow(r, &app, need, err) < 0) {
		app_done(&app);
		return -1;
	}
	*ret = app;
	return 0;
}

unsigned authz_permissions(struct request *r, const struct app *app)
{
	struct error ignored = ERROR_INIT;
	struct standing s;

	if (standing_of(r, app, &s, &ignored) < 0)
		return 0;
	return s.admin || s.owner ? PERMISSIONS_ALL : s.permissions;
}

bool authz_sees(struct request *r, const struct app *app)
{
	struct error ignored = ERROR_INIT;

	return authz_allow(r, app, NEED_VIEW, &ignored) == 0;
}

int authz_app_list(struct request *r, struct app **ret, size_t *ret_n, struct error *err)
{
	struct app *apps = NULL;
	size_t n = 0, kept = 0;

	if (store_app_list(request_store(r), &apps, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (authz_sees(r, &apps[i]))
			apps[kept++] = apps[i];
		else
			app_done(&apps[i]);
	}
	*ret = apps;
	*ret_n = kept;
	return 0;
}

static enum reach reach_of(const struct api_route *route)
{
	const char *path = route->path;

	if (route->need == NEED_NOTHING || streq(path, "/account/rate-limits"))
		return REACH_NOBODY;
	if (streq(path, "/account") || streq(path, "/users/~"))
		return REACH_IDENTITY;
	if (route->need == NEED_ADMIN || str_starts(path, "/account/") ||
	    str_starts(path, "/oauth/"))
		return REACH_ACCOUNT;
	return route->flags & API_SECRET ? REACH_SECRETS : REACH_APPS;
}

int authz_scope(struct request *r, struct error *err)
{
	bool write = !streq(request_call(r)->route->method, "GET") &&
		     !(request_call(r)->route->flags & API_QUIET);
	_cleanup_buf_ struct buf names = BUF_INIT;

	if (scope_allows(request_caller(r)->scopes, reach_of(request_call(r)->route), write))
		return 0;
	authz_scopes(request_caller(r)->scopes, ", ", &names);
	return error_set(
		err, ERROR_FORBIDDEN,
		"This token's scope (%s) does not allow this: use a token with another scope",
		names.data);
}

void authz_scopes(unsigned scopes, const char *between, struct buf *ret)
{
	for (const struct scope_word *w = scope_words; w->name; w++)
		if (scopes & w->scope)
			buf_printf(ret, "%s%s", ret->len ? between : "", w->name);
}
