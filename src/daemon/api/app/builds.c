/* SPDX-License-Identifier: Apache-2.0 */
/* Sources, builds, output streams. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/str.h"
#include "build/fetch.h"
#include "daemon/api/shapes.h"
#include "daemon/api/table.h"
#include "daemon/api/source.h"
#include "daemon/build/awaited.h"
#include "daemon/build/builds.h"
#include "daemon/build/collect.h"
#include "daemon/build/upload.h"
#include "daemon/core/remove.h"

/* Before the body is read: whether it was announced. */
static int api_upload_expected(struct request *r, struct error *err)
{
	return upload_expected(&request_parts(r)->platform.settings, request_param(r, "source"),
			       err);
}

static int api_sources_create(struct request *r, struct error *err)
{
	_cleanup_free_ char *url = NULL;
	char id[UUID_SIZE];

	if (upload_check(&request_parts(r)->platform.settings, request_caller(r), err) < 0 ||
	    upload_announce(&request_parts(r)->platform.settings, uuid_make(id), request_caller(r),
			    err) < 0)
		return -1;
	url = request_url(r, "/sources/%s", id);
	return request_answer(
		r, 201, json_pack("{s:{s:s, s:s}}", "source_blob", "get_url", url, "put_url", url));
}

static int api_sources_put(struct request *r, struct error *err)
{
	const char *id = request_param(r, "source");
	_cleanup_free_ char *path = upload_path(&request_parts(r)->platform.settings, id);

	if (rename(request_upload(r), path) < 0)
		return error_set_errno(err, errno, "keeping the upload");
	return request_answer(r, 200, json_object());
}

/* ---- builds ---- */

static json_t *release_of(struct request *r, const struct app *app, const struct build *b)
{
	struct error ignored = ERROR_INIT;
	struct release release = { 0 };
	json_t *j = json_null();

	if (b->release_version && store_release_get(request_store(r), app->id, b->release_version,
						    &release, &ignored) == 0)
		j = json_pack("{s:s}", "id", release.id);
	release_done(&release);
	return j;
}

static json_t *build_json(struct request *r, const struct app *app, const struct build *b)
{
	char stream[UUID_SIZE];
	_cleanup_free_ char *output = NULL;
	json_t *j = json_pack("{s:s, s:s, s:{s:s}, s:s}", "id", b->id, "status", b->status, "app",
			      "id", app->id, "stack", app->stack);

	if (builds_stream_id(request_parts(r)->builds, b->id, stream))
		output = request_url(r, "/streams/%s", stream);
	json_object_update_new(j, json_pack("{s:o, s:o, s:o, s:s?}", "created_at",
					    json_time(b->created_ms), "updated_at",
					    json_time(b->updated_ms), "user",
					    api_user_ref(r, b->user), "output_stream_url", output));
	json_object_update_new(j, json_pack("{s:[], s:o, s:o}", "buildpacks", "slug",
					    api_slug_of(r, app->id, b->slug), "release",
					    release_of(r, app, b)));
	json_object_update_new(
		j, json_pack("{s:{s:n, s:o, s:n, s:s}, s:{s:o, s:o, s:s?, s:I}}", "source_blob",
			     "checksum", "version",
			     b->commit && b->commit[0] ? json_text(b->commit) : json_null(),
			     "version_description", "url", "", "twelve", "error",
			     json_text(b->error), "buildpacks", json_text(b->buildpacks), "slug",
			     b->slug, "release_version", (json_int_t)b->release_version));
	return j;
}

#define UPDATES_MAX 10000
#define SUBMODULES_MAX 1000
#define PID_MAX 4194304

/* "OLD NEW REF", which goes to git line by line. */
static bool is_update(const char *s)
{
	size_t old = strspn(s, "0123456789abcdef"),
	       new = s[old] == ' ' ? strspn(s + old + 1, "0123456789abcdef") : 0;
	const char *ref = s + old + new + 1;

	if (!old || !new || !str_starts(ref, " refs/"))
		return false;
	for (ref++; *ref; ref++)
		if ((unsigned char)*ref <= ' ' || *ref == 0x7f)
			return false;
	return true;
}

