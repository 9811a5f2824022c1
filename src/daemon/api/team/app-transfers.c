/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Apps that change their owner. The owner offers, the recipient accepts or declines; an
 * administrator, who may do either, does both at once. Who gave an app away stays its collaborator.
 */
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "daemon/api/shapes.h"
#include "daemon/api/table.h"
#include "daemon/api/authz.h"
#include "daemon/lines/lines.h"
#include "daemon/wanted/owner.h"
#include "model/names.h"
#include "store/transfer.h"

static bool is_me(struct request *r, const char *user_id)
{
	return request_caller(r)->admin || streq(request_caller(r)->user_id, user_id);
}

/* NULL when its app is gone meanwhile. */
static json_t *transfer_json(struct request *r, const struct transfer *t)
{
	struct error ignored = ERROR_INIT;
	struct app app = { 0 };
	json_t *j = NULL;

	if (store_app_get(request_store(r), t->app_id, &app, &ignored) == 0)
		j = json_pack("{s:s, s:o, s:o, s:o, s:s, s:o, s:o}", "id", t->id, "app",
			      api_app_ref(&app), "owner", api_user_ref(r, t->owner_id), "recipient",
			      api_user_ref(r, t->recipient_id), "state", t->state, "created_at",
			      json_time(t->created_ms), "updated_at", json_time(t->updated_ms));
	app_done(&app);
	return j;
}

static int answer(struct request *r, int status, const struct transfer *t, struct error *err)
{
	json_t *j = transfer_json(r, t);

	return j ? request_answer(r, status, j)
		 : error_set(err, ERROR_NOT_FOUND, "The app of the transfer is gone");
}

static int api_app_transfers_list(struct request *r, struct error *err)
{
	const struct caller *c = request_caller(r);
	struct transfer *rows = NULL;
	json_t *list, *j;
	size_t n = 0;

	if (store_transfer_list(request_store(r), c->admin ? NULL : c->user_id, &rows, &n, err) < 0)
		return -1;
	list = json_array();
	for (size_t i = 0; i < n; i++)
		if ((j = transfer_json(r, &rows[i])))
			json_array_append_new(list, j);
	transfer_free_array(rows, n);
	return request_answer_list(r, list);
}

/* The recipient's apps, dynos and add-ons are more by those of this one. */
static int check_limits(struct parts *parts, const struct transfer *t, struct error *err)
{
	struct app app = { 0 };
	int result = store_app_get(parts->platform.store, t->app_id, &app, err);

	if (result == 0)
		result = owner_may_take(parts->wanted, t->recipient_id, &app, err);
	app_done(&app);
	return result;
}

static int take_over(struct request *r, struct transfer *t, struct error *err)
{
	struct parts *parts = request_parts(r);

	if (check_limits(parts, t, err) < 0 ||
	    store_transfer_accept(parts->platform.store, t, PERMISSIONS_DEFAULT, err) < 0)
		return -1;
	logs_append(parts->logs, t->app_id, "app", "api", "Transfer accepted by user %s",
		    request_caller(r)->name);
	return 0;
}

static int offer(struct request *r, const struct app *app, const char *recipient,
		 struct transfer *t, struct error *err)
{
	struct store *s = request_store(r);
	struct user u = { 0 };
	int result = store_user_get(s, recipient, &u, err);

	if (result == 0 && streq(u.id, app->owner_id))
		result = error_set(err, ERROR_INVALID, "%s is the owner of %s already", u.email,
				   app->name);
	if (result == 0) {
		memcpy(t->app_id, app->id, UUID_SIZE);
		memcpy(t->owner_id, app->owner_id, UUID_SIZE);
		memcpy(t->recipient_id, u.id, UUID_SIZE);
		request_note(r, "%s to %s", app->name, u.email);
		/* One that takes effect at once is refused before there is an offer. */
		result = request_caller(r)->admin ? check_limits(request_parts(r), t, err) : 0;
	}
	if (result == 0)
		result = store_transfer_create(s, t, err);
	user_done(&u);
	return result;
}

