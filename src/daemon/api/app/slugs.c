/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slugs: those of our builds, which releases tell of, and those that were built elsewhere
 * (store/slug.h). The latter are announced, uploaded, and unpacked by a child of the builds
 * (build/builds.h) when they are released first; from then on they are trees in the store of slugs
 * as any.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/fd.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/proc.h"
#include "base/str.h"
#include "model/names.h"
#include "build/build.h"
#include "daemon/core/child.h"
#include "daemon/api/shapes.h"
#include "daemon/api/table.h"
#include "daemon/api/app/slugs.h"
#include "daemon/api/authz.h"
#include "daemon/build/packings.h"
#include "daemon/build/upload.h"
#include "stack/names.h"
#include "stack/stack.h"
#include "store/slug.h"

#define TYPES_TEXT_MAX (256 << 10)

void api_slug_done(struct api_slug *f)
{
	slug_row_done(&f->row);
	procfile_done(&f->types);
}

static int read_types(json_t *object, struct procfile *ret, struct error *err)
{
	const char *type;
	json_t *command;

	json_object_foreach (object, type, command) {
		if (!json_is_string(command))
			return error_set(err, ERROR_INVALID,
					 "\"process_types\" has a command for each type, and that "
					 "of \"%.50s\" is not a string",
					 type);
		if (procfile_add(ret, type, json_string_value(command), err) < 0)
			return error_prefix(err, "process_types");
	}
	return 0;
}

/* ---- finding ---- */

static int take_row(struct request *r, const char *id, struct api_slug *ret, struct error *err)
{
	json_t *types;
	int result;

	if (store_slug_get(request_store(r), id, &ret->row, err) < 0)
		return -1;
	types = json_loads(ret->row.types, 0, NULL);
	result = read_types(types, &ret->types, err);
	json_decref(types);
	return result;
}

static void take_release(const struct release *release, const char *id, struct api_slug *ret)
{
	snprintf(ret->row.id, sizeof(ret->row.id), "%s", id);
	memcpy(ret->row.app_id, release->app_id, sizeof(ret->row.app_id));
	ret->row.digest = xstrdup(release->slug);
	ret->row.run_stack = release->stack ? xstrdup(release->stack) : NULL;
	ret->row.commit = release->commit && release->commit[0] ? xstrdup(release->commit) : NULL;
	ret->row.stack = xstrdup(release->stack_name ? release->stack_name : STACK_DEFAULT);
	ret->row.created_ms = ret->row.updated_ms = release->created_ms;
	for (size_t i = 0; i < release->processes.n_types; i++)
		procfile_set(&ret->types, release->processes.types[i].name,
			     release->processes.types[i].command);
}

/* The newest release of an app with this slug: 1 when there is one, 0, or -1. */
static int find_release(struct request *r, const struct app *app, const char *id,
			struct api_slug *ret, struct error *err)
{
	struct release *rows = NULL;
	bool found = false;
	size_t n = 0;

	if (store_release_list(request_store(r), app->id, 0, &rows, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		char derived[UUID_SIZE];

		if (!found && rows[i].slug && streq(name_uuid("slug", rows[i].slug, derived), id)) {
			take_release(&rows[i], id, ret);
			found = true;
		}
		release_done(&rows[i]);
	}
	free(rows);
	return found;
}

/* Of the apps that the caller may view. */
static int find_elsewhere(struct request *r, const char *id, struct api_slug *ret,
			  struct error *err)
{
	struct app *apps = NULL;
	int result = 0;
	size_t n = 0;

	if (authz_app_list(r, &apps, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (result == 0)
			result = find_release(r, &apps[i], id, ret, err);
		app_done(&apps[i]);
	}
	free(apps);
	return result;
}

int api_slug_find(struct request *r, const struct app *app, const char *id, bool anywhere,
		  struct api_slug *ret, struct error *err)
{
	struct error own = ERROR_INIT;
	int result = take_row(r, id, ret, &own);

