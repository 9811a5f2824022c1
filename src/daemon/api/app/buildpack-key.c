/* SPDX-License-Identifier: Apache-2.0 */
/* The key by which an app's builds fetch from git repositories over SSH: shown by its public half,
 * and made when it is asked for first. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/json.h"
#include "base/str.h"
#include "daemon/api/table.h"
#include "daemon/build/ssh-key.h"
#include "store/fetch-key.h"

static int make(struct store *s, const struct app *app, struct fetch_key *ret, struct error *err)
{
	_cleanup_free_ char *comment = xasprintf("twelve-%s", app->name);
	struct fetch_key k = { 0 };

	ssh_key_make(comment, &k.public_key, &k.private_key);
	if (store_fetch_key_put(s, app->id, &k, err) < 0) {
		fetch_key_done(&k);
		return -1;
	}
	*ret = k;
	return 0;
}

static int api_buildpack_key_create(struct request *r, struct error *err)
{
	struct store *s = request_store(r);
	struct fetch_key key = { 0 };
	const struct app *app = request_app(r);
	int result = store_fetch_key_get(s, app->id, &key, err);

	if (result == 0)
		result = make(s, app, &key, err);
	if (result >= 0) {
		request_note(r, "key %.60s", key.public_key);
		result = request_answer(r, 201,
					json_pack("{s:s, s:o}", "public_key", key.public_key,
						  "created_at", json_time(key.created_ms)));
	}
	fetch_key_done(&key);
	return result;
}

/* With it go the keys of the servers that it was used for: a repository may have moved to another
 * one. */
static int api_buildpack_key_delete(struct request *r, struct error *err)
{
	struct parts *parts = request_parts(r);
	const struct app *app = request_app(r);
	_cleanup_free_ char *hosts =
		xasprintf("%s/known-hosts/%s", parts->platform.settings.state_dir, app->id);

	/* First: should we be killed here, the next build learns them anew. */
	if (unlink(hosts) < 0 && errno != ENOENT)
		return error_set_errno(err, errno, "removing %s", hosts);
	if (store_fetch_key_delete(parts->platform.store, app->id, err) < 0)
		return -1;
	return request_answer(r, 200, json_object());
}

const struct api_route buildpack_key_routes[] = {
	{ "POST", "/apps/:app/buildpack-key", NEED_DEPLOY, api_buildpack_key_create,
	  "the public half of the SSH key by which builds fetch buildpacks and submodules; made "
	  "when there is none",
	  .answer = "buildpack-key" },
	{ "DELETE", "/apps/:app/buildpack-key", NEED_DEPLOY, api_buildpack_key_delete,
	  "forget that key, and the keys of the servers that it was used for" },
	{ 0 },
};