/* "ID PATH" of each submodule, as git's hook and the command line list them. */
static int read_submodules(struct request *r, char ***ret, struct error *err)
{
	json_t *list = json_object_get(request_body(r), "submodules"), *s;
	size_t i;

	if (json_array_size(list) > SUBMODULES_MAX)
		return error_set(err, ERROR_INVALID, "\"submodules\" has more than %d",
				 SUBMODULES_MAX);
	json_array_foreach (list, i, s) {
		const char *text = json_string_value(s);

		if (!text || strspn(text, "0123456789abcdef") != 40 || text[40] != ' ' || !text[41])
			return error_set(err, ERROR_INVALID,
					 "\"submodules\" must have texts \"COMMIT PATH\"");
		strv_push(ret, text);
	}
	return 0;
}

/* What git's hook says of the push. Only it can: it is here, as git is. */
static int read_push(struct request *r, char ***ret_updates, pid_t *ret_pid, struct error *err)
{
	json_t *push = json_object_get(request_body(r), "push"),
	       *updates = json_object_get(push, "updates"), *u;
	json_int_t pid = json_integer_value(json_object_get(push, "pid"));
	_cleanup_strv_ char **list = NULL;
	size_t i;

	if (!push || json_is_null(push))
		return 0;
	if (!request_is_local(r))
		return error_set(err, ERROR_FORBIDDEN,
				 "\"push\" is for git's hook on this machine");
	json_array_foreach (updates, i, u) {
		if (!json_is_string(u) || !is_update(json_string_value(u)))
			return error_set(err, ERROR_INVALID,
					 "\"push.updates\" must have lines \"OLD NEW REF\"");
		strv_push(&list, json_string_value(u));
	}
	if (pid < 1 || pid > PID_MAX || !list || json_array_size(updates) > UPDATES_MAX)
		return error_set(err, ERROR_INVALID,
				 "\"push\" must have \"pid\", of git, and \"updates\"");
	*ret_updates = steal_ptr(list);
	*ret_pid = (pid_t)pid;
	return 0;
}

/* Who says nothing of a top folder may have sent one. */
static int start_build(struct request *r, struct builds_start *o, struct build *ret,
		       char stream_id[static UUID_SIZE], struct error *err)
{
	o->unwrap = !json_is_boolean(json_object_get(request_body(r), "strip_top"));
	return builds_start(request_parts(r)->builds, o, ret, stream_id, err);
}

static int start(struct request *r, struct builds_start *o, struct error *err)
{
	struct parts *parts = request_parts(r);
	char stream_id[UUID_SIZE];
	struct build build = { 0 };
	int result;

	if (collect_is_running(parts->collect))
		return error_set(err, ERROR_UNAVAILABLE,
				 "Unused slugs are being deleted: try again in a moment");
	if (request_bool(r, "attached", false, &o->attached, err) < 0 ||
	    request_bool(r, "wait", false, &o->wait_for_rollout, err) < 0 ||
	    request_bool(r, "strip_top", false, &o->strip_top, err) < 0 ||
	    request_bool(r, "no_cache", false, &o->no_cache, err) < 0 ||
	    start_build(r, o, &build, stream_id, err) < 0)
		return -1;
	request_note(r, "build of %s",
		     build.commit && build.commit[0] ? build.commit : "an archive");
	result = request_answer(r, 201, build_json(r, o->app, &build));
	build_row_done(&build);
	return result;
}

static int api_builds_create(struct request *r, struct error *err)
{
	struct builds_start o = { .who = request_caller(r) };
	_cleanup_strv_ char **updates = NULL, **submodules = NULL;
	struct source source = { 0 };
	const struct app *app = request_app(r);
	int result = -1;

	if (read_push(r, &updates, &o.push_pid, err) == 0 &&
	    read_submodules(r, &submodules, err) == 0 && source_find(r, &source, err) == 0) {
		o.app = app;
		o.updates = updates;
		o.submodules = submodules;
		o.source = source.path;
		o.url = source.url;
		o.commit = source.commit;
		o.sha256 = source.sha256[0] ? source.sha256 : NULL;
		result = start(r, &o, err);
		/* A build that began removes it; nobody else would. */
		if (result < 0)
			unlink(source.path);
	}
	free(source.path);
	return result;
}

