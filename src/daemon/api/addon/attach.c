/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attachments, changed: attach, swap, rotate, detach; and the service's client with the URL of one.
 * A change answers when its credentials are made and its release is there, so that the newest
 * release is the one to wait for.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "daemon/api/addon/shapes.h"
#include "daemon/api/addon/attach.h"
#include "daemon/api/find.h"
#include "daemon/api/shapes.h"
#include "daemon/dynos/dynos.h"
#include "daemon/services/services.h"
#include "daemon/api/table.h"
#include "daemon/api/authz.h"
#include "daemon/lines/lines.h"
#include "model/procfile.h"

#define MAX_ARGS 1000

/* ---- changes, which wait for credentials ---- */

struct waiting {
	struct request *request;
	struct services *services;
	char app_id[UUID_SIZE];
	int status; /* of the answer */
	bool done, deferred;
	struct error err;
	char attachment_id[UUID_SIZE];
};

static void waiting_free(void *work)
{
	struct waiting *w = work;

	services_abandon(w->services, w);
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
	result = store_app_get(request_store(r), w->app_id, &app, err);
	if (result == 0)
		result = api_attachment_in(r, &app, w->attachment_id, &list, &at, false, err);
	if (result == 0)
		result = request_answer(r, w->status, api_attachment_json(r, &app, &at));
	json_decref(list);
	app_done(&app);
	return result;
}

static void on_changed(struct error *err, const char *attachment_id, int64_t version,
		       void *userdata)
{
	struct waiting *w = userdata;

	(void)version;
	w->done = true;
	if (err)
		w->err = *err;
	snprintf(w->attachment_id, sizeof(w->attachment_id), "%s",
		 attachment_id ? attachment_id : "");
	if (w->deferred)
		request_resume(w->request);
}

static struct waiting *waiting_new(struct request *r, const struct app *app, int status)
{
	struct waiting *w = xcalloc(1, sizeof(*w));

	*w = (struct waiting){ .request = r,
			       .services = request_parts(r)->services,
			       .status = status };
	memcpy(w->app_id, app->id, sizeof(w->app_id));
	return w;
}

static struct addon_change change_of(struct waiting *w, const struct app *app)
{
	return (struct addon_change){
		.app = app, .who = request_caller(w->request), .fn = on_changed, .userdata = w
	};
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
	if (api_addon_named(r, NULL, name, NEED_OPERATE, ret, err) < 0)
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
	struct parts *parts = request_parts(r);
	struct addon old = { 0 };
	int result = store_addon_get(parts->platform.store, from->addon, &old, err);

	if (result == 0 && streq(old.id, to->id))
		result = error_set(err, ERROR_INVALID, "%s is %s already", from->name, to->name);
	else if (result == 0 && !streq(old.service, to->service) && addon_is_server(&old) &&
		 addon_is_server(to))
		result = error_set(err, ERROR_INVALID,
				   "%s is a %s and %s a %s: they can't be swapped", old.name,
				   old.service, to->name, to->service);
	addon_done(&old);
	return result;
}

/*
 * With "confirm": the app's name, an attachment that has the wanted name gets the add-on (`heroku
 * pg:promote`), make before break. *ret is 1 then, with its id; 0 when the name is free.
 */
static int replaced(struct request *r, const struct app *app, const char *name,
		    const struct addon *to, char id[static UUID_SIZE], struct error *err)
{
	const char *confirm = json_string_value(json_object_get(request_body(r), "confirm"));
	struct attachment at;
	json_t *list = NULL;
	int result = 0;

	if (!name || !confirm || !(streq(confirm, app->name) || streq(confirm, app->id)))
		return 0;
	if (services_attachments(request_parts(r)->services, app, &list, err) < 0)
		return -1;
	if (attach_find(list, name, &at)) {
		result = check_swap(r, &at, to, err) < 0 ? -1 : 1;
		snprintf(id, UUID_SIZE, "%s", at.id);
	}
	json_decref(list);
	return result;
}

static int api_attachments_create(struct request *r, struct error *err)
{
	const char *addon_name, *app_name, *name, *namespace;
	char taken[UUID_SIZE] = "";
	struct addon a = { 0 };
	struct app app = { 0 };
	struct addon_change c;
	struct waiting *w;
	int result = -1;

	if (request_ref(r, "addon", true, &addon_name, err) == 0 &&
	    request_ref(r, "app", true, &app_name, err) == 0 &&
	    request_string(r, "name", false, &name, err) == 0 &&
	    request_string(r, "namespace", false, &namespace, err) == 0 &&
	    authz_app_named(r, app_name, NEED_OPERATE, &app, err) == 0)
		result = usable_addon(r, addon_name, &a, err);
	if (result == 0 && namespace && !streq(namespace, "shared"))
		result = error_set(
			err, ERROR_INVALID,
			"\"namespace\" can be \"shared\": the database of the app that owns %s",
			a.name);
	if (result == 0)
		result = replaced(r, &app, name, &a, taken, err);
	if (result >= 0) {
		w = waiting_new(r, &app, 201);
		c = change_of(w, &app);
		request_note(r, "attach %s%s%s", a.name, name ? " as " : "", name ? name : "");
		if (result)
			services_swap(w->services, &c, taken, &a);
		else
			services_attach(w->services, &c, &a, name, namespace != NULL);
		result = wait_for(w);
	}
	addon_done(&a);
	app_done(&app);
	return result;
}

