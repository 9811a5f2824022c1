/* SPDX-License-Identifier: Apache-2.0 */
/* Automatic certificates of an app; how they are is told with its domains. */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "daemon/edge/acme.h"
#include "daemon/api/shapes.h"
#include "daemon/api/table.h"
#include "daemon/edge/certs.h"
#include "daemon/lines/lines.h"
#include "daemon/rollout/reconcile.h"

/* The app, and at which port the authority's questions would have to come in. */
static int answer(struct request *r)
{
	const char *port = strrchr(request_parts(r)->platform.settings.http_address, ':');
	json_t *j = api_app_json(r, request_app(r));
	int64_t n;

	if (port && str_to_i64(port + 1, 1, UINT16_MAX, &n))
		json_object_set_new(json_object_get(j, "twelve"), "http_port", json_integer(n));
	return request_answer(r, 200, j);
}

static int api_acm_get(struct request *r, struct error *err)
{
	(void)err;
	return answer(r);
}

static int answer_changed(struct request *r, const char *what)
{
	const struct app *app = request_app(r);
	struct parts *parts = request_parts(r);

	request_note(r, "automatic certificates %s", what);
	logs_append(parts->logs, app->id, "app", "api", "Automatic certificates %s by user %s",
		    what, request_caller(r)->name);
	/* Its hosts answer challenges, or do so no longer. */
	reconcile_app(parts->reconciler, app->id);
	acme_look(parts->acme);
	return answer(r);
}

static int api_acm_enable(struct request *r, struct error *err)
{
	struct parts *parts = request_parts(r);

	if (!acme_is_possible(&parts->platform))
		return error_set(err, ERROR_INVALID,
				 "Automatic certificates are turned off on this platform: "
				 "TWELVE_ACME_DIRECTORY names no authority");
	if (store_acm_set(parts->platform.store, request_app(r)->id, true, err) < 0)
		return -1;
	return answer_changed(r, "enabled");
}

static int api_acm_refresh(struct request *r, struct error *err)
{
	struct parts *parts = request_parts(r);
	const struct app *app = request_app(r);
	bool enabled = false;

	if (store_acm_get(parts->platform.store, app->id, &enabled, err) < 0)
		return -1;
	if (!enabled)
		return error_set(
			err, ERROR_INVALID,
			"%s has no automatic certificates: certs:auto:enable turns them on",
			app->name);
	if (store_acm_state_forget(parts->platform.store, app->id, err) < 0)
		return -1;
	return answer_changed(r, "refreshed");
}

/* What we got goes with it: it would not be renewed, and would be served beyond its end. */
static int remove_issued(struct parts *parts, const char *app_id, struct error *err)
{
	struct sni_endpoint *list = NULL;
	size_t n = 0;
	int result = store_sni_list(parts->platform.store, app_id, &list, &n, err);

	for (size_t i = 0; i < n; i++)
		if (result == 0 && list[i].acm)
			result = store_sni_delete(parts->platform.store, list[i].id, err);
	sni_endpoint_free_array(list, n);
	return result;
}

static int api_acm_disable(struct request *r, struct error *err)
{
	struct parts *parts = request_parts(r);
	const struct app *app = request_app(r);

	if (store_acm_set(parts->platform.store, app->id, false, err) < 0 ||
	    remove_issued(parts, app->id, err) < 0 ||
	    store_acm_state_forget(parts->platform.store, app->id, err) < 0)
		return -1;
	certs_changed(parts->certs);
	return answer_changed(r, "disabled");
}

const struct api_route acm_routes[] = {
	{ "GET", "/apps/:app/acm", NEED_VIEW, api_acm_get,
	  "the app, with whether it has automatic certificates", .answer = "app" },
	{ "POST", "/apps/:app/acm", NEED_OPERATE, api_acm_enable,
	  "get certificates for the app's domains by ACME, and renew them", .answer = "app" },
	{ "PATCH", "/apps/:app/acm", NEED_OPERATE, api_acm_refresh,
	  "ask again now for those that failed", "acm_refresh?:true", .answer = "app" },
	{ "DELETE", "/apps/:app/acm", NEED_OPERATE, api_acm_disable,
	  "no automatic certificates any more; those that there are go", .answer = "app" },
	{ 0 },
};