static int api_builds_list(struct request *r, struct error *err)
{
	struct build *rows = NULL;
	const struct app *app = request_app(r);
	json_t *list;
	size_t n = 0;

	if (store_build_list(request_store(r), app->id, &rows, &n, err) < 0)
		return -1;
	list = json_array();
	for (size_t i = 0; i < n; i++) {
		json_array_append_new(list, build_json(r, app, &rows[i]));
		build_row_done(&rows[i]);
	}
	free(rows);
	return request_answer_list(r, list);
}

static int api_builds_get(struct request *r, struct error *err)
{
	struct build build = { 0 };
	const struct app *app = request_app(r);
	int result = -1;

	if (store_build_get(request_store(r), app->id, request_param(r, "build"), &build, err) == 0)
		result = request_answer(r, 200, build_json(r, app, &build));
	build_row_done(&build);
	return result;
}

static int api_builds_delete(struct request *r, struct error *err)
{
	struct build build = { 0 };
	const struct app *app = request_app(r);
	int result = -1;

	if (store_build_get(request_store(r), app->id, request_param(r, "build"), &build, err) ==
		    0 &&
	    builds_cancel(request_parts(r)->builds, build.id, err) == 0)
		result = request_answer(r, 202, build_json(r, app, &build));
	build_row_done(&build);
	return result;
}

/* It is moved away at once, since the next build may begin before all of it is gone. */
static int api_build_cache_delete(struct request *r, struct error *err)
{
	struct parts *parts = request_parts(r);
	_cleanup_free_ char *cache = NULL, *away = NULL;
	const struct app *app = request_app(r);
	char id[UUID_SIZE];

	if (builds_running(parts->builds, app->id))
		return error_set(
			err, ERROR_CONFLICT,
			"A build of %s is running and uses the cache: try again when it has ended",
			app->name);
	cache = xasprintf("%s/cache/%s", parts->platform.settings.state_dir, app->id);
	away = xasprintf("%s/cache/%s", parts->platform.settings.state_dir, uuid_make(id));
	if (rename(cache, away) == 0)
		remove_tree_later(&parts->platform, away);
	else if (errno != ENOENT)
		return error_set_errno(err, errno, "moving the build cache of %s away", app->name);
	return request_answer(r, 200, json_object());
}

static int api_stream_get(struct request *r, struct error *err)
{
	return request_answer_stream(r, request_parts(r)->streams, request_param(r, "stream"), err);
}

const struct api_route builds_routes[] = {
	{ "POST", "/sources", NEED_USER, api_sources_create,
	  "a place to upload a source archive to", NULL, API_QUIET, .answer = "source" },
	{ "POST", "/apps/:app/sources", NEED_DEPLOY, api_sources_create,
	  "a place to upload a source archive to", NULL, API_QUIET, .answer = "source" },
	{ "PUT", "/sources/:source", NEED_NOTHING, api_sources_put, "upload a source archive", NULL,
	  API_UPLOAD, .before = api_upload_expected },
	{ "GET", "/apps/:app/builds", NEED_VIEW, api_builds_list, "builds", .answer = "[build]" },
	{ "POST", "/apps/:app/builds", NEED_DEPLOY, api_builds_create,
	  "build and release; source_blob has url (a get_url of POST /sources, or an https:// URL "
	  "of an archive), version, checksum. strip_top: the archive has one top folder; without "
	  "it, a lone folder that looks like an app is taken for the top. submodules: \"COMMIT "
	  "PATH\" of each that is to be fetched. push is for git's hook",
	  "source_blob:object buildpacks?:array attached?:bool wait?:bool strip_top?:bool "
	  "no_cache?:bool submodules?:array push?:object",
	  .answer = "build" },
	{ "GET", "/apps/:app/builds/:build", NEED_VIEW, api_builds_get, "one build",
	  .answer = "build" },
	{ "DELETE", "/apps/:app/builds/:build", NEED_DEPLOY, api_builds_delete, "cancel a build",
	  .answer = "build" },
	{ "DELETE", "/apps/:app/build-cache", NEED_DEPLOY, api_build_cache_delete,
	  "remove the build cache: the next build begins without" },
	{ "GET", "/streams/:stream", NEED_NOTHING, api_stream_get,
	  "the output of a build or a release command, as it grows", .answer = "text" },
	{ 0 },
};
