/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting until a change is live. twelved is asked again and again: it may be
 * killed and come back meanwhile, so that it can't be reached for a while is
 * no failure of the change. Who waits no longer (Ctrl-C) is told that the change goes on.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/clock.h"
#include "base/cleanup.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/signals.h"

#define POLL_MS 50
#define UNREACHABLE_MS 30000
#define DYNOS_WAIT_MS 600000

void pause_ms(int64_t ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

/* GET until it is answered; only UNREACHABLE_MS without an answer is an error. 1: a signal came. */
static int get_patiently(struct cli *c, json_t **ret, struct error *err, const char *path)
{
	int64_t deadline = clock_now_ms() + UNREACHABLE_MS;

	for (;;) {
		struct error e = ERROR_INIT;

		if (cli_interrupted)
			return 1;
		if (api_get(c->api, ret, &e, "%s", path) == 0)
			return 0;
		if (e.kind != ERROR_UNAVAILABLE || clock_now_ms() > deadline) {
			*err = e;
			return -1;
		}
		progress(c, "Waiting for twelved");
		pause_ms(POLL_MS);
	}
}

int newest_release(struct cli *c, const char *app, int64_t *ret, struct error *err)
{
	_cleanup_json_ json_t *list = NULL;

	if (api_get_range(c->api, "version ..; order=desc,max=1", &list, err, "/apps/%s/releases",
			  app) < 0)
		return -1;
	*ret = 0;
	for (size_t i = 0; i < json_array_size(list); i++) {
		int64_t v = json_i64(json_array_get(list, i), "version", 0);

		*ret = v > *ret ? v : *ret;
	}
	return 0;
}

void release_proof_text(const json_t *release, struct buf *out)
{
	int64_t requests = json_i64(release, "twelve.proof.requests", -1);
	int64_t failed = json_i64(release, "twelve.proof.failed", -1);
	int64_t took_ms = json_i64(release, "twelve.proof.rollout_ms", -1);
	const char *not_up = json_str(release, "twelve.proof.not_up", "");
	char took[DURATION_SIZE];

	buf_printf(out, "v%lld is live", (long long)json_i64(release, "version", 0));
	if (took_ms >= 0)
		buf_printf(out, " after %s", duration_text(took_ms, took));
	if (not_up[0])
		buf_printf(out,
			   ", but for %s, which crashes as it did before (twelve ps:scale TYPE=0 "
			   "ends its tries)",
			   not_up);
	if (requests >= 0 && failed >= 0)
		buf_printf(out, ": %lld of %lld request%s failed", (long long)failed,
			   (long long)requests, str_plural(requests));
}

/* Before the first release with a slug is live nothing ran. */
static bool something_runs(struct cli *c, const char *app)
{
	_cleanup_json_ json_t *current = NULL;
	struct error unknown = ERROR_INIT;

	return api_get(c->api, &current, &unknown, "/apps/%s/releases/current", app) == 0 &&
	       *json_str(current, "twelve.slug", "");
}

static int tell_failure(struct cli *c, const char *app, const json_t *release, struct error *err)
{
	const json_t *lines = json_at(release, "twelve.proof.last_lines");

	if (json_array_size(lines))
		note(c, "The last lines of its output:");
	for (size_t i = 0; i < json_array_size(lines); i++) {
		_cleanup_buf_ struct buf b = BUF_INIT;

		buf_put_clean(&b, json_string_value(json_array_get(lines, i)));
		note(c, "    %s", b.data);
	}
	return error_set(err, ERROR_SYSTEM, "v%lld failed: %s%s",
			 (long long)json_i64(release, "version", 0),
			 json_str(release, "twelve.reason", "see twelve releases:info"),
			 something_runs(c, app) ? ". The release before it is still running" : "");
}

/* 1: done well, 0: go on waiting (for *version, which may have become a later one). */
static int look_at(struct cli *c, const char *app, const json_t *release, int64_t *version,
		   struct error *err)
{
	const char *status = json_str(release, "status", "succeeded");
	int64_t newest = 0;

	if (streq(status, "failed"))
		return tell_failure(c, app, release, err);
	if (streq(status, "expired")) {
		if (newest_release(c, app, &newest, err) < 0)
			return -1;
		if (newest <= *version)
			return error_set(err, ERROR_CONFLICT, "v%lld was given up",
					 (long long)*version);
		note(c, "v%lld came before v%lld was live: waiting for that one", (long long)newest,
		     (long long)*version);
		*version = newest;
		return 0;
	}
	if (!streq(status, "succeeded")) {
		progress(c, "v%lld %s", (long long)*version,
			 json_bool(release, "twelve.phase_done") ? "is starting"
								 : "is being prepared");
		return 0;
	}
	return 1;
}

int wait_for_release(struct cli *c, const char *app, int64_t version, struct error *err)
{
	signals_note_first();
	for (;;) {
		_cleanup_free_ char *path =
			xasprintf("/apps/%s/releases/%lld", app, (long long)version);
		_cleanup_json_ json_t *release = NULL;
		_cleanup_buf_ struct buf text = BUF_INIT;
		int r = get_patiently(c, &release, err, path);

		if (r > 0) {
			note(c,
			     "v%lld is still being rolled out: twelve releases:info v%lld -a %s "
			     "shows how it went",
			     (long long)version, (long long)version, app);
			return 128 + cli_interrupted;
		}
		if (r == 0)
			r = look_at(c, app, release, &version, err);
		if (r < 0)
			return -1;
		if (r == 0) {
			pause_ms(POLL_MS);
			continue;
		}
		if (json_str(release, "slug.id", NULL))
			release_proof_text(release, &text);
		else
			buf_printf(&text,
				   "v%lld is created; no code is deployed yet, so nothing runs it",
				   (long long)version);
		note(c, "%s", text.data);
		return 0;
	}
}

int settle_release(struct cli *c, const char *app, int64_t before, const char *what,
		   struct error *err)
{
	int64_t after = 0;

	if (newest_release(c, app, &after, err) < 0)
		return -1;
	if (after == before) {
		note(c, "Nothing has changed.");
		return 0;
	}
	note(c, "%s: v%lld", what, (long long)after);
	if (cli_has(c, "no-wait"))
		return 0;
	return wait_for_release(c, app, after, err);
}

/* ---- dynos ---- */

static bool is_up(const json_t *dyno)
{
	return streq(json_str(dyno, "state", ""), "up") && !json_bool(dyno, "twelve.draining");
}

static int crashed(const json_t *dyno, struct error *err)
{
	return error_set(err, ERROR_SYSTEM, "%s crashed and will be started again: %s",
			 json_str(dyno, "name", "a dyno"),
			 json_str(dyno, "twelve.reason", "see twelve logs"));
}

/* How many dynos of the type and size are up; a crashed one is an error. */
static int count_up(const json_t *dynos, const json_t *want, struct error *err)
{
	const char *size = json_str(want, "size", NULL);
	const json_t *dyno;
	int n = 0;
	size_t i;

	json_array_foreach (dynos, i, dyno) {
		if (!streq(json_str(dyno, "type", ""), json_str(want, "type", "?")))
			continue;
		if (streq(json_str(dyno, "state", ""), "crashed"))
			return crashed(dyno, err);
		n += is_up(dyno) && (!size || strcasecmp(json_str(dyno, "size", size), size) == 0);
	}
	return n;
}

/* 1: as wanted, 0: not yet. */
static int formation_is_up(struct cli *c, const json_t *dynos, const json_t *formation,
			   struct error *err)
{
	const json_t *want;
	size_t i;

	json_array_foreach (formation, i, want) {
		int64_t quantity = json_i64(want, "quantity", 0);
		int n = count_up(dynos, want, err);

		if (n < 0)
			return -1;
		if (n < quantity) {
			progress(c, "%d of %lld %s dyno%s up", n, (long long)quantity,
				 json_str(want, "type", ""), str_plural(quantity));
			return 0;
		}
	}
	return 1;
}

static bool in_list(const json_t *dynos, const char *key, const char *value)
{
	const json_t *dyno;
	size_t i;

	json_array_foreach (dynos, i, dyno)
		if (streq(json_str(dyno, key, ""), value))
			return true;
	return false;
}

/* A name counts as succeeded when a dyno of that name with another id is up. */
static int successors_are_up(struct cli *c, const json_t *dynos, const json_t *old,
			     struct error *err)
{
	size_t i, left = json_array_size(old);
	const json_t *dyno;

	json_array_foreach (dynos, i, dyno) {
		const char *name = json_str(dyno, "name", ""), *id = json_str(dyno, "id", "");

		if (!in_list(old, "name", name) || in_list(old, "id", id))
			continue;
		if (streq(json_str(dyno, "state", ""), "crashed"))
			return crashed(dyno, err);
		left -= is_up(dyno) && left > 0;
	}
	if (left)
		progress(c, "%zu of %zu dyno%s restarted", json_array_size(old) - left,
			 json_array_size(old), str_plural((int64_t)json_array_size(old)));
	return left == 0;
}

typedef int (*judge_fn)(struct cli *c, const json_t *dynos, const json_t *want, struct error *err);

static int wait_for_dynos(struct cli *c, const char *app, judge_fn judge, const json_t *want,
			  struct error *err)
{
	_cleanup_free_ char *path = xasprintf("/apps/%s/dynos", app);
	int64_t deadline = clock_now_ms() + DYNOS_WAIT_MS;

	signals_note_first();
	for (;;) {
		_cleanup_json_ json_t *dynos = NULL;
		int r = get_patiently(c, &dynos, err, path);

		if (r > 0) {
			note(c, "The change continues: twelve ps -a %s shows its progress", app);
			return 128 + cli_interrupted;
		}
		if (r == 0)
			r = judge(c, dynos, want, err);
		if (r != 0)
			return r < 0 ? -1 : 0;
		if (clock_now_ms() > deadline)
			return error_set(err, ERROR_UNAVAILABLE,
					 "The dynos are not up after %d minutes; twelve ps and "
					 "twelve logs tell more",
					 DYNOS_WAIT_MS / 60000);
		pause_ms(POLL_MS);
	}
}

int wait_for_formation(struct cli *c, const char *app, const json_t *formation, struct error *err)
{
	return wait_for_dynos(c, app, formation_is_up, formation, err);
}

int wait_for_successors(struct cli *c, const char *app, const json_t *old, struct error *err)
{
	return wait_for_dynos(c, app, successors_are_up, old, err);
}