static int api_attachments_swap(struct request *r, struct error *err)
{
	const struct attachment *at = request_attachment(r);
	const struct app *app = request_app(r);
	const char *addon_name;
	struct addon to = { 0 };
	struct addon_change c;
	struct waiting *w;
	int result = -1;

	if (request_ref(r, "addon", true, &addon_name, err) == 0 &&
	    usable_addon(r, addon_name, &to, err) == 0)
		result = check_swap(r, at, &to, err);
	if (result == 0) {
		w = waiting_new(r, app, 200);
		c = change_of(w, app);
		request_note(r, "swap %s to %s", at->name, to.name);
		services_swap(w->services, &c, at->id, &to);
		result = wait_for(w);
	}
	addon_done(&to);
	return result;
}

int api_rotate_attachment(struct request *r, const struct app *app, const struct attachment *at,
			  struct error *err)
{
	struct addon_change c;
	struct waiting *w;

	if (!at->credential[0])
		return error_set(err, ERROR_INVALID,
				 "The credential of %s is made elsewhere: make an external add-on "
				 "with the new "
				 "URL and swap to it",
				 at->name);
	w = waiting_new(r, app, 200);
	c = change_of(w, app);
	request_note(r, "new credential of %s", at->name);
	services_rotate(w->services, &c, at->id);
	return wait_for(w);
}

static int api_attachments_rotate(struct request *r, struct error *err)
{
	return api_rotate_attachment(r, request_app(r), request_attachment(r), err);
}

/* ---- detaching ---- */

/* "v3 and 2 more": releases that can be rolled back to and have it. NULL when there is none. Heap.
 */
static char *users_of(struct request *r, const struct app *app, const struct attachment *a)
{
	struct release *rows = NULL;
	struct error ignored = ERROR_INIT;
	char *first = NULL, *text = NULL;
	size_t n = 0, count = 0;

	store_release_list(request_store(r), app->id, 0, &rows, &n, &ignored);
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
		text = xasprintf(
			"%s and %zu before it use it: a rollback to one of them attaches it again",
			first, count - 1);
	free(first);
	return text;
}

static int api_attachments_delete(struct request *r, struct error *err)
{
	struct parts *parts = request_parts(r);
	const struct attachment *at = request_attachment(r);
	struct app *app = request_app(r);
	_cleanup_free_ char *note = users_of(r, app, at);
	json_t *left = attach_remove(request_call(r)->attachments, at->id),
	       *j = api_attachment_json(r, app, at);
	int result;

	json_object_set_new(json_object_get(j, "twelve"), "note", json_text(note));
	result = services_detach(
		parts->services, app, left, at->name,
		json_string_value(json_object_get(json_object_get(j, "addon"), "name")),
		request_caller(r), err);
	request_note(r, "detach %s", at->name);
	if (result == 0)
		result = request_answer(r, 200, json_incref(j));
	json_decref(left);
	json_decref(j);
	return result;
}

/* ---- the service's client ---- */

static int read_args(struct request *r, char ***ret, struct error *err)
{
	json_t *args = json_object_get(request_body(r), "args"), *arg;
	size_t i;

	if (args && !json_is_null(args) && !json_is_array(args))
		return error_set(err, ERROR_INVALID, "\"args\" must be an array of strings");
	json_array_foreach (args, i, arg) {
		if (!json_is_string(arg) || i >= MAX_ARGS ||
		    json_string_length(arg) > PROCFILE_COMMAND_MAX)
			return error_set(err, ERROR_INVALID,
					 "\"args\" must be an array of strings");
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

static int api_attachments_client(struct request *r, struct error *err)
{
	const struct attachment *at = request_attachment(r);
	const struct app *app = request_app(r);
	struct parts *parts = request_parts(r);
	struct addon_client o = { .app = app, .attachment = at };
	_cleanup_strv_ char **args = NULL;
	struct release release = { 0 };
	struct dyno *dyno;
	bool no_tty;
	int result = -1;

	o.term =
		json_string_value(json_object_get(json_object_get(request_body(r), "env"), "TERM"));
	o.columns = terminal_number(r, "COLUMNS");
	o.rows = terminal_number(r, "LINES");
	o.release = &release;
	if (read_args(r, &args, err) < 0 ||
	    request_bool(r, "force_no_tty", false, &no_tty, err) < 0)
		return -1;
	o.args = args;
	o.terminal = !no_tty;
	if (store_release_get(parts->platform.store, app->id, app->current_version, &release,
			      err) == 0 &&
	    services_start_client(parts->services, &o, &dyno, err) == 0) {
		logs_append(parts->logs, app->id, "app", "api", "Opening %s by user %s", at->name,
			    request_caller(r)->name);
		request_note(r, "client of %s", at->name);
		result = request_answer(r, 201, api_dyno_json(r, app, dyno));
	}
	release_done(&release);
	return result;
}

const struct api_route attach_routes[] = {
	{ "POST", "/addon-attachments", NEED_OPERATE, api_attachments_create,
	  "attach an add-on to an app",
	  "addon:ref app:ref name?:string namespace?:string confirm?:string",
	  .answer = "add-on-attachment" },
	{ "DELETE", "/addon-attachments/:attachment", NEED_OPERATE, api_attachments_delete,
	  "detach", .answer = "add-on-attachment" },
	{ "POST", "/apps/:app/addon-attachments/:attachment/actions/swap", NEED_OPERATE,
	  api_attachments_swap, "point an attachment at another add-on", "addon:ref",
	  .answer = "add-on-attachment" },
	{ "POST", "/apps/:app/addon-attachments/:attachment/actions/rotate", NEED_OPERATE,
	  api_attachments_rotate, "replace the credential without downtime",
	  .answer = "add-on-attachment" },
	{ "POST", "/apps/:app/addon-attachments/:attachment/dynos", NEED_OPERATE,
	  api_attachments_client, "run the service's client",
	  "args?:array env?:object force_no_tty?:bool", .flags = API_SECRET, .answer = "dyno" },
	{ 0 },
};
