/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a push that waits is told of the rollout of its release; see build/builds.h.
 * The reconciler calls; a release that nobody waits for has no job here.
 */
#include <stdarg.h>
#include <string.h>

#include "base/str.h"
#include "daemon/build/builds-priv.h"

static struct job *find_by_release(struct builds *b, const char *app_id, int64_t version)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->jobs[i]->phase == PHASE_ROLLOUT && streq(b->jobs[i]->row.app_id, app_id) &&
		    b->jobs[i]->row.release_version == version)
			return b->jobs[i];
	return NULL;
}

static void tell_proof(struct job *j, json_t *proof)
{
	json_t *requests = json_object_get(proof, "requests"),
	       *failed = json_object_get(proof, "failed");

	if (requests && failed)
		stream_printf(
			j->stream,
			"       v%lld is live: %lld requests during the switch, %lld failed\n",
			(long long)j->row.release_version, (long long)json_integer_value(requests),
			(long long)json_integer_value(failed));
	else
		stream_printf(j->stream, "       v%lld is live\n",
			      (long long)j->row.release_version);
}

static void tell_url(struct job *j)
{
	const struct settings *s = &j->owner->platform->settings;
	const char *port = strrchr(s->http_address, ':');

	stream_printf(j->stream, "       http://%s.%s%s/ deployed\n", j->app_name, s->apps_domain,
		      port && !streq(port, ":80") ? port : "");
}

/* The version whose dynos still run; 0 before the first deployment. */
static int64_t still_running(const struct job *j)
{
	struct store *s = j->owner->platform->store;
	struct release current = { 0 };
	struct error err = ERROR_INIT;
	struct app app = { 0 };
	int64_t version = 0;

	if (store_app_get(s, j->row.app_id, &app, &err) == 0 &&
	    store_release_get(s, app.id, app.current_version, &current, &err) == 0 && current.slug)
		version = current.version;
	release_done(&current);
	app_done(&app);
	return version;
}

/* "v3 failed: web.1 exited with status 3. v2 is still running." */
static char *failure(const struct job *j, int64_t version, const char *reason)
{
	int64_t running = still_running(j);

	if (!running)
		return xasprintf("v%lld failed: %s", (long long)version, reason);
	return xasprintf("v%lld failed: %s. v%lld is still running.", (long long)version, reason,
			 (long long)running);
}

void builds_rollout_done(struct builds *b, const char *app_id, int64_t version, const char *reason,
			 json_t *proof)
{
	struct job *j = find_by_release(b, app_id, version);
	_cleanup_free_ char *why = NULL;

	if (!j)
		return;
	if (!reason) {
		tell_proof(j, proof);
		tell_url(j);
		job_finish(j, "succeeded", NULL);
		return;
	}
	why = failure(j, version, reason);
	job_finish(j, "failed", why);
}

/* A release that was made of this one, by a config change say, has the push in it. */
void builds_rollout_superseded(struct builds *b, const char *app_id, int64_t version, int64_t by)
{
	_cleanup_free_ char *reason =
		xasprintf("a newer release, v%lld, came before it was live", (long long)by);
	struct job *j = find_by_release(b, app_id, version);
	struct error err = ERROR_INIT;
	struct release newer = { 0 };
	bool has_push = false;

	if (!j)
		return;
	if (store_release_get(b->platform->store, app_id, by, &newer, &err) == 0)
		has_push = newer.slug && streq(newer.slug, j->row.slug) && newer.commit &&
			   streq(newer.commit, j->row.commit);
	if (has_push) {
		stream_printf(j->stream,
			      "       v%lld (%s) came before v%lld was live, and has this in it: "
			      "waiting for it\n",
			      (long long)by, newer.description, (long long)version);
		j->row.release_version = by;
	} else {
		builds_rollout_done(b, app_id, version, reason, NULL);
	}
	release_done(&newer);
}

void builds_app_gone(struct builds *b, const char *app_id)
{
	for (size_t i = b->n; i-- > 0;)
		if (b->jobs[i]->phase == PHASE_ROLLOUT && streq(b->jobs[i]->row.app_id, app_id))
			job_finish(b->jobs[i], "failed",
				   "the app was destroyed before its release was live");
}

void builds_rollout_line(struct builds *b, const char *app_id, int64_t version, const char *fmt,
			 ...)
{
	struct job *j = find_by_release(b, app_id, version);
	_cleanup_buf_ struct buf text = BUF_INIT;
	va_list ap;

	if (!j)
		return;
	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	stream_printf(j->stream, "       %s\n", text.data);
}
