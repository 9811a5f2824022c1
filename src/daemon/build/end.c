/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a build becomes a release; see build/builds.h. One that a push waits for is compared once
 * more with what its repository has become meanwhile, since git would refuse what was overtaken,
 * and it would be live all the same (docs/decisions/0005).
 */
#include "base/proc.h"
#include "base/str.h"
#include "daemon/build/builds-priv.h"
#include "daemon/build/worker.h"
#include "daemon/core/trail.h"
#include "daemon/git/branch.h"
#include "daemon/wanted/releases.h"

#include <stdlib.h>

static int release_it(struct job *j, const struct build_result *result, struct error *err)
{
	struct builds *b = j->owner;
	struct store *store = b->platform->store;
	struct release release = { 0 };
	struct app app = { 0 };
	int r;

	if (store_app_get(store, j->row.app_id, &app, err) < 0)
		return -1;
	r = releases_deploy(b->wanted, &app, result, j->row.commit, j->description, &j->who,
			    &release, err);
	if (r == 0) {
		_cleanup_free_ char *note =
			xasprintf("build of %s", j->row.commit[0] ? j->row.commit : "an archive");

		trail_release(store, &j->who, &app, release.version, note);
		j->row.release_version = release.version;
		stream_printf(j->stream, "-----> Launching\n       Released v%lld\n",
			      (long long)release.version);
	}
	release_done(&release);
	app_done(&app);
	return r;
}

static void take_row(struct job *j, const struct build_result *result)
{
	free(j->row.slug);
	free(j->row.stack);
	free(j->row.buildpacks);
	j->row.slug = xstrdup(result->slug);
	j->row.stack = xstrdup(result->stack);
	j->row.buildpacks = xstrdup(result->buildpacks);
}

static int check_cancelled(const struct job *j, struct error *err)
{
	return j->cancelled ? error_set(err, ERROR_CONFLICT,
					"The build was cancelled: nothing is released")
			    : 0;
}

static void on_checked(const char *why, void *userdata)
{
	struct job *j = userdata;
	struct error err = ERROR_INIT;

	if (check_cancelled(j, &err) == 0) {
		if (why)
			error_set(&err, ERROR_CONFLICT,
				  "The repository has changed while this was built, so that git "
				  "would refuse it, and nothing is "
				  "released: %s. Fetch, and push again",
				  why);
		else
			release_it(j, &j->slug, &err);
	}
	j->released(j, &err);
}

/* 1: on_checked() goes on. */
static int check_push(struct job *j, struct error *err)
{
	struct app app = { 0 };
	int r = store_app_get(j->owner->platform->store, j->row.app_id, &app, err);

	/* Its name may be another by now. */
	if (r == 0)
		r = branch_check(j->owner->branches, app.name, j->updates, on_checked, j, err);
	app_done(&app);
	if (r < 0)
		return -1;
	j->phase = PHASE_CHECKING;
	return 1;
}

bool job_release(struct job *j, job_released_fn fn)
{
	struct error err = ERROR_INIT;
	char described[64];
	int r = check_cancelled(j, &err);

	j->released = fn;
	if (r == 0 && j->result.len == 0)
		r = error_set(&err, ERROR_SYSTEM, "The build's process %s",
			      proc_describe_status(j->status, described, sizeof(described)));
	if (r == 0)
		r = worker_parse_result(j->result.data, j->owner->platform->settings.state_dir,
					j->row.app_id, &j->slug, &err);
	if (r == 0) {
		j->slug.stack_name = xstrdup(j->stack_name);
		take_row(j, &j->slug);
		r = j->updates ? check_push(j, &err) : release_it(j, &j->slug, &err);
	}
	if (r <= 0)
		fn(j, &err);
	return r > 0;
}
