/* SPDX-License-Identifier: Apache-2.0 */
/* The account, users, and collaborators of apps. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "model/names.h"
#include "daemon/api/shapes.h"
#include "daemon/api/table.h"
#include "daemon/api/ask-password.h"
#include "daemon/api/audit.h"
#include "daemon/api/authz.h"
#include "daemon/git/git.h"
#include "daemon/lines/lines.h"

#define USER_NAME_MAX 254

/* ---- users ---- */

static json_t *user_json(const struct user *u)
{
	json_t *j = json_pack("{s:s, s:s, s:s, s:b, s:b, s:b, s:b, s:b}", "id", u->id, "email",
			      u->email, "name", u->name, "verified", 1, "allow_tracking", 0, "beta",
			      0, "federated", 0, "two_factor_authentication", 0);

	json_object_update_new(
		j, json_pack("{s:o, s:o, s:o, s:n, s:n}", "created_at", json_time(u->created_ms),
			     "updated_at", json_time(u->updated_ms), "last_login",
			     json_time(u->login_ms), "suspended_at", "delinquent_at"));
	json_object_update_new(j,
			       json_pack("{s:n, s:n, s:n, s:n, s:n, s:{s:b, s:b}}", "sms_number",
					 "country_of_residence", "identity_provider",
					 "default_organization", "default_team", "twelve", "admin",
					 (int)u->admin, "password", u->password_hash != NULL));
	return j;
}

static int caller_user(struct request *r, struct user *ret, struct error *err)
{
	return store_user_get(request_store(r), request_caller(r)->user_id, ret, err);
}

static int api_account_get(struct request *r, struct error *err)
{
	struct user u = { 0 };
	int result = caller_user(r, &u, err);

	if (result == 0)
		result = request_answer(r, 200, user_json(&u));
	user_done(&u);
	return result;
}

/* A name goes into headers of lists (Content-Range), which are not endless. */
static int check_name(const char *name, struct error *err)
{
	if (!name || strlen(name) <= USER_NAME_MAX)
		return 0;
	return error_set(err, ERROR_INVALID, "\"name\" has more than %d bytes", USER_NAME_MAX);
}

static void set_string(char **s, const char *value)
{
	free(*s);
	*s = xstrdup(value);
}

static bool is_own(struct request *r)
{
	return !*request_param(r, "user");
}

/* Whose row a request is about: the caller's, or by an administrator anybody's. */
static int changed_user(struct request *r, struct user *ret, struct error *err)
{
	return is_own(r) ? caller_user(r, ret, err)
			 : store_user_get(request_store(r), request_param(r, "user"), ret, err);
}

/* c: NULL for no new password. The row as it is now. */
static int write_user(struct request *r, struct user *u, const struct password_changed *c,
		      struct error *err)
{
	const char *name, *email;
	bool admin;

	if (request_string(r, "name", false, &name, err) < 0 || check_name(name, err) < 0 ||
	    request_string(r, "email", false, &email, err) < 0 ||
	    request_bool(r, "admin", u->admin, &admin, err) < 0)
		return -1;
	if (name)
		set_string(&u->name, name);
	if (email)
		set_string(&u->email, email);
	if (c)
		set_string(&u->password_hash, c->hash);
	u->admin = is_own(r) ? u->admin : admin;
	if (store_user_update(request_store(r), u, err) < 0)
		return -1;
	request_note(r, "user %s%s", u->email, c ? ": new password" : "");
	return request_answer(r, 200, user_json(u));
}

/* Time has passed since the old password was compared. */
static int check_unchanged(const struct user *u, const struct password_changed *c,
			   struct error *err)
{
	if (!c->before || (u->password_hash && streq(u->password_hash, c->before)))
		return 0;
	return error_set(err, ERROR_CONFLICT,
			 "The password was changed by another request meanwhile");
}

static int on_password(struct request *r, const struct password_changed *c, struct error *err)
{
	struct user u = { 0 };
	int result = changed_user(r, &u, err);

	if (result == 0)
		result = check_unchanged(&u, c, err);
	if (result == 0)
		result = write_user(r, &u, c, err);
	user_done(&u);
	return result;
}

/* Who has a token only might guess the present one. */
static int change_password(struct request *r, const struct user *u, const char *password,
			   struct error *err)
{
	bool guess = is_own(r) && request_caller(r)->token_id[0];
	struct password_change o = { .password = password };

