/* SPDX-License-Identifier: Apache-2.0 */
/* The bill of materials of a release: a child reads its stack and its slug (daemon/apps/sbom.h) and
 * writes the document to a memory file. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/str.h"
#include "daemon/api/find.h"
#include "daemon/api/table.h"
#include "daemon/build/packings.h"
#include "daemon/core/child.h"
#include "stack/stack.h"

#define SENTENCE_MAX 300

struct reading {
	struct request *request; /* NULL: whoever asked has gone away */
	struct child *child;	 /* NULL: it has ended */
	int fd;			 /* what the child writes to */
	int status;
	struct packings_place place;
};

static void reading_done(struct reading *w)
{
	packings_leave(&w->place);
	free(w);
}

static void reading_free(void *work)
{
	struct reading *w = work;

	w->fd = fd_close(w->fd);
	w->request = NULL;
	if (w->child)
		/* Nobody waits for it any more; its end frees it. */
		child_cancel(w->child, 0);
	else
		reading_done(w);
}

static void on_read(const struct child_end *end, void *userdata)
{
	struct reading *w = userdata;

	w->child = NULL;
	w->status = end->status;
	packings_leave(&w->place);
	if (w->request)
		request_resume(w->request);
	else
		reading_done(w);
}

static int answer(struct request *r, struct error *err)
{
	struct reading *w = request_work(r);
	char sentence[SENTENCE_MAX + 1] = "", described[64];
	struct stat st;

	if (w->status != 0) {
		if (proc_exit_code(w->status) != 1 || pread(w->fd, sentence, SENTENCE_MAX, 0) <= 0)
			return error_set(
				err, ERROR_SYSTEM, "The process that reads the slug %s",
				proc_describe_status(w->status, described, sizeof(described)));
		return error_set(err, ERROR_SYSTEM, "%.*s", (int)strcspn(sentence, "\n"), sentence);
	}
	if (fstat(w->fd, &st) < 0)
		return error_set_errno(err, errno, "reading the bill of materials");
	return request_answer_json_file(r, fd_steal(&w->fd), (uint64_t)st.st_size);
}

static json_t *make_order(struct parts *parts, const struct app *app, const struct release *rel)
{
	const char *state = parts->platform.settings.state_dir,
		   *stack = stack_by_name(rel->stack_name ? rel->stack_name : app->stack);
	json_t *j = json_pack("{s:s, s:s, s:s, s:s, s:I, s:o, s:s}", "app", app->name, "release_id",
			      rel->id, "commit", rel->commit, "slug", rel->slug, "version",
			      (json_int_t)rel->version, "created", json_time(rel->created_ms),
			      "distro", stack ? stack : app->stack);
	__attribute__((cleanup(stack_done))) struct stack have = { 0 };
	struct error gone = ERROR_INIT;

	/* The child says it of one that is gone. What is installed stands in the topmost layer. */
	if (stack_open(state, rel->stack, &have, &gone) < 0)
		log_debug("sbom: %s", gone.message);
	json_object_set_new(j, "tree", json_sprintf("%s/slugs/%s/app", state, rel->slug));
	json_object_set_new(j, "packages",
			    json_sprintf("%s/stacks/%s/packages", state, rel->stack));
	json_object_set_new(
		j, "status",
		json_sprintf("%s/var/lib/dpkg/status", have.layers ? have.layers[0] : ""));
	return j;
}

static int start(struct parts *parts, const struct app *app, const struct release *rel,
		 struct reading *w, struct error *err)
{
	static const char *const argv[] = { "/proc/self/exe", "sbom", NULL };
	struct child_options o = { .argv = argv, .on_end = on_read, .userdata = w };
	json_t *order;
	int r;

	w->fd = memfd_create("sbom", MFD_CLOEXEC);
	if (w->fd < 0)
		return error_set_errno(err, errno, "a memory file");
	o.stdout_fd = w->fd;
	o.order = order = make_order(parts, app, rel);
	r = child_start(parts->platform.loop, &o, &w->child, err);
	json_decref(order);
	return r;
}

static int check(struct parts *parts, const struct release *rel, struct error *err)
{
	_cleanup_free_ char *tree = NULL, *stack = NULL;

	if (!rel->slug || !rel->stack)
		return error_set(err, ERROR_NOT_FOUND,
				 "Nothing was deployed in v%lld, so there is nothing to list",
				 (long long)rel->version);
	tree = xasprintf("%s/slugs/%s/app", parts->platform.settings.state_dir, rel->slug);
	stack = xasprintf("%s/stacks/%s/packages", parts->platform.settings.state_dir, rel->stack);
	if (fs_exists(tree) && fs_exists(stack))
		return 0;
	return error_set(err, ERROR_NOT_FOUND,
			 "The files of v%lld are gone: kept are those of the newest releases "
			 "(TWELVE_KEEP_RELEASES=%lld)",
			 (long long)rel->version,
			 (long long)parts->platform.settings.keep_releases);
}

static int read_release(struct request *r, const struct app *app, const struct release *rel,
			struct error *err)
{
	struct parts *parts = request_parts(r);
	struct reading *w;

	if (check(parts, rel, err) < 0)
		return -1;
	w = xcalloc(1, sizeof(*w));
	*w = (struct reading){ .request = r, .fd = -1 };
	if (packings_enter(parts->packings, request_caller(r)->user_id, 0, &w->place, err) < 0 ||
	    start(parts, app, rel, w, err) < 0) {
		fd_close(w->fd);
		reading_done(w);
		return -1;
	}
	request_defer(r, answer, w, reading_free);
	return 0;
}

static int api_releases_sbom(struct request *r, struct error *err)
{
	struct release release = { 0 };
	const struct app *app = request_app(r);
	int result = api_release_find(r, app, request_param(r, "version"), &release, err);

	if (result == 0)
		result = read_release(r, app, &release, err);
	release_done(&release);
	return result;
}

const struct api_route sbom_routes[] = {
	{ "GET", "/apps/:app/releases/:version/sbom", NEED_VIEW, api_releases_sbom,
	  "bill of materials of a release: packages of its stack and slug (SPDX 2.3)",
	  .answer = "sbom" },
	{ 0 },
};
