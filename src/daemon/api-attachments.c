/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attachments: list, attach, detach, swap, rotate. A change answers when its credentials
 * are made and its release is there, so that the newest release is the one to wait for.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "daemon/api-priv.h"
#include "daemon/authz.h"
#include "daemon/logs-client.h"
#include "model/names.h"
#include "model/procfile.h"

#define MAX_ARGS 1000

/* ---- shapes ---- */

static json_t *extra(struct request *r, const struct addon *addon, const struct attachment *a)
{
	struct daemon *d = request_daemon(r);
	struct error ignored = ERROR_INIT;
	struct credential c = { 0 };
	json_t *j;

	if (a->credential[0])
		store_credential_get(d->store, a->credential, &c, &ignored);
	j = json_pack("{s:s?, s:s, s:s?, s:s?, s:o}", "service", addon->service, "kind",
		      addon_is_server(d->addons, addon) ? "server" : "external", "user", c.username,
		      "database", c.database && c.database[0] ? c.database : NULL,
		      "credential_created_at", api_time(c.created_ms));
	credential_done(&c);
	return j;
}

json_t *api_attachment_json(struct request *r, const struct app *app, const struct attachment *a)
{
	struct error ignored = ERROR_INIT;
	struct addon addon = { 0 };
	json_t *j;

	if (store_addon_get(request_daemon(r)->store, a->addon, &addon, &ignored) < 0) {
		/* Destroyed; what is left of it is in the releases before. */
		addon = (struct addon){ .name = xstrdup("destroyed"), .app_name = xstrdup(app->name) };
		snprintf(addon.id, sizeof(addon.id), "%s", a->addon);
		memcpy(addon.app_id, app->id, sizeof(addon.app_id));
	}
	j = json_pack("{s:s, s:s, s:o, s:o, s:s?, s:O?}", "id", a->id, "name", a->name, "addon",
		      api_addon_ref(&addon), "app", api_app_ref(app), "namespace",
		      a->shared ? "shared" : NULL, "config_vars", a->vars);
	json_object_update_new(j, json_pack("{s:o, s:o, s:n, s:n, s:o}", "created_at",
					    api_time(a->created_ms), "updated_at",
					    api_time(a->created_ms), "web_url", "log_input_url",
					    "twelve", extra(r, &addon, a)));
	if (addon.plan) {
		_cleanup_free_ char *plan = xasprintf("%s:%s", addon.service, addon.plan);
		char id[UUID_SIZE];

		json_object_set_new(json_object_get(j, "addon"), "plan",
				    json_pack("{s:s, s:s}", "id", api_uuid("plan", plan, id), "name", plan));
	}
	addon_done(&addon);
	return j;
}

static int add_of_app(struct request *r, const struct app *app, const char *addon_id, json_t *to,
		      struct error *err)
{
	struct attachment at;
	json_t *list = NULL;

	if (addons_attachments(request_daemon(r)->addons, app, &list, err) < 0)
		return -1;
	for (size_t i = 0; attach_at(list, i, &at); i++)
		if (!addon_id || streq(at.addon, addon_id))
			json_array_append_new(to, api_attachment_json(r, app, &at));
	json_decref(list);
	return 0;
}

json_t *api_attachments_where(struct request *r, const struct app *app, const char *addon_id,
			      struct error *err)
{
	json_t *all = json_array();
	struct app *apps = NULL;
	size_t n = 0;
	int result;

	if (app) {
		result = add_of_app(r, app, addon_id, all, err);
	} else {
		result = authz_app_list(r, &apps, &n, err);
		for (size_t i = 0; i < n; i++) {
			if (result == 0)
				result = add_of_app(r, &apps[i], addon_id, all, err);
			app_done(&apps[i]);
		}
		free(apps);
	}
	if (result == 0)
		return all;
	json_decref(all);
	return NULL;
}

/* ---- looking ---- */

int api_attachments_list(struct request *r, struct error *err)
{
	json_t *list = api_attachments_where(r, NULL, NULL, err);

	return list ? request_answer_list(r, list) : -1;
}

int api_attachments_of_app(struct request *r, struct error *err)
{
	struct app app = { 0 };
	json_t *list = NULL;

	if (api_app(r, &app, err) == 0)
		list = api_attachments_where(r, &app, NULL, err);
	app_done(&app);
	return list ? request_answer_list(r, list) : -1;
}

