/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a rollout measures, tells and leaves: the proof of a release (when each
 * dyno was ready, requests served and failed during the switch, how long the
 * drain took), or, when it is undone, why, with the last lines of the dyno that
 * failed. What is measured lives in memory; when twelved is restarted in the
 * middle the proof says less, and says so.
 */
#include "daemon/rollout/rollout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/build/retention.h"
#include "daemon/build/builds.h"
#include "daemon/lines/last-lines.h"
#include "daemon/lines/lines.h"
#include "daemon/wanted/base.h"
#include "model/proof.h"

/* gunicorn on Python 3.13 tells why its workers did not boot some seventy lines before its end. */
#define LAST_LINES 100

/* True when they are read, or can't be. */
static bool read_counts(struct app_state *a, int64_t *asked_ms, struct router_counts *ret,
			bool *ret_known)
{
	enum router_known known;

	if (!*asked_ms)
		*asked_ms = clock_now_ms();
	known = router_counts(a->owner->o.router, a->id, *asked_ms, ret);
	if (known == ROUTER_NOT_YET) {
		a->awaits_router = true;
		return false;
	}
	*ret_known = known == ROUTER_KNOWN;
	*asked_ms = 0;
	return true;
}

bool rollout_counted_before(struct app_state *a)
{
	return !a->before_asked_ms ||
	       read_counts(a, &a->before_asked_ms, &a->counts_before, &a->before_known);
}

bool rollout_counted(struct app_state *a)
{
	return rollout_counted_before(a) &&
	       read_counts(a, &a->now_asked_ms, &a->counts_now, &a->now_known);
}

static void clear(struct app_state *a)
{
	json_decref(a->ready);
	a->ready = NULL;
	a->rollout = 0;
	a->committed = false;
	a->drain_began_ms = 0;
	a->not_up[0] = '\0';
	a->before_known = a->now_known = false;
	a->before_asked_ms = a->now_asked_ms = 0;
}

void rollout_begin(struct app_state *a, const struct release *candidate)
{
	clear(a);
	a->rollout = candidate->version;
	a->rollout_began_ms = clock_wall_ms();
	a->ready = json_array();
	a->before_asked_ms = clock_now_ms();
	rollout_counted_before(a);
}

void rollout_note_ready(struct app_state *a, const struct dyno *dyno)
{
	int64_t took_ms = dyno->ready_ms - dyno->created_ms;
	json_t *row;
	size_t i;

	json_array_foreach (a->ready, i, row)
		if (streq(json_string_value(json_object_get(row, "dyno")), dyno->name))
			return;
	json_array_append_new(a->ready, json_pack("{s:s, s:I}", "dyno", dyno->name, "ready_ms",
						  (json_int_t)took_ms));
	builds_rollout_line(a->owner->o.builds, a->id, dyno->release,
			    "%s is up after %lld.%02lld s", dyno->name, (long long)took_ms / 1000,
			    (long long)took_ms % 1000 / 10);
}

static struct proof_counts counts(bool known, const struct router_counts *c)
{
	return (struct proof_counts){ .known = known,
				      .requests = (int64_t)c->requests,
				      .failed = (int64_t)c->failed };
}

/* What is known now. `complete`: all that is old is gone. */
static json_t *make_proof(const struct app_state *a, bool complete)
{
	struct proof_facts f = { .dynos = a->ready,
				 .not_up = a->not_up,
				 .complete = complete,
				 .began_ms = a->rollout_began_ms,
				 .now_ms = clock_wall_ms(),
				 .drain_began_ms = a->drain_began_ms,
				 .before = counts(a->before_known, &a->counts_before),
				 .now = counts(a->now_known, &a->counts_now) };

	return proof_make(&f);
}

/* A type that crashed before the release does not hold it up. */
static void tell_not_up(struct app_state *a, int64_t version)
{
	static const char how[] =
		"%s: crashes in v%lld, as it did before: the release did not wait for it "
		"(twelve ps:scale TYPE=0 stops it)";

	if (!a->not_up[0])
		return;
	logs_append(a->owner->o.logs, a->id, "app", "api", how, a->not_up, (long long)version);
	builds_rollout_line(a->owner->o.builds, a->id, version, how, a->not_up, (long long)version);
}

int rollout_commit(struct app_state *a, struct app *app, struct release *candidate,
		   const char *not_up, struct error *err)
{
	const struct reconciler_options *parts = &a->owner->o;

	snprintf(a->not_up, sizeof(a->not_up), "%s", not_up);
	json_decref(candidate->proof);
	candidate->proof = make_proof(a, false);
	candidate->status = RELEASE_SUCCEEDED;
	app->current_version = candidate->version;
	app->released_ms = clock_wall_ms();
	if (store_begin(parts->platform->store, err) < 0)
		return -1;
	if (store_release_update(parts->platform->store, candidate, err) < 0 ||
	    store_app_update(parts->platform->store, app, err) < 0 ||
	    store_commit(parts->platform->store, err) < 0) {
		store_rollback(parts->platform->store);
		return -1;
	}
	a->committed = true;
	logs_append(parts->logs, a->id, "app", "api", "Release v%lld is live",
		    (long long)candidate->version);
	tell_not_up(a, candidate->version);
	builds_rollout_done(parts->builds, a->id, candidate->version, NULL, candidate->proof);
	return 0;
}

