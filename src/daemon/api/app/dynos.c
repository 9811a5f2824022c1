/* SPDX-License-Identifier: Apache-2.0 */
/* Dynos: list, run one-off ones, attach, restart, stop. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/api/shapes.h"
#include "daemon/dynos/dynos.h"
#include "daemon/api/table.h"
#include "daemon/lines/lines.h"
#include "daemon/rollout/reconcile.h"
#include "daemon/wanted/owner.h"
#include "daemon/wanted/restart.h"
#include "daemon/dynos/rendezvous.h"
#include "model/names.h"
#include "model/procfile.h"
#include "model/size.h"

#define ATTACH_PROTOCOL "twelve-attach"
/* Heroku's, for one-off dynos: what is forgotten ends. */
#define LIFE_DEFAULT_S 86400
#define LIFE_MAX_S (366 * 86400)

static int by_name(const void *a, const void *b)
{
	const struct dyno *x = *(struct dyno *const *)a, *y = *(struct dyno *const *)b;
	int r = strcmp(x->type, y->type);

	if (r)
		return r;
	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return x->created_ms < y->created_ms ? -1 : x->created_ms > y->created_ms;
}

static int api_dynos_list(struct request *r, struct error *err)
{
	struct parts *parts = request_parts(r);
	_cleanup_free_ struct dyno **dynos = NULL;
	const struct app *app = request_app(r);
	size_t n = dynos_list(parts->dynos, app->id, &dynos);
	json_t *list = json_array();

	(void)err;
	qsort(dynos, n, sizeof(*dynos), by_name);
	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, api_dyno_json(r, app, dynos[i]));
	return request_answer_list(r, list);
}

static int find_dyno(struct request *r, const struct app *app, struct dyno **ret, struct error *err)
{
	*ret = dynos_find(request_parts(r)->dynos, app->id, request_param(r, "dyno"));
	return *ret ? 0
		    : error_set(err, ERROR_NOT_FOUND,
				"%s has no dyno %.80s now: twelve ps lists them", app->name,
				request_param(r, "dyno"));
}

static int api_dynos_get(struct request *r, struct error *err)
{
	const struct app *app = request_app(r);
	struct dyno *dyno;

	if (find_dyno(r, app, &dyno, err) < 0)
		return -1;
	return request_answer(r, 200, api_dyno_json(r, app, dyno));
}

/* ---- one-off dynos ---- */

static int add_variable(json_t *strings, const char *key, json_t *value, struct error *err)
{
	if (name_check_config_key(key, err) < 0)
		return -1;
	if (json_is_integer(value))
		return json_object_set_new(
			strings, key, json_sprintf("%lld", (long long)json_integer_value(value)));
	if (!json_is_string(value))
		return error_set(err, ERROR_INVALID, "\"env\": the value of %s must be a string",
				 key);
	return json_object_set(strings, key, value);
}

static int read_env(struct request *r, json_t **ret, struct error *err)
{
	json_t *env = json_object_get(request_body(r), "env"), *strings = json_object(), *value;
	const char *key;

	if (env && !json_is_null(env) && !json_is_object(env)) {
		json_decref(strings);
		return error_set(err, ERROR_INVALID, "\"env\" must be an object of strings");
	}
	json_object_foreach (env, key, value)
		if (add_variable(strings, key, value, err) < 0) {
			json_decref(strings);
			return -1;
		}
	*ret = strings;
	return 0;
}

/* The size of the terminal comes as environment variables, as Heroku's client sends it. */
static int env_number(json_t *env, const char *key)
{
	const char *s = json_string_value(json_object_get(env, key));
	int64_t n;

	return s && str_to_i64(s, 1, 10000, &n) ? (int)n : 0;
}

/* Only who asked for the dyno gets the secret, and only now. */
static json_t *started_json(struct request *r, const struct app *app, const struct dyno *dyno,
			    const char *secret)
{
	_cleanup_free_ char *ours = request_url(r, "/");
	_cleanup_free_ char *host = xstrdup(strstr(ours, "://") + 3), *url = NULL;
	json_t *j = api_dyno_json(r, app, dyno);

	host[strcspn(host, "/")] = '\0';
	url = dyno->attached ? rendezvous_url(request_parts(r)->rendezvous, host, secret) : NULL;
	if (url)
		json_object_set_new(j, "attach_url", json_string(url));
	return j;
}