	if (result < 0 && own.kind != ERROR_NOT_FOUND) {
		*err = own;
		return -1;
	}
	if (result == 0 && streq(ret->row.app_id, app->id))
		return 0;
	if (result == 0 && anywhere)
		return authz_allow_id(r, ret->row.app_id, NEED_VIEW, err);
	api_slug_done(ret);
	*ret = (struct api_slug){ 0 };
	result = find_release(r, app, id, ret, err);
	if (result == 0 && anywhere)
		result = find_elsewhere(r, id, ret, err);
	if (result == 0)
		return error_set(err, ERROR_NOT_FOUND,
				 "Couldn't find that slug: %.50s is none of %s", id, app->name);
	return result < 0 ? -1 : 0;
}

/* ---- showing ---- */

static json_t *types_json(const struct procfile *types)
{
	json_t *j = json_object();

	for (size_t i = 0; i < types->n_types; i++)
		json_object_set_new(j, types->types[i].name, json_text(types->types[i].command));
	return j;
}

/* By which buildpacks the app's own newest build made it; what builds of other apps said of the
 * same tree is theirs. */
static char *described(struct request *r, const char *app_id, const char *digest)
{
	struct error ignored = ERROR_INIT;
	struct build *rows = NULL;
	char *ret = NULL;
	size_t n = 0;

	if (store_build_list(request_store(r), app_id, &rows, &n, &ignored) < 0)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		if (!ret && rows[i].slug && streq(rows[i].slug, digest) && rows[i].buildpacks &&
		    rows[i].buildpacks[0])
			ret = xstrdup(rows[i].buildpacks);
		build_row_done(&rows[i]);
	}
	free(rows);
	return ret;
}

static void add_tree(struct request *r, const struct app *app, struct api_slug *f)
{
	struct error ignored = ERROR_INIT;
	uint64_t size = 0;

	if (!f->row.digest || build_slug_size(request_parts(r)->platform.settings.state_dir,
					      f->row.digest, &size, &ignored) < 0)
		return;
	f->row.size_bytes = (int64_t)size;
	if (!f->row.description)
		f->row.description = described(r, app->id, f->row.digest);
}

static json_t *slug_json(struct request *r, const struct app *app, struct api_slug *f)
{
	struct error ignored = ERROR_INIT;
	/* Who knows that URL may bring the files. */
	bool awaited = !f->row.digest && authz_allow(r, app, NEED_DEPLOY, &ignored) == 0;
	_cleanup_free_ char *url =
		awaited ? request_url(r, "/sources/%s", f->row.upload_id)
			: request_url(r, "/apps/%s/slugs/%s/content", app->id, f->row.id);
	json_t *j;

	add_tree(r, app, f);
	j = json_pack("{s:s, s:{s:s, s:s}, s:o, s:s?}", "id", f->row.id, "blob", "method",
		      awaited ? "PUT" : "GET", "url", url, "process_types", types_json(&f->types),
		      "checksum", f->row.checksum);
	json_object_update_new(
		j,
		json_pack("{s:o, s:o, s:o, s:o, s:o}", "commit", json_text(f->row.commit),
			  "commit_description", json_text(f->row.commit_description),
			  "buildpack_provided_description", json_text(f->row.description), "size",
			  f->row.size_bytes ? json_integer((json_int_t)f->row.size_bytes)
					    : json_null(),
			  "stack", api_stack_ref(f->row.stack)));
	json_object_update_new(j,
			       json_pack("{s:o, s:o}", "created_at", json_time(f->row.created_ms),
					 "updated_at", json_time(f->row.updated_ms)));
	return j;
}

static int api_slugs_get(struct request *r, struct error *err)
{
	struct api_slug f = { 0 };
	const struct app *app = request_app(r);
	int result = api_slug_find(r, app, request_param(r, "slug"), false, &f, err);

	if (result == 0)
		result = request_answer(r, 200, slug_json(r, app, &f));
	api_slug_done(&f);
	return result;
}

/* ---- announcing ---- */

static int check_checksum(const char *text, struct error *err)
{
	static const char prefix[] = "SHA256:", hex[] = "0123456789abcdef";

	if (!text || (str_starts(text, prefix) && strspn(text + strlen(prefix), hex) == 64 &&
		      strlen(text) == strlen(prefix) + 64))
		return 0;
	return error_set(err, ERROR_INVALID,
			 "\"checksum\" must be SHA256: and 64 hex digits in lower case");
}

static char *copy_member(struct request *r, const char *name)
{
	const char *s = json_string_value(json_object_get(request_body(r), name));

	return s ? xstrdup(s) : NULL;
}

static int read_row(struct request *r, const struct app *app, struct api_slug *f, struct error *err)
{
	json_t *types = json_object_get(request_body(r), "process_types");
	const char *stack;

	if (request_ref(r, "stack", false, &stack, err) < 0 ||
	    stack_read_name(stack, &stack, err) < 0 || read_types(types, &f->types, err) < 0)
		return -1;
	memcpy(f->row.app_id, app->id, sizeof(f->row.app_id));
	f->row.stack = xstrdup(stack);
	f->row.types = json_dumps(types, JSON_COMPACT);
	if (strlen(f->row.types) > TYPES_TEXT_MAX)
		return error_set(err, ERROR_INVALID, "\"process_types\" is larger than %d KB",
				 TYPES_TEXT_MAX >> 10);
	f->row.commit = copy_member(r, "commit");
	f->row.commit_description = copy_member(r, "commit_description");
	f->row.checksum = copy_member(r, "checksum");
	f->row.description = copy_member(r, "buildpack_provided_description");
	return check_checksum(f->row.checksum, err);
}

static int api_slugs_create(struct request *r, struct error *err)
{
	struct api_slug f = { 0 };
	const struct app *app = request_app(r);
	int result = read_row(r, app, &f, err);

	if (result == 0)
		result = upload_check(&request_parts(r)->platform.settings, request_caller(r), err);
	if (result == 0)
		result = store_slug_create(request_store(r), &f.row, err);
	if (result == 0)
		result = upload_announce(&request_parts(r)->platform.settings, f.row.upload_id,
					 request_caller(r), err);
	if (result == 0) {
		request_note(r, "slug %s", f.row.id);
		result = request_answer(r, 201, slug_json(r, app, &f));
	}
	api_slug_done(&f);
	return result;
}

/* ---- the files ---- */

/* A tar file that is being made; it has no name any more, so that nothing is left of it. */
struct packing {
	struct request *request;
	int fd;
	int status;
	struct child *child; /* NULL: it has ended */
	char id[UUID_SIZE];
	struct packings_place place;
};

static void packing_done(struct packing *p)
{
	packings_leave(&p->place);
	free(p);
}

static void packing_free(void *work)
{
	struct packing *p = work;

	fd_close(p->fd);
	p->fd = -1;
	p->request = NULL;
	if (p->child)
		/* Nobody waits for it any more; its end frees it. */
		child_cancel(p->child, 0);
	else
		packing_done(p);
}

static void on_packed(const struct child_end *end, void *userdata)
{
	struct packing *p = userdata;

	p->child = NULL;
	p->status = end->status;
	packings_leave(&p->place);
	if (p->request)
		request_resume(p->request);
	else
		packing_done(p);
}

static int answer_packed(struct request *r, struct error *err)
{
	struct packing *p = request_work(r);
	_cleanup_free_ char *name = xasprintf("%s.tgz", p->id);
	struct stat st;

	if (p->status != 0)
		return error_set(err, ERROR_UNAVAILABLE,
				 "The slug's files could not be packed: the disk may be full");
	if (fstat(p->fd, &st) < 0)
		return error_set_errno(err, errno, "reading the packed slug");
	return request_answer_file(r, fd_steal(&p->fd), (uint64_t)st.st_size, name);
}

static int start_packing(struct parts *parts, const char *digest, struct packing *p,
			 struct error *err)
{
	_cleanup_free_ char *dir =
		xasprintf("%s/slugs/%s", parts->platform.settings.state_dir, digest);
	const char *const argv[] = { "tar",  "-C", dir,	    "--owner=0", "--group=0",
				     "-czf", "-",  "./app", NULL };
	struct child_options o = { .argv = argv, .on_end = on_packed, .userdata = p };

