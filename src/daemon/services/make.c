/* SPDX-License-Identifier: Apache-2.0 */
/* Making and changing add-ons, as people ask for it; the rest of their life is services/act.c. */
#include <stdlib.h>
#include <string.h>

#include "addon/partner.h"
#include "base/str.h"
#include "daemon/services/services-priv.h"
#include "daemon/wanted/owner.h"
#include "model/names.h"

#define NAME_MAX_LEN 60

/* ---- names and plans ---- */

int services_check_name(const char *name, struct error *err)
{
	size_t n = strlen(name);

	if (n >= 3 && n <= NAME_MAX_LEN && name[0] >= 'a' && name[0] <= 'z' && name[n - 1] != '-' &&
	    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == n)
		return 0;
	return error_set(err, ERROR_INVALID,
			 "The name of an add-on has 3 to %d lower-case letters, digits and dashes "
			 "and starts "
			 "with a letter",
			 NAME_MAX_LEN);
}

/* "postgresql-quiet-river-4821". */
static char *make_name(const char *service)
{
	char words[APP_NAME_MAX + 1];

	name_generate(words, sizeof(words));
	return xasprintf("%s-%s", service, words);
}

static const struct service_plan *find_plan(const struct service *s, const char *service,
					    const char *name, struct error *err)
{
	const struct service_plan *p = service_plan_meant(s, service, name);
	_cleanup_buf_ struct buf all = BUF_INIT;
	char excerpt[NAME_EXCERPT_SIZE];

	if (p)
		return p;
	for (size_t i = 0; i < s->n_plans; i++)
		buf_printf(&all, "%s%s:%s", i ? ", " : "", s->name, s->plans[i].name);
	error_set(err, ERROR_NOT_FOUND, "There is no plan %s:%s; there are: %s", s->name,
		  name_excerpt(excerpt, name), all.data);
	return NULL;
}

/* ---- creating ---- */

static int check_backup(struct services *sv, const char *id, const struct service *s,
			struct backup *ret, struct error *err)
{
	if (store_backup_get(sv->platform->store, id, ret, err) < 0)
		return -1;
	if (!streq(ret->service, s->name))
		return error_set(err, ERROR_INVALID,
				 "b%lld is a backup of %s: it can't be restored into %s",
				 (long long)ret->number, ret->service, s->name);
	if (!streq(ret->status, "succeeded"))
		return error_set(err, ERROR_INVALID, "b%lld can't be restored: it is %s",
				 (long long)ret->number, ret->status);
	return services_check_uploaded(ret, err);
}

/* The databases of a backup keep their names; the owner's goes to the new owner. */
static int take_databases(struct services *sv, const struct addon *a, const struct backup *b,
			  struct error *err)
{
	const char *app_id;
	json_t *name;

	json_object_foreach (b->databases, app_id, name)
		if (store_database_set(sv->platform->store, a->id,
				       streq(app_id, b->app_id) ? a->app_id : app_id,
				       json_string_value(name), err) < 0)
			return -1;
	return 0;
}

static int insert(struct services *sv, struct addon *a, const struct backup *from,
		  struct error *err)
{
	struct store *s = sv->platform->store;
	struct owner_watch owner;

	if (owner_begin_app(sv->wanted, a->app_id, &owner, err) < 0 || store_begin(s, err) < 0)
		return -1;
	if (store_addon_create(s, a, err) == 0 &&
	    (!from || take_databases(sv, a, from, err) == 0) &&
	    owner_end(sv->wanted, &owner, err) == 0 && store_commit(s, err) == 0)
		return 0;
	store_rollback(s);
	return -1;
}

static void fill(struct addon *a, const struct addon_create *o, const char *service)
{
	memcpy(a->app_id, o->app->id, sizeof(a->app_id));
	a->app_name = xstrdup(o->app->name);
	a->service = xstrdup(service);
	a->name = o->name ? xstrdup(o->name) : make_name(service);
	a->state = ADDON_PROVISIONING;
	a->schedule_minute = -1;
	a->secret = json_pack("{s:s}", "made_by", o->who->name);
}

/* The wanted name of its attachment is checked now, so that nobody waits for a refusal. */
static int name_attachment(struct services *sv, struct addon *a, const struct addon_create *o,
			   struct error *err)
{
	char *name = services_pick_name(sv, o->app, a, o->attachment, err);

	if (!name)
		return -1;
	if (o->attachment)
		a->attachment = name;
	else
		free(name);
	return 0;
}

