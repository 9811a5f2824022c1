/* SPDX-License-Identifier: Apache-2.0 */
/* POST /apps/:app/addons. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "daemon/api/addon/shapes.h"
#include "daemon/services/services.h"
#include "daemon/api/table.h"
#include "daemon/api/authz.h"
#include "daemon/lines/lines.h"
#include "daemon/services/job.h"
#include "model/names.h"

/* What the request says, kept while the URL of a service elsewhere is looked at. */
struct making {
	struct request *request; /* NULL: it has gone away */
	struct services *services;
	char *service, *plan, *name, *attachment, *url, *from_backup;
	bool tls;
	json_t *options; /* for a provider, or NULL */
	struct caller who;
	struct addon_job *check;
	char *reason; /* why the URL was refused */
};

static void making_free(void *work)
{
	struct making *m = work;
	char *const strings[] = { m->service, m->plan,	      m->name,	m->attachment,
				  m->url,     m->from_backup, m->reason };

	/* The request is over: nobody wants the answer of the check. */
	m->request = NULL;
	if (m->check)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
		free(strings[i]);
	json_decref(m->options);
	free(m);
}

/* What was taken for one of Heroku's names is told once, to who asked. */
static json_t *made_json(struct request *r, const struct addon_create *o, const struct addon *a)
{
	_cleanup_free_ char *taken =
		services_taken(request_parts(r)->services, a, o->service, o->plan);
	json_t *j = api_addon_json(r, a);

	if (taken)
		json_object_set_new(j, "provision_message", json_text(taken));
	return j;
}

static int make(struct request *r, const struct making *m, struct error *err)
{
	struct parts *parts = request_parts(r);
	struct addon_create o = { .service = m->service,
				  .plan = m->plan,
				  .name = m->name,
				  .attachment = m->attachment,
				  .url = m->url,
				  .from_backup = m->from_backup,
				  .tls = m->tls,
				  .options = m->options,
				  .who = &m->who };
	struct app app = { 0 };
	struct addon a = { 0 };
	int result = -1;

	o.app = &app;
	if (store_app_get(parts->platform.store, request_app(r)->id, &app, err) == 0 &&
	    services_create(parts->services, &o, &a, err) == 0) {
		logs_append(parts->logs, app.id, "app", "api",
			    "Create %s:%s add-on (%s) by user %s", a.service, a.plan, a.name,
			    m->who.name);
		request_note(r, "addon %s (%s:%s)", a.name, a.service, a.plan);
		result = request_answer(r, 201, made_json(r, &o, &a));
	}
	addon_done(&a);
	app_done(&app);
	return result;
}

static int answer_made(struct request *r, struct error *err)
{
	const struct making *m = request_work(r);
	_cleanup_free_ char *shown = addon_shown_url(m->url);

	if (!m->reason)
		return make(r, m, err);
	return error_set(
		err, ERROR_INVALID,
		"The service at %s can't be used: %s. To attach it all the same, skip the check "
		"(--no-check)",
		shown, m->reason);
}

static void on_checked(const char *reason, void *userdata)
{
	struct making *m = userdata;

	m->check = NULL;
	m->reason = reason ? xstrdup(reason) : NULL;
	if (m->request)
		request_resume(m->request);
	else
		making_free(m);
}

static char *copy(const char *s)
{
	return s ? xstrdup(s) : NULL;
}

/* A string of a member object: {"attachment": {"name": ...}}. */
static int nested(struct request *r, const char *object, const char *key, char **ret,
		  struct error *err)
{
	json_t *outer = json_object_get(request_body(r), object);
	json_t *value = json_object_get(outer, key);

	if ((outer && !json_is_null(outer) && !json_is_object(outer)) ||
	    (value && !json_is_null(value) && !json_is_string(value)))
		return error_set(err, ERROR_INVALID, "\"%s\": {\"%s\": ...} must be a string",
				 object, key);
	*ret = copy(json_string_value(value));
	return 0;
}

/* A backup is data of the app that it was taken of. */
static int allow_backup(struct request *r, const char *id, struct error *err)
{
	struct backup b = { 0 };
	int result = id ? store_backup_get(request_store(r), id, &b, err) : 0;

	if (id && result == 0)
		result = authz_allow_former(r, b.app_id, b.owner_id, NEED_OPERATE, err);
	backup_done(&b);
	return result;
}

/* ---- options: {"config": {...}}, as `heroku addons:create ... -- --NAME=VALUE` sends them ---- */

static const char *const known_options[] = { "url", "from_backup", "skip_check", "tls", NULL };

