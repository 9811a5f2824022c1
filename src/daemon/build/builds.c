/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Builds in progress; see build/builds.h. What a build writes goes into its stream as
 * it comes; its result is read when it has ended. A build that a push waits for stays
 * in the list until the rollout of its release has ended.
 */
#include "daemon/build/builds.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/build/builds-priv.h"
#include "daemon/build/queue.h"
#include "daemon/build/worker.h"
#include "daemon/git/branch.h"
#include "daemon/walls/walls.h"
#include "daemon/wanted/base.h"
#include "daemon/core/child.h"
#include "daemon/core/remove.h"
#include "daemon/core/stream.h"
#include "store/fetch-key.h"

#define RESULT_MAX_BYTES (1 << 20)
#define CANCEL_GRACE_MS 10000

static void start_next(struct builds *b);

/* ---- the list ---- */

static struct job *find_by_app(struct builds *b, const char *app_id, bool building)
{
	for (size_t i = 0; i < b->n; i++)
		if (streq(b->jobs[i]->row.app_id, app_id) &&
		    (!building || b->jobs[i]->phase != PHASE_ROLLOUT))
			return b->jobs[i];
	return NULL;
}

static void job_free(struct job *j)
{
	child_abandon(j->child);
	buf_done(&j->result);
	build_row_done(&j->row);
	strv_free(j->updates);
	strv_free(j->submodules);
	procfile_done(&j->types);
	build_result_done(&j->slug);
	free(j->stack);
	free(j->stack_name);
	free(j->sha256);
	free(j->url);
	free(j->buildpack);
	free(j->description);
	free(j->source);
	free(j);
}

static void unlist(struct job *j)
{
	struct builds *b = j->owner;

	for (size_t i = 0; i < b->n; i++)
		if (b->jobs[i] == j) {
			b->jobs[i] = b->jobs[--b->n];
			return;
		}
}

/* ---- the end ---- */

/* Who waits is told after the list is without it, since they may begin another. What failed may be
 * released again: its upload stays. */
static void finish_import(struct job *j, const char *why)
{
	struct error err = ERROR_INIT;

	if (why)
		error_set(&err, j->why, "%s", why);
	else
		unlink(j->source);
	stream_end(j->stream);
	unlist(j);
	if (j->imported)
		j->imported(why ? &err : NULL, &j->slug, j->row.release_version, j->userdata);
}

/* The row is written before the stream ends: who reads the stream to its end may ask for the row
 * then. */
void job_finish(struct job *j, const char *status, const char *why)
{
	struct builds *b = j->owner;
	struct recent *r = &b->recent[b->n_recent++ % ARRAY_SIZE(b->recent)];
	struct error err = ERROR_INIT;

	if (j->import) {
		finish_import(j, why);
		job_free(j);
		start_next(b);
		return;
	}
	free(j->row.status);
	j->row.status = xstrdup(status);
	free(j->row.error);
	j->row.error = why ? xstrdup(why) : NULL;
	if (store_build_update(b->platform->store, &j->row, &err) < 0)
		log_error("build %s: %s", j->row.id, err.message);
	if (why)
		stream_printf(j->stream, " !     %s\n", why);
	unlink(j->source);
	snprintf(r->build_id, sizeof(r->build_id), "%s", j->row.id);
	snprintf(r->stream_id, sizeof(r->stream_id), "%s", j->stream_id);
	stream_end(j->stream);
	unlist(j);
	job_free(j);
	start_next(b);
}

/* By other processes, when the build's turn is over already: there may be half a million files. */
static void sweep(struct builds *b, const char *build_id)
{
	const struct platform *p = b->platform;
	_cleanup_free_ char *dir = xasprintf("%s/builds/%s", p->settings.state_dir, build_id);
	_cleanup_free_ char *cache = xasprintf("%s" BUILD_OLD_CACHE, dir);

	if (uuid_is_valid(build_id))
		remove_container_later(p, build_id, dir, NULL, NULL);
	else
		remove_tree_later(p, dir);
	remove_tree_later(p, cache);
}

/* The job goes on to its rollout, or ends. */
static void on_released(struct job *j, const struct error *err)
{
	j->why = err->kind;
	if (err->kind != ERROR_NONE) {
		job_finish(j, "failed", err->message);
	} else if (j->wait_for_rollout) {
		j->phase = PHASE_ROLLOUT;
		start_next(j->owner);
	} else {
		job_finish(j, "succeeded", NULL);
	}
}

/* ---- a running child ---- */

static void on_end(const struct child_end *end, void *userdata)
{
	struct job *j = userdata;
	struct builds *b = j->owner;

	j->child = NULL;
	j->status = end->status;
	buf_append(&j->result, end->result, end->n_result);
	sweep(b, j->row.id);
	/* Another may be built while git is asked. */
	if (job_release(j, on_released))
		start_next(b);
}

