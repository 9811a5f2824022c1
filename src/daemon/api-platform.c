/* SPDX-License-Identifier: Apache-2.0 */
/* The account, what there is to choose from, and the platform itself. */
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"
#include "build/build.h"
#include "daemon/api-priv.h"
#include "daemon/builds.h"
#include "daemon/router.h"
#include "model/size.h"
#include "stack/stack.h"

int api_account_get(struct request *r, struct error *err)
{
	(void)err;
	return request_answer(r, 200, api_account(request_daemon(r)));
}

int api_rate_limits(struct request *r, struct error *err)
{
	(void)err;
	return request_answer(r, 200, json_pack("{s:i}", "remaining", 4500));
}

int api_empty_list(struct request *r, struct error *err)
{
	(void)err;
	return request_answer(r, 200, json_array());
}

int api_no_pipeline(struct request *r, struct error *err)
{
	(void)r;
	return error_set(err, ERROR_NOT_FOUND, "The app is in no pipeline");
}

int api_stacks(struct request *r, struct error *err)
{
	struct daemon *d = request_daemon(r);

	(void)err;
	return request_answer(r, 200, json_pack("[{s:s, s:s, s:s, s:b, s:o, s:o}]", "id", "01234567-89ab-4def-8123-456789abcde1", "name",
						STACK_DEFAULT, "state", "public", "default", 1, "created_at",
						api_time(d->started_ms), "updated_at", api_time(d->started_ms)));
}

int api_regions(struct request *r, struct error *err)
{
	struct daemon *d = request_daemon(r);

	(void)err;
	return request_answer(r, 200, json_pack("[{s:s, s:s, s:s, s:s, s:s, s:b, s:{s:s, s:s}, s:o, s:o}]", "id",
						"01234567-89ab-4def-8123-456789abcde0", "name", "us", "description",
						"This machine", "country", "This machine", "locale", "This machine",
						"private_capable", 0, "provider", "name", "twelve", "region", "local", "created_at",
						api_time(d->started_ms), "updated_at", api_time(d->started_ms)));
}

int api_dyno_sizes(struct request *r, struct error *err)
{
	json_t *list = json_array();

	(void)err;
	for (size_t i = 0; i < n_dyno_sizes; i++) {
		const struct dyno_size *s = &dyno_sizes[i];

		json_array_append_new(list, json_pack("{s:s, s:f, s:f, s:I, s:I, s:b, s:n}", "name", s->name, "memory",
						      (double)s->memory_bytes / (1 << 30), "compute",
						      (double)s->cpu_shares / 1024, "cpu_shares", (json_int_t)s->cpu_shares,
						      "processes", (json_int_t)s->pids, "private_space_only", 0, "cost"));
	}
	return request_answer(r, 200, list);
}

static json_t *count_dynos(struct daemon *d)
{
	_cleanup_free_ struct dyno **dynos = NULL;
	size_t n = dynos_list(d->dynos, NULL, &dynos);
	json_t *counts = json_object();

	for (size_t i = 0; i < n; i++) {
		const char *state = dyno_state_word(dynos[i]);

		json_object_set_new(counts, state, json_integer(json_integer_value(json_object_get(counts, state)) + 1));
	}
	return counts;
}

int api_status(struct request *r, struct error *err)
{
	struct daemon *d = request_daemon(r);
	struct app *apps = NULL;
	uint64_t free_bytes = 0;
	size_t n = 0;

	if (store_app_list(d->store, &apps, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		app_done(&apps[i]);
	free(apps);
	fs_free_bytes(d->settings.state_dir, &free_bytes);
	return request_answer(
		r, 200,
		json_pack("{s:s, s:I, s:I, s:I, s:o, s:{s:s, s:s, s:s, s:s}, s:{s:s, s:b}, s:{s:s, s:I, s:I}, s:s}", "version", TWELVE_VERSION,
			  "pid", (json_int_t)getpid(), "uptime_s", (json_int_t)((clock_wall_ms() - d->started_ms) / 1000), "apps",
			  (json_int_t)n, "dynos", count_dynos(d), "runtime", "name", d->runtime.name, "path", d->runtime.path,
			  "version", d->runtime.version, "why", d->runtime.why, "router", "address", d->settings.http_address,
			  "settled", (int)router_is_settled(d->router), "disk", "state_dir", d->settings.state_dir, "free_bytes",
			  (json_int_t)free_bytes, "reserve_bytes", (json_int_t)d->settings.disk_reserve_bytes, "apps_domain",
			  d->settings.apps_domain));
}

/* Builds make slugs and stacks that no release refers to yet, so none may be running. */
static int check_no_builds(struct daemon *d, struct error *err)
{
	struct app *apps = NULL;
	const char *running = NULL;
	size_t n = 0;

	if (store_app_list(d->store, &apps, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (!running)
			running = builds_running(d->builds, apps[i].id);
		app_done(&apps[i]);
	}
	free(apps);
	return running ? error_set(err, ERROR_CONFLICT, "A build is running: collect when it has ended") : 0;
}

int api_gc(struct request *r, struct error *err)
{
	struct daemon *d = request_daemon(r);
	_cleanup_strv_ char **slugs = NULL, **stacks = NULL;
	size_t n_slugs = 0, n_stacks = 0;
	uint64_t before = 0, after = 0;

	fs_free_bytes(d->settings.state_dir, &before);
	if (check_no_builds(d, err) < 0 || store_slugs_in_use(d->store, &slugs, err) < 0 ||
	    store_stacks_in_use(d->store, &stacks, err) < 0 ||
	    build_collect(d->settings.state_dir, slugs, &n_slugs, err) < 0 ||
	    stack_collect(d->settings.state_dir, stacks, &n_stacks, err) < 0)
		return -1;
	fs_free_bytes(d->settings.state_dir, &after);
	return request_answer(r, 200, json_pack("{s:I, s:I, s:I}", "slugs", (json_int_t)n_slugs, "stacks", (json_int_t)n_stacks,
						"freed_bytes", (json_int_t)(after > before ? after - before : 0)));
}
