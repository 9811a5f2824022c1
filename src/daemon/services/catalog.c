/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which services there are: the manifests that run here, and those of providers. An add-on belongs
 * to one of them, by name.
 */
#include <stdlib.h>

#include "addon/partner.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/services/services-priv.h"

const struct service_set *services_catalog(struct services *sv)
{
	_cleanup_free_ char *ours = xasprintf("%s/addons", sv->platform->settings.data_dir);
	const char *const dirs[] = { ours, sv->platform->settings.addons_dir, NULL };

	service_set_done(&sv->catalog);
	service_set_load(dirs, &sv->catalog);
	for (char **p = sv->catalog.problems; p && *p; p++)
		log_warn("a service is left out: %s", *p);
	return &sv->catalog;
}

const struct service *services_service_of(struct services *sv, const struct addon *a)
{
	for (size_t i = 0; i < sv->catalog.n; i++)
		if (streq(sv->catalog.list[i].name, a->service))
			return &sv->catalog.list[i];
	return NULL;
}

/* It has ports since it was made. */
bool addon_is_server(const struct addon *a)
{
	return a->first_port > 0;
}

int services_partner(struct services *sv, const char *id, json_t **ret_manifest,
		     struct partner *ret, struct error *err)
{
	struct provider *list = NULL;
	json_t *manifest = NULL;
	size_t n = 0;

	if (store_provider_list(sv->platform->store, &list, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (streq(list[i].name, id))
			manifest = json_incref(list[i].manifest);
	provider_free_array(list, n);
	if (!manifest)
		return error_set(err, ERROR_NOT_FOUND, "There is no provider %.60s", id);
	if (partner_parse(manifest, ret, err) < 0) {
		json_decref(manifest);
		return -1;
	}
	*ret_manifest = manifest;
	return 0;
}

const char *addon_provider(const struct addon *a)
{
	return json_string_value(json_object_get(a->secret, "provider"));
}

bool services_is_provided(struct services *sv, const char *service)
{
	struct error ignored = ERROR_INIT;
	json_t *manifest = NULL;
	struct partner p = { 0 };
	bool found = services_partner(sv, service, &manifest, &p, &ignored) == 0;

	partner_done(&p);
	json_decref(manifest);
	return found;
}

const char *addon_heroku_name(const struct addon *a)
{
	return json_string_value(json_object_get(a->secret, "heroku"));
}
