/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The release phase: the command of process type `release` runs as a one-off
 * dyno from the candidate, with its config, before any of its dynos starts. If
 * it ends with another status than 0 the release is refused and what ran goes
 * on. Its output goes to the app's stream, to the release's output stream, and
 * to a push that waits.
 *
 * A newer release waits until the command of an older one has ended, however it ends: the two never
 * run at the same time (docs/decisions/0025).
 *
 * When twelved is killed meanwhile the command goes on under its supervisor
 * and is found again. Should it end while twelved is away, its status is lost,
 * and it is run again: a release command has to be repeatable, as migrations
 * are.
 */
#include "daemon/rollout/phase.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/build/builds.h"
#include "daemon/lines/lines.h"
#include "daemon/rollout/rollout.h"
#include "daemon/core/stream.h"
#include "model/size.h"

#define PHASE_LIMIT_MS (3600 * 1000)
/* The supervisor tells of the end when twelve-logs has taken the last byte; this is for the way
 * from there. */
#define OUTPUT_SETTLE_MS 20

struct phase_output {
	struct app_state *a;
	int64_t version;
	int fd;
	struct buf text;
	struct watch *readable, *settle;
	char output_id[UUID_SIZE];
	/* How it ended. */
	bool ended;
	int exit_code;
	char *reason;
};

void phase_clear(struct app_state *a)
{
	struct phase_output *o = steal_ptr(a->phase_output);

	if (!o)
		return;
	watch_free(o->readable);
	watch_free(o->settle);
	fd_close(o->fd);
	buf_done(&o->text);
	free(o->reason);
	free(o);
}

static void end_stream(struct phase_output *o)
{
	struct stream *st =
		o->output_id[0] ? stream_find(o->a->owner->o.streams, o->output_id) : NULL;

	if (st)
		stream_end(st);
}

/* Passes the text of whole lines on: "SEQ STAMP app[release.7]: text". */
static void pass_lines(struct phase_output *o)
{
	const struct reconciler_options *parts = &o->a->owner->o;
	struct stream *st = o->output_id[0] ? stream_find(parts->streams, o->output_id) : NULL;
	char *end;

	while ((end = memchr(o->text.data, '\n', o->text.len))) {
		char *text;

		*end = '\0';
		text = strstr(o->text.data, "]: ");
		if (text) {
			builds_rollout_line(parts->builds, o->a->id, o->version, "%s", text + 3);
			if (st)
				stream_printf(st, "%s\n", text + 3);
		}
		buf_consume(&o->text, (size_t)(end - o->text.data) + 1);
	}
}

static void on_output(void *userdata)
{
	struct phase_output *o = userdata;
	ssize_t n = fd_read(o->fd, buf_reserve(&o->text, 4096), 4096);

	if (n == -EAGAIN)
		return;
	if (n <= 0) {
		watch_free(steal_ptr(o->readable));
		return;
	}
	buf_added(&o->text, (size_t)n);
	pass_lines(o);
}

static int keep_end(struct app_state *a, const struct phase_output *o, struct release *r,
		    struct error *err)
{
	struct store *s = a->owner->o.platform->store;

	if (store_release_get(s, a->id, o->version, r, err) < 0)
		return -1;
	/* Superseded meanwhile: what it did does not matter any more. */
	if (r->status != RELEASE_PENDING)
		return 0;
	if (o->exit_code == 0) {
		r->phase_done = true;
		return store_release_update(s, r, err);
	}
	return 0;
}

static void on_settled(void *userdata)
{
	struct phase_output *o = userdata;
	struct app_state *a = o->a;
	_cleanup_free_ char *reason = NULL;
	struct error err = ERROR_INIT;
	struct release r = { 0 };

	end_stream(o);
	if (keep_end(a, o, &r, &err) < 0) {
		log_error("release command of v%lld: %s", (long long)o->version, err.message);
	} else if (r.status == RELEASE_PENDING && !r.phase_done) {
		reason = xasprintf("its release command %s", o->reason);
		rollout_undo(a, &r, NULL, reason);
	}
	release_done(&r);
	phase_clear(a);
	state_turn_soon(a);
}