/*
 * In an app: by id, by name, or by the name of a config var. *ret borrows from *ret_list. With
 * `try`, 1 stands for "there is none".
 */
static int find_in(struct request *r, const struct app *app, const char *which, json_t **ret_list,
		   struct attachment *ret, bool try, struct error *err)
{
	char excerpt[NAME_EXCERPT_SIZE];

	if (addons_attachments(request_daemon(r)->addons, app, ret_list, err) < 0)
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

/* The attachment in the path: of the app in the path, or by id or APP::NAME (as Heroku) of any. */
static int find(struct request *r, struct app *app, json_t **ret_list, struct attachment *ret,
		struct error *err)
{
	const char *which = request_param(r, "attachment");
	const char *sep = strstr(which, "::");
	struct app *apps = NULL;
	int result = 1;
	size_t n = 0;

	if (request_param(r, "app")[0])
		return api_app(r, app, err) < 0 ? -1 : find_in(r, app, which, ret_list, ret, false, err);
	if (sep) {
		_cleanup_free_ char *name = xstrndup(which, (size_t)(sep - which));

		return authz_app_named(r, name, request_need(r), app, err) < 0 ?
			       -1 :
			       find_in(r, app, sep + 2, ret_list, ret, false, err);
	}
	/* Who knows an id is told that they may not; names are looked for where the caller may look. */
	if ((uuid_is_valid(which) ? store_app_list(request_daemon(r)->store, &apps, &n, err) :
				    authz_app_list(r, &apps, &n, err)) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (result == 1)
			result = find_in(r, &apps[i], which, ret_list, ret, true, err);
		if (result == 0 && !app->name) {
			*app = apps[i];
			apps[i] = (struct app){ 0 };
		}
		app_done(&apps[i]);
	}
	free(apps);
	if (result == 1)
		return error_set(err, ERROR_NOT_FOUND, "Couldn't find that attachment: %.60s", which);
	return result == 0 ? authz_allow_route(r, app, err) : result;
}

int api_attachments_get(struct request *r, struct error *err)
{
	struct app app = { 0 };
	struct attachment at;
	json_t *list = NULL;
	int result = -1;

	if (find(r, &app, &list, &at, err) == 0)
		result = request_answer(r, 200, api_attachment_json(r, &app, &at));
	json_decref(list);
	app_done(&app);
	return result;
}

/* The first attachment that an app has of an add-on by its name, as Heroku's resolver gives it. 1: there is none. */
static int find_by_addon(struct request *r, const struct app *app, const char *addon_name, json_t **ret_list,
			 struct attachment *ret)
{
	struct error ignored = ERROR_INIT;
	struct addon a = { 0 };
	int result = 1;