static int refuse_option(const char *service, const char *option, struct error *err)
{
	char excerpt[NAME_EXCERPT_SIZE];

	if (streq(option, "fork"))
		return error_set(err, ERROR_INVALID,
				 "There is no --fork here: capture a backup (backups:capture) and "
				 "make an add-on that is filled from "
				 "it (twelve addons:create %.40s --from-backup BACKUP)",
				 service);
	if (streq(option, "follow"))
		return error_set(err, ERROR_INVALID,
				 "There is no --follow here, for there are no replicas: read from "
				 "the database itself, or from a copy "
				 "of one moment (backups:capture, then twelve addons:create %.40s "
				 "--from-backup BACKUP)",
				 service);
	return error_set(
		err, ERROR_INVALID,
		"%.40s takes no option \"%s\"; there are: tls, and for twelve's own command url, "
		"from_backup, skip_check",
		service, name_excerpt(excerpt, option));
}

/* "true" and true, which a bare flag becomes; false and null are as if they were not there. */
static int read_flag(struct request *r, const char *key, bool *ret, struct error *err)
{
	json_t *value = json_object_get(json_object_get(request_body(r), "config"), key);
	const char *s = json_string_value(value);

	*ret = json_is_true(value) || (s && streq(s, "true"));
	if (!value || json_is_null(value) || json_is_boolean(value) ||
	    (s && (streq(s, "true") || streq(s, "false"))))
		return 0;
	return error_set(err, ERROR_INVALID, "\"config\": {\"%s\": ...} must be true or false",
			 key);
}

static int read_options(struct request *r, struct making *m, bool *ret_skip, struct error *err)
{
	json_t *config = json_object_get(request_body(r), "config"), *value;
	const char *key;

	if (config && !json_is_null(config) && !json_is_object(config))
		return error_set(err, ERROR_INVALID, "\"config\" must be an object");
	if (services_is_provided(m->services, m->service)) {
		m->options = config && json_object_size(config) ? json_deep_copy(config) : NULL;
		return 0;
	}
	json_object_foreach (config, key, value)
		if (!strv_has((char **)(uintptr_t)known_options, key) && !json_is_null(value))
			return refuse_option(m->service, key, err);
	if (nested(r, "config", "url", &m->url, err) < 0 ||
	    nested(r, "config", "from_backup", &m->from_backup, err) < 0 ||
	    allow_backup(r, m->from_backup, err) < 0 ||
	    read_flag(r, "skip_check", ret_skip, err) < 0 || read_flag(r, "tls", &m->tls, err) < 0)
		return -1;
	if (*ret_skip && !streq(m->service, SERVICE_EXTERNAL))
		return error_set(err, ERROR_INVALID,
				 "There is no check to skip (--no-check): that is of addons:create "
				 "external");
	return 0;
}

/* {"attachment": {"name": ...}} and nothing else. */
static int read_attachment(struct request *r, struct making *m, struct error *err)
{
	json_t *attachment = json_object_get(request_body(r), "attachment"), *value;
	char excerpt[NAME_EXCERPT_SIZE];
	const char *key;

	json_object_foreach (attachment, key, value)
		if (!streq(key, "name") && !json_is_null(value))
			return error_set(err, ERROR_INVALID,
					 "\"attachment\" has a \"name\", and no \"%s\"",
					 name_excerpt(excerpt, key));
	return nested(r, "attachment", "name", &m->attachment, err);
}

static int read_making(struct request *r, struct making *m, bool *ret_skip, struct error *err)
{
	const char *plan = api_plan_of(r), *colon = plan ? strchr(plan, ':') : NULL, *name;

	if (!plan || !plan[0])
		return error_set(err, ERROR_INVALID,
				 "\"plan\" is missing: the name of a service, or SERVICE:PLAN");
	m->service = xstrndup(plan, colon ? (size_t)(colon - plan) : strlen(plan));
	if (request_string(r, "name", false, &name, err) < 0 || read_attachment(r, m, err) < 0 ||
	    read_options(r, m, ret_skip, err) < 0)
		return -1;
	m->plan = colon ? xstrdup(colon + 1) : NULL;
	m->name = copy(name);
	m->who = *request_caller(r);
	return 0;
}

static int api_addons_create(struct request *r, struct error *err)
{
	struct making *m = xcalloc(1, sizeof(*m));
	bool skip = false;
	int result;

	m->services = request_parts(r)->services;
	result = read_making(r, m, &skip, err);
	if (result == 0 && streq(m->service, SERVICE_EXTERNAL) && m->url && !skip) {
		m->check = services_check_url(m->services, request_app(r)->id, m->url, on_checked,
					      m, err);
		if (m->check) {
			m->request = r;
			request_defer(r, answer_made, m, making_free);
			return 0;
		}
		result = -1;
	} else if (result == 0) {
		result = make(r, m, err);
	}
	making_free(m);
	return result;
}

const struct api_route addon_make_routes[] = {
	{ "POST", "/apps/:app/addons", NEED_OPERATE, api_addons_create, "create an add-on",
	  "plan:ref name?:string attachment?:object config?:object confirm?:string",
	  .answer = "add-on" },
	{ 0 },
};
