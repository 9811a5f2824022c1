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

const struct service_set *addons_services(struct addons *as)
{
	_cleanup_free_ char *ours = xasprintf("%s/addons", as->d->settings.data_dir);
	const char *const dirs[] = { ours, as->d->settings.addons_dir, NULL };

	service_set_done(&as->services);
	service_set_load(dirs, &as->services);
	for (char **p = as->services.problems; p && *p; p++)
		log_warn("a service is left out: %s", *p);
	return &as->services;
}

const struct service *addons_service_of(struct addons *as, const struct addon *a)
{
	for (size_t i = 0; i < as->services.n; i++)
		if (streq(as->services.list[i].name, a->service))
			return &as->services.list[i];
	return NULL;
}

/* It has ports since it was made. */
bool addon_is_server(struct addons *as, const struct addon *a)
{
	(void)as;
	return a->first_port > 0;
}

int addons_partner(struct addons *as, const char *id, json_t **ret_manifest, struct partner *ret,
		   struct error *err)
{
	struct provider *list = NULL;
	json_t *manifest = NULL;
	size_t n = 0;

	if (store_provider_list(as->d->store, &list, &n, err) < 0)
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

bool addons_is_provided(struct addons *as, const char *service)
{
	struct error ignored = ERROR_INIT;
	json_t *manifest = NULL;
	struct partner p = { 0 };
	bool found = addons_partner(as, service, &manifest, &p, &ignored) == 0;

	partner_done(&p);
	json_decref(manifest);
	return found;
}

const char *addon_heroku_name(const struct addon *a)
{
	return json_string_value(json_object_get(a->secret, "heroku"));
}