static int api_app_transfers_create(struct request *r, struct error *err)
{
	const char *name, *recipient;
	struct transfer t = { 0 };
	struct app app = { 0 };
	int result = -1;

	if (request_ref(r, "app", true, &name, err) == 0 &&
	    request_ref(r, "recipient", true, &recipient, err) == 0 &&
	    authz_app_named(r, name, NEED_OWNER, &app, err) == 0)
		result = offer(r, &app, recipient, &t, err);
	if (result == 0 && request_caller(r)->admin)
		result = take_over(r, &t, err);
	if (result == 0)
		result = answer(r, 201, &t, err);
	transfer_done(&t);
	app_done(&app);
	return result;
}

/* By its id, or by the name or id of its app; one of others is not there. */
static int find(struct request *r, struct transfer *ret, struct error *err)
{
	const char *which = request_param(r, "transfer");
	struct store *s = request_store(r);
	struct error ignored = ERROR_INIT;
	char excerpt[NAME_EXCERPT_SIZE];
	struct app app = { 0 };
	int result;

	result = store_transfer_get(
		s, store_app_get(s, which, &app, &ignored) == 0 ? app.id : which, ret, err);
	app_done(&app);
	if (result < 0 || is_me(r, ret->owner_id) || is_me(r, ret->recipient_id))
		return result;
	transfer_done(ret);
	return error_set(err, ERROR_NOT_FOUND, "Couldn't find that app transfer: %s",
			 name_excerpt(excerpt, which));
}

static int api_app_transfers_get(struct request *r, struct error *err)
{
	struct transfer t = { 0 };
	int result = find(r, &t, err);

	if (result == 0)
		result = answer(r, 200, &t, err);
	transfer_done(&t);
	return result;
}

static int decide(struct request *r, struct transfer *t, const char *state, struct error *err)
{
	char excerpt[NAME_EXCERPT_SIZE];

	if (!is_me(r, t->recipient_id))
		return error_set(err, ERROR_FORBIDDEN,
				 "Only who it is offered to may accept or decline.");
	if (streq(state, "accepted"))
		return take_over(r, t, err);
	if (streq(state, "declined"))
		return store_transfer_decline(request_store(r), t, err);
	return error_set(err, ERROR_INVALID, "\"state\" is accepted or declined, not \"%s\"",
			 name_excerpt(excerpt, state));
}

static int api_app_transfers_update(struct request *r, struct error *err)
{
	struct transfer t = { 0 };
	const char *state;
	int result = find(r, &t, err);

	if (result == 0)
		result = request_string(r, "state", true, &state, err);
	if (result == 0)
		result = decide(r, &t, state, err);
	if (result == 0)
		result = answer(r, 200, &t, err);
	transfer_done(&t);
	return result;
}

static int api_app_transfers_delete(struct request *r, struct error *err)
{
	struct transfer t = { 0 };
	int result = find(r, &t, err);

	if (result == 0 && !is_me(r, t.owner_id))
		result =
			error_set(err, ERROR_FORBIDDEN, "Only who offers the app may cancel that.");
	if (result == 0 && !streq(t.state, "pending"))
		result = error_set(err, ERROR_CONFLICT, "The transfer was %s already", t.state);
	if (result == 0)
		result = store_transfer_delete(request_store(r), t.id, err);
	if (result == 0)
		result = answer(r, 200, &t, err);
	transfer_done(&t);
	return result;
}

const struct api_route app_transfers_routes[] = {
	{ "GET", "/account/app-transfers", NEED_USER, api_app_transfers_list,
	  "app transfers from you and to you", .answer = "[app-transfer]" },
	{ "POST", "/account/app-transfers", NEED_USER, api_app_transfers_create,
	  "offer an app to another user; for its owner. An administrator's transfer takes effect "
	  "at once",
	  "app:ref recipient:ref silent?:true", .answer = "app-transfer" },
	{ "GET", "/account/app-transfers/:transfer", NEED_USER, api_app_transfers_get,
	  "one transfer, by id or app", .answer = "app-transfer" },
	{ "PATCH", "/account/app-transfers/:transfer", NEED_USER, api_app_transfers_update,
	  "accept or decline; for the recipient", "state:string", .answer = "app-transfer" },
	{ "DELETE", "/account/app-transfers/:transfer", NEED_USER, api_app_transfers_delete,
	  "cancel a transfer; for the owner", .answer = "app-transfer" },
	{ 0 },
};