/* What a server here has no use for is refused and not forgotten. */
static int check_server_options(const struct addon_create *o, const struct service *s,
				struct error *err)
{
	if (o->url)
		return error_set(
			err, ERROR_INVALID,
			"%s runs here and takes no URL: one that runs elsewhere is made by "
			"addons:create external --url URL",
			s->name);
	if (o->tls && !json_object_get(s->config, ADDON_TLS_KEY))
		return error_set(err, ERROR_INVALID,
				 s->tls ? "%s speaks TLS at the port of its URL already: --tls "
					  "asks for nothing"
					: "%s speaks no TLS: --tls asks for it",
				 s->name);
	return 0;
}

static int create_server(struct services *sv, const struct addon_create *o, struct addon *a,
			 struct error *err)
{
	const struct service *s = service_set_find(services_catalog(sv), o->service, err);
	const struct service_plan *p = s ? find_plan(s, o->service, o->plan, err) : NULL;
	struct backup from = { 0 };
	char password[41];
	int result = -1;

	if (!p || check_server_options(o, s, err) < 0)
		return -1;
	fill(a, o, s->name);
	a->plan = xstrdup(p->name);
	if (strv_has(s->heroku, o->service))
		json_object_set_new(a->secret, "heroku", json_string(o->service));
	if (o->tls)
		json_object_set_new(a->secret, "tls", json_string("true"));
	a->first_port = addon_pick_ports(sv);
	random_hex(password, 20);
	json_object_set_new(a->secret, "admin_password", json_string(password));
	if (!a->first_port) {
		error_set(err, ERROR_UNAVAILABLE,
			  "No ports are free for %s: widen TWELVE_ADDON_PORTS", s->name);
	} else if (name_attachment(sv, a, o, err) == 0 &&
		   (!o->from_backup || check_backup(sv, o->from_backup, s, &from, err) == 0)) {
		a->restoring = o->from_backup ? xstrdup(o->from_backup) : NULL;
		result = insert(sv, a, o->from_backup ? &from : NULL, err);
	}
	backup_done(&from);
	return result;
}

static int create_external(struct services *sv, const struct addon_create *o, struct addon *a,
			   struct error *err)
{
	if (!o->url)
		return error_set(
			err, ERROR_INVALID,
			"A service elsewhere takes its URL: addons:create external --url URL");
	if (o->plan || o->from_backup)
		return error_set(err, ERROR_INVALID,
				 "A service elsewhere has neither plans nor backups here");
	if (o->tls)
		return error_set(err, ERROR_INVALID,
				 "Whether a service elsewhere speaks TLS is in its URL: --tls asks "
				 "for nothing");
	fill(a, o, SERVICE_EXTERNAL);
	a->plan = xstrdup(SERVICE_EXTERNAL);
	json_object_set_new(a->secret, "url", json_string(o->url));
	return name_attachment(sv, a, o, err) < 0 ? -1 : insert(sv, a, NULL, err);
}

/* A service that a provider runs: it is asked in the first turn. */
static int create_provided(struct services *sv, const struct addon_create *o, struct addon *a,
			   struct error *err)
{
	json_t *manifest = NULL;
	struct partner p = { 0 };
	int result = -1;

	if (services_partner(sv, o->service, &manifest, &p, err) < 0)
		return -1;
	if (o->plan && !partner_has_plan(&p, o->plan)) {
		error_set(err, ERROR_NOT_FOUND,
			  "There is no plan %s:%.40s: twelve addons:plans %s lists them",
			  o->service, o->plan, o->service);
	} else if (o->from_backup) {
		error_set(err, ERROR_INVALID, "%s runs elsewhere, where its backups are",
			  o->service);
	} else if (o->url) {
		error_set(err, ERROR_INVALID,
			  "%s provides its own URL: --url is for addons:create external",
			  o->service);
	} else {
		fill(a, o, p.id);
		a->plan = xstrdup(o->plan ? o->plan : partner_default_plan(&p));
		a->applied = xstrdup(a->plan);
		json_object_set_new(a->secret, "provider", json_string(p.id));
		if (o->options)
			json_object_set(a->secret, "options", o->options);
		result = name_attachment(sv, a, o, err) < 0 ? -1 : insert(sv, a, NULL, err);
	}
	partner_done(&p);
	json_decref(manifest);
	return result;
}