	if (api_addon_named(r, addon_name, NEED_VIEW, &a, &ignored) == 0 &&
	    addons_attachments(request_daemon(r)->addons, app, ret_list, &ignored) == 0)
		for (size_t i = 0; result == 1 && attach_at(*ret_list, i, ret); i++)
			result = !streq(ret->addon, a.id);
	addon_done(&a);
	return result;
}

/* All that have the name: in one app, or in each. */
int api_attachments_resolve(struct request *r, struct error *err)
{
	const char *name, *app_name, *service;
	json_t *found = json_array();
	struct app *apps = NULL;
	size_t n = 0;
	int result;

	result = request_string(r, "addon_attachment", true, &name, err) < 0 ||
			 request_ref(r, "app", false, &app_name, err) < 0 ||
			 request_ref(r, "addon_service", false, &service, err) < 0 ||
			 authz_app_list(r, &apps, &n, err) < 0 ?
			 -1 :
			 0;
	for (size_t i = 0; i < n; i++) {
		struct attachment at;
		json_t *list = NULL;

		if (result == 0 &&
		    (!app_name || streq(app_name, apps[i].name) || streq(app_name, apps[i].id)) &&
		    (find_in(r, &apps[i], name, &list, &at, true, err) == 0 ||
		     (app_name && find_by_addon(r, &apps[i], name, &list, &at) == 0)))
			json_array_append_new(found, api_attachment_json(r, &apps[i], &at));
		json_decref(list);
		app_done(&apps[i]);
	}
	free(apps);
	if (result == 0 && !json_array_size(found))
		result = error_set(err, ERROR_NOT_FOUND, "Couldn't find that attachment: %.60s", name);
	if (result == 0)
		return request_answer(r, 200, found);
	json_decref(found);
	return -1;
}

/* ---- changes, which wait for credentials ---- */

struct waiting {
	struct request *request;
	struct addons *addons;
	struct app app;
	struct caller who;
	int status; /* of the answer */
	bool done, deferred;
	struct error err;
	char attachment_id[UUID_SIZE];
};

static void waiting_free(void *work)
{
	struct waiting *w = work;

	addons_abandon(w->addons, w);
	app_done(&w->app);
	free(w);
}

static int answer_changed(struct request *r, struct error *err)
{
	const struct waiting *w = request_work(r);
	struct app app = { 0 };
	struct attachment at;
	json_t *list = NULL;
	int result;

	if (w->err.kind != ERROR_NONE) {
		*err = w->err;
		return -1;
	}
	/* It has a release more than when the request came. */
	result = store_app_get(request_daemon(r)->store, w->app.id, &app, err);
	if (result == 0)
		result = find_in(r, &app, w->attachment_id, &list, &at, false, err);
	if (result == 0)
		result = request_answer(r, w->status, api_attachment_json(r, &app, &at));
	json_decref(list);
	app_done(&app);
	return result;
}

static void on_changed(struct error *err, const char *attachment_id, int64_t version, void *userdata)
{
	struct waiting *w = userdata;

	(void)version;
	w->done = true;
	if (err)
		w->err = *err;
	snprintf(w->attachment_id, sizeof(w->attachment_id), "%s", attachment_id ? attachment_id : "");
	if (w->deferred)
		request_resume(w->request);
}

static struct waiting *waiting_new(struct request *r, int status)
{
	struct waiting *w = xcalloc(1, sizeof(*w));

	*w = (struct waiting){ .request = r,
			       .addons = request_daemon(r)->addons,
			       .who = *request_caller(r),
			       .status = status };
	return w;
}

static struct addon_change change_of(struct waiting *w)
{
	return (struct addon_change){ .app = &w->app, .who = &w->who, .fn = on_changed, .userdata = w };
}

/* After the change was begun: answers when it is done, which may be now. */
static int wait_for(struct waiting *w)
{
	w->deferred = true;
	request_defer(w->request, answer_changed, w, waiting_free);
	if (w->done)
		request_resume(w->request);
	return 0;
}

/* An add-on that can be attached, by somebody who may operate its owner. */
static int usable_addon(struct request *r, const char *name, struct addon *ret, struct error *err)
{
	if (api_addon_named(r, name, NEED_OPERATE, ret, err) < 0)
		return -1;
	if (ret->state == ADDON_PROVISIONED)
		return 0;
	return error_set(err, ERROR_CONFLICT, "%s can't be attached: it is %s", ret->name,
			 addon_state_names[ret->state]);
}

/* One that is of the same kind: the app's code must not notice. */
static int check_swap(struct request *r, const struct attachment *from, const struct addon *to,
		      struct error *err)
{
	struct daemon *d = request_daemon(r);
	struct addon old = { 0 };
	int result = store_addon_get(d->store, from->addon, &old, err);

