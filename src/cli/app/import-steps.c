/* SPDX-License-Identifier: Apache-2.0 */
/* What is moved with an app; see import.h. No value of a config var is ever shown. */
#include "cli/app/import.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/str.h"

__attribute__((format(printf, 3, 0))) static void tell(const char *mark, const char *step,
						       const char *fmt, va_list ap)
{
	printf("  %s %-13s ", mark, step);
	vprintf(fmt, ap);
	putchar('\n');
	fflush(stdout);
}

void import_tell(const struct import *m, const char *step, const char *fmt, ...)
{
	va_list ap;

	(void)m;
	va_start(ap, fmt);
	tell(" ", step, fmt, ap);
	va_end(ap);
}

void import_left(struct import *m, const char *step, const char *fmt, ...)
{
	va_list ap;

	m->n_left++;
	va_start(ap, fmt);
	tell("!", step, fmt, ap);
	va_end(ap);
}

static void join(struct buf *b, const char *word)
{
	buf_printf(b, "%s%s", b->len ? ", " : "", word);
}

/* An item of a list whose member is this text. */
static const json_t *find(const json_t *list, const char *path, const char *text)
{
	const json_t *item;
	size_t i;

	json_array_foreach (list, i, item)
		if (strcasecmp(json_str(item, path, ""), text) == 0)
			return item;
	return NULL;
}

/* A list of the app here; an empty one when a dry run has no app here yet. */
static int get_here(struct import *m, const char *what, json_t **ret, struct error *err)
{
	struct error own = ERROR_INIT;

	if (api_get(m->to, ret, &own, "/apps/%s/%s", m->app, what) == 0)
		return 0;
	if (m->dry_run && own.kind == ERROR_NOT_FOUND) {
		*ret = json_array();
		return 0;
	}
	*err = own;
	return -1;
}

/* ---- the app ---- */

static int step_app(struct import *m, struct error *err)
{
	_cleanup_json_ json_t *there = NULL, *here = NULL;
	struct error own = ERROR_INIT;

	if (api_get(m->from, &there, err, "/apps/%s", m->app) < 0)
		return -1;
	if (api_get(m->to, &here, &own, "/apps/%s", m->app) == 0) {
		import_tell(m, "app", "%s is here already", m->app);
		return 0;
	}
	if (own.kind != ERROR_NOT_FOUND) {
		*err = own;
		return -1;
	}
	import_tell(m, "app", "create %s", m->app);
	return m->dry_run ? 0
			  : api_request(m->to, "POST",
					json_pack("{s:s}", "name", json_str(there, "name", "")),
					NULL, err, "/apps");
}

/* ---- buildpacks ---- */

/* Heroku's names for those that have another here; else its git repositories. Heap. */
static char *buildpack_here(const char *name)
{
	if (streq(name, "heroku/python") || streq(name, "heroku/nodejs"))
		return xstrdup(name + strlen("heroku/"));
	if (str_starts(name, "heroku/"))
		return xasprintf("https://github.com/heroku/heroku-buildpack-%s.git",
				 name + strlen("heroku/"));
	return xstrdup(name);
}

static int step_buildpacks(struct import *m, struct error *err)
{
	_cleanup_json_ json_t *there = NULL, *here = NULL, *updates = json_array();
	_cleanup_buf_ struct buf names = BUF_INIT;
	bool same;
	const json_t *b;
	size_t i;

	if (api_get(m->from, &there, err, "/apps/%s/buildpack-installations", m->app) < 0 ||
	    get_here(m, "buildpack-installations", &here, err) < 0)
		return -1;
	same = json_array_size(there) == json_array_size(here);
	json_array_foreach (there, i, b) {
		_cleanup_free_ char *name = buildpack_here(
			json_str(b, "buildpack.name", json_str(b, "buildpack.url", "")));

		same = same && streq(json_str(json_array_get(here, i), "buildpack.url", ""), name);
		json_array_append_new(updates, json_pack("{s:s}", "buildpack", name));
		join(&names, strchr(name, '@') ? "(a URL with credentials)" : name);
	}
	if (same)
		return 0;
	import_tell(m, "buildpacks", "%s", names.data);
	return m->dry_run ? 0
			  : api_request(m->to, "PUT", json_pack("{s:O}", "updates", updates), NULL,
					err, "/apps/%s/buildpack-installations", m->app);
}

/* ---- add-ons ---- */

/* What Heroku's services are here. */
static const char *const services[][2] = {
	{ "heroku-postgresql", "postgresql" },
	{ "postgresql", "postgresql" },
	{ "heroku-redis", "redis" },
	{ "rediscloud", "redis" },
	{ "redis", "redis" },
	{ "jawsdb", "mariadb" },
	{ "jawsdb-maria", "mariadb" },
	{ "cleardb", "mariadb" },
	{ "mariadb", "mariadb" },
	{ "cloudamqp", "rabbitmq" },
	{ "rabbitmq", "rabbitmq" },
	{ "memcachier", "memcached" },
	{ "memcachedcloud", "memcached" },
	{ "memcached", "memcached" },
};