static void follow_output(struct app_state *a, const struct release *candidate, const char *dyno)
{
	const struct reconciler_options *parts = &a->owner->o;
	struct logs_read what = { .app_id = a->id,
				  .lines = 1000,
				  .source = "app",
				  .dyno = dyno,
				  .release = candidate->version,
				  .tail = true };
	struct phase_output *o = xcalloc(1, sizeof(*o));
	struct error err = ERROR_INIT;

	phase_clear(a);
	*o = (struct phase_output){
		.a = a, .version = candidate->version, .fd = -1, .text = BUF_INIT, .exit_code = -1
	};
	if (candidate->output_id)
		snprintf(o->output_id, sizeof(o->output_id), "%s", candidate->output_id);
	o->settle = watch_timer(parts->platform->loop, on_settled, o);
	a->phase_output = o;
	if (logs_read(parts->logs, &what, &o->fd, &err) < 0)
		log_warn("output of the release command: %s", err.message);
	else
		o->readable = watch_readable(parts->platform->loop, o->fd, on_output, o);
}

static struct dyno *find_running(struct app_state *a, int64_t version)
{
	_cleanup_free_ struct dyno **dynos = NULL;
	size_t n = dynos_list(a->owner->o.dynos, a->id, &dynos);

	for (size_t i = 0; i < n; i++)
		if (dynos[i]->one_off && streq(dynos[i]->type, "release") &&
		    dynos[i]->release == version && dynos[i]->state != DYNO_EXITED)
			return dynos[i];
	return NULL;
}

static void no_phase(struct app_state *a, struct release *candidate)
{
	const struct reconciler_options *parts = &a->owner->o;
	struct stream *st =
		candidate->output_id ? stream_find(parts->streams, candidate->output_id) : NULL;
	struct error err = ERROR_INIT;

	candidate->phase_done = true;
	if (store_release_update(parts->platform->store, candidate, &err) < 0)
		log_error("app %s: %s", a->id, err.message);
	if (st)
		stream_end(st);
	state_turn_soon(a);
}

/* The release of another version whose command has not ended with certainty; 0: none. */
static int64_t find_older(struct app_state *a, int64_t version)
{
	_cleanup_free_ struct dyno **dynos = NULL;
	size_t n = dynos_list(a->owner->o.dynos, a->id, &dynos);

	for (size_t i = 0; i < n; i++)
		if (dynos[i]->one_off && streq(dynos[i]->type, "release") &&
		    dynos[i]->release != version && dynos[i]->state != DYNO_EXITED)
			return dynos[i]->release;
	return a->phase_output && a->phase_output->version != version ? a->phase_output->version
								      : 0;
}

/* Two migrations at once are what nobody writes one for. It is not stopped either: half a migration
 * is worse. */
static bool waits_for_older(struct app_state *a, int64_t version)
{
	int64_t older = find_older(a, version);

	if (older && older != a->phase_waits_for)
		builds_rollout_line(a->owner->o.builds, a->id, version,
				    "Waiting for the release command of v%lld to end (twelve "
				    "ps:stop release.%lld ends it)",
				    (long long)older, (long long)older);
	a->phase_waits_for = older;
	return older != 0;
}

void phase_step(struct app_state *a, const struct app *app, struct release *candidate)
{
	const struct reconciler_options *parts = &a->owner->o;
	const char *command = procfile_get(&candidate->processes, "release");
	struct dyno_start o = { .app = app,
				.release = candidate,
				.type = "release",
				.number = candidate->version,
				.size = DYNO_SIZE_DEFAULT,
				.one_off = true,
				.time_limit_ms = PHASE_LIMIT_MS };
	struct error err = ERROR_INIT;
	struct dyno *dyno;

	if (!command) {
		no_phase(a, candidate);
		return;
	}
	if (waits_for_older(a, candidate->version))
		return;
	if (a->phase_output)
		return;
	dyno = find_running(a, candidate->version);
	if (!dyno) {
		builds_rollout_line(parts->builds, a->id, candidate->version,
				    "Running the release command: %s", command);
		if (dynos_start(parts->dynos, &o, &dyno, &err) < 0) {
			rollout_undo(a, candidate, NULL, err.message);
			return;
		}
	}
	follow_output(a, candidate, dyno->name);
}

void phase_ended(struct app_state *a, const struct dyno *dyno)
{
	struct phase_output *o = a->phase_output;

	if (!o || o->version != dyno->release || o->ended)
		return;
	o->ended = true;
	o->exit_code = dyno->exit_code;
	o->reason = xstrdup(dyno->reason[0] ? dyno->reason : "failed");
	watch_arm(o->settle, OUTPUT_SETTLE_MS);
}