void rollout_settled(struct app_state *a)
{
	struct error err = ERROR_INIT;
	struct release r = { 0 };

	if (!a->rollout || !a->committed || !rollout_counted(a))
		return;
	if (store_release_get(a->owner->o.platform->store, a->id, a->rollout, &r, &err) == 0) {
		json_decref(r.proof);
		r.proof = make_proof(a, true);
		if (store_release_update(a->owner->o.platform->store, &r, &err) < 0)
			log_error("keeping the proof of v%lld: %s", (long long)r.version,
				  err.message);
	}
	release_done(&r);
	clear(a);
	retention_kick(a->owner->o.retention);
}

void rollout_superseded(struct app_state *a, int64_t after, int64_t by)
{
	/* One that was superseded before it had its first turn is among them. */
	for (int64_t version = after + 1; version < by; version++)
		builds_rollout_superseded(a->owner->o.builds, a->id, version, by);
	clear(a);
}

/* ---- undoing ---- */

struct post_mortem {
	struct app_state *a;
	struct release release;
	char *reason;
	char dyno[64];
	struct last_lines *lines; /* under way; NULL without a dyno that failed, */
	struct watch *at_once;	  /* and then this */
};

static void post_mortem_free(struct post_mortem *pm)
{
	watch_free(pm->at_once);
	release_done(&pm->release);
	free(pm->reason);
	free(pm);
}

void rollout_forget(struct app_state *a)
{
	struct post_mortem *pm = steal_ptr(a->post_mortem);

	clear(a);
	if (!pm)
		return;
	wanted_forget_failing(a->owner->o.wanted, a->id);
	last_lines_cancel(pm->lines);
	post_mortem_free(pm);
}

static void add_last_lines(struct post_mortem *pm, char *const *lines, json_t *to)
{
	for (; lines && *lines; lines++) {
		json_array_append_new(to, json_text(*lines));
		builds_rollout_line(pm->a->owner->o.builds, pm->a->id, pm->release.version,
				    "%s: %s", pm->dyno, *lines);
	}
}

static void finish_undo(char *const *lines, void *userdata)
{
	struct post_mortem *pm = userdata;
	struct app_state *a = pm->a;
	const struct reconciler_options *parts = &a->owner->o;
	json_t *last_lines = json_array();
	struct error err = ERROR_INIT;

	add_last_lines(pm, lines, last_lines);
	pm->release.status = RELEASE_FAILED;
	free(pm->release.reason);
	pm->release.reason = xstrdup(pm->reason);
	json_decref(pm->release.proof);
	/* What was known last: nobody waits for the counters of what has failed. */
	a->now_known = router_counts(parts->router, a->id, 0, &a->counts_now) == ROUTER_KNOWN;
	pm->release.proof = make_proof(a, false);
	json_object_set_new(pm->release.proof, "last_lines", last_lines);
	/* When this fails the candidate is still pending, and the next plan undoes it again. */
	if (store_release_update(parts->platform->store, &pm->release, &err) < 0)
		log_error("undoing v%lld: %s", (long long)pm->release.version, err.message);
	logs_append(parts->logs, a->id, "app", "api", "Release v%lld failed: %s",
		    (long long)pm->release.version, pm->reason);
	builds_rollout_done(parts->builds, a->id, pm->release.version, pm->reason,
			    pm->release.proof);
	wanted_forget_failing(parts->wanted, a->id);
	post_mortem_free(pm);
	a->post_mortem = NULL;
	clear(a);
	state_turn_soon(a);
}

static void on_at_once(void *userdata)
{
	finish_undo(NULL, userdata);
}

void rollout_undo(struct app_state *a, struct release *take_candidate, const struct dyno *failed,
		  const char *reason)
{
	const struct reconciler_options *parts = &a->owner->o;
	struct post_mortem *pm = xcalloc(1, sizeof(*pm));
	struct logs_read what = { .app_id = a->id,
				  .lines = LAST_LINES,
				  .source = "app",
				  .dyno = pm->dyno,
				  .release = take_candidate->version };

	*pm = (struct post_mortem){ .a = a, .reason = xstrdup(reason), .release = *take_candidate };
	*take_candidate = (struct release){ 0 };
	a->post_mortem = pm;
	wanted_mark_failing(parts->wanted, a->id, pm->release.version);
	/* Asks haproxy now, so that its counters are there when the last lines are. */
	rollout_counted(a);
	log_info("app %s: v%lld is undone: %s", a->id, (long long)pm->release.version, reason);
	if (failed) {
		what.ended = failed->state != DYNO_UP && failed->state != DYNO_STARTING;
		snprintf(pm->dyno, sizeof(pm->dyno), "%s", failed->name);
		pm->lines = last_lines_fetch(parts->logs, &what, finish_undo, pm);
	} else {
		pm->at_once = watch_timer(parts->platform->loop, on_at_once, pm);
		watch_arm(pm->at_once, 0);
	}
}