static const char *service_here(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(services); i++)
		if (streq(services[i][0], name))
			return services[i][1];
	return NULL;
}

static void tell_data(struct import *m, const char *service, const char *name)
{
	if (streq(service, "postgresql"))
		import_left(m, "data",
			    "of %s: heroku pg:backups:capture %s -a %s; heroku pg:backups:download "
			    "-a %s; pg_restore --no-owner "
			    "--no-acl -f - latest.dump | twelve psql %s -a %s",
			    name, name, m->app, m->app, name, m->app);
	else if (streq(service, "mariadb"))
		import_left(
			m, "data",
			"of %s: mysqldump of its URL (heroku config:get) | twelve mariadb %s -a %s",
			name, name, m->app);
}

static int make_addon(struct import *m, const char *service, const char *name, struct error *err)
{
	import_tell(m, "add-on", "%s as %s", service, name);
	if (!m->dry_run &&
	    api_request(m->to, "POST",
			json_pack("{s:s, s:{s:s}}", "plan", service, "attachment", "name", name),
			NULL, err, "/apps/%s/addons", m->app) < 0)
		return -1;
	tell_data(m, service, name);
	return 0;
}

static int step_addons(struct import *m, struct error *err)
{
	_cleanup_json_ json_t *addons = NULL, *attached = NULL, *here = NULL;
	const json_t *a;
	size_t i;

	if (api_get(m->from, &addons, err, "/apps/%s/addons", m->app) < 0 ||
	    api_get(m->from, &attached, err, "/apps/%s/addon-attachments", m->app) < 0 ||
	    get_here(m, "addon-attachments", &here, err) < 0)
		return -1;
	json_array_foreach (attached, i, a) {
		const json_t *addon = find(addons, "id", json_str(a, "addon.id", ""));
		const char *name = json_str(a, "name", ""),
			   *theirs = json_str(addon, "addon_service.name", "?");
		const char *ours = service_here(theirs);

		if (find(here, "name", name))
			continue;
		if (!streq(json_str(a, "addon.app.name", m->app), m->app))
			import_left(
				m, "add-on",
				"%s is %s of another app: twelve addons:attach, when that is here",
				name, theirs);
		else if (ours && make_addon(m, ours, name, err) < 0)
			return -1;
		else if (!ours)
			import_left(
				m, "add-on",
				"%s (%s): twelve addons:create external --url URL --as %s -a %s",
				name, theirs, name, m->app);
	}
	return 0;
}

/* ---- config ---- */

static bool is_of_addon(const json_t *addons, const char *key)
{
	const json_t *a, *name;
	size_t i, k;

	json_array_foreach (addons, i, a)
		json_array_foreach (json_object_get(a, "config_vars"), k, name)
			if (streq(json_string_value(name) ? json_string_value(name) : "", key))
				return true;
	return false;
}

static int step_config(struct import *m, struct error *err)
{
	_cleanup_json_ json_t *there = NULL, *here = NULL, *addons = NULL, *changes = json_object();
	_cleanup_buf_ struct buf set = BUF_INIT, kept = BUF_INIT;
	const char *key;
	json_t *value;

	if (api_get(m->from, &there, err, "/apps/%s/config-vars", m->app) < 0 ||
	    api_get(m->from, &addons, err, "/apps/%s/addons", m->app) < 0 ||
	    get_here(m, "config-vars", &here, err) < 0)
		return -1;
	json_object_foreach (there, key, value) {
		if (is_of_addon(addons, key)) {
			join(&kept, key);
		} else if (!json_equal(json_object_get(here, key), value)) {
			json_object_set(changes, key, value);
			join(&set, key);
		}
	}
	if (kept.len)
		import_tell(m, "config", "of add-ons, left to those here: %s", kept.data);
	if (!set.len)
		return 0;
	import_tell(m, "config", "set %s", set.data);
	return m->dry_run ? 0
			  : api_request(m->to, "PATCH", json_incref(changes), NULL, err,
					"/apps/%s/config-vars", m->app);
}

/* ---- drains, domains, collaborators ---- */

static int step_drains(struct import *m, struct error *err)
{
	_cleanup_json_ json_t *there = NULL, *here = NULL;
	const json_t *d;
	size_t i;

	if (api_get(m->from, &there, err, "/apps/%s/log-drains", m->app) < 0 ||
	    get_here(m, "log-drains", &here, err) < 0)
		return -1;
	json_array_foreach (there, i, d) {
		const char *url = json_str(d, "url", "");

		if (json_is_object(json_object_get(d, "addon")) || find(here, "url", url))
			continue;
		/* Its URL may hold a password. */
		import_tell(m, "drain", "%s", json_str(d, "token", json_str(d, "id", "")));
		if (!m->dry_run && api_request(m->to, "POST", json_pack("{s:s}", "url", url), NULL,
					       err, "/apps/%s/log-drains", m->app) < 0)
			return -1;
	}
	return 0;
}

