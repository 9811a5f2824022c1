/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The row of a credential that a change needs, and the name of the database that it opens; the
 * add-on's turn then has the service make it.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "daemon/services/services-priv.h"
#include "daemon/walls/walls.h"

#define DATABASE_NAME_MAX 40
#define NUMBERED_MAX 15

/* "shop_3f2a91c0": people know it again, and an app that comes later by the same name gets another.
 */
static char *make_database_name(const struct app *app)
{
	/* PostgreSQL keeps names that begin with "pg_" for itself. */
	char *name = xasprintf("%s%.*s_%.8s", str_starts(app->name, "pg-") ? "db_" : "",
			       DATABASE_NAME_MAX - 3, app->name, app->id);

	for (char *p = name; *p; p++)
		*p = isalnum((unsigned char)*p) ? (char)tolower((unsigned char)*p) : '_';
	return name;
}

static char *next_number(struct services *sv, const char *addon_id, struct error *err)
{
	_cleanup_strv_ char **taken = NULL;

	if (store_database_list(sv->platform->store, addon_id, &taken, err) < 0)
		return NULL;
	for (int i = 1; i <= NUMBERED_MAX; i++) {
		char *n = xasprintf("%d", i);

		if (!strv_has(taken, n))
			return n;
		free(n);
	}
	error_set(err, ERROR_CONFLICT, "All %d databases of this add-on are given to apps",
		  NUMBERED_MAX);
	return NULL;
}

/* The database that the app has in the add-on, made up the first time. */
static char *database_of(struct services *sv, const struct addon *a, const struct service *s,
			 const struct app *app, struct error *err)
{
	char *name = NULL;

	if (s->databases == SERVICE_ONE_DATABASE)
		return xstrdup("");
	if (store_database_get(sv->platform->store, a->id, app->id, &name, err) < 0)
		return NULL;
	if (name[0])
		return name;
	free(name);
	name = s->databases == SERVICE_NAMED ? make_database_name(app)
					     : next_number(sv, a->id, err);
	if (name && store_database_set(sv->platform->store, a->id, app->id, name, err) < 0) {
		free(name);
		return NULL;
	}
	return name;
}

/* The app whose database an attachment opens: its own, or the owner's. */
static int tenant_of(struct services *sv, const struct addon *a, const struct app *app, bool shared,
		     struct app *ret, struct error *err)
{
	return store_app_get(sv->platform->store, shared ? a->app_id : app->id, ret, err);
}

/* The app reaches the server before it is given the credential. */
static void let_reach(struct services *sv, const char *addon_id)
{
	struct resource *r = resource_find(sv, addon_id);

	if (r)
		r->rules = walls_change(sv->walls);
}

/* The row of a new credential for this step; a service elsewhere has none. */
int change_credential(struct services *sv, struct change_step *step, const struct app *app,
		      struct error *err)
{
	struct credential cred = { 0 };
	const struct service *s;
	struct app tenant = { 0 };
	struct addon a = { 0 };
	int r = store_addon_get(sv->platform->store, step->addon_id, &a, err);

	s = r == 0 && addon_is_server(&a) ? services_service_of(sv, &a) : NULL;
	if (r == 0 && s) {
		r = tenant_of(sv, &a, app, step->shared, &tenant, err);
		cred.database = r == 0 ? database_of(sv, &a, s, &tenant, err) : NULL;
		memcpy(cred.addon_id, a.id, sizeof(cred.addon_id));
		memcpy(cred.app_id, app->id, sizeof(cred.app_id));
		r = cred.database ? store_credential_create(sv->platform->store, &cred, err) : -1;
		memcpy(step->credential_id, cred.id, sizeof(step->credential_id));
		let_reach(sv, a.id);
	}
	credential_done(&cred);
	app_done(&tenant);
	addon_done(&a);
	return r;
}
