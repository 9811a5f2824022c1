/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Garbage collection: slugs and stacks that no release uses, and what the rest holds. Removing a
 * hundred thousand files takes seconds, so a child does it, and the request waits. Builds make
 * slugs and stacks that no release refers to yet: none runs meanwhile.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fs.h"
#include "base/str.h"
#include "build/build.h"
#include "daemon/services/services.h"
#include "daemon/api/table.h"
#include "daemon/build/retention.h"
#include "daemon/build/stack-updates.h"
#include "daemon/build/stacks.h"
#include "daemon/build/builds.h"
#include "stack/stack.h"

/* Folders of the state, by what they hold. */
static const char *const holders[] = { "slugs",	  "stacks",  "cache", "volumes",   "backups",
				       "sources", "streams", "git",   "lost+found" };
#define N_HELD ARRAY_SIZE(holders)

struct collection {
	struct request *request; /* NULL: whoever asked has gone away */
	struct builds *builds;
	int fd; /* what the child says */
	struct watch *readable;
	uint64_t free_before;
	struct report {
		struct error err;
		size_t n_slugs, n_stacks, n_unknown;
		uint64_t held[N_HELD]; /* bytes, in the order of `holders` */
	} report;		       /* fits one pipe write */
	bool told;
};

static void collection_free(struct collection *c)
{
	watch_free(c->readable);
	fd_close(c->fd);
	free(c);
}

/* The request ends. The child goes on if it has not told yet, and no build may begin before it has.
 */
static void let_go(void *work)
{
	struct collection *c = work;

	c->request = NULL;
	if (!c->readable)
		collection_free(c);
}

/* A link leads to a place that several platforms share; what this one does not use another may. */
static bool stacks_are_shared(const char *state_dir)
{
	_cleanup_free_ char *path = xasprintf("%s/stacks", state_dir);
	struct stat st;

	return lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
}

static int check_no_builds(struct parts *parts, struct error *err)
{
	_cleanup_free_ char *running = NULL;
	struct app *apps = NULL;
	size_t n = 0;

	if (builds_is_collecting(parts->builds))
		return error_set(err, ERROR_CONFLICT,
				 "What no release uses is being removed already");
	if (stacks_are_prepared(parts->stacks) &&
	    !stacks_are_shared(parts->platform.settings.state_dir))
		return error_set(err, ERROR_CONFLICT,
				 "The stack of new apps is being made since the start: try again "
				 "in a minute");
	if (stack_updates_running(parts->stack_updates))
		return error_set(err, ERROR_CONFLICT,
				 "Stacks are being made anew: try again when twelve stacks:update "
				 "has ended");
	if (services_have_jobs(parts->services))
		return error_set(err, ERROR_CONFLICT,
				 "An add-on is being worked on: try again in a moment");
	if (store_app_list(parts->platform.store, &apps, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (!running && builds_running(parts->builds, apps[i].id))
			running = xstrdup(apps[i].name);
		app_done(&apps[i]);
	}
	free(apps);
	if (running)
		return error_set(err, ERROR_CONFLICT,
				 "A build of %s is running: try again when it has ended", running);
	return 0;
}

static void measure(const char *state_dir, uint64_t *ret)
{
	for (size_t i = 0; i < N_HELD; i++) {
		/* With a slash, since stacks may be a link. */
		_cleanup_free_ char *path = xasprintf("%s/%s/", state_dir, holders[i]);

		if (fs_exists(path))
			fs_tree_size(path, &ret[i]);
	}
}

/* In the child, which has nothing of ours open but the pipe, and ends with us. */
static void collect(struct parts *parts, int fd, const struct used *u)
{
	struct report report = { .err = ERROR_INIT };
	const char *dir = parts->platform.settings.state_dir;
	const struct slugs_collect o = { u->slugs, u->known,
					 store_put_back_ms(parts->platform.store) };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	if (dup2(fd, 3) == 3 && close_range(4, ~0U, 0) == 0 &&
	    build_collect(dir, &o, &report.n_slugs, &report.n_unknown, &report.err) == 0 &&
	    !stacks_are_shared(dir) && !build_in_doubt(o.put_back_ms))
		stack_collect(dir, u->stacks, &report.n_stacks, &report.err);
	measure(dir, report.held);
	_exit(fd_write_all(3, &report, sizeof(report)) < 0);
}

static json_t *held_json(const struct collection *c)
{
	json_t *j = json_object();

	for (size_t i = 0; i < N_HELD; i++)
		json_object_set_new(j, holders[i], json_integer((json_int_t)c->report.held[i]));
	return j;
}

static int answer(struct request *r, struct error *err)
{
	struct collection *c = request_work(r);
	uint64_t after = 0;

	if (!c->told)
		return error_set(err, ERROR_SYSTEM,
				 "The process that removes what is unused was ended");
	if (c->report.err.kind != ERROR_NONE) {
		*err = c->report.err;
		return -1;
	}
	fs_free_bytes(request_parts(r)->platform.settings.state_dir, &after);
	return request_answer(
		r, 200,
		json_pack("{s:I, s:I, s:I, s:I, s:o}", "slugs", (json_int_t)c->report.n_slugs,
			  "stacks", (json_int_t)c->report.n_stacks, "unknown_slugs",
			  (json_int_t)c->report.n_unknown, "freed_bytes",
			  (json_int_t)(after > c->free_before ? after - c->free_before : 0),
			  "held_bytes", held_json(c)));
}

static void on_report(void *userdata)
{
	struct collection *c = userdata;

	c->told = fd_read(c->fd, &c->report, sizeof(c->report)) == sizeof(c->report);
	watch_free(steal_ptr(c->readable));
	builds_set_collecting(c->builds, false);
	if (c->request)
		request_resume(c->request);
	else
		collection_free(c);
}

static void on_child(int status, void *userdata)
{
	/* Its pipe tells; this only reaps. */
	(void)status;
	(void)userdata;
}

static int start(struct parts *parts, const struct used *u, int *ret_fd, struct error *err)
{
	int fds[2], r;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return error_set_errno(err, errno, "pipe");
	pid = fork();
	if (pid == 0)
		collect(parts, fds[1], u);
	r = pid < 0 ? -errno : watch_child(parts->platform.loop, pid, on_child, NULL, NULL);
	fd_close(fds[1]);
	if (r < 0) {
		fd_close(fds[0]);
		return error_set_errno(err, r, "starting the process that removes what is unused");
	}
	*ret_fd = fds[0];
	return 0;
}

static int api_gc(struct request *r, struct error *err)
{
	struct parts *parts = request_parts(r);
	__attribute__((cleanup(used_done))) struct used used = { 0 };
	struct collection *c;
	int fd = -1;

	if (check_no_builds(parts, err) < 0 ||
	    used_read(&parts->platform, parts->dynos, &used, err) < 0 ||
	    start(parts, &used, &fd, err) < 0)
		return -1;
	c = xcalloc(1, sizeof(*c));
	*c = (struct collection){ .request = r, .builds = parts->builds, .fd = fd };
	fs_free_bytes(parts->platform.settings.state_dir, &c->free_before);
	c->readable = watch_readable(parts->platform.loop, fd, on_report, c);
	builds_set_collecting(parts->builds, true);
	request_defer(r, answer, c, let_go);
	return 0;
}

const struct api_route gc_routes[] = {
	{ "POST", "/twelve/gc", NEED_ADMIN, api_gc,
	  "delete unused slugs and stacks; shows disk usage", .answer = "collection" },
	{ 0 },
};