	p->fd = open(parts->platform.settings.state_dir, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	if (p->fd < 0)
		return error_set_errno(err, errno, "making a file in %s",
				       parts->platform.settings.state_dir);
	o.stdout_fd = p->fd;
	return child_start(parts->platform.loop, &o, &p->child, err);
}

static int check_tree(struct parts *parts, const struct api_slug *f, struct error *err)
{
	_cleanup_free_ char *tree = xasprintf("%s/slugs/%s/app", parts->platform.settings.state_dir,
					      f->row.digest ? f->row.digest : "");

	if (!f->row.digest)
		return error_set(
			err, ERROR_NOT_FOUND,
			"This slug has not been released yet: there is nothing but its upload");
	if (!fs_exists(tree))
		return error_set(err, ERROR_NOT_FOUND,
				 "The files of this slug are gone, because no kept release uses "
				 "them: push that commit again");
	return 0;
}

static int pack(struct request *r, const struct app *app, struct api_slug *f, struct error *err)
{
	struct parts *parts = request_parts(r);
	struct packing *p;

	add_tree(r, app, f);
	if (check_tree(parts, f, err) < 0)
		return -1;
	p = xcalloc(1, sizeof(*p));
	*p = (struct packing){ .request = r, .fd = -1 };
	memcpy(p->id, f->row.id, sizeof(p->id));
	if (packings_enter(parts->packings, request_caller(r)->user_id, f->row.size_bytes,
			   &p->place, err) < 0 ||
	    start_packing(parts, f->row.digest, p, err) < 0) {
		packing_free(p);
		return -1;
	}
	request_defer(r, answer_packed, p, packing_free);
	return 0;
}

static int api_slugs_content(struct request *r, struct error *err)
{
	struct api_slug f = { 0 };
	const struct app *app = request_app(r);
	int result = api_slug_find(r, app, request_param(r, "slug"), false, &f, err);

	if (result == 0)
		result = pack(r, app, &f, err);
	api_slug_done(&f);
	return result;
}

const struct api_route slugs_routes[] = {
	{ "POST", "/apps/:app/slugs", NEED_DEPLOY, api_slugs_create,
	  "announce a slug that was built elsewhere; its blob is where to upload the tar file of "
	  "./app to, and POST /apps/:app/releases releases it",
	  "process_types:object checksum?:string commit?:string commit_description?:string "
	  "stack?:ref buildpack_provided_description?:string",
	  .answer = "slug" },
	{ "GET", "/apps/:app/slugs/:slug", NEED_VIEW, api_slugs_get,
	  "one slug, of this app's builds and releases too", .answer = "slug" },
	{ "GET", "/apps/:app/slugs/:slug/content", NEED_DEPLOY, api_slugs_content,
	  "its files, a gzip'd tar of ./app", .answer = "file" },
	{ 0 },
};
