/* SPDX-License-Identifier: Apache-2.0 */
/* Webhooks of an app, what they were told, and how that went. */
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "daemon/api/shapes.h"
#include "daemon/api/table.h"
#include "model/names.h"
#include "store/webhook.h"

#define URL_MAX 2048
#define SECRET_MAX 1024
#define WEBHOOKS_MAX 50

/* ---- what is given ---- */

static bool is_entity(const char *word)
{
	for (size_t i = 0; webhook_entities[i]; i++)
		if (streq(webhook_entities[i], word))
			return true;
	return false;
}

static int refuse_entity(json_t *item, struct error *err)
{
	_cleanup_buf_ struct buf entities = BUF_INIT;
	char excerpt[NAME_EXCERPT_SIZE];

	for (size_t i = 0; webhook_entities[i]; i++)
		buf_printf(&entities, "%s%s",
			   !i			     ? ""
			   : webhook_entities[i + 1] ? ", "
						     : " and ",
			   webhook_entities[i]);
	return error_set(err, ERROR_INVALID, "\"include\" may have %s, not \"%s\"", entities.data,
			 json_is_string(item) ? name_excerpt(excerpt, json_string_value(item))
					      : "what is not a string");
}

static int read_include(struct request *r, struct webhook *w, struct error *err)
{
	json_t *list = json_object_get(request_body(r), "include"), *item;
	size_t i;

	if (!list || json_is_null(list))
		return 0;
	json_array_foreach (list, i, item)
		if (!json_is_string(item) || !is_entity(json_string_value(item)))
			return refuse_entity(item, err);
	if (!json_array_size(list) || json_array_size(list) > 64)
		return error_set(err, ERROR_INVALID,
				 "\"include\" has to name what is told, such as api:release");
	free(w->include);
	w->include = json_dumps(list, JSON_COMPACT);
	return 0;
}

static int read_level(struct request *r, struct webhook *w, struct error *err)
{
	char excerpt[NAME_EXCERPT_SIZE];
	const char *level;

	if (request_string(r, "level", false, &level, err) < 0)
		return -1;
	if (level && !streq(level, "notify") && !streq(level, "sync"))
		return error_set(err, ERROR_INVALID, "\"level\" is notify or sync, not \"%s\"",
				 name_excerpt(excerpt, level));
	w->sync = level ? streq(level, "sync") : w->sync;
	return 0;
}

/* The API's own address: what a webhook told it, it might tell a webhook. */
static bool is_ours(const struct parts *parts, const char *host, const char *port)
{
	static const char *const local[] = { "localhost", "127.0.0.1", "[::1]" };
	const char *own = strrchr(parts->platform.settings.api_address, ':');
	_cleanup_free_ char *api = xasprintf("api.%s", parts->platform.settings.apps_domain);

	if (streq(host, api))
		return true;
	for (size_t i = 0; own && i < ARRAY_SIZE(local); i++)
		if (streq(host, local[i]) && streq(port, own + 1))
			return true;
	return own && strlen(host) == (size_t)(own - parts->platform.settings.api_address) &&
	       str_starts(parts->platform.settings.api_address, host) && streq(port, own + 1);
}

static int check_url(struct parts *parts, const char *url, struct error *err)
{
	CURLU *u = curl_url();
	char *scheme = NULL, *host = NULL, *port = NULL;
	bool good = strlen(url) <= URL_MAX && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
		    curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
		    (streq(scheme, "http") || streq(scheme, "https")) &&
		    curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
		    curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK;
	bool ours = good && is_ours(parts, host, port);

	curl_free(scheme);
	curl_free(host);
	curl_free(port);
	curl_url_cleanup(u);
	if (!good)
		return error_set(err, ERROR_INVALID,
				 "\"url\" must be like https://example.com/hook");
	return ours ? error_set(err, ERROR_INVALID,
				"\"url\" is the address of this platform's API: choose another")
		    : 0;
}

static int read_url(struct request *r, struct webhook *w, struct error *err)
{
	const char *url;

	if (request_string(r, "url", false, &url, err) < 0 ||
	    (url && check_url(request_parts(r), url, err) < 0))
		return -1;
	if (url) {
		free(w->url);
		w->url = xstrdup(url);
	}
	return 0;
}