static void on_output(const char *data, size_t n, void *userdata)
{
	struct job *j = userdata;

	stream_write(j->stream, data, n);
}

static void cancel(struct job *j)
{
	if (j->cancelled || j->phase == PHASE_ROLLOUT)
		return;
	j->cancelled = true;
	if (j->phase == PHASE_CHECKING)
		return;
	if (j->phase == PHASE_WAITING) {
		j->why = ERROR_CONFLICT;
		job_finish(j, "failed", "The build was cancelled before it began");
		return;
	}
	child_cancel(j->child, CANCEL_GRACE_MS);
}

static void on_abandoned(void *userdata)
{
	struct job *j = userdata;

	log_info("build %s: the pusher has gone away", j->row.id);
	cancel(j);
}

static int spawn(struct job *j, const json_t *order, struct error *err)
{
	static const char *const argv[] = { "/proc/self/exe", "build", NULL };
	const struct child_options o = { .argv = argv,
					 .order = order,
					 .max_result = RESULT_MAX_BYTES,
					 .on_output = on_output,
					 .on_end = on_end,
					 .userdata = j };

	return child_start(j->owner->platform->loop, &o, &j->child, err);
}

static int launch(struct job *j, struct error *err)
{
	struct builds *b = j->owner;
	struct store *store = b->platform->store;
	json_t *options;
	struct release base = { 0 };
	struct fetch_key key = { 0 };
	struct net_link link;
	struct app app = { 0 };
	int r = store_app_get(store, j->row.app_id, &app, err);

	if (r == 0)
		r = releases_base(b->wanted, &app, &base, err);
	if (r == 0 && store_fetch_key_get(store, app.id, &key, err) < 0)
		r = -1;
	if (r == 0)
		r = walls_take(b->walls, app.id, &link, err);
	if (r == 0) {
		const struct worker_order order = { .platform = b->platform,
						    .app = &app,
						    .config = base.config,
						    .build_id = j->row.id,
						    .source = j->source,
						    .submodules = j->submodules,
						    .commit = j->row.commit,
						    .sha256 = j->sha256,
						    .url = j->url,
						    .link = link,
						    .resolv_conf = walls_resolv_conf(b->walls),
						    .ssh_key = key.private_key,
						    .strip_top = j->strip_top,
						    .unwrap = j->unwrap,
						    .import = j->import ? j : NULL,
						    .no_cache = j->no_cache };

		j->stack_name = xstrdup(j->import ? j->stack : app.stack);
		options = worker_options(&order);
		r = spawn(j, options, err);
		json_decref(options);
	}
	release_done(&base);
	fetch_key_done(&key);
	app_done(&app);
	return r;
}

static void start_next(struct builds *b)
{
	struct job *next;

	/* A job that can't be launched ends, and calls this again. */
	while ((next = builds_next(b))) {
		struct error err = ERROR_INIT;

		next->phase = PHASE_RUNNING;
		builds_note_begin(b, next);
		if (launch(next, &err) < 0) {
			next->why = err.kind;
			job_finish(next, "failed", err.message);
			return;
		}
	}
	builds_tell_places(b);
}

/* ---- what others call ---- */

void builds_limits_changed(struct builds *b)
{
	start_next(b);
}

static void take_import(struct job *j, const struct builds_import *i)
{
	uuid_make(j->row.id);
	j->row.created_ms = clock_wall_ms();
	j->import = true;
	for (size_t k = 0; k < i->types->n_types; k++)
		procfile_set(&j->types, i->types->types[k].name, i->types->types[k].command);
	j->stack = xstrdup(i->stack);
	j->buildpack = i->buildpack ? xstrdup(i->buildpack) : NULL;
	j->description = i->description ? xstrdup(i->description) : NULL;
	j->imported = i->fn;
	j->userdata = i->userdata;
}

