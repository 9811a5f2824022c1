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
#include "model/release-phase.h"
#include "model/size.h"

#define PHASE_LIMIT_MS (3600 * 1000)
#define READ_BYTES 65536
/* All that twelve-logs keeps. */
#define ALL_LINES 1000000
/* A twelve-logs that does not answer must not keep a release from going live. */
#define REST_LIMIT_MS 5000

struct phase_output {
	struct app_state *a;
	int64_t version;
	char dyno[64];
	int fd;
	struct buf text;
	int64_t seq; /* of the last line that was passed on; 0: none */
	struct watch *readable, *limit;
	char output_id[UUID_SIZE];
	/* How it ended. */
	enum release_phase_state state;
	int exit_code;
	char *reason;
};

void phase_clear(struct app_state *a)
{
	struct phase_output *o = steal_ptr(a->phase_output);

	if (!o)
		return;
	watch_free(o->readable);
	watch_free(o->limit);
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

static void pass_line(struct phase_output *o, const char *text)
{
	const struct reconciler_options *parts = &o->a->owner->o;
	struct stream *st = o->output_id[0] ? stream_find(parts->streams, o->output_id) : NULL;

	builds_rollout_line(parts->builds, o->a->id, o->version, "%s", text);
	if (st)
		stream_printf(st, "%s\n", text);
}

/* Passes the text of whole lines on: "SEQ STAMP app[release.7]: text". */
static void pass_lines(struct phase_output *o)
{
	char *line = o->text.data, *end;
	size_t left = o->text.len;

	while (left && (end = memchr(line, '\n', left))) {
		const char *text;

		*end = '\0';
		text = strstr(line, "]: ");
		if (text)
			pass_line(o, text + 3);
		o->seq = strtoll(line, NULL, 10);
		left -= (size_t)(end + 1 - line);
		line = end + 1;
	}
	buf_consume(&o->text, o->text.len - left);
}

static void told(struct phase_output *o);

static void on_output(void *userdata)
{
	struct phase_output *o = userdata;
	ssize_t n = fd_read(o->fd, buf_reserve(&o->text, READ_BYTES), READ_BYTES);

	if (n == -EAGAIN)
		return;
	if (n > 0) {
		buf_added(&o->text, (size_t)n);
		pass_lines(o);
		return;
	}
	watch_free(steal_ptr(o->readable));
	if (o->state == RELEASE_PHASE_ENDED)
		told(o);
}

/* Lines after the last one that was passed on, in a pipe of its own. */
static void ask(struct phase_output *o, bool ended)
{
	const struct reconciler_options *parts = &o->a->owner->o;
	struct logs_read what = { .app_id = o->a->id,
				  .lines = ALL_LINES,
				  .after = o->seq,
				  .source = "app",
				  .dyno = o->dyno,
				  .release = o->version,
				  .tail = !ended,
				  .ended = ended };
	struct error err = ERROR_INIT;

	watch_free(steal_ptr(o->readable));
	o->fd = fd_close(o->fd);
	buf_clear(&o->text);
	if (logs_read(parts->logs, &what, &o->fd, &err) < 0)
		log_warn("output of the release command: %s", err.message);
	else
		o->readable = watch_readable(parts->platform->loop, o->fd, on_output, o);
}

static int read_row(const struct phase_output *o, struct release *r)
{
	struct error err = ERROR_INIT;

	if (store_release_get(o->a->owner->o.platform->store, o->a->id, o->version, r, &err) == 0)
		return 0;
	log_error("release command of v%lld: %s", (long long)o->version, err.message);
	return -1;
}

static void pass(const struct phase_output *o, struct release *r)
{
	struct error err = ERROR_INIT;

	r->phase_done = true;
	if (store_release_update(o->a->owner->o.platform->store, r, &err) < 0)
		log_error("release command of v%lld: %s", (long long)o->version, err.message);
}

/* All that it wrote has been passed on. */
static void told(struct phase_output *o)
{
	struct app_state *a = o->a;
	_cleanup_free_ char *reason = xasprintf("its release command %s", o->reason);
	struct release r = { 0 };
	struct release_phase_facts f = { .succeeded = o->exit_code == 0,
					 .pending = read_row(o, &r) == 0 &&
						    r.status == RELEASE_PENDING };
	enum release_phase_action action =
		release_phase_next(o->state, RELEASE_PHASE_TOLD, &f).action;

	end_stream(o);
	if (action == RELEASE_PHASE_PASS)
		pass(o, &r);
	else if (action == RELEASE_PHASE_FAIL)
		rollout_undo(a, &r, NULL, reason);
	release_done(&r);
	phase_clear(a);
	state_turn_soon(a);
}

static void on_limit(void *userdata)
{
	struct phase_output *o = userdata;

	log_warn("app %s: twelve-logs does not tell the end of the output of %s", o->a->id,
		 o->dyno);
	pass_line(o, "The end of its output is missing: twelve-logs does not answer");
	told(o);
}

static void follow_output(struct app_state *a, const struct release *candidate, const char *dyno)
{
	struct phase_output *o = xcalloc(1, sizeof(*o));

	phase_clear(a);
	*o = (struct phase_output){ .a = a,
				    .version = candidate->version,
				    .fd = -1,
				    .text = BUF_INIT,
				    .state = RELEASE_PHASE_RUNS,
				    .exit_code = -1 };
	snprintf(o->dyno, sizeof(o->dyno), "%s", dyno);
	if (candidate->output_id)
		snprintf(o->output_id, sizeof(o->output_id), "%s", candidate->output_id);
	o->limit = watch_timer(a->owner->o.platform->loop, on_limit, o);
	a->phase_output = o;
	ask(o, false);
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
static void tell_wait(struct app_state *a, int64_t version, int64_t older)
{
	if (older && older != a->phase_waits_for)
		builds_rollout_line(a->owner->o.builds, a->id, version,
				    "Waiting for the release command of v%lld to end (twelve "
				    "ps:stop release.%lld ends it)",
				    (long long)older, (long long)older);
	a->phase_waits_for = older;
}

static void start(struct app_state *a, const struct app *app, struct release *candidate)
{
	const struct reconciler_options *parts = &a->owner->o;
	struct dyno_start o = { .app = app,
				.release = candidate,
				.type = "release",
				.number = candidate->version,
				.size = DYNO_SIZE_DEFAULT,
				.one_off = true,
				.time_limit_ms = PHASE_LIMIT_MS };
	struct error err = ERROR_INIT;
	struct dyno *dyno;

	builds_rollout_line(parts->builds, a->id, candidate->version,
			    "Running the release command: %s",
			    procfile_get(&candidate->processes, "release"));
	if (dynos_start(parts->dynos, &o, &dyno, &err) < 0)
		rollout_undo(a, candidate, NULL, err.message);
	else
		follow_output(a, candidate, dyno->name);
}

void phase_step(struct app_state *a, const struct app *app, struct release *candidate)
{
	const struct dyno *own = find_running(a, candidate->version);
	int64_t older = find_older(a, candidate->version);
	struct release_phase_facts f = {
		.has_command = procfile_get(&candidate->processes, "release"),
		.older_runs = older != 0,
		.runs = own,
	};
	enum release_phase_state now =
		a->phase_output ? a->phase_output->state : RELEASE_PHASE_IDLE;
	enum release_phase_action action = release_phase_next(now, RELEASE_PHASE_LOOK, &f).action;

	if (action == RELEASE_PHASE_SKIP)
		no_phase(a, candidate);
	else
		tell_wait(a, candidate->version, older);
	if (action == RELEASE_PHASE_START)
		start(a, app, candidate);
	else if (action == RELEASE_PHASE_FOLLOW)
		follow_output(a, candidate, own->name);
}

void phase_ended(struct app_state *a, const struct dyno *dyno)
{
	struct phase_output *o = a->phase_output;
	static const struct release_phase_facts none = { 0 };
	struct release_phase_step step;

	if (!o || o->version != dyno->release)
		return;
	step = release_phase_next(o->state, RELEASE_PHASE_EXIT, &none);
	o->state = step.to;
	if (step.action != RELEASE_PHASE_ASK_REST)
		return;
	o->exit_code = dyno->exit_code;
	o->reason = xstrdup(dyno->reason[0] ? dyno->reason : "failed");
	ask(o, true);
	watch_arm(o->limit, o->readable ? REST_LIMIT_MS : 0);
}