/* What goes into a header, or signs: printable, and not endless. */
static int read_secret(struct request *r, const char *key, char **ret, struct error *err)
{
	const char *value;

	if (request_string(r, key, false, &value, err) < 0)
		return -1;
	if (!value)
		return 0;
	for (const char *p = value; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return error_set(
				err, ERROR_INVALID,
				"\"%s\" may not have line breaks and other control characters",
				key);
	if (!value[0] || strlen(value) > SECRET_MAX)
		return error_set(err, ERROR_INVALID, "\"%s\" must have 1 to %d bytes", key,
				 SECRET_MAX);
	free(*ret);
	*ret = xstrdup(value);
	return 0;
}

static int read_webhook(struct request *r, struct webhook *w, struct error *err)
{
	if (read_include(r, w, err) < 0 || read_level(r, w, err) < 0 || read_url(r, w, err) < 0 ||
	    read_secret(r, "authorization", &w->authorization, err) < 0 ||
	    read_secret(r, "secret", &w->secret, err) < 0)
		return -1;
	return 0;
}

/* ---- webhooks ---- */

static json_t *webhook_json(const struct app *app, const struct webhook *w)
{
	return json_pack("{s:s, s:o, s:o, s:s, s:s, s:o, s:o}", "id", w->id, "app",
			 api_app_ref(app), "include", json_loads(w->include, 0, NULL), "level",
			 w->sync ? "sync" : "notify", "url", w->url, "created_at",
			 json_time(w->created_ms), "updated_at", json_time(w->updated_ms));
}

static int api_webhooks_list(struct request *r, struct error *err)
{
	struct webhook *rows = NULL;
	const struct app *app = request_app(r);
	json_t *list = json_array();
	size_t n = 0;
	int result = store_webhook_list(request_store(r), app->id, &rows, &n, err);

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, webhook_json(app, &rows[i]));
	webhook_free_array(rows, n);
	if (result == 0)
		return request_answer_list(r, list);
	json_decref(list);
	return -1;
}

static int check_number(struct request *r, const struct app *app, struct error *err)
{
	struct webhook *rows = NULL;
	size_t n = 0;

	if (store_webhook_list(request_store(r), app->id, &rows, &n, err) < 0)
		return -1;
	webhook_free_array(rows, n);
	return n < WEBHOOKS_MAX
		       ? 0
		       : error_set(err, ERROR_INVALID, "%s has %d webhooks, and may have no more",
				   app->name, WEBHOOKS_MAX);
}

static int api_webhooks_create(struct request *r, struct error *err)
{
	char made[UUID_SIZE];
	struct webhook w = { 0 };
	const struct app *app = request_app(r);
	int result = -1;

	if (check_number(r, app, err) == 0 && read_webhook(r, &w, err) == 0) {
		if (!w.secret)
			w.secret = xstrdup(uuid_make(made));
		memcpy(w.app_id, app->id, UUID_SIZE);
		result = store_webhook_create(request_store(r), &w, err);
	}
	if (result == 0) {
		request_set_header(r, "Heroku-Webhook-Secret", w.secret);
		request_note(r, "webhook %s", w.id);
		result = request_answer(r, 201, webhook_json(app, &w));
	}
	webhook_done(&w);
	return result;
}

static int find(struct request *r, struct webhook *w, struct error *err)
{
	return store_webhook_get(request_store(r), request_app(r)->id, request_param(r, "webhook"),
				 w, err);
}

static int api_webhooks_get(struct request *r, struct error *err)
{
	struct webhook w = { 0 };
	int result = find(r, &w, err);

	if (result == 0)
		result = request_answer(r, 200, webhook_json(request_app(r), &w));
	webhook_done(&w);
	return result;
}

static int api_webhooks_update(struct request *r, struct error *err)
{
	struct webhook w = { 0 };
	int result = find(r, &w, err);

	if (result == 0)
		result = read_webhook(r, &w, err);
	if (result == 0)
		result = store_webhook_update(request_store(r), &w, err);
	if (result == 0)
		result = request_answer(r, 200, webhook_json(request_app(r), &w));
	webhook_done(&w);
	return result;
}

static int api_webhooks_delete(struct request *r, struct error *err)
{
	struct webhook w = { 0 };
	int result = find(r, &w, err);

	if (result == 0)
		result = store_webhook_delete(request_store(r), w.id, err);
	if (result == 0)
		result = request_answer(r, 200, webhook_json(request_app(r), &w));
	webhook_done(&w);
	return result;
}

/* ---- events ---- */

static json_t *event_json(const struct webhook_event *e)
{
	return json_pack("{s:s, s:s, s:o, s:o, s:{s:s, s:o, s:o, s:o, s:s, s:s}}", "id", e->id,
			 "include", e->include, "created_at", json_time(e->created_ms),
			 "updated_at", json_time(e->created_ms), "payload", "action", e->action,
			 "actor", json_loads(e->actor, 0, NULL), "data",
			 json_loads(e->data, 0, NULL), "previous_data",
			 json_loads(e->previous, 0, NULL), "resource", e->resource, "version",
			 "application/vnd.heroku+json; version=3");
}