	if (user_check_password(password, err) < 0 ||
	    request_string(r, "password", false, &o.old, err) < 0 ||
	    (guess && password_take_guess(r, u->email, err) < 0))
		return -1;
	o.hash = guess ? u->password_hash : NULL;
	return password_change(r, &o, on_password, err);
}

/* What somebody may change of themselves, or an administrator of anybody. */
static int api_users_update(struct request *r, struct error *err)
{
	const char *password, *name;
	struct user u = { 0 };
	int result = changed_user(r, &u, err);

	if (result == 0)
		result = request_string(r, is_own(r) ? "new_password" : "password", false,
					&password, err);
	if (result == 0)
		result = request_string(r, "name", false, &name, err);
	if (result == 0)
		result = check_name(name, err);
	if (result == 0)
		result = password ? change_password(r, &u, password, err)
				  : write_user(r, &u, NULL, err);
	user_done(&u);
	return result;
}

static int api_users_list(struct request *r, struct error *err)
{
	json_t *list = json_array();
	struct user *users = NULL;
	size_t n = 0;

	if (store_user_list(request_store(r), &users, &n, err) < 0) {
		json_decref(list);
		return -1;
	}
	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, user_json(&users[i]));
	user_free_array(users, n);
	return request_answer_list(r, list);
}

/* c: NULL for no password. */
static int create_user(struct request *r, const struct password_changed *c, struct error *err)
{
	const char *email, *name;
	struct user u = { 0 };
	int result = -1;

	if (request_string(r, "email", true, &email, err) < 0 ||
	    request_string(r, "name", false, &name, err) < 0 || check_name(name, err) < 0 ||
	    request_bool(r, "admin", false, &u.admin, err) < 0)
		return -1;
	u.email = xstrdup(email);
	u.name = xstrdup(name ? name : "");
	u.password_hash = c ? xstrdup(c->hash) : NULL;
	if (store_user_create(request_store(r), &u, err) == 0) {
		request_note(r, "user %s%s", u.email, u.admin ? ", an administrator" : "");
		result = request_answer(r, 201, user_json(&u));
	}
	user_done(&u);
	return result;
}

static int api_users_create(struct request *r, struct error *err)
{
	struct password_change o = { 0 };

	if (request_string(r, "password", false, &o.password, err) < 0)
		return -1;
	if (!o.password)
		return create_user(r, NULL, err);
	return user_check_password(o.password, err) < 0 ? -1
							: password_change(r, &o, create_user, err);
}

static int api_users_delete(struct request *r, struct error *err)
{
	struct parts *parts = request_parts(r);
	struct user u = { 0 };
	int result = store_user_get(parts->platform.store, request_param(r, "user"), &u, err);

	if (result == 0)
		result = store_user_delete(parts->platform.store, &u, err);
	/* Their keys went with them. */
	if (result == 0)
		result = git_write_authorized_keys(&parts->platform, err);
	if (result == 0) {
		request_note(r, "user %s", u.email);
		result = request_answer(r, 200, user_json(&u));
	}
	user_done(&u);
	return result;
}

/* ---- collaborators ---- */

static json_t *permissions_json(unsigned permissions)
{
	json_t *list = json_array();

	for (const struct permission_word *w = permission_words; w->name; w++)
		if (permissions & w->permission)
			json_array_append_new(list, json_pack("{s:s, s:s}", "name", w->name,
							      "description", w->description));
	return list;
}

static json_t *collaborator_json(struct request *r, const struct app *app,
				 const struct collaborator *c)
{
	bool owner = streq(c->user_id, app->owner_id);
	json_t *user = api_user_ref(r, c->user_id);

	json_object_set_new(user, "federated", json_false());
	return json_pack(
		"{s:s, s:o, s:o, s:o, s:s, s:o, s:o}", "id", c->id, "app", api_app_ref(app), "user",
		user, "permissions", permissions_json(c->permissions), "role",
		owner				     ? "owner"
		: c->permissions & PERMISSION_MANAGE ? "admin"
						     : "collaborator",
		"created_at", json_time(c->created_ms), "updated_at", json_time(c->updated_ms));
}

/* The owner as a row like the others. */
static struct collaborator owner_of(const struct app *app)
{
	struct collaborator c = { .permissions = PERMISSIONS_ALL,
				  .created_ms = app->created_ms,
				  .updated_ms = app->created_ms };

	name_uuid("owner of", app->id, c.id);
	memcpy(c.app_id, app->id, sizeof(c.app_id));
	memcpy(c.user_id, app->owner_id, sizeof(c.user_id));
	return c;
}

