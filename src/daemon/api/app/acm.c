/* SPDX-License-Identifier: Apache-2.0 */
/* Automatic certificates of an app; how they are is told with its domains. */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "daemon/edge/acme.h"
#include "daemon/api/api-priv.h"
#include "daemon/api/table.h"
#include "daemon/edge/certs.h"
#include "daemon/lines/lines.h"
#include "daemon/rollout/reconcile.h"

/* The app, and at which port the authority's questions would have to come in. */
static json_t *shape(struct request *r, const struct app *app)
{
	const char *port = strrchr(request_parts(r)->platform.settings.http_address, ':');
	json_t *j = api_app_json(r, app);
	int64_t n;

	if (port && str_to_i64(port + 1, 1, UINT16_MAX, &n))
		json_object_set_new(json_object_get(j, "twelve"), "http_port", json_integer(n));
	return j;
}

static int answer(struct request *r, struct app *app, int result)
{
	if (result == 0)
		result = request_answer(r, 200, shape(r, app));
	app_done(app);
	return result;
}

static int api_acm_get(struct request *r, struct error *err)
{
	struct app app = { 0 };

	return answer(r, &app, api_app(r, &app, err));
}

static void changed(struct request *r, const struct app *app, const char *what)
{
	struct parts *parts = request_parts(r);

	request_note(r, "automatic certificates %s", what);
	logs_append(parts->logs, app->id, "app", "api", "Automatic certificates %s by user %s",
		    what, request_caller(r)->name);
	/* Its hosts answer challenges, or do so no longer. */
	reconcile_app(parts->reconciler, app->id);
	acme_look(parts->acme);
}

static int api_acm_enable(struct request *r, struct error *err)
{
	struct parts *parts = request_parts(r);
	struct app app = { 0 };
	int result = api_app(r, &app, err);

	if (result == 0 && !acme_is_possible(&parts->platform))
		result = error_set(err, ERROR_INVALID,
				   "Automatic certificates are turned off on this platform: "
				   "TWELVE_ACME_DIRECTORY names no authority");
	if (result == 0)
		result = store_acm_set(parts->platform.store, app.id, true, err);
	if (result == 0)
		changed(r, &app, "enabled");
	return answer(r, &app, result);
}

static int api_acm_refresh(struct request *r, struct error *err)
{
	struct parts *parts = request_parts(r);
	struct app app = { 0 };
	bool enabled = false;
	int result = api_app(r, &app, err);

	if (result == 0)
		result = store_acm_get(parts->platform.store, app.id, &enabled, err);
	if (result == 0 && !enabled)
		result = error_set(
			err, ERROR_INVALID,
			"%s has no automatic certificates: certs:auto:enable turns them on",
			app.name);
	if (result == 0)
		result = store_acm_state_forget(parts->platform.store, app.id, err);
	if (result == 0)
		changed(r, &app, "refreshed");
	return answer(r, &app, result);
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
	struct app app = { 0 };
	int result = api_app(r, &app, err);

	if (result == 0 && (store_acm_set(parts->platform.store, app.id, false, err) < 0 ||
			    remove_issued(parts, app.id, err) < 0 ||
			    store_acm_state_forget(parts->platform.store, app.id, err) < 0))
		result = -1;
	if (result == 0) {
		changed(r, &app, "disabled");
		certs_changed(parts->certs);
	}
	return answer(r, &app, result);
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
