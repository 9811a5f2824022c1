/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The platform's own buildpacks, by the names that they have in Heroku's registry of buildpacks:
 * `heroku buildpacks:set heroku/nodejs` asks a registry for the buildpack's blob_url and sets that.
 * Ours is the name that builds know the buildpack by. HEROKU_BUILDPACK_REGISTRY_URL points the CLI
 * here; it sends no token.
 */
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/str.h"
#include "daemon/api/table.h"
#include "daemon/build/packs.h"
#include "model/names.h"
#include "model/pack-name.h"

static json_t *buildpack_json(const char *name)
{
	char id[UUID_SIZE];

	return json_pack("{s:s, s:s, s:s, s:s, s:b, s:s, s:s}", "id",
			 name_uuid("buildpack", name, id), "name", name, "namespace", "heroku",
			 "blob_url", name, "two_factor_authentication", 0, "category", "languages",
			 "description", "One of the platform's own");
}

static int api_registry_get(struct request *r, struct error *err)
{
	const char *which = request_param(r, "buildpack");
	const char *name = pack_name_here(which);

	if (pack_name_is_apt(which))
		return request_answer(r, 200, buildpack_json(which));
	if (!name || !packs_has(request_parts(r)->platform.settings.data_dir, name))
		return error_set(err, ERROR_NOT_FOUND,
				 "The platform has no buildpack %.100s: give the URL of its git "
				 "repository instead",
				 which);
	return request_answer(r, 200, buildpack_json(name));
}

/* Whether an argument of the query is not there, or is `value`, or a part of it. */
static bool asks_for(struct request *r, const char *argument, const char *value, bool part)
{
	const char *wanted = request_query(r, argument);

	return !wanted || (part ? strcasestr(value, wanted) != NULL : streq(value, wanted));
}

static int api_registry_list(struct request *r, struct error *err)
{
	_cleanup_free_ char *dir =
		xasprintf("%s/buildpacks", request_parts(r)->platform.settings.data_dir);
	_cleanup_strv_ char **names = NULL;
	json_t *list;
	int e = fs_list(dir, &names);

	if (e < 0)
		return error_set_errno(err, e, "reading %s", dir);
	strv_sort_unique(names);
	list = json_array();
	for (char **n = names; n && *n; n++)
		if (packs_has(request_parts(r)->platform.settings.data_dir, *n) &&
		    asks_for(r, "in[namespace][]", "heroku", false) &&
		    asks_for(r, "in[name][]", *n, false) &&
		    asks_for(r, "like[description]", "One of the platform's own", true))
			json_array_append_new(list, buildpack_json(*n));
	return request_answer(r, 200, list);
}

const struct api_route buildpacks_known_routes[] = {
	{ "GET", "/buildpacks", NEED_NOTHING, api_registry_list,
	  "the platform's buildpacks; ?in[namespace][]=, ?in[name][]=, ?like[description]=" },
	{ 0 },
};

const struct api_route buildpack_known_routes[] = {
	{ "GET", "/buildpacks/:buildpack", NEED_NOTHING, api_registry_get,
	  "one of the platform's buildpacks, by its name in Heroku's registry (heroku%2Fnodejs)" },
	{ 0 },
};