	if (result == 0 && streq(old.id, to->id))
		result = error_set(err, ERROR_INVALID, "%s is %s already", from->name, to->name);
	else if (result == 0 && !streq(old.service, to->service) && addon_is_server(d->addons, &old) &&
		 addon_is_server(d->addons, to))
		result = error_set(err, ERROR_INVALID, "%s is a %s and %s a %s: they can't be swapped",
				   old.name, old.service, to->name, to->service);
	addon_done(&old);
	return result;
}

/*
 * With "confirm": the app's name, an attachment that has the wanted name gets the add-on (`heroku
 * pg:promote`), make before break. *ret is 1 then, with its id; 0 when the name is free.
 */
static int replaced(struct request *r, const struct app *app, const char *name, const struct addon *to,
		    char id[static UUID_SIZE], struct error *err)
{
	const char *confirm = json_string_value(json_object_get(request_body(r), "confirm"));
	struct attachment at;
	json_t *list = NULL;
	int result = 0;

	if (!name || !confirm || !(streq(confirm, app->name) || streq(confirm, app->id)))
		return 0;
	if (addons_attachments(request_daemon(r)->addons, app, &list, err) < 0)
		return -1;
	if (attach_find(list, name, &at)) {
		result = check_swap(r, &at, to, err) < 0 ? -1 : 1;
		snprintf(id, UUID_SIZE, "%s", at.id);
	}
	json_decref(list);
	return result;
}

int api_attachments_create(struct request *r, struct error *err)
{
	const char *addon_name, *app_name, *name, *namespace;
	struct waiting *w = waiting_new(r, 201);
	struct addon_change c = change_of(w);
	char taken[UUID_SIZE] = "";
	struct addon a = { 0 };
	int result = -1;

	if (request_ref(r, "addon", true, &addon_name, err) == 0 && request_ref(r, "app", true, &app_name, err) == 0 &&
	    request_string(r, "name", false, &name, err) == 0 &&
	    request_string(r, "namespace", false, &namespace, err) == 0 &&
	    authz_app_named(r, app_name, NEED_OPERATE, &w->app, err) == 0)
		result = usable_addon(r, addon_name, &a, err);
	if (result == 0 && namespace && !streq(namespace, "shared"))
		result = error_set(err, ERROR_INVALID,
				   "\"namespace\" can be \"shared\": the database of the app that owns %s",
				   a.name);
	if (result == 0)
		result = replaced(r, &w->app, name, &a, taken, err);
	if (result < 0) {
		waiting_free(w);
	} else {
		request_note(r, "attach %s%s%s", a.name, name ? " as " : "", name ? name : "");
		if (result)
			addons_swap(w->addons, &c, taken, &a);
		else
			addons_attach(w->addons, &c, &a, name, namespace != NULL);
		result = wait_for(w);
	}
	addon_done(&a);
	return result;
}

int api_attachments_swap(struct request *r, struct error *err)
{
	struct waiting *w = waiting_new(r, 200);
	struct addon_change c = change_of(w);
	const char *addon_name;
	struct addon to = { 0 };
	struct attachment at;
	json_t *list = NULL;
	int result = -1;

	if (request_ref(r, "addon", true, &addon_name, err) == 0 && find(r, &w->app, &list, &at, err) == 0 &&
	    usable_addon(r, addon_name, &to, err) == 0)
		result = check_swap(r, &at, &to, err);
	if (result == 0) {
		request_note(r, "swap %s to %s", at.name, to.name);
		addons_swap(w->addons, &c, at.id, &to);
		result = wait_for(w);
	} else {
		waiting_free(w);
	}
	json_decref(list);
	addon_done(&to);
	return result;
}

static int rotate(struct waiting *w, const struct attachment *at, struct error *err)
{
	struct addon_change c = change_of(w);

	if (!at->credential[0]) {
		waiting_free(w);
		return error_set(err, ERROR_INVALID,
				 "The credential of %s is made elsewhere: make an external add-on with the new "
				 "URL and swap to it",
				 at->name);
	}
	request_note(w->request, "new credential of %s", at->name);
	addons_rotate(w->addons, &c, at->id);
	return wait_for(w);
}

int api_rotate_attachment(struct request *r, struct app *app, const struct attachment *at, struct error *err)
{
	struct waiting *w = waiting_new(r, 200);

	w->app = *app;
	*app = (struct app){ 0 };
	return rotate(w, at, err);
}

int api_attachments_rotate(struct request *r, struct error *err)
{
	struct waiting *w = waiting_new(r, 200);
	struct attachment at;
	json_t *list = NULL;
	int result = find(r, &w->app, &list, &at, err);

	if (result == 0)
		result = rotate(w, &at, err);
	else
		waiting_free(w);
	json_decref(list);
	return result;
}

/* ---- detaching ---- */

/* "v3 and 2 more": releases that can be rolled back to and have it. NULL when there is none. Heap. */
static char *users_of(struct request *r, const struct app *app, const struct attachment *a)
{
	struct release *rows = NULL;
	struct error ignored = ERROR_INIT;
	char *first = NULL, *text = NULL;
	size_t n = 0, count = 0;

	store_release_list(request_daemon(r)->store, app->id, 0, &rows, &n, &ignored);
	for (size_t i = 0; i < n; i++) {
		bool uses = rows[i].slug && rows[i].status == RELEASE_SUCCEEDED &&
			    attach_has_addon(rows[i].attachments, a->addon);

		if (uses && !count++)
			first = xasprintf("v%lld", (long long)rows[i].version);
		release_done(&rows[i]);
	}
	free(rows);
	if (count == 1)
		text = xasprintf("%s uses it: a rollback to it attaches it again", first);
	else if (count)
		text = xasprintf("%s and %zu before it use it: a rollback to one of them attaches it again",
				 first, count - 1);
	free(first);
	return text;
}

int api_attachments_delete(struct request *r, struct error *err)
{
	struct daemon *d = request_daemon(r);
	_cleanup_free_ char *note = NULL;
	struct app app = { 0 };
	struct attachment at;
	json_t *list = NULL, *left, *j;
	int result = find(r, &app, &list, &at, err);

	if (result == 0) {
		j = api_attachment_json(r, &app, &at);
		note = users_of(r, &app, &at);
		json_object_set_new(json_object_get(j, "twelve"), "note", api_text(note));
		left = attach_remove(list, at.id);
		result = addons_detach(d->addons, &app, left, at.name,
				       json_string_value(json_object_get(json_object_get(j, "addon"), "name")),
				       request_caller(r), err);
		json_decref(left);
		request_note(r, "detach %s", at.name);
		if (result == 0)
			result = request_answer(r, 200, json_incref(j));
		json_decref(j);
	}
	json_decref(list);
	app_done(&app);
	return result;
}

/* ---- the service's client ---- */

static int read_args(struct request *r, char ***ret, struct error *err)
{
	json_t *args = json_object_get(request_body(r), "args"), *arg;
	size_t i;

	if (args && !json_is_null(args) && !json_is_array(args))
		return error_set(err, ERROR_INVALID, "\"args\" has to be an array of strings");
	json_array_foreach (args, i, arg) {
		if (!json_is_string(arg) || i >= MAX_ARGS ||
		    json_string_length(arg) > PROCFILE_COMMAND_MAX)
			return error_set(err, ERROR_INVALID, "\"args\" has to be an array of strings");
		strv_push(ret, json_string_value(arg));
	}
	return 0;
}

static int terminal_number(struct request *r, const char *key)
{
	json_t *value = json_object_get(json_object_get(request_body(r), "env"), key);
	const char *s = json_string_value(value);
	int64_t n = json_integer_value(value);

	if (s && !str_to_i64(s, 1, 10000, &n))
		n = 0;
	return n > 0 && n <= 10000 ? (int)n : 0;
}

static int start_client(struct request *r, const struct app *app, const struct attachment *at,
			struct error *err)
{
	struct daemon *d = request_daemon(r);
	struct addon_client o = { .app = app, .attachment = at };
	_cleanup_strv_ char **args = NULL;
	struct release release = { 0 };
	struct dyno *dyno;
	bool no_tty;
	int result = -1;

	o.term = json_string_value(json_object_get(json_object_get(request_body(r), "env"), "TERM"));
	o.columns = terminal_number(r, "COLUMNS");
	o.rows = terminal_number(r, "LINES");
	o.release = &release;
	if (read_args(r, &args, err) < 0 || request_bool(r, "force_no_tty", false, &no_tty, err) < 0)
		return -1;
	o.args = args;
	o.terminal = !no_tty;
	if (store_release_get(d->store, app->id, app->current_version, &release, err) == 0 &&
	    addons_start_client(d->addons, &o, &dyno, err) == 0) {
		logs_append(d->logs, app->id, "app", "api", "Opening %s by user %s", at->name,
			    request_caller(r)->name);
		request_note(r, "client of %s", at->name);
		result = request_answer(r, 201, api_dyno_json(r, app, dyno));
	}
	release_done(&release);
	return result;
}

int api_attachments_client(struct request *r, struct error *err)
{
	struct app app = { 0 };
	struct attachment at;
	json_t *list = NULL;
	int result = find(r, &app, &list, &at, err);

	if (result == 0)
		result = start_client(r, &app, &at, err);
	json_decref(list);
	app_done(&app);
	return result;
}
