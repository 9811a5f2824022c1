/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Providers: their manifests, and what they call back (Heroku's "Platform API for Partners"):
 * config of an add-on, that it is provisioned or can't be, and the exchange of a grant for a token.
 */
#include <stdlib.h>
#include <string.h>

#include "addon/partner.h"
#include "base/str.h"
#include "daemon/api/addon/shapes.h"
#include "daemon/api/addon/services.h"
#include "daemon/services/services.h"
#include "daemon/api/table.h"

#define TOKEN_LIFE_S 28800

/* ---- manifests ---- */

static int check_new(struct request *r, const struct partner *p, struct error *err)
{
	const struct service_set *set = services_catalog(request_parts(r)->services);
	struct error none = ERROR_INIT;

	if (streq(p->id, SERVICE_EXTERNAL) || service_set_find(set, p->id, &none))
		return error_set(err, ERROR_INVALID, "There is a service %s of our own already",
				 p->id);
	return 0;
}

static int api_providers_create(struct request *r, struct error *err)
{
	json_t *manifest = json_object_get(request_body(r), "manifest");
	struct partner p = { 0 };
	struct provider row = { 0 };
	int result;

	if (!json_is_object(manifest))
		return error_set(err, ERROR_INVALID,
				 "\"manifest\" is missing: the provider's addon-manifest.json");
	if (partner_parse(manifest, &p, err) < 0)
		return -1;
	result = check_new(r, &p, err);
	if (result == 0) {
		row = (struct provider){ .name = xstrdup(p.id), .manifest = json_incref(manifest) };
		result = store_provider_put(request_store(r), &row, err);
	}
	request_note(r, "provider %s", p.id);
	if (result == 0)
		result = request_answer(r, 201, api_provider_json(r, &p));
	provider_done(&row);
	partner_done(&p);
	return result;
}

static int api_providers_delete(struct request *r, struct error *err)
{
	struct parts *parts = request_parts(r);
	const char *name = request_param(r, "service");
	struct addon *list = NULL;
	json_t *manifest = NULL, *j = NULL;
	struct partner p = { 0 };
	size_t n = 0;
	int result;

	if (services_partner(parts->services, name, &manifest, &p, err) < 0)
		return -1;
	j = api_provider_json(r, &p);
	result = store_addon_list(parts->platform.store, NULL, &list, &n, err);
	for (size_t i = 0; result == 0 && i < n; i++)
		if (streq(list[i].service, name) && list[i].state != ADDON_DEPROVISIONED)
			result = error_set(err, ERROR_CONFLICT,
					   "%s is of the provider %s: destroy it first",
					   list[i].name, name);
	if (result == 0)
		result = store_provider_delete(parts->platform.store, name, err);
	if (result == 0)
		result = request_answer(r, 200, json_incref(j));
	addon_free_array(list, n);
	partner_done(&p);
	json_decref(manifest);
	json_decref(j);
	return result;
}

/* ---- callbacks ---- */

/* The provider itself, by the token that it got for this add-on. */
static int admitted_addon(struct request *r, struct addon *ret, struct error *err)
{
	if (store_addon_get(request_store(r), request_param(r, "addon"), ret, err) < 0 ||
	    !services_provider_admit(ret, request_header(r, "Authorization")))
		return error_set(err, ERROR_UNAUTHORIZED, "The token is not one for this add-on");
	return 0;
}

static json_t *config_list(const struct addon *a)
{
	json_t *list = json_array(), *value;
	const char *name;

	json_object_foreach (json_object_get(a->secret, "config"), name, value)
		json_array_append_new(list, json_pack("{s:s, s:O}", "name", name, "value", value));
	return list;
}

static int api_addon_config_get(struct request *r, struct error *err)
{
	struct addon a = { 0 };
	int result = admitted_addon(r, &a, err);

	if (result == 0)
		result = request_answer(r, 200, config_list(&a));
	addon_done(&a);
	return result;
}

static int api_addon_config_update(struct request *r, struct error *err)
{
	struct addon a = { 0 };
	int result = admitted_addon(r, &a, err);

	if (result == 0)
		result = services_provider_config(request_parts(r)->services, &a,
						  json_object_get(request_body(r), "config"), err);
	if (result == 0)
		result = request_answer(r, 200, config_list(&a));
	addon_done(&a);
	return result;
}

static int tell_ready(struct request *r, bool ready, struct error *err)
{
	struct addon a = { 0 };
	int result = admitted_addon(r, &a, err);

	if (result == 0)
		result = services_provider_ready(request_parts(r)->services, &a, ready, err);
	if (result == 0)
		result = request_answer(r, 200, api_addon_json(r, &a));
	addon_done(&a);
	return result;
}

static int api_addon_provisioned(struct request *r, struct error *err)
{
	return tell_ready(r, true, err);
}

static int api_addon_not_provisioned(struct request *r, struct error *err)
{
	return tell_ready(r, false, err);
}

static int api_oauth_token(struct request *r, struct error *err)
{
	const char *kind, *code, *secret;
	_cleanup_free_ char *token = NULL;

	if (request_string(r, "grant_type", true, &kind, err) < 0 ||
	    request_string(r, "code", true, &code, err) < 0 ||
	    request_string(r, "client_secret", true, &secret, err) < 0)
		return -1;
	if (!streq(kind, "authorization_code"))
		return error_set(err, ERROR_INVALID,
				 "\"grant_type\" can be authorization_code only");
	if (services_provider_token(request_parts(r)->services, code, secret, &token, err) < 0)
		return -1;
	return request_answer(r, 200,
			      json_pack("{s:s, s:s, s:i}", "access_token", token, "token_type",
					"Bearer", "expires_in", TOKEN_LIFE_S));
}

const struct api_route providers_routes[] = {
	{ "POST", "/addon-services", NEED_ADMIN, api_providers_create, "add a provider of services",
	  "manifest:object", .answer = "add-on-service" },
	{ "DELETE", "/addon-services/:service", NEED_ADMIN, api_providers_delete,
	  "remove a provider", .answer = "add-on-service" },
	{ "GET", "/addons/:addon/config", NEED_NOTHING, api_addon_config_get,
	  "for its provider: config vars", .answer = "[add-on-config]" },
	{ "PATCH", "/addons/:addon/config", NEED_NOTHING, api_addon_config_update,
	  "for its provider: change config vars", "config:array", .answer = "[add-on-config]" },
	{ "PUT", "/addons/:addon/config", NEED_NOTHING, api_addon_config_update,
	  "for its provider: change config vars", "config:array", .answer = "[add-on-config]" },
	{ "POST", "/addons/:addon/actions/provision", NEED_NOTHING, api_addon_provisioned,
	  "for its provider: report that it is ready" },
	{ "POST", "/addons/:addon/actions/deprovision", NEED_NOTHING, api_addon_not_provisioned,
	  "for its provider: report that it failed" },
	{ "POST", "/oauth/token", NEED_NOTHING, api_oauth_token,
	  "for add-on providers: exchange a grant for a token",
	  "grant_type?:string code?:string client_secret?:string refresh_token?:string", API_FORM,
	  .answer = "oauth-token" },
	{ 0 },
};
