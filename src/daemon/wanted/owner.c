/* SPDX-License-Identifier: Apache-2.0 */
/* What an owner's apps may take together; see owner.h. */
#include "daemon/wanted/owner.h"

#include <stdlib.h>
#include <string.h>

#include "addon/service.h"
#include "base/str.h"
#include "daemon/dynos/dynos.h"
#include "daemon/walls/walls.h"
#include "daemon/wanted/wanted-priv.h"
#include "model/size.h"
#include "store/owned.h"
#include "store/owner-limit.h"

/* ---- limits ---- */

/* In settings, 0 is no limit. */
static int64_t setting(int64_t value)
{
	return value ? value : OWNER_UNLIMITED;
}

static struct owner_numbers of_everybody(const struct settings *s)
{
	return (struct owner_numbers){ .of = {
					       [OWNER_APPS] = setting(s->owner_apps),
					       [OWNER_DYNOS] = setting(s->owner_dynos),
					       [OWNER_ADDONS] = setting(s->owner_addons),
					       [OWNER_MEMORY] = setting(s->owner_memory_bytes),
					       [OWNER_BUILDS] = s->owner_builds,
				       } };
}

int owner_limits(const struct wanted *w, const char *owner_id, struct owner_numbers *ret,
		 struct error *err)
{
	struct owner_numbers all = of_everybody(&w->o.platform->settings), own;

	if (store_owner_limits_get(w->store, owner_id, &own, err) < 0)
		return -1;
	*ret = owner_limits_merge(&own, &all);
	return 0;
}

/* ---- what is used ---- */

static int64_t memory_of_size(const char *size)
{
	const struct dyno_size *s = dyno_size_find(size);

	return s ? (int64_t)s->memory_bytes : 0;
}

static int count_dynos(const struct wanted *w, const struct owned_scope *scope,
		       struct owner_numbers *n, struct error *err)
{
	struct owned_dynos *rows = NULL;
	size_t n_rows = 0;

	if (store_owned_dynos(w->store, scope, &rows, &n_rows, err) < 0)
		return -1;
	for (size_t i = 0; i < n_rows; i++) {
		n->of[OWNER_DYNOS] += rows[i].n;
		n->of[OWNER_MEMORY] += rows[i].n * memory_of_size(rows[i].size);
	}
	owned_dynos_free_array(rows, n_rows);
	return 0;
}

/* Those that somebody asked for, in sandboxes of their own. The release phase and the script of a
 * setup are the platform's. */
static bool is_one_off(const struct dyno *dyno)
{
	return dyno->one_off && !dyno->addon && !dyno->inside[0] && streq(dyno->type, "run") &&
	       dyno->state != DYNO_EXITED;
}

static bool is_in_scope(const struct wanted *w, const struct owned_scope *scope,
			const struct dyno *dyno)
{
	struct error gone = ERROR_INIT;
	struct app app = { 0 };
	bool is;

	if (scope->app_id)
		return streq(dyno->app_id, scope->app_id);
	is = store_app_get(w->store, dyno->app_id, &app, &gone) == 0 &&
	     streq(app.owner_id, scope->owner_id);
	app_done(&app);
	return is;
}

static void count_one_offs(const struct wanted *w, const struct owned_scope *scope,
			   struct owner_numbers *n)
{
	_cleanup_free_ struct dyno **dynos = NULL;
	size_t n_dynos = dynos_list(w->o.dynos, NULL, &dynos);

	for (size_t i = 0; i < n_dynos; i++) {
		if (!is_one_off(dynos[i]) || !is_in_scope(w, scope, dynos[i]))
			continue;
		n->of[OWNER_DYNOS]++;
		n->of[OWNER_MEMORY] += memory_of_size(dynos[i]->size);
	}
}

/* 0 for what runs elsewhere, and for a service that is not here any more. */
static int64_t memory_of_plan(const struct service_set *set, const struct owned_addons *a)
{
	const struct service_plan *p = NULL;

	for (size_t i = 0; i < set->n && !p; i++)
		if (streq(set->list[i].name, a->service))
			p = service_plan(&set->list[i], a->plan);
	return p ? (int64_t)p->memory_bytes : 0;
}

static void load_services(const struct settings *s, struct service_set *ret)
{
	_cleanup_free_ char *ours = xasprintf("%s/addons", s->data_dir);
	const char *const dirs[] = { ours, s->addons_dir, NULL };

	service_set_load(dirs, ret);
}

static int count_addons(const struct wanted *w, const struct owned_scope *scope,
			struct owner_numbers *n, struct error *err)
{
	struct owned_addons *rows = NULL;
	struct service_set set = { 0 };
	size_t n_rows = 0;

	if (store_owned_addons(w->store, scope, &rows, &n_rows, err) < 0)
		return -1;
	if (n_rows)
		load_services(&w->o.platform->settings, &set);
	for (size_t i = 0; i < n_rows; i++) {
		n->of[OWNER_ADDONS] += rows[i].n;
		n->of[OWNER_MEMORY] += rows[i].n * memory_of_plan(&set, &rows[i]);
	}
	service_set_done(&set);
	owned_addons_free_array(rows, n_rows);
	return 0;
}