static int run(struct request *r, const struct app *app, struct dyno_start *o, struct error *err)
{
	char secret[RENDEZVOUS_SECRET_SIZE], digest[DIGEST_HEX_SIZE];
	struct parts *parts = request_parts(r);
	int64_t version = o->inside ? o->inside->release : app->current_version;
	struct release release = { 0 };
	struct dyno *dyno;
	int result = -1;

	if (!version)
		return error_set(err, ERROR_INVALID,
				 "Nothing is deployed to %s yet: push a commit first", app->name);
	o->app = app;
	o->release = &release;
	o->one_off = true;
	rendezvous_make(secret, digest);
	o->rendezvous = o->attach ? digest : NULL;
	if (store_release_get(parts->platform.store, app->id, version, &release, err) == 0 &&
	    (o->inside || owner_may_run(parts->wanted, app, o->size, err) == 0) &&
	    store_next_number(parts->platform.store, app->id, o->type, &o->number, err) == 0 &&
	    dynos_start(parts->dynos, o, &dyno, err) == 0) {
		logs_append(parts->logs, app->id, "app", "api",
			    "Starting process with command `%s`%s%s by user %s", o->command,
			    o->inside ? " inside " : "", o->inside ? o->inside->name : "",
			    request_caller(r)->name);
		/* Its arguments may hold a secret. */
		request_note(r, "%s: %.*s", dyno->name, (int)strcspn(o->command, " \t\n"),
			     o->command);
		result = request_answer(r, 201, started_json(r, app, dyno, secret));
	}
	release_done(&release);
	return result;
}

/*
 * What the client says, else whether it has a terminal itself: Heroku's gives the size of the one
 * that its stdout is. Without, pipes carry bytes as they are, and long lines, which a terminal
 * would not.
 */
static bool wants_terminal(struct request *r, const struct dyno_start *o, bool no_tty)
{
	if (json_object_get(request_body(r), "force_no_tty"))
		return !no_tty;
	return o->columns && o->rows;
}

/* What bodies say of any command; o->attach is set. */
static int read_command(struct request *r, struct dyno_start *o, struct error *err)
{
	int64_t seconds;
	bool no_tty;

	if (request_string(r, "command", true, &o->command, err) < 0 ||
	    request_bool(r, "force_no_tty", false, &no_tty, err) < 0 ||
	    request_int(r, "time_to_live", 1, LIFE_MAX_S, LIFE_DEFAULT_S, &seconds, err) < 0 ||
	    read_env(r, &o->env, err) < 0)
		return -1;
	if (!o->command[0] || strlen(o->command) > PROCFILE_COMMAND_MAX)
		return error_set(err, ERROR_INVALID, "\"command\" must have 1 to %d bytes",
				 PROCFILE_COMMAND_MAX);
	o->columns = env_number(o->env, "COLUMNS");
	o->rows = env_number(o->env, "LINES");
	o->terminal = o->attach && wants_terminal(r, o, no_tty);
	o->time_limit_ms = seconds * 1000;
	return 0;
}

/* What the body says. `type` is for show with Heroku, where it names the dyno; here all are run.N.
 */
static int read_options(struct request *r, struct dyno_start *o, struct error *err)
{
	const char *size, *type;

	if (request_string(r, "size", false, &size, err) < 0 ||
	    request_string(r, "type", false, &type, err) < 0 ||
	    request_bool(r, "attach", false, &o->attach, err) < 0 || read_command(r, o, err) < 0)
		return -1;
	o->size = size ? size : DYNO_SIZE_DEFAULT;
	if (!dyno_size_find(o->size))
		return dyno_size_refuse(o->size, err);
	o->size = dyno_size_find(o->size)->name;
	return 0;
}

static int api_dynos_create(struct request *r, struct error *err)
{
	struct dyno_start o = { .type = "run" };
	const struct app *app = request_app(r);
	int result = read_options(r, &o, err) < 0 ? -1 : run(r, app, &o, err);

	json_decref(o.env);
	return result;
}

