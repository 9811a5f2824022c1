/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The platform's own buildpacks, by the names that they have in Heroku's registry of buildpacks: `heroku
 * buildpacks:set heroku/nodejs` asks a registry for the buildpack's blob_url and sets that. Ours is the name
 * that builds know the buildpack by. HEROKU_BUILDPACK_REGISTRY_URL points the CLI here; it sends no token.
 */
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "daemon/api-priv.h"

#define NAMESPACE "heroku/"

bool api_has_buildpack(struct daemon *d, const char *name)
{
	_cleanup_free_ char *compile = xasprintf("%s/buildpacks/%s/bin/compile", d->settings.data_dir, name);

	return name[0] && name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0' && access(compile, X_OK) == 0;
}

int api_registry_get(struct request *r, struct error *err)
{
	const char *which = request_param(r, "buildpack");
	const char *name = str_starts(which, NAMESPACE) ? which + strlen(NAMESPACE) : which;
	char id[UUID_SIZE];

	if (!api_has_buildpack(request_daemon(r), name))
		return error_set(err, ERROR_NOT_FOUND,
				 "The platform has no buildpack %.100s: give the URL of its git repository instead", which);
	return request_answer(r, 200,
			      json_pack("{s:s, s:s, s:s, s:s, s:b}", "id", api_uuid("buildpack", name, id), "name", name,
					"namespace", "heroku", "blob_url", name, "two_factor_authentication", 0));
}
