/* SPDX-License-Identifier: Apache-2.0 */
/* A slug becomes a release: one that a release had, or one that was built elsewhere and is imported
 * first. */
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/fs.h"
#include "base/str.h"
#include "build/build.h"
#include "daemon/api/call.h"
#include "daemon/api/shapes.h"
#include "daemon/api/app/slugs.h"
#include "daemon/build/builds.h"
#include "daemon/build/collect.h"
#include "daemon/build/upload.h"
#include "daemon/wanted/releases.h"
#include "stack/stack.h"
#include "store/slug.h"

/* A release that waits for its slug to be unpacked. */
struct waiting {
	struct request *request;
	struct parts *parts;
	struct api_slug slug;
	bool done, deferred;
	struct error err;
	int64_t version;
};

static void waiting_free(void *work)
{
	struct waiting *w = work;

	if (w->request && !w->done) {
		/* It goes on; what came of it is written by who gets there last. */
		w->request = NULL;
		return;
	}
	api_slug_done(&w->slug);
	free(w);
}

static int answer_imported(struct request *r, struct error *err)
{
	struct waiting *w = request_work(r);

	if (w->err.kind == ERROR_NONE)
		return api_answer_release(r, w->version, err);
	*err = w->err;
	return -1;
}

static void on_imported(const struct error *err, const struct build_result *slug, int64_t version,
			void *userdata)
{
	struct waiting *w = userdata;
	struct error own = ERROR_INIT;

	w->done = true;
	w->version = version;
	if (!err)
		upload_taken(&w->parts->platform.settings, w->slug.row.upload_id);
	if (err) {
		w->err = *err;
	} else {
		free(w->slug.row.digest);
		free(w->slug.row.run_stack);
		w->slug.row.digest = xstrdup(slug->slug);
		w->slug.row.run_stack = xstrdup(slug->stack);
		w->slug.row.size_bytes = (int64_t)slug->size_bytes;
		if (store_slug_update(w->parts->platform.store, &w->slug.row, &own) < 0)
			w->err = own;
	}
	if (!w->request)
		waiting_free(w);
	else if (w->deferred)
		request_resume(w->request);
}

static int import(struct request *r, struct api_slug *take_slug, struct error *err)
{
	struct parts *parts = request_parts(r);
	_cleanup_free_ char *path =
		upload_path(&parts->platform.settings, take_slug->row.upload_id);
	struct waiting *w;
	struct builds_import i = { .types = &take_slug->types,
				   .stack = stack_by_name(take_slug->row.stack),
				   .fn = on_imported };
	struct builds_start o = {
		.app = request_app(r), .source = path, .who = request_caller(r), .import = &i
	};
	char stream_id[UUID_SIZE];
	struct build ignored = { 0 };

	if (!fs_exists(path))
		return error_set(err, ERROR_INVALID,
				 "Nothing has been uploaded for this slug: PUT the tar file to its "
				 "blob's url first");
	if (collect_is_running(parts->collect))
		return error_set(err, ERROR_UNAVAILABLE,
				 "Unused slugs are being deleted: try again in a moment");
	w = xcalloc(1, sizeof(*w));
	*w = (struct waiting){ .request = r, .parts = parts, .slug = *take_slug };
	*take_slug = (struct api_slug){ 0 };
	i.types = &w->slug.types;
	o.sha256 = w->slug.row.checksum ? w->slug.row.checksum + strlen("SHA256:") : NULL;
	i.buildpack = w->slug.row.description;
	i.description = json_string_value(json_object_get(request_body(r), "description"));
	i.userdata = w;
	o.commit = w->slug.row.commit;
	if (builds_start(parts->builds, &o, &ignored, stream_id, err) < 0) {
		w->done = true;
		waiting_free(w);
		return -1;
	}
	w->deferred = true;
	request_defer(r, answer_imported, w, waiting_free);
	if (w->done)
		request_resume(r);
	return 0;
}

/* A tree that is there: as a build's result. */
static int deploy(struct request *r, const struct api_slug *f, struct error *err)
{
	struct parts *parts = request_parts(r);
	_cleanup_free_ char *tree =
		xasprintf("%s/slugs/%s/app", parts->platform.settings.state_dir, f->row.digest);
	struct build_result result = { 0 };
	struct release release = { 0 };
	int e = -1;

	if (!fs_exists(tree))
		return error_set(err, ERROR_NOT_FOUND,
				 "The files of this slug are gone, because no kept release uses "
				 "them: push that commit again");
	snprintf(result.slug, sizeof(result.slug), "%s", f->row.digest);
	snprintf(result.stack, sizeof(result.stack), "%s",
		 f->row.run_stack ? f->row.run_stack : "");
	result.stack_name = xstrdup(f->row.stack);
	result.n_processes = f->types.n_types;
	result.processes = xcalloc(f->types.n_types + 1, sizeof(*result.processes));
	for (size_t i = 0; i < f->types.n_types; i++)
		result.processes[i] = (struct build_process){ xstrdup(f->types.types[i].name),
							      xstrdup(f->types.types[i].command) };
	if (releases_deploy(parts->wanted, request_app(r), &result, f->row.commit,
			    json_string_value(json_object_get(request_body(r), "description")),
			    request_caller(r), &release, err) == 0)
		e = api_answer_release(r, release.version, err);
	build_result_done(&result);
	release_done(&release);
	return e;
}

int api_slug_release(struct request *r, struct error *err)
{
	struct api_slug f = { 0 };
	const char *id;
	int result = -1;

	if (request_ref(r, "slug", true, &id, err) == 0 &&
	    api_slug_find(r, request_app(r), id, true, &f, err) == 0) {
		request_note(r, "slug %s", f.row.id);
		result = f.row.digest ? deploy(r, &f, err) : import(r, &f, err);
	}
	api_slug_done(&f);
	return result;
}