static int check_is_up(const struct dyno *dyno, struct error *err)
{
	if (dyno->inside[0])
		return error_set(err, ERROR_CONFLICT,
				 "%s runs inside of another dyno itself: name that one",
				 dyno->name);
	if (dyno->state != DYNO_UP)
		return error_set(err, ERROR_CONFLICT,
				 "%s is %s, so nothing can run inside of it now", dyno->name,
				 dyno_state_word(dyno));
	return 0;
}

static int api_dynos_run_inside(struct request *r, struct error *err)
{
	struct dyno_start o = { .type = "run", .attach = true };
	const struct app *app = request_app(r);
	struct dyno *dyno = NULL;
	int result = find_dyno(r, app, &dyno, err);

	if (result == 0)
		result = check_is_up(dyno, err);
	if (result == 0)
		result = read_command(r, &o, err);
	if (result == 0) {
		o.inside = dyno;
		o.size = dyno->size;
		result = run(r, app, &o, err);
	}
	json_decref(o.env);
	return result;
}

/* ---- sessions ---- */

struct attach {
	struct dynos *dynos;
	char dyno_id[UUID_SIZE];
	struct dyno_client client;
};

static void on_attached(int fd, void *userdata)
{
	struct attach *a = userdata;
	struct dyno *dyno = dynos_find(a->dynos, NULL, a->dyno_id);
	struct error err = ERROR_INIT;

	if (dyno && dynos_attach(a->dynos, dyno, fd, &a->client, &err) < 0)
		log_warn("attaching to %s: %s", dyno->name, err.message);
}

/* A number of the query; 0 when it is not there. */
static int query_number(struct request *r, const char *key, int64_t *ret, struct error *err)
{
	const char *s = request_query(r, key);

	*ret = 0;
	if (!s || str_to_i64(s, 0, INT64_MAX, ret))
		return 0;
	return error_set(err, ERROR_BAD_REQUEST, "\"%s\" must be a number", key);
}

static int api_dynos_attach_session(struct request *r, struct error *err)
{
	struct dyno_client client = { 0 };
	const char *upgrade = request_header(r, "Upgrade");
	struct dyno *dyno;
	struct attach *a;

	if (find_dyno(r, request_app(r), &dyno, err) < 0)
		return -1;
	if (!dyno->attached)
		return error_set(err, ERROR_CONFLICT, "%s is not waiting for a client", dyno->name);
	if (!upgrade || !streq(upgrade, ATTACH_PROTOCOL))
		return error_set(err, ERROR_BAD_REQUEST,
				 "Attaching needs the header Upgrade: " ATTACH_PROTOCOL);
	if (query_number(r, "session", &client.session, err) < 0 ||
	    query_number(r, "position", &client.position, err) < 0)
		return -1;
	a = xcalloc(1, sizeof(*a));
	a->dynos = request_parts(r)->dynos;
	a->client = client;
	memcpy(a->dyno_id, dyno->id, sizeof(a->dyno_id));
	return request_answer_upgrade(r, ATTACH_PROTOCOL, on_attached, a);
}

/* ---- restart and stop ---- */

static int restart(struct request *r, const struct app *app, const char *type, int64_t number,
		   struct error *err)
{
	return restart_ask(request_parts(r)->wanted, app, type, number, request_caller(r)->name,
			   err);
}

static int api_dynos_restart_all(struct request *r, struct error *err)
{
	if (restart(r, request_app(r), "", 0, err) < 0)
		return -1;
	return request_answer(r, 202, json_object());
}

/* Whether anything of the type is running, or a sentence. */
static int check_type(struct request *r, const struct app *app, const char *type, struct error *err)
{
	_cleanup_free_ struct dyno **dynos = NULL;
	size_t n = dynos_list(request_parts(r)->dynos, app->id, &dynos);

	for (size_t i = 0; i < n; i++)
		if (streq(dynos[i]->type, type))
			return 0;
	return error_set(err, ERROR_NOT_FOUND,
			 "%s has no dynos of type %.50s now: twelve ps lists them", app->name,
			 type);
}

/* A dyno, or NULL when the path names a process type that has some: "web" is all of web.1, web.2
 * ... */
static int find_dyno_or_type(struct request *r, const struct app *app, struct dyno **ret,
			     struct error *err)
{
	struct error ignored = ERROR_INIT;