int builds_start(struct builds *b, const struct builds_start *o, struct build *ret,
		 char ret_stream_id[static UUID_SIZE], struct error *err)
{
	struct job *other = find_by_app(b, o->app->id, true);
	struct job *j;

	if (other)
		return error_set(err, ERROR_CONFLICT,
				 "A build of %s is already running: wait for it, or cancel it with "
				 "\"twelve builds:cancel %s\"",
				 o->app->name, other->row.id);
	if (o->updates && branch_push_begins(b->branches, o->app, o->push_pid, err) < 0)
		return -1;
	j = xcalloc(1, sizeof(*j));
	*j = (struct job){ .owner = b, .result = BUF_INIT };
	snprintf(j->row.app_id, sizeof(j->row.app_id), "%s", o->app->id);
	memcpy(j->owner_id, o->app->owner_id, sizeof(j->owner_id));
	j->row.status = xstrdup("pending");
	j->row.commit = xstrdup(o->commit ? o->commit : "");
	j->row.user = xstrdup(o->who->name);
	j->who = *o->who;
	j->source = xstrdup(o->source);
	j->sha256 = o->sha256 ? xstrdup(o->sha256) : NULL;
	j->url = o->url ? xstrdup(o->url) : NULL;
	j->strip_top = o->strip_top;
	j->unwrap = o->unwrap;
	j->no_cache = o->no_cache;
	j->wait_for_rollout = o->wait_for_rollout;
	snprintf(j->app_name, sizeof(j->app_name), "%s", o->app->name);
	for (char *const *u = o->updates; u && *u; u++)
		strv_push(&j->updates, *u);
	for (char *const *u = o->submodules; u && *u; u++)
		strv_push(&j->submodules, *u);
	if (stream_create(b->streams, j->stream_id, &j->stream, err) < 0) {
		job_free(j);
		return -1;
	}
	if (o->import)
		take_import(j, o->import);
	else if (store_build_create(b->platform->store, &j->row, err) < 0 ||
		 store_build_get(b->platform->store, o->app->id, j->row.id, ret, err) < 0) {
		stream_end(j->stream);
		job_free(j);
		return -1;
	}
	memcpy(ret_stream_id, j->stream_id, UUID_SIZE);
	if (o->attached)
		stream_on_abandoned(j->stream, on_abandoned, j);
	b->jobs = xrealloc(b->jobs, (b->n + 1) * sizeof(*b->jobs));
	b->jobs[b->n++] = j;
	start_next(b);
	return 0;
}

bool builds_any_running(const struct builds *b)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->jobs[i]->phase != PHASE_ROLLOUT)
			return true;
	return false;
}

const char *builds_running(struct builds *b, const char *app_id)
{
	const struct job *j = find_by_app(b, app_id, true);

	return j ? j->row.id : NULL;
}

bool builds_stream_id(struct builds *b, const char *build_id, char ret[static UUID_SIZE])
{
	for (size_t i = 0; i < b->n; i++)
		if (streq(b->jobs[i]->row.id, build_id)) {
			memcpy(ret, b->jobs[i]->stream_id, UUID_SIZE);
			return true;
		}
	for (size_t i = 0; i < ARRAY_SIZE(b->recent); i++)
		if (streq(b->recent[i].build_id, build_id)) {
			memcpy(ret, b->recent[i].stream_id, UUID_SIZE);
			return true;
		}
	return false;
}

int builds_cancel(struct builds *b, const char *build_id, struct error *err)
{
	for (size_t i = 0; i < b->n; i++)
		if (streq(b->jobs[i]->row.id, build_id)) {
			if (b->jobs[i]->phase == PHASE_ROLLOUT)
				return error_set(err, ERROR_CONFLICT,
						 "The build is done and its release is going live: "
						 "\"twelve rollback\" takes it back");
			cancel(b->jobs[i]);
			return 0;
		}
	return error_set(err, ERROR_NOT_FOUND, "No build %s is running", build_id);
}

void builds_push_ended(struct builds *b, const char *app_id)
{
	struct job *j = find_by_app(b, app_id, true);

	if (!j || !j->updates)
		return;
	log_info("build %s: the push that it was for has ended", j->row.id);
	cancel(j);
}

struct builds *builds_new(const struct platform *p, struct walls *walls, struct streams *streams,
			  struct wanted *wanted, struct branches *branches)
{
	struct builds *b = xcalloc(1, sizeof(*b));
	_cleanup_free_ char *dir = xasprintf("%s/builds", p->settings.state_dir);
	_cleanup_strv_ char **left = NULL;
	struct error err = ERROR_INIT;

	b->platform = p;
	b->walls = walls;
	b->streams = streams;
	b->wanted = wanted;
	b->branches = branches;
	b->begun = json_object();
	if (store_build_fail_pending(p->store, "twelved was restarted while it was running", &err) <
	    0)
		log_error("builds: %s", err.message);
	/* What a build left that died with a twelved before us. */
	if (fs_list(dir, &left) == 0)
		for (char **id = left; id && *id; id++)
			sweep(b, *id);
	return b;
}

void builds_free(struct builds *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < b->n; i++) {
		/* Whoever reads along may go away after us. */
		if (b->jobs[i]->stream)
			stream_on_abandoned(b->jobs[i]->stream, NULL, NULL);
		job_free(b->jobs[i]);
	}
	json_decref(b->begun);
	free(b->jobs);
	free(b);
}