static int api_collaborators_list(struct request *r, struct error *err)
{
	const struct app *app = request_app(r);
	struct collaborator *rows = NULL, owner = owner_of(app);
	json_t *list;
	size_t n = 0;

	if (store_collaborator_list(request_store(r), app->id, &rows, &n, err) < 0)
		return -1;
	list = json_array();
	if (app->owner_id[0])
		json_array_append_new(list, collaborator_json(r, app, &owner));
	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, collaborator_json(r, app, &rows[i]));
	collaborator_free_array(rows, n);
	return request_answer_list(r, list);
}

/* By address, user id or its own; ERROR_NOT_FOUND. */
static int find_collaborator(struct request *r, const struct app *app, const char *which,
			     struct collaborator *ret, struct error *err)
{
	struct collaborator *rows = NULL;
	bool found = false;
	size_t n = 0;

	if (store_collaborator_list(request_store(r), app->id, &rows, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (!found && (strcasecmp(rows[i].email, which) == 0 ||
			       streq(rows[i].user_id, which) || streq(rows[i].id, which))) {
			*ret = rows[i];
			found = true;
		} else {
			collaborator_done(&rows[i]);
		}
	}
	free(rows);
	return found ? 0
		     : error_set(err, ERROR_NOT_FOUND,
				 "Couldn't find that collaborator: %.100s is none of %s", which,
				 app->name);
}

/* Whether `which` names the owner, whose row is made up. */
static bool is_owner(struct request *r, const struct app *app, const char *which)
{
	struct collaborator owner = owner_of(app);
	struct error ignored = ERROR_INIT;
	struct user u = { 0 };
	bool is = app->owner_id[0] && (streq(which, owner.id) || streq(which, owner.user_id));

	if (!is && app->owner_id[0] &&
	    store_user_get(request_store(r), app->owner_id, &u, &ignored) == 0)
		is = strcasecmp(which, u.email) == 0;
	user_done(&u);
	return is;
}

/* One whose permissions can be changed. */
static int find_changeable(struct request *r, const struct app *app, struct collaborator *ret,
			   struct error *err)
{
	const char *which = request_param(r, "collaborator");