static int step_domains(struct import *m, struct error *err)
{
	_cleanup_json_ json_t *there = NULL, *here = NULL;
	const json_t *d;
	size_t i;

	if (api_get(m->from, &there, err, "/apps/%s/domains", m->app) < 0 ||
	    get_here(m, "domains", &here, err) < 0)
		return -1;
	json_array_foreach (there, i, d) {
		const char *host = json_str(d, "hostname", "");

		if (!streq(json_str(d, "kind", ""), "custom") || find(here, "hostname", host))
			continue;
		if (!m->domains) {
			import_left(m, "domain",
				    "%s: twelve domains:add %s -a %s, or --domains; then its DNS",
				    host, host, m->app);
			continue;
		}
		import_tell(m, "domain", "%s", host);
		if (!m->dry_run && api_request(m->to, "POST", json_pack("{s:s}", "hostname", host),
					       NULL, err, "/apps/%s/domains", m->app) < 0)
			return -1;
	}
	return 0;
}

/* Those who are users here get the same permissions. */
static int let_in(struct import *m, const json_t *theirs, struct error *err)
{
	const char *email = json_str(theirs, "user.email", "");
	json_t *permissions = json_array();
	struct error own = ERROR_INIT;
	const json_t *p;
	size_t i;

	json_array_foreach (json_object_get(theirs, "permissions"), i, p)
		json_array_append_new(permissions, json_string(json_str(p, "name", "view")));
	if (m->dry_run) {
		json_decref(permissions);
		import_tell(m, "access", "%s, if a user here", email);
		return 0;
	}
	if (api_request(m->to, "POST",
			json_pack("{s:s, s:o}", "user", email, "permissions", permissions), NULL,
			&own, "/apps/%s/collaborators", m->app) == 0) {
		import_tell(m, "access", "%s", email);
		return 0;
	}
	if (own.kind != ERROR_NOT_FOUND) {
		*err = own;
		return -1;
	}
	import_left(m, "access",
		    "%s is no user here: twelve users:add %s; twelve access:add %s -a %s", email,
		    email, email, m->app);
	return 0;
}

static int step_access(struct import *m, struct error *err)
{
	_cleanup_json_ json_t *there = NULL, *here = NULL;
	const json_t *c;
	size_t i;

	if (api_get(m->from, &there, err, "/apps/%s/collaborators", m->app) < 0 ||
	    get_here(m, "collaborators", &here, err) < 0)
		return -1;
	json_array_foreach (there, i, c)
		if (!streq(json_str(c, "role", ""), "owner") &&
		    !find(here, "user.email", json_str(c, "user.email", "")) &&
		    let_in(m, c, err) < 0)
			return -1;
	return 0;
}

/* ---- the code, and how much of it runs ---- */

static int step_code(struct import *m, struct error *err)
{
	_cleanup_json_ json_t *here = NULL, *there = NULL;

	if (get_here(m, "formation", &here, err) < 0 ||
	    api_get(m->from, &there, err, "/apps/%s/formation", m->app) < 0)
		return -1;
	if (json_array_size(there) && !json_array_size(here))
		import_left(m, "code",
			    "in its repository: git remote add twelve URL (twelve info -a %s tells "
			    "it); git push twelve main; "
			    "then this again, for its dynos",
			    m->app);
	return 0;
}

static int scale(struct import *m, const json_t *theirs, const json_t *ours, struct error *err)
{
	const char *type = json_str(theirs, "type", ""), *size = json_str(theirs, "size", "");
	int64_t quantity = m->no_scale ? 0 : json_i64(theirs, "quantity", 0);

	if (json_i64(ours, "quantity", -1) == quantity &&
	    strcasecmp(json_str(ours, "size", ""), size) == 0)
		return 0;
	import_tell(m, "dynos", "%s=%lld:%s", type, (long long)quantity, size);
	return m->dry_run ? 0
			  : api_request(m->to, "PATCH",
					json_pack("{s:I, s:s}", "quantity", (json_int_t)quantity,
						  "size", size),
					NULL, err, "/apps/%s/formation/%s", m->app, type);
}

static int step_formation(struct import *m, struct error *err)
{
	_cleanup_json_ json_t *here = NULL, *there = NULL;
	const json_t *f;
	size_t i;

	if (get_here(m, "formation", &here, err) < 0 ||
	    api_get(m->from, &there, err, "/apps/%s/formation", m->app) < 0)
		return -1;
	json_array_foreach (there, i, f) {
		const json_t *ours = find(here, "type", json_str(f, "type", ""));
		struct error own = ERROR_INIT;

		if (!ours || scale(m, f, ours, &own) == 0)
			continue;
		if (own.kind != ERROR_INVALID) {
			*err = own;
			return -1;
		}
		import_left(m, "dynos", "%s", own.message);
	}
	return 0;
}

const struct import_step import_steps[] = {
	{ "app", step_app },	     { "buildpacks", step_buildpacks },
	{ "add-ons", step_addons },  { "config", step_config },
	{ "drains", step_drains },   { "domains", step_domains },
	{ "access", step_access },   { "code", step_code },
	{ "dynos", step_formation }, { NULL, NULL },
};
