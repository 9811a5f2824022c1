/* SPDX-License-Identifier: Apache-2.0 */
/* The account, what there is to choose from, and the platform itself. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/str.h"
#include "daemon/apps/lost.h"
#include "daemon/api/shapes.h"
#include "daemon/dynos/dynos.h"
#include "daemon/api/table.h"
#include "daemon/api/limit.h"
#include "daemon/edge/router.h"
#include "daemon/walls/walls.h"
#include "model/names.h"
#include "model/size.h"

#ifdef __aarch64__
#define API_ARCHITECTURE "arm64"
#else
#define API_ARCHITECTURE "amd64"
#endif

static int api_rate_limits(struct request *r, struct error *err)
{
	(void)err;
	return request_answer(r, 200, json_pack("{s:I}", "remaining", (json_int_t)limit_left(r)));
}

static json_t *size_json(const struct dyno_size *s)
{
	char display[32], id[UUID_SIZE], generation[UUID_SIZE];
	json_t *j;

	size_display(s->name, display);
	j = json_pack("{s:s, s:s, s:f, s:I, s:f}", "id", name_uuid("size", s->name, id), "name",
		      display, "memory", (double)s->memory_bytes / (1 << 30), "compute",
		      (json_int_t)(s->cpu_shares / 1024), "precise_dyno_units",
		      (double)s->cpu_shares / 1024);
	json_object_update_new(j, json_pack("{s:n, s:b, s:b, s:{s:s, s:s}}", "cost", "dedicated", 0,
					    "private_space_only", 0, "generation", "id",
					    name_uuid("generation", "cedar", generation), "name",
					    "cedar"));
	json_object_update_new(j, json_pack("{s:s, s:{s:I}}", "architecture", API_ARCHITECTURE,
					    "twelve", "processes", (json_int_t)s->pids));
	return j;
}

static int api_lost(struct request *r, struct error *err)
{
	(void)err;
	return request_answer(r, 200,
			      lost_list(&request_parts(r)->platform, request_parts(r)->dynos));
}

static json_t *sizes(void)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n_dyno_sizes; i++)
		json_array_append_new(list, size_json(&dyno_sizes[i]));
	return list;
}

static int api_dyno_sizes(struct request *r, struct error *err)
{
	(void)err;
	return request_answer(r, 200, sizes());
}

static int api_dyno_size_get(struct request *r, struct error *err)
{
	return api_answer_one(r, sizes(), "size", err);
}

static json_t *count_dynos(struct parts *parts)
{
	_cleanup_free_ struct dyno **dynos = NULL;
	size_t n = dynos_list(parts->dynos, NULL, &dynos);
	json_t *counts = json_object();

	for (size_t i = 0; i < n; i++) {
		const char *state = dyno_state_word(dynos[i]);

		json_object_set_new(
			counts, state,
			json_integer(json_integer_value(json_object_get(counts, state)) + 1));
	}
	return counts;
}

static int count_apps(struct parts *parts, size_t *ret, struct error *err)
{
	struct app *apps = NULL;

	if (store_app_list(parts->platform.store, &apps, ret, err) < 0)
		return -1;
	for (size_t i = 0; i < *ret; i++)
		app_done(&apps[i]);
	free(apps);
	return 0;
}

static json_t *disk_json(struct parts *parts)
{
	uint64_t free_bytes = 0;
	int r = fs_free_bytes(parts->platform.settings.state_dir, &free_bytes);

	return json_pack("{s:o, s:o, s:I}", "state_dir",
			 json_text(parts->platform.settings.state_dir), "free_bytes",
			 r < 0 ? json_null() : json_integer((json_int_t)free_bytes),
			 "reserve_bytes", (json_int_t)parts->platform.settings.disk_reserve_bytes);
}

/* Callbacks that held the event loop (event/loop.h): how many, and the longest. */
static json_t *loop_json(struct parts *parts)
{
	const struct loop_holds holds = loop_holds(parts->platform.loop);
	const struct loop_hold *longest = &holds.longest;
	_cleanup_free_ char *what = NULL;

	if (holds.n)
		what = xasprintf("%s %s", longest->where, longest->what);
	return json_pack("{s:I, s:I, s:s?}", "holds", (json_int_t)holds.n, "longest_ms",
			 (json_int_t)longest->took_ms, "longest_by", what);
}

static json_t *network_json(struct parts *parts)
{
	const struct settings *s = &parts->platform.settings;

	return json_pack("{s:b, s:s, s:s, s:b}", "walls", (int)walls_are_up(parts->walls),
			 "why_not", walls_why_not(parts->walls), "range", s->network,
			 "shared_by_setting", (int)s->shared_network);
}

static int api_status(struct request *r, struct error *err)
{
	struct parts *parts = request_parts(r);
	size_t n_apps;
	json_t *j;

	if (count_apps(parts, &n_apps, err) < 0)
		return -1;
	j = json_pack("{s:s, s:I, s:I, s:o}", "version", TWELVE_VERSION, "pid",
		      (json_int_t)getpid(), "uptime_s",
		      (json_int_t)((clock_wall_ms() - parts->platform.started_ms) / 1000),
		      "started_at", json_time(parts->platform.started_ms));
	json_object_update_new(j, json_pack("{s:I, s:o, s:o}", "apps", (json_int_t)n_apps, "dynos",
					    count_dynos(parts), "disk", disk_json(parts)));
	json_object_set_new(j, "loop", loop_json(parts));
	json_object_set_new(j, "runtime",
			    json_pack("{s:o, s:o, s:o, s:o}", "name",
				      json_text(parts->platform.runtime.name), "path",
				      json_text(parts->platform.runtime.path), "version",
				      json_text(parts->platform.runtime.version), "why",
				      json_text(parts->platform.runtime.why)));
	json_object_update_new(j, json_pack("{s:{s:s, s:s, s:b}, s:s, s:s}", "router", "address",
					    parts->platform.settings.http_address, "https_address",
					    parts->platform.settings.https_address, "settled",
					    (int)router_is_settled(parts->router), "apps_domain",
					    parts->platform.settings.apps_domain, "api_address",
					    parts->platform.settings.api_address));
	json_object_set_new(j, "network", network_json(parts));
	return request_answer(r, 200, j);
}

const struct api_route rate_limits_routes[] = {
	{ "GET", "/account/rate-limits", NEED_USER, api_rate_limits,
	  "remaining requests of this token; TWELVE_RATE_LIMIT per hour, refilled continuously",
	  .answer = "rate-limit" },
	{ 0 },
};

const struct api_route dyno_sizes_routes[] = {
	{ "GET", "/dyno-sizes", NEED_USER, api_dyno_sizes, "sizes and their limits",
	  .answer = "[dyno-size]" },
	{ "GET", "/dyno-sizes/:size", NEED_USER, api_dyno_size_get, "one size",
	  .answer = "dyno-size" },
	{ 0 },
};

const struct api_route status_routes[] = {
	{ "GET", "/twelve/status", NEED_USER, api_status, "status of the platform",
	  .answer = "status" },
	{ 0 },
};

const struct api_route lost_routes[] = {
	{ "GET", "/twelve/lost", NEED_ADMIN, api_lost,
	  "what exists on the machine and not in the database: repositories, volumes, backups, "
	  "slugs, dynos",
	  .answer = "[lost]" },
	{ 0 },
};