	if (is_owner(r, app, which))
		return error_set(err, ERROR_INVALID,
				 "%.100s is the owner of %s, and may do everything: \"twelve "
				 "apps:transfer\" gives the app away",
				 which, app->name);
	return find_collaborator(r, app, which, ret, err);
}

static int api_collaborators_get(struct request *r, struct error *err)
{
	struct collaborator c = { 0 };
	const struct app *app = request_app(r);
	int result = 0;

	if (is_owner(r, app, request_param(r, "collaborator")))
		c = owner_of(app);
	else
		result = find_collaborator(r, app, request_param(r, "collaborator"), &c, err);
	if (result == 0)
		result = request_answer(r, 200, collaborator_json(r, app, &c));
	collaborator_done(&c);
	return result;
}

/* ["view", "deploy"] as bits; `fallback` when there is none. */
static int read_permissions(struct request *r, unsigned fallback, unsigned *ret, struct error *err)
{
	json_t *list = json_object_get(request_body(r), "permissions"), *item;
	unsigned permissions = 0;
	size_t i;

	json_array_foreach (list, i, item) {
		const char *word = json_ref(item);

		if (!word || !permission_parse(word))
			return error_set(err, ERROR_INVALID,
					 "\"permissions\" are view, deploy, operate and manage, "
					 "not \"%.50s\"",
					 word ? word : "(no word)");
		permissions |= permission_parse(word);
	}
	*ret = permissions ? permissions | PERMISSION_VIEW : fallback;
	return 0;
}

static void note_permissions(struct request *r, const char *email, unsigned permissions)
{
	_cleanup_buf_ struct buf text = BUF_INIT;

	for (const struct permission_word *w = permission_words; w->name; w++)
		if (permissions & w->permission)
			buf_printf(&text, "%s%s", text.len ? ", " : "", w->name);
	request_note(r, "collaborator %s: %s", email, text.data);
}

static int set_collaborator(struct request *r, const struct app *app, const char *email,
			    unsigned permissions, int status, struct error *err)
{
	struct parts *parts = request_parts(r);
	struct collaborator c = { 0 };
	struct user u = { 0 };
	int result = store_user_get(parts->platform.store, email, &u, err);

	if (result == 0 && streq(u.id, app->owner_id))
		result = error_set(err, ERROR_INVALID,
				   "%s is the owner of %s, and may do everything", u.email,
				   app->name);
	if (result == 0)
		result = store_collaborator_set(parts->platform.store, app->id, u.id, permissions,
						err);
	if (result == 0)
		result = find_collaborator(r, app, u.id, &c, err);
	if (result == 0) {
		note_permissions(r, u.email, permissions);
		logs_append(parts->logs, app->id, "app", "api", "Collaborator %s set by user %s",
			    u.email, request_caller(r)->name);
		result = request_answer(r, status, collaborator_json(r, app, &c));
	}
	collaborator_done(&c);
	user_done(&u);
	return result;
}

static int api_collaborators_create(struct request *r, struct error *err)
{
	unsigned permissions;
	const struct app *app = request_app(r);
	const char *email;

	if (request_ref(r, "user", true, &email, err) < 0 ||
	    read_permissions(r, PERMISSIONS_DEFAULT, &permissions, err) < 0)
		return -1;
	return set_collaborator(r, app, email, permissions, 201, err);
}

static int api_collaborators_update(struct request *r, struct error *err)
{
	struct collaborator c = { 0 };
	const struct app *app = request_app(r);
	unsigned permissions;
	int result = -1;

	if (find_changeable(r, app, &c, err) == 0 &&
	    read_permissions(r, c.permissions, &permissions, err) == 0)
		result = set_collaborator(r, app, c.user_id, permissions, 200, err);
	collaborator_done(&c);
	return result;
}

static int api_collaborators_delete(struct request *r, struct error *err)
{
	struct parts *parts = request_parts(r);
	struct collaborator c = { 0 };
	const struct app *app = request_app(r);
	json_t *j = NULL;
	int result = find_changeable(r, app, &c, err);

	if (result == 0) {
		j = collaborator_json(r, app, &c);
		result = store_collaborator_delete(parts->platform.store, c.id, err);
	}
	if (result == 0) {
		request_note(r, "collaborator %s", c.email);
		logs_append(parts->logs, app->id, "app", "api",
			    "Collaborator %s removed by user %s", c.email, request_caller(r)->name);
		result = request_answer(r, 200, json_incref(j));
	}
	json_decref(j);
	collaborator_done(&c);
	return result;
}

const struct api_route users_routes[] = {
	{ "GET", "/account", NEED_USER, api_account_get, "the user of the request",
	  .answer = "account" },
	{ "GET", "/users/~", NEED_USER, api_account_get, "the user of the request",
	  .answer = "account" },
	{ "PATCH", "/account", NEED_USER, api_users_update,
	  "change your name, e-mail address or password",
	  "name?:string email?:string password?:string new_password?:string allow_tracking?:none "
	  "beta?:none",
	  .answer = "account" },
	{ "GET", "/twelve/users", NEED_ADMIN, api_users_list, "all users", .answer = "[account]" },
	{ "POST", "/twelve/users", NEED_ADMIN, api_users_create, "create a user",
	  "email:string name?:string password?:string admin?:bool", .answer = "account" },
	{ "PATCH", "/twelve/users/:user", NEED_ADMIN, api_users_update, "change a user",
	  "email?:string name?:string password?:string admin?:bool", .answer = "account" },
	{ "DELETE", "/twelve/users/:user", NEED_ADMIN, api_users_delete,
	  "delete a user with their tokens and keys", .answer = "account" },
	{ 0 },
};

const struct api_route collaborators_routes[] = {
	{ "GET", "/apps/:app/collaborators", NEED_VIEW, api_collaborators_list,
	  "the owner and the collaborators", .answer = "[collaborator]" },
	{ "POST", "/apps/:app/collaborators", NEED_MANAGE, api_collaborators_create,
	  "add a collaborator; default: all permissions but manage",
	  "user:ref permissions?:array silent?:true", .answer = "collaborator" },
	{ "GET", "/apps/:app/collaborators/:collaborator", NEED_VIEW, api_collaborators_get,
	  "one collaborator, by address or id", .answer = "collaborator" },
	{ "PATCH", "/apps/:app/collaborators/:collaborator", NEED_MANAGE, api_collaborators_update,
	  "change the permissions of a collaborator", "permissions:array",
	  .answer = "collaborator" },
	{ "DELETE", "/apps/:app/collaborators/:collaborator", NEED_MANAGE, api_collaborators_delete,
	  "remove a collaborator", .answer = "collaborator" },
	{ 0 },
};