static int count(const struct wanted *w, const struct owned_scope *scope, struct owner_numbers *ret,
		 struct error *err)
{
	struct owner_numbers n = { 0 };

	if (store_owned_apps(w->store, scope, &n.of[OWNER_APPS], err) < 0 ||
	    count_dynos(w, scope, &n, err) < 0 || count_addons(w, scope, &n, err) < 0)
		return -1;
	count_one_offs(w, scope, &n);
	*ret = n;
	return 0;
}

int owner_used(const struct wanted *w, const char *owner_id, struct owner_numbers *ret,
	       struct error *err)
{
	return count(w, &(struct owned_scope){ .owner_id = owner_id }, ret, err);
}

/* ---- the questions ---- */

static bool is_limited(const struct owner_numbers *max)
{
	for (size_t i = 0; i < _OWNER_LIMIT_MAX; i++)
		if (i != OWNER_BUILDS && max->of[i] >= 0)
			return true;
	return false;
}

int owner_begin(const struct wanted *w, const char *owner_id, struct owner_watch *ret,
		struct error *err)
{
	struct owner_watch o = { 0 };

	if (owner_id[0] && owner_limits(w, owner_id, &o.max, err) < 0)
		return -1;
	if (owner_id[0] && is_limited(&o.max)) {
		memcpy(o.owner_id, owner_id, UUID_SIZE);
		if (owner_used(w, owner_id, &o.before, err) < 0)
			return -1;
	}
	*ret = o;
	return 0;
}

int owner_begin_app(const struct wanted *w, const char *app_id, struct owner_watch *ret,
		    struct error *err)
{
	struct app app = { 0 };
	int r = store_app_get(w->store, app_id, &app, err);

	if (r == 0)
		r = owner_begin(w, app.owner_id, ret, err);
	app_done(&app);
	return r;
}

static int check(const struct wanted *w, const struct owner_watch *o,
		 const struct owner_numbers *after, struct error *err)
{
	struct user u = { 0 };
	int r = store_user_get(w->store, o->owner_id, &u, err);

	if (r == 0)
		r = owner_limits_check(u.email, &o->max, &o->before, after, err);
	user_done(&u);
	return r;
}

int owner_end(const struct wanted *w, const struct owner_watch *o, struct error *err)
{
	struct owner_numbers after;

	if (!o->owner_id[0])
		return 0;
	return owner_used(w, o->owner_id, &after, err) < 0 ? -1 : check(w, o, &after, err);
}

/* What there is, and `more` on top. */
static int may_add(const struct wanted *w, const char *owner_id, const struct owner_numbers *more,
		   struct error *err)
{
	struct owner_numbers after;
	struct owner_watch o;

	if (owner_begin(w, owner_id, &o, err) < 0)
		return -1;
	if (!o.owner_id[0])
		return 0;
	for (size_t i = 0; i < _OWNER_LIMIT_MAX; i++)
		after.of[i] = o.before.of[i] + more->of[i];
	return check(w, &o, &after, err);
}

static bool has_other_owner(const struct app *apps, size_t n, const char *owner_id)
{
	for (size_t i = 0; i < n; i++)
		if (!streq(apps[i].owner_id, owner_id))
			return true;
	return false;
}

int owner_may_come(const struct wanted *w, const char *owner_id, struct error *err)
{
	struct app *apps = NULL;
	size_t n = 0;
	bool others;

	if (walls_are_up(w->o.walls) || w->o.platform->settings.shared_network)
		return 0;
	if (store_app_list(w->store, &apps, &n, err) < 0)
		return -1;
	others = has_other_owner(apps, n, owner_id);
	for (size_t i = 0; i < n; i++)
		app_done(&apps[i]);
	free(apps);
	return others ? error_set(
				err, ERROR_INVALID,
				"This machine has apps of another owner, and nothing would stand "
				"between theirs and these. %s. An administrator may permit it all "
				"the same: TWELVE_SHARED_NETWORK=1",
				walls_why_not(w->o.walls))
		      : 0;
}

int owner_may_take(const struct wanted *w, const char *owner_id, const struct app *app,
		   struct error *err)
{
	struct owner_numbers more;

	if (owner_may_come(w, owner_id, err) < 0 ||
	    count(w, &(struct owned_scope){ .app_id = app->id }, &more, err) < 0)
		return -1;
	return may_add(w, owner_id, &more, err);
}

int owner_may_run(const struct wanted *w, const struct app *app, const char *size,
		  struct error *err)
{
	struct owner_numbers more = { 0 };

	more.of[OWNER_DYNOS] = 1;
	more.of[OWNER_MEMORY] = memory_of_size(size);
	return may_add(w, app->owner_id, &more, err);
}
