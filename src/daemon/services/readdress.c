/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Servers of add-ons get other addresses when the operator changes the network of sandboxes, shares
 * the machine's, or restores a platform where it is another one. Apps that hold the old ones in their
 * config vars get a release each with those of now. It is made at the start, once: after it the two
 * are the same.
 */
#include <stdlib.h>

#include "base/log.h"
#include "base/str.h"
#include "daemon/services/services-priv.h"
#include "daemon/wanted/base.h"
#include "daemon/wanted/releases.h"

static bool has_all(json_t *config, json_t *vars)
{
	const char *key;
	json_t *value;

	json_object_foreach (vars, key, value)
		if (!json_equal(json_object_get(config, key), value))
			return false;
	return true;
}

static int readdress(struct services *sv, struct app *app, json_t *list, struct error *err)
{
	static const struct caller platform = { .name = "addresses of add-ons" };
	struct release base = { 0 }, release = { 0 };
	json_t *vars = NULL;
	int r = releases_base(sv->wanted, app, &base, err);

	if (r == 0)
		r = services_vars(sv, list, &vars, err);
	if (r == 0 && !has_all(base.config, vars)) {
		r = releases_set_attachments(sv->wanted, app, 0, list, vars,
					     "Add-ons have other addresses", &platform, &release,
					     err);
		if (r == 0)
			log_info("%s has v%lld: its add-ons have other addresses", app->name,
				 (long long)release.version);
	}
	json_decref(vars);
	release_done(&base);
	release_done(&release);
	return r;
}

int services_readdress(struct services *sv, struct error *err)
{
	struct app *apps = NULL;
	size_t n = 0;
	int r = store_app_list(sv->platform->store, &apps, &n, err);

	for (size_t i = 0; r == 0 && i < n; i++) {
		struct error own = ERROR_INIT;
		json_t *list = NULL;

		/* What keeps one app's from being made is no reason for the others'. */
		if (services_attachments(sv, &apps[i], &list, &own) < 0 ||
		    (json_array_size(list) && readdress(sv, &apps[i], list, &own) < 0))
			log_warn("the addresses of the add-ons of %s: %s", apps[i].name,
				 own.message);
		json_decref(list);
	}
	for (size_t i = 0; i < n; i++)
		app_done(&apps[i]);
	free(apps);
	return r;
}