static int api_webhook_events_list(struct request *r, struct error *err)
{
	struct webhook_event *rows = NULL;
	const struct app *app = request_app(r);
	json_t *list = json_array();
	size_t n = 0;
	int result = store_webhook_event_list(request_store(r), app->id, &rows, &n, err);

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, event_json(&rows[i]));
	webhook_event_free_array(rows, n);
	if (result == 0)
		return request_answer_list(r, list);
	json_decref(list);
	return -1;
}

static int api_webhook_events_get(struct request *r, struct error *err)
{
	struct webhook_event e = { 0 };
	const struct app *app = request_app(r);
	int result = store_webhook_event_get(request_store(r), app->id, request_param(r, "event"),
					     &e, err);

	if (result == 0)
		result = request_answer(r, 200, event_json(&e));
	webhook_event_done(&e);
	return result;
}

/* ---- deliveries ---- */

static json_t *attempt_json(const struct webhook_delivery *d)
{
	if (!d->n_attempts)
		return json_null();
	return json_pack("{s:s, s:o, s:o, s:s, s:o, s:o}", "id", d->attempt_id, "code",
			 d->attempt_code ? json_integer((json_int_t)d->attempt_code) : json_null(),
			 "error_class", json_text(d->attempt_error), "status",
			 d->attempt_code / 100 == 2 ? "succeeded" : "failed", "created_at",
			 json_time(d->attempt_ms), "updated_at", json_time(d->updated_ms));
}

static json_t *delivery_json(const struct webhook_delivery *d)
{
	json_t *j = json_pack("{s:s, s:{s:s, s:s}, s:{s:s, s:s}, s:s, s:I}", "id", d->id, "event",
			      "id", d->event_id, "include", d->include, "webhook", "id",
			      d->webhook_id, "level", d->sync ? "sync" : "notify", "status",
			      d->status, "num_attempts", (json_int_t)d->n_attempts);

	json_object_update_new(j, json_pack("{s:o, s:o, s:o, s:o}", "next_attempt_at",
					    json_time(d->next_ms), "last_attempt", attempt_json(d),
					    "created_at", json_time(d->created_ms), "updated_at",
					    json_time(d->updated_ms)));
	return j;
}

static int api_webhook_deliveries_list(struct request *r, struct error *err)
{
	struct webhook_delivery *rows = NULL;
	const struct app *app = request_app(r);
	json_t *list = json_array();
	size_t n = 0;
	int result = store_webhook_delivery_list(request_store(r), app->id, &rows, &n, err);

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, delivery_json(&rows[i]));
	webhook_delivery_free_array(rows, n);
	if (result == 0)
		return request_answer_list(r, list);
	json_decref(list);
	return -1;
}

static int api_webhook_deliveries_get(struct request *r, struct error *err)
{
	struct webhook_delivery d = { 0 };
	const struct app *app = request_app(r);
	int result = store_webhook_delivery_get(request_store(r), app->id,
						request_param(r, "delivery"), &d, err);

	if (result == 0)
		result = request_answer(r, 200, delivery_json(&d));
	webhook_delivery_done(&d);
	return result;
}

const struct api_route webhooks_routes[] = {
	{ "GET", "/apps/:app/webhooks", NEED_OPERATE, api_webhooks_list, "webhooks of an app",
	  .answer = "[app-webhook]" },
	{ "POST", "/apps/:app/webhooks", NEED_OPERATE, api_webhooks_create,
	  "tell an app's events to a URL; the secret is in the header Heroku-Webhook-Secret, once",
	  "include:array level:string url:string secret?:string authorization?:string",
	  .answer = "app-webhook" },
	{ "GET", "/apps/:app/webhooks/:webhook", NEED_OPERATE, api_webhooks_get, "one webhook",
	  .answer = "app-webhook" },
	{ "PATCH", "/apps/:app/webhooks/:webhook", NEED_OPERATE, api_webhooks_update,
	  "change a webhook",
	  "include?:array level?:string url?:string secret?:string authorization?:string",
	  .answer = "app-webhook" },
	{ "DELETE", "/apps/:app/webhooks/:webhook", NEED_OPERATE, api_webhooks_delete,
	  "remove a webhook", .answer = "app-webhook" },
	{ "GET", "/apps/:app/webhook-events", NEED_OPERATE, api_webhook_events_list,
	  "the last 1,000 events of an app's webhooks", .answer = "[app-webhook-event]" },
	{ "GET", "/apps/:app/webhook-events/:event", NEED_OPERATE, api_webhook_events_get,
	  "one event", .answer = "app-webhook-event" },
	{ "GET", "/apps/:app/webhook-deliveries", NEED_OPERATE, api_webhook_deliveries_list,
	  "deliveries of an app's webhooks", .answer = "[app-webhook-delivery]" },
	{ "GET", "/apps/:app/webhook-deliveries/:delivery", NEED_OPERATE,
	  api_webhook_deliveries_get, "one delivery", .answer = "app-webhook-delivery" },
	{ 0 },
};
