/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The config vars of an attachment: from the credential, for a service that runs here; what a
 * provider has told, or the URL that somebody gave, for one that runs elsewhere.
 */
#include <stdlib.h>
#include <string.h>

#include "addon/partner.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/services/services-priv.h"

/* Who has asked for TLS finds it under the first name, too. */
static void prefer_tls(json_t *vars, const struct service *s, const char *name)
{
	_cleanup_free_ char *over_tls = xasprintf("%s_%s", name, ADDON_TLS_KEY);
	_cleanup_free_ char *url =
		xasprintf("%s_%s", name, json_object_iter_key(json_object_iter(s->config)));

	json_object_set(vars, url, json_object_get(vars, over_tls));
}

const char *addon_url(const struct addon *a)
{
	const char *url = json_string_value(json_object_get(a->secret, "url"));

	return url ? url : "";
}

static json_t *provider_vars(struct services *sv, const struct addon *a, const char *attachment)
{
	struct error err = ERROR_INIT;
	json_t *manifest = NULL, *vars;
	struct partner p = { 0 };

	if (services_partner(sv, addon_provider(a), &manifest, &p, &err) < 0) {
		log_warn("add-on %s: %s", a->name, err.message);
		return json_object();
	}
	vars = partner_vars(&p, json_object_get(a->secret, "config"), attachment);
	partner_done(&p);
	json_decref(manifest);
	return vars;
}

/* What its config vars may be, by the manifest; their common prefix is the usual name. */
static json_t *provider_keys(struct services *sv, const char *provider, char **ret_prefix)
{
	struct error err = ERROR_INIT;
	json_t *manifest = NULL, *keys = json_object(), *var;
	struct partner p = { 0 };
	size_t i, n;

	if (services_partner(sv, provider, &manifest, &p, &err) < 0) {
		*ret_prefix = xstrdup("EXTERNAL");
		return keys;
	}
	n = strlen(p.prefix);
	json_array_foreach (p.config_vars, i, var) {
		const char *name = json_string_value(var);
		bool has_prefix = strncmp(name, p.prefix, n) == 0 && name[n] == '_';

		json_object_set_new(keys, has_prefix ? name + n + 1 : name, json_string(""));
	}
	*ret_prefix = xstrdup(p.prefix);
	partner_done(&p);
	json_decref(manifest);
	return keys;
}

static json_t *elsewhere_vars(struct services *sv, const struct addon *a, const char *attachment)
{
	_cleanup_free_ char *name = xasprintf("%s_URL", attachment);

	if (addon_provider(a))
		return provider_vars(sv, a, attachment);
	return json_pack("{s:s}", name, addon_url(a));
}

json_t *addon_vars(struct services *sv, const char *addon_id, const char *credential_id,
		   const char *name, struct error *err)
{
	struct addon a = { 0 };
	struct credential c = { 0 };
	const struct service *s;
	json_t *vars = NULL;

	if (store_addon_get(sv->platform->store, addon_id, &a, err) < 0) {
		error_set(err, ERROR_NOT_FOUND, "The add-on of %s was destroyed: attach another",
			  name);
		return NULL;
	}
	s = addon_is_server(&a) ? services_service_of(sv, &a) : NULL;
	if (s && store_credential_get(sv->platform->store, credential_id, &c, err) == 0) {
		_cleanup_free_ char *host = addon_host(sv, &a);
		struct service_values v = { .user = c.username,
					    .password = c.password,
					    .host = host,
					    .database = c.database };

		for (size_t i = 0; i < SERVICE_MAX_PORTS; i++)
			v.ports[i] = (uint16_t)(a.first_port + (int64_t)i);
		vars = service_config(s, name, &v);
		if (json_object_get(a.secret, "tls"))
			prefer_tls(vars, s, name);
	} else if (!addon_is_server(&a)) {
		vars = elsewhere_vars(sv, &a, name);
	} else if (!s) {
		error_set(err, ERROR_UNAVAILABLE, "The service %s is gone", a.service);
	}
	credential_done(&c);
	addon_done(&a);
	return vars;
}

int services_vars(struct services *sv, json_t *list, json_t **ret, struct error *err)
{
	json_t *all = json_object();
	struct attachment a;

	for (size_t i = 0; attach_at(list, i, &a); i++) {
		json_t *vars = addon_vars(sv, a.addon, a.credential, a.name, err);

		if (!vars) {
			json_decref(all);
			return -1;
		}
		json_object_update(all, vars);
		json_decref(vars);
	}
	*ret = all;
	return 0;
}

json_t *addon_elsewhere_keys(struct services *sv, const struct addon *a, char **ret_usual)
{
	const struct service *s = service_set_by_url(&sv->catalog, addon_url(a));

	if (addon_provider(a))
		return provider_keys(sv, addon_provider(a), ret_usual);
	*ret_usual = xstrdup(s ? s->attachment : "EXTERNAL");
	return json_pack("{s:s}", "URL", "");
}