int services_create(struct services *sv, const struct addon_create *o, struct addon *ret,
		    struct error *err)
{
	struct addon a = { 0 };
	int r;

	if (o->name && services_check_name(o->name, err) < 0)
		return -1;
	if (streq(o->service, SERVICE_EXTERNAL))
		r = create_external(sv, o, &a, err);
	else if (services_is_provided(sv, o->service))
		r = create_provided(sv, o, &a, err);
	else
		r = create_server(sv, o, &a, err);
	if (r < 0) {
		addon_done(&a);
		return -1;
	}
	*ret = a;
	services_kick_one(sv, a.id);
	return 0;
}

char *services_taken(struct services *sv, const struct addon *a, const char *service,
		     const char *plan)
{
	const struct service *s = addon_is_server(a) ? services_service_of(sv, a) : NULL;

	if (!s || !service || !strv_has(s->heroku, service))
		return NULL;
	return xasprintf("%s%s%.50s is Heroku's; this is %s:%s", service, plan ? ":" : "",
			 plan ? plan : "", a->service, a->plan);
}

/* ---- another plan ---- */

/* The provider is asked in the next turn; a refusal puts the old plan back and says why. */
static int set_provided_plan(struct services *sv, struct addon *a, const char *plan,
			     struct error *err)
{
	json_t *manifest = NULL;
	struct partner p = { 0 };
	int r = services_partner(sv, a->service, &manifest, &p, err);

	if (r == 0 && !partner_has_plan(&p, plan))
		r = error_set(err, ERROR_NOT_FOUND, "There is no plan %s:%.40s", a->service, plan);
	if (r == 0) {
		free(a->plan);
		a->plan = xstrdup(plan);
		r = store_addon_update(sv->platform->store, a, err);
	}
	partner_done(&p);
	json_decref(manifest);
	if (r == 0)
		services_kick_one(sv, a->id);
	return r;
}

/* The row with its new plan. */
static int write_plan(struct services *sv, struct addon *a, const char *plan, struct error *err)
{
	struct store *s = sv->platform->store;
	struct owner_watch owner;

	if (owner_begin_app(sv->wanted, a->app_id, &owner, err) < 0 || store_begin(s, err) < 0)
		return -1;
	free(a->plan);
	a->plan = xstrdup(plan);
	if (store_addon_update(s, a, err) == 0 && owner_end(sv->wanted, &owner, err) == 0 &&
	    store_commit(s, err) == 0)
		return 0;
	store_rollback(s);
	return -1;
}

/* Whether it is of a service that goes by this name. */
static int check_service(struct services *sv, const struct addon *a, const char *name,
			 struct error *err)
{
	const struct service *s;

	if (!name || streq(name, a->service))
		return 0;
	s = service_set_find(&sv->catalog, name, err);
	if (!s)
		return -1;
	return streq(s->name, a->service)
		       ? 0
		       : error_set(err, ERROR_INVALID,
				   "%s is of the service %s: give a plan of that", a->name,
				   a->service);
}

int services_set_plan(struct services *sv, struct addon *a, const char *service, const char *plan,
		      struct error *err)
{
	const struct service *s = addon_is_server(a) ? services_service_of(sv, a) : NULL;
	struct resource *r = resource_find(sv, a->id);
	const struct service_plan *p;

	if (check_service(sv, a, service, err) < 0)
		return -1;
	if (addon_provider(a))
		return set_provided_plan(sv, a, plan, err);
	if (!s)
		return error_set(err, ERROR_INVALID, "%s runs elsewhere: its plan is changed there",
				 a->name);
	if (!service || streq(service, s->name))
		service = addon_heroku_name(a) ? addon_heroku_name(a) : s->name;
	p = find_plan(s, service, plan, err);
	if (!p)
		return -1;
	if (a->state != ADDON_PROVISIONED)
		return error_set(err, ERROR_CONFLICT, "%s is %s", a->name,
				 addon_state_names[a->state]);
	if (r && r->disk_used > (int64_t)p->disk_bytes)
		return error_set(err, ERROR_INVALID,
				 "%s uses %lld MB of disk, and %s:%s has %llu MB: make room first",
				 a->name, (long long)r->disk_used >> 20, s->name, p->name,
				 (unsigned long long)p->disk_bytes >> 20);
	if (write_plan(sv, a, p->name, err) < 0)
		return -1;
	if (r)
		count_soon(r);
	services_kick_one(sv, a->id);
	return 0;
}
