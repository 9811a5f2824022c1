/* SPDX-License-Identifier: Apache-2.0 */
/* Buildpacks and domains of an app. */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "daemon/api-priv.h"
#include "daemon/logs-client.h"
#include "daemon/reconcile.h"
#include "model/names.h"

#define MAX_BUILDPACKS 20

/* ---- buildpacks ---- */

static json_t *installations(const struct app *app)
{
	json_t *names = json_loads(app->buildpacks, 0, NULL), *list = json_array(), *name;
	size_t i;

	json_array_foreach (names, i, name)
		json_array_append_new(list,
				      json_pack("{s:I, s:{s:O, s:O}}", "ordinal", (json_int_t)i,
						"buildpack", "url", name, "name", name));
	json_decref(names);
	return list;
}

int api_buildpacks_get(struct request *r, struct error *err)
{
	struct app app = { 0 };
	json_t *list;

	if (api_app(r, &app, err) < 0)
		return -1;
	list = installations(&app);
	app_done(&app);
	return request_answer(r, 200, list);
}

static int read_buildpacks(json_t *updates, json_t *names, struct error *err)
{
	json_t *update;
	size_t i;

	if (!json_is_array(updates))
		return error_set(err, ERROR_INVALID,
				 "\"updates\" is missing: an array of {buildpack} is needed");
	json_array_foreach (updates, i, update) {
		json_t *name = json_object_get(update, "buildpack");

		if (!json_is_string(name) || !json_string_value(name)[0] ||
		    json_string_value(name)[0] == '-')
			return error_set(
				err, ERROR_INVALID,
				"\"buildpack\" has to be a name, a directory or a git URL");
		json_array_append(names, name);
	}
	if (json_array_size(names) > MAX_BUILDPACKS)
		return error_set(err, ERROR_INVALID, "More than %d buildpacks are not taken",
				 MAX_BUILDPACKS);
	return 0;
}

/* A git URL may hold a password. */
static void note_buildpacks(struct request *r, json_t *names)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	json_t *name;
	size_t i;

	json_array_foreach (names, i, name) {
		const char *s = json_string_value(name);
		bool hides = strstr(s, "://") && strchr(s, '@');

		buf_printf(&text, "%s%s", i ? ", " : "", hides ? "(a URL with credentials)" : s);
	}
	request_note(r, "buildpacks: %s", text.len ? text.data : "none");
}

int api_buildpacks_put(struct request *r, struct error *err)
{
	struct daemon *d = request_daemon(r);
	json_t *names = json_array();
	struct app app = { 0 };
	int result = api_app(r, &app, err);

	if (result == 0)
		result = read_buildpacks(json_object_get(request_body(r), "updates"), names, err);
	if (result == 0) {
		free(app.buildpacks);
		app.buildpacks = json_dumps(names, JSON_COMPACT);
		result = store_app_update(d->store, &app, err);
	}
	if (result == 0) {
		note_buildpacks(r, names);
		result = request_answer(r, 200, installations(&app));
	}
	json_decref(names);
	app_done(&app);
	return result;
}

/* ---- domains ---- */

static json_t *domain_json(const struct app *app, const struct domain *dom)
{
	return json_pack("{s:s, s:s, s:s, s:n, s:o, s:o, s:o, s:s, s:n, s:n, s:n}", "id", dom->id,
			 "hostname", dom->hostname, "kind", "custom", "cname", "app",
			 api_app_ref(app), "created_at", api_time(dom->created_ms), "updated_at",
			 api_time(dom->created_ms), "status", "succeeded", "acm_status",
			 "acm_status_reason", "sni_endpoint");
}

/* The name that every app has. */
static json_t *own_domain(struct daemon *d, const struct app *app)
{
	_cleanup_free_ char *host = xasprintf("%s.%s", app->name, d->settings.apps_domain);

	return json_pack("{s:s, s:s, s:s, s:n, s:o, s:o, s:o, s:s, s:n, s:n, s:n}", "id", app->id,
			 "hostname", host, "kind", "heroku", "cname", "app", api_app_ref(app),
			 "created_at", api_time(app->created_ms), "updated_at",
			 api_time(app->created_ms), "status", "none", "acm_status",
			 "acm_status_reason", "sni_endpoint");
}

int api_domains_list(struct request *r, struct error *err)
{
	struct daemon *d = request_daemon(r);
	struct domain *domains = NULL;
	struct app app = { 0 };
	json_t *list;
	size_t n = 0;

	if (api_app(r, &app, err) < 0)
		return -1;
	if (store_domain_list(d->store, app.id, &domains, &n, err) < 0) {
		app_done(&app);
		return -1;
	}
	list = json_array();
	json_array_append_new(list, own_domain(d, &app));
	for (size_t i = 0; i < n; i++) {
		json_array_append_new(list, domain_json(&app, &domains[i]));
		domain_done(&domains[i]);
	}
	free(domains);
	app_done(&app);
	return request_answer_list(r, list);
}

int api_domains_get(struct request *r, struct error *err)
{
	struct domain dom = { 0 };
	struct app app = { 0 };
	int result = -1;

	if (api_app(r, &app, err) == 0 &&
	    store_domain_get(request_daemon(r)->store, app.id, request_param(r, "domain"), &dom,
			     err) == 0)
		result = request_answer(r, 200, domain_json(&app, &dom));
	domain_done(&dom);
	app_done(&app);
	return result;
}

/* NAME.DOMAIN belongs to the app of that name. */
static int check_domain(struct daemon *d, const char *host, struct error *err)
{
	_cleanup_free_ char *suffix = xasprintf(".%s", d->settings.apps_domain);

	if (name_check_domain(host, err) < 0)
		return -1;
	if (strlen(host) > strlen(suffix) &&
	    strcasecmp(host + strlen(host) - strlen(suffix), suffix) == 0)
		return error_set(err, ERROR_INVALID, "Names below %s are given by the platform",
				 d->settings.apps_domain);
	return 0;
}

int api_domains_create(struct request *r, struct error *err)
{
	struct daemon *d = request_daemon(r);
	struct domain dom = { 0 };
	struct app app = { 0 };
	const char *host;
	int result = -1;

	if (api_app(r, &app, err) < 0)
		return -1;
	if (request_string(r, "hostname", true, &host, err) < 0 || check_domain(d, host, err) < 0)
		goto out;
	memcpy(dom.app_id, app.id, sizeof(dom.app_id));
	dom.hostname = xstrdup(host);
	request_note(r, "domain %s", dom.hostname);
	if (store_domain_create(d->store, &dom, err) < 0)
		goto out;
	logs_append(d->logs, app.id, "app", "api", "Domain %s added by user %s", dom.hostname,
		    request_caller(r)->name);
	reconcile_app(d->reconciler, app.id);
	result = request_answer(r, 201, domain_json(&app, &dom));
out:
	domain_done(&dom);
	app_done(&app);
	return result;
}

int api_domains_delete(struct request *r, struct error *err)
{
	struct daemon *d = request_daemon(r);
	struct domain dom = { 0 };
	struct app app = { 0 };
	int result = -1;

	if (api_app(r, &app, err) == 0 &&
	    store_domain_get(d->store, app.id, request_param(r, "domain"), &dom, err) == 0 &&
	    store_domain_delete(d->store, dom.id, err) == 0) {
		logs_append(d->logs, app.id, "app", "api", "Domain %s removed by user %s",
			    dom.hostname, request_caller(r)->name);
		reconcile_app(d->reconciler, app.id);
		result = request_answer(r, 200, domain_json(&app, &dom));
	}
	domain_done(&dom);
	app_done(&app);
	return result;
}