	*ret = NULL;
	return check_type(r, app, request_param(r, "dyno"), &ignored) == 0
		       ? 0
		       : find_dyno(r, app, ret, err);
}

static int api_dynos_restart(struct request *r, struct error *err)
{
	const struct app *app = request_app(r);
	struct dyno *dyno;
	int result = find_dyno_or_type(r, app, &dyno, err);

	if (result == 0 && !dyno)
		result = restart(r, app, request_param(r, "dyno"), 0, err);
	else if (result == 0 && dyno->one_off)
		dynos_stop(request_parts(r)->dynos, dyno);
	else if (result == 0)
		result = restart(r, app, dyno->type, dyno->number, err);
	return result < 0 ? -1 : request_answer(r, 202, json_object());
}

static int api_dynos_restart_type(struct request *r, struct error *err)
{
	const char *type = request_param(r, "type");
	const struct app *app = request_app(r);

	if (check_type(r, app, type, err) < 0 || restart(r, app, type, 0, err) < 0)
		return -1;
	return request_answer(r, 202, json_object());
}

static void stop_type(struct request *r, const struct app *app, const char *type)
{
	_cleanup_free_ struct dyno **dynos = NULL;
	size_t n = dynos_list(request_parts(r)->dynos, app->id, &dynos);

	for (size_t i = 0; i < n; i++)
		if (streq(dynos[i]->type, type))
			dynos_stop(request_parts(r)->dynos, dynos[i]);
}

static int api_dynos_stop_one(struct request *r, struct error *err)
{
	const struct app *app = request_app(r);
	struct dyno *dyno;

	if (find_dyno_or_type(r, app, &dyno, err) < 0)
		return -1;
	if (dyno)
		dynos_stop(request_parts(r)->dynos, dyno);
	else
		stop_type(r, app, request_param(r, "dyno"));
	/* One of the formation is replaced. */
	reconcile_app(request_parts(r)->reconciler, app->id);
	return request_answer(r, 202, json_object());
}

static int api_dynos_stop_type(struct request *r, struct error *err)
{
	const char *type = request_param(r, "type");
	const struct app *app = request_app(r);

	if (check_type(r, app, type, err) < 0)
		return -1;
	stop_type(r, app, type);
	reconcile_app(request_parts(r)->reconciler, app->id);
	return request_answer(r, 202, json_object());
}

const struct api_route dynos_routes[] = {
	{ "GET", "/apps/:app/dynos", NEED_VIEW, api_dynos_list, "what runs", .answer = "[dyno]" },
	{ "POST", "/apps/:app/dynos", NEED_OPERATE, api_dynos_create, "run a one-off dyno",
	  "command:string attach?:bool env?:object size?:string type?:string force_no_tty?:bool "
	  "time_to_live?:int",
	  .flags = API_SECRET, .answer = "dyno" },
	{ "DELETE", "/apps/:app/dynos", NEED_OPERATE, api_dynos_restart_all,
	  "restart all dynos, make before break" },
	{ "GET", "/apps/:app/dynos/:dyno", NEED_VIEW, api_dynos_get, "one dyno", .answer = "dyno" },
	{ "DELETE", "/apps/:app/dynos/:dyno", NEED_OPERATE, api_dynos_restart,
	  "restart one dyno, or those of a process type" },
	{ "POST", "/apps/:app/dynos/:dyno", NEED_OPERATE, api_dynos_run_inside,
	  "run a command inside a running dyno",
	  "command:string env?:object force_no_tty?:bool time_to_live?:int", .flags = API_SECRET,
	  .answer = "dyno" },
	{ "GET", "/apps/:app/dynos/:dyno/attach", NEED_OPERATE, api_dynos_attach_session,
	  "upgrade to a session with a one-off dyno", .flags = API_SECRET, .answer = "upgrade" },
	{ "POST", "/apps/:app/dynos/:dyno/actions/stop", NEED_OPERATE, api_dynos_stop_one,
	  "stop one dyno, or those of a process type" },
	{ "DELETE", "/apps/:app/formations/:type", NEED_OPERATE, api_dynos_restart_type,
	  "restart the dynos of a type" },
	{ "POST", "/apps/:app/formations/:type/actions/stop", NEED_OPERATE, api_dynos_stop_type,
	  "stop the dynos of a type" },
	{ 0 },
};
