/* SPDX-License-Identifier: Apache-2.0 */
/* Manifests of services, attachments as values, and the life of an add-on under random schedules.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "addon/attach.h"
#include "addon/life.h"
#include "addon/room.h"
#include "addon/schedule.h"
#include "addon/service.h"
#include "addon/summary.h"
#include "base/cleanup.h"
#include "base/str.h"

/* ---- manifests ---- */

static const char good[] =
	"{\"name\": \"shelf\", \"human_name\": \"Shelf\", \"description\": "
	"\"d\", \"version\": \"1\","
	" \"aliases\": [\"board\"], \"heroku\": [\"heroku-shelf\"], "
	"\"packages\": [\"python3\"], \"ports\": 2, \"schemes\": [\"shelf\"],"
	" \"attachment\": \"SHELF\", \"config\": {\"URL\": "
	"\"shelf://{user}:{password}@{host}:{port}/{database}\","
	" \"OTHER\": \"{port2}{nothing}{\"}, \"databases\": \"named\", "
	"\"client\": \"shelf\", \"backup\": \"json\","
	" \"plans\": [{\"name\": \"small\", \"description\": \"d\", \"memory\": "
	"\"64M\", \"disk\": \"1G\","
	" \"processes\": 90, \"settings\": {\"connections\": 20}}, {\"name\": \"large\", "
	"\"description\": \"d\", \"memory\": \"1G\","
	" \"disk\": \"2T\", \"cpus\": 1.5}]}";

static void test_a_manifest(void **state)
{
	struct error err = ERROR_INIT;
	struct service s;

	(void)state;
	assert_int_equal(service_parse(good, "x", "/srv/shelf", &s, &err), 0);
	assert_int_equal(s.ports, 2);
	assert_int_equal(s.databases, SERVICE_NAMED);
	assert_int_equal(s.stop_timeout_s, SERVICE_STOP_S_DEFAULT);
	assert_int_equal(service_plan(&s, "small")->memory_bytes, 64 << 20);
	assert_true(service_plan(&s, "large")->disk_bytes == 2ULL << 40);
	assert_true(service_plan(&s, "large")->cpus > 1.4);
	assert_int_equal(service_plan(&s, "small")->processes, 90);
	assert_int_equal(service_plan(&s, "large")->processes, SERVICE_PROCESSES_DEFAULT);
	assert_null(service_plan(&s, "huge"));
	assert_null(service_plan_meant(&s, "shelf", "huge"));
	assert_null(service_plan_meant(&s, "board", "huge"));
	assert_string_equal(service_plan_meant(&s, "shelf", NULL)->name, "small");
	assert_string_equal(service_plan_meant(&s, "heroku-shelf", "large")->name, "large");
	assert_string_equal(service_plan_meant(&s, "heroku-shelf", "essential-0")->name, "small");
	assert_true(service_has_scheme(&s, "shelf"));
	service_done(&s);
}

/* The manifest with one thing exchanged, and what is said about it. */
static void test_mistakes_in_a_manifest_are_named(void **state)
{
	static const char *const table[][3] = {
		{ "\"shelf\", \"human", "\"Shelf\", \"human", "\"name\" must be" },
		{ "\"shelf\", \"human", "\"other\", \"human", "name of its directory" },
		{ "\"version\": \"1\"", "\"version\": 1", "\"version\" must be a string" },
		{ "\"ports\": 2", "\"ports\": 5", "\"ports\" must be a whole number from 1 to 4" },
		{ "\"ports\": 2", "\"ports\": \"2\"", "\"ports\"" },
		{ "[\"python3\"]", "[]", "\"packages\"" },
		{ "[\"python3\"]", "[\"a b\"]", "\"packages\"" },
		{ "[\"board\"]", "[\"B\"]", "\"aliases\"" },
		{ "[\"board\"]", "\"board\"", "\"aliases\" must be an array" },
		{ "[\"heroku-shelf\"]", "[\"heroku:shelf\"]", "\"heroku\"" },
		{ "\"attachment\": \"SHELF\"", "\"attachment\": \"9\"", "\"attachment\"" },
		{ "\"databases\": \"named\"", "\"databases\": \"many\"", "\"databases\"" },
		{ "\"backup\": \"json\"", "\"backup\": \"../x\"", "\"backup\"" },
		{ "\"memory\": \"64M\"", "\"memory\": \"64\"",
		  "plans[0]: \"memory\" must be a size" },
		{ "\"disk\": \"2T\"", "\"disk\": \"1K\"", "plans[1]: \"disk\"" },
		{ "\"cpus\": 1.5", "\"cpus\": 0", "plans[1]: \"cpus\"" },
		{ "\"cpus\": 1.5", "\"processes\": 31",
		  "plans[1]: \"processes\" must be a whole number from 32" },
		{ "{\"connections\": 20}", "{\"connections\": []}", "\"settings\"" },
		{ "\"name\": \"large\"", "\"name\": \"Large\"", "plans[1]: \"name\"" },
		{ "\"plans\": [{", "\"plan\": [{", "\"plans\" must be" },
		{ "\"human_name\"", "\"name\"", "x:1: duplicate object key" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		const char *at = strstr(good, table[i][0]);
		_cleanup_free_ char *text = NULL;
		struct error err = ERROR_INIT;
		struct service s;

		assert_non_null(at);
		text = xasprintf("%.*s%s%s", (int)(at - good), good, table[i][1],
				 at + strlen(table[i][0]));
		assert_int_equal(service_parse(text, "x", "/srv/shelf", &s, &err), -1);
		if (!strstr(err.message, table[i][2]))
			fail_msg("%s: %s", table[i][1], err.message);
	}
}

static void test_templates(void **state)
{
	const struct service_values v = { .user = "u",
					  .password = "p",
					  .host = "127.0.0.1",
					  .database = "d",
					  .ports = { 1, 2 } };
	struct error err = ERROR_INIT;
	struct service s;
	json_t *vars;

	(void)state;
	assert_int_equal(service_parse(good, "x", "/srv/shelf", &s, &err), 0);
	vars = service_config(&s, "MINE", &v);
	assert_string_equal(json_string_value(json_object_get(vars, "MINE_URL")),
			    "shelf://u:p@127.0.0.1:1/d");
	assert_string_equal(json_string_value(json_object_get(vars, "MINE_OTHER")), "2{nothing}{");
	json_decref(vars);
	service_done(&s);
}

/* ---- attachments ---- */

static json_t *item(const char *id, const char *name, const char *addon, const char *credential)
{
	_cleanup_free_ char *var = xasprintf("%s_URL", name);
	json_t *vars = json_pack("{s:s}", var, "x");
	json_t *j = attach_make(id, name, addon, credential, false, 1, vars);

	json_decref(vars);
	return j;
}

/* What the templates of `config` say, and no port beyond `ports`. */
static void test_ports_that_apps_connect_to(void **state)
{
	static const struct {
		const char *template;
		int64_t ports;
		bool reached[SERVICE_MAX_PORTS + 1];
	} cases[] = {
		{ "shelf://{host}:{port}/", 4, { true } },
		{ "{host}:{port1}", 4, { true } },
		{ "{port}{port3}", 4, { true, false, true } },
		{ "{port4}", 4, { false, false, false, true } },
		{ "{port}{port2}", 1, { true } },
		{ "{{port2}", 2, { false, true } },
		{ "{port5}{port0}{ports}{port22}{PORT}{port", 4, { false } },
		{ "shelf://{host}/", 4, { false } },
	};

	(void)state;
	for (size_t c = 0; c < ARRAY_SIZE(cases); c++) {
		struct service s = { .ports = cases[c].ports,
				     .config = json_pack("{s:s, s:s}", "NAME", "{user}", "URL",
							 cases[c].template) };

		for (size_t i = 0; i <= SERVICE_MAX_PORTS; i++)
			if (service_app_port(&s, i) != cases[c].reached[i])
				fail_msg("%s: port %zu", cases[c].template, i);
		json_decref(s.config);
	}
}

static void test_attachments_as_values(void **state)
{
	json_t *empty = json_array(), *one = attach_put(empty, item("1", "DATABASE", "a", "c"));
	json_t *two = attach_put(one, item("2", "CACHE", "b", "d"));
	json_t *replaced = attach_put(two, item("1", "DATABASE", "z", "e"));
	json_t *config =
		json_pack("{s:s, s:s, s:s}", "DATABASE_URL", "p", "CACHE_URL", "r", "MINE", "m");
	json_t *own = attach_own_config(config, two), *vars = attach_vars(config, two);
	struct attachment at;

	(void)state;
	assert_int_equal(json_array_size(empty), 0);
	assert_int_equal(json_array_size(one), 1);
	assert_true(attach_find(two, "cache", &at) && streq(at.addon, "b"));
	assert_true(attach_by_var(two, "DATABASE_URL", &at) && streq(at.id, "1"));
	assert_false(attach_by_var(two, "MINE", &at));
	assert_true(attach_has_addon(two, "a") && !attach_has_addon(replaced, "a"));
	assert_true(attach_has_credential(replaced, "e") && !attach_has_credential(replaced, "c"));
	assert_int_equal(json_array_size(replaced), 2);
	assert_int_equal(json_object_size(own), 1);
	assert_int_equal(json_object_size(vars), 2);
	json_decref(replaced);
	replaced = attach_remove(two, "1");
	assert_false(attach_find(replaced, "DATABASE", &at));
	json_decref(empty), json_decref(one), json_decref(two), json_decref(replaced);
	json_decref(config), json_decref(own), json_decref(vars);
}

static void test_names_of_attachments(void **state)
{
	json_t *list = json_array(), *with = attach_put(list, item("1", "DATABASE", "a", "c"));
	json_t *config = json_pack("{s:s}", "MINE_URL", "x"), *keys = json_pack("{s:s}", "URL", "");
	struct error err = ERROR_INIT;
	char *name = attach_pick_name(list, config, keys, NULL, "DATABASE", "my-sql", &err);

	(void)state;
	assert_string_equal(name, "DATABASE");
	free(name);
	name = attach_pick_name(with, config, keys, NULL, "DATABASE", "my-sql", &err);
	assert_string_equal(name, "MY_SQL_AMBER");
	free(name);
	name = attach_pick_name(list, config, keys, "other-db", "DATABASE", "my-sql", &err);
	assert_string_equal(name, "OTHER_DB");
	free(name);
	assert_null(attach_pick_name(with, config, keys, "database", "DATABASE", "my-sql", &err));
	assert_non_null(strstr(err.message, "an attachment DATABASE already"));
	assert_null(attach_pick_name(list, config, keys, "mine", "DATABASE", "my-sql", &err));
	assert_non_null(strstr(err.message, "a config var MINE_URL already"));
	assert_null(attach_pick_name(list, config, keys, "1x", "DATABASE", "my-sql", &err));
	assert_null(attach_pick_name(list, config, keys, "PORT=", "DATABASE", "my-sql", &err));
	json_decref(list), json_decref(with), json_decref(config), json_decref(keys);
}

/* ---- the life of an add-on ---- */

struct world {
	struct life_view v;
	bool removed, backed_up, ever_served;
	int wanted_restores;
};

static bool chance(unsigned *seed, int one_in)
{
	return rand_r(seed) % one_in == 0;
}

/* What must never be done, whatever was seen. */
static void check(const struct world *w, enum life_action a)
{
	const struct life_view *v = &w->v;

	if (v->busy)
		assert_int_equal(a, LIFE_WAIT);
	if (a == LIFE_START)
		assert_true(v->prepared && !v->changed && !v->uncertified &&
			    v->server == LIFE_NO_SERVER);
	if (a == LIFE_CERTIFY)
		assert_true(v->prepared &&
			    (v->server == LIFE_NO_SERVER || (v->server == LIFE_UP && v->healthy)));
	if (a == LIFE_UPGRADE)
		assert_int_equal(v->server, LIFE_NO_SERVER);
	if (a == LIFE_REMOVE)
		assert_true(v->state == LIFE_DEPROVISIONING && !v->referenced && !v->backup_due &&
			    v->server == LIFE_NO_SERVER);
	/* A server that somebody uses is stopped for another plan only. */
	if (a == LIFE_STOP && v->state == LIFE_PROVISIONED)
		assert_true(v->stale);
	if (a == LIFE_STOP && v->state == LIFE_DEPROVISIONING && v->referenced)
		assert_true(v->stale);
	if (a == LIFE_DESTROY || a == LIFE_FAIL)
		assert_true(v->state != LIFE_PROVISIONED);
	if (a == LIFE_CREATE_CREDENTIAL || a == LIFE_REVOKE_CREDENTIAL || a == LIFE_RESTORE ||
	    a == LIFE_ATTACH || a == LIFE_LAST_BACKUP || a == LIFE_DESTROY || a == LIFE_LIMIT)
		assert_true(v->server == LIFE_UP && v->healthy);
	if (a == LIFE_REVOKE_CREDENTIAL)
		assert_true(!v->to_create && v->to_revoke);
}

/* The action succeeds. */
static void apply(struct world *w, enum life_action a)
{
	struct life_view *v = &w->v;

	switch (a) {
	case LIFE_PREPARE:
		v->prepared = true;
		break;
	case LIFE_UPGRADE:
		v->changed = false;
		break;
	case LIFE_CERTIFY:
		v->uncertified = false;
		break;
	case LIFE_START:
		v->server = LIFE_STARTING;
		v->crashes = 0;
		v->stale = v->healthy = false;
		break;
	case LIFE_CHECK_HEALTH:
		v->healthy = w->ever_served = true;
		break;
	case LIFE_STOP:
		v->server = LIFE_STOPPING;
		v->healthy = false;
		v->failed |= v->state == LIFE_PROVISIONING;
		break;
	case LIFE_ATTACH:
		v->state = LIFE_PROVISIONED;
		v->referenced = true;
		break;
	case LIFE_RESTORE:
		v->restoring = false;
		v->to_create++;
		break;
	case LIFE_CREATE_CREDENTIAL:
		v->to_create--;
		break;
	case LIFE_REVOKE_CREDENTIAL:
		v->to_revoke--;
		break;
	case LIFE_LIMIT:
		v->limit_due = false;
		break;
	case LIFE_LAST_BACKUP:
		v->backup_due = false;
		break;
	case LIFE_DESTROY:
		v->destroyed = true;
		break;
	case LIFE_REMOVE:
	case LIFE_FAIL:
		w->removed = true;
		break;
	case LIFE_WAIT:
	case _LIFE_ACTION_MAX:
		break;
	}
}

/* Time passes: what was begun goes on. */
static void pass(struct world *w)
{
	if (w->v.server == LIFE_STARTING)
		w->v.server = LIFE_UP;
	else if (w->v.server == LIFE_STOPPING)
		w->v.server = LIFE_NO_SERVER;
}

/* Somebody wants something, something dies, twelved is killed. */
static void disturb(struct world *w, unsigned *seed)
{
	struct life_view *v = &w->v;

	if (chance(seed, 20) && v->server == LIFE_UP) {
		v->server = LIFE_STARTING;
		v->healthy = false;
		v->crashes++;
	}
	if (chance(seed, 30) && v->server != LIFE_STOPPING) {
		v->server = LIFE_NO_SERVER;
		v->healthy = false;
	}
	if (chance(seed, 15))
		v->healthy = v->destroyed = false;
	if (chance(seed, 25) && v->state == LIFE_PROVISIONED) {
		v->changed = true;
		v->stale = v->server != LIFE_NO_SERVER;
	}
	if (chance(seed, 15) && v->state == LIFE_PROVISIONED)
		v->to_create++;
	if (chance(seed, 15) && v->state == LIFE_PROVISIONED)
		v->to_revoke++;
	if (chance(seed, 40) && v->state == LIFE_PROVISIONED)
		v->restoring = true;
	if (chance(seed, 40) && v->state == LIFE_PROVISIONED)
		v->limit_due = true;
	if (chance(seed, 30))
		v->uncertified = true;
	if (chance(seed, 60) && v->state != LIFE_PROVISIONING) {
		v->state = LIFE_DEPROVISIONING;
		v->backup_due = true;
	}
	if (chance(seed, 10) && v->state == LIFE_DEPROVISIONING)
		v->referenced = false;
}

static void live(unsigned seed)
{
	struct world w = { 0 };
	int calm = 0;

	for (int step = 0; step < 400 && !w.removed; step++) {
		enum life_action a = life_next(&w.v);

		check(&w, a);
		/* One in five is cut off by a kill, or fails, and has changed nothing. */
		if (!chance(&seed, 5))
			apply(&w, a);
		pass(&w);
		if (step < 200)
			disturb(&w, &seed);
		else
			w.v.referenced = w.v.state == LIFE_PROVISIONED;
		calm = a == LIFE_WAIT ? calm + 1 : 0;
	}
	/* It ends: gone, or serving with nothing left to do. */
	if (w.removed)
		return;
	assert_int_equal(w.v.state, LIFE_PROVISIONED);
	assert_true(calm > 50 && w.v.healthy && w.v.server == LIFE_UP);
	assert_false(w.v.to_create || w.v.to_revoke || w.v.restoring || w.v.limit_due ||
		     w.v.uncertified || w.v.stale || w.v.changed);
}

static void test_twenty_thousand_lives(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 20000; seed++)
		live(seed);
}

static void test_a_server_that_does_not_stay_up_fails(void **state)
{
	struct life_view v = { .prepared = true,
			       .server = LIFE_STARTING,
			       .crashes = LIFE_MAX_CRASHES };

	(void)state;
	assert_int_equal(life_next(&v), LIFE_STOP);
	v.server = LIFE_STOPPING;
	assert_int_equal(life_next(&v), LIFE_WAIT);
	v.server = LIFE_NO_SERVER;
	v.failed = true;
	assert_int_equal(life_next(&v), LIFE_FAIL);
	/* One that has served once is never given up. */
	v = (struct life_view){
		.state = LIFE_PROVISIONED, .prepared = true, .server = LIFE_STARTING, .crashes = 99
	};
	assert_int_equal(life_next(&v), LIFE_WAIT);
}

/* ---- the room of a volume ---- */

static void test_the_room_of_a_volume(void **state)
{
	static const struct {
		int64_t used;
		enum room_level after[_ROOM_MAX]; /* by what was before: free, full, hard, closed */
	} cells[] = {
		{ 0, { ROOM_FREE, ROOM_FREE, ROOM_FREE, ROOM_FREE } },
		{ 899, { ROOM_FREE, ROOM_FREE, ROOM_FREE, ROOM_FREE } },
		{ 900, { ROOM_FREE, ROOM_FULL, ROOM_FULL, ROOM_FULL } },
		{ 999, { ROOM_FREE, ROOM_FULL, ROOM_FULL, ROOM_FULL } },
		{ 1000, { ROOM_FULL, ROOM_FULL, ROOM_HARD, ROOM_HARD } },
		{ 1099, { ROOM_FULL, ROOM_FULL, ROOM_HARD, ROOM_HARD } },
		{ 1100, { ROOM_HARD, ROOM_HARD, ROOM_HARD, ROOM_CLOSED } },
		{ 1199, { ROOM_HARD, ROOM_HARD, ROOM_HARD, ROOM_CLOSED } },
		{ 1200, { ROOM_CLOSED, ROOM_CLOSED, ROOM_CLOSED, ROOM_CLOSED } },
	};
	static const struct room half = { .used = 450, .quota = 1000, .hard = 1100 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cells); i++)
		for (int before = 0; before < _ROOM_MAX; before++) {
			struct room r = { .used = cells[i].used, .quota = 1000, .hard = 1100 };

			assert_int_equal(room_level(&r, (enum room_level)before),
					 cells[i].after[before]);
		}
	assert_false(room_is_near(&half, 49));
	assert_true(room_is_near(&half, 50));
	assert_true(room_is_near(&(struct room){ .used = 840, .quota = 1000 }, 30));
	assert_true(room_is_near(&(struct room){ .used = 900, .quota = 1000 }, 0));
	assert_string_equal(room_word(ROOM_FREE), "free");
	assert_string_equal(room_word(ROOM_CLOSED), "closed");
}

static void test_the_steps_of_a_quota(void **state)
{
	static const struct {
		int64_t used;
		int step;
	} cases[] = { { 0, 0 },	  { 799, 0 }, { 800, 1 },  { 899, 1 }, { 900, 2 },
		      { 949, 2 }, { 950, 3 }, { 1000, 3 }, { 5000, 3 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(room_step(&(struct room){ .used = cases[i].used, .quota = 1000 }),
				 cases[i].step);
}

static void test_a_volume_at_rest_is_counted_rarely(void **state)
{
	static const struct {
		int64_t used, before, pause_ms, expected_ms;
		enum room_level level;
	} cases[] = {
		{ 100, -1, 0, 10000, ROOM_FREE },	 /* the first time */
		{ 100, 100, 10000, 20000, ROOM_FREE },	 /* it rests */
		{ 100, 110, 20000, 40000, ROOM_FREE },	 /* almost */
		{ 100, 100, 320000, 600000, ROOM_FREE }, /* for no longer than this */
		{ 100, 100, 600000, 600000, ROOM_FREE },
		{ 111, 100, 600000, 10000, ROOM_FREE }, /* it grows */
		{ 100, 111, 600000, 10000, ROOM_FREE }, /* it shrinks */
		{ 800, 800, 600000, 10000, ROOM_FREE }, /* near */
		{ 100, 100, 600000, 10000, ROOM_FULL }, /* told that it is full */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct room r = { .used = cases[i].used, .quota = 1000, .hard = 1100 };

		assert_int_equal(
			room_pause_ms(&r, cases[i].level, cases[i].before, cases[i].pause_ms),
			cases[i].expected_ms);
	}
}

static void test_when_a_backup_is_due(void **state)
{
	enum { MINUTE = 60000 };
	static const struct {
		int64_t minute, since_ms, last_ms, now_ms;
		bool due;
	} cases[] = {
		{ -1, 0, 0, 100 * INT64_C(86400000), false },		 /* no schedule */
		{ 60, 0, 0, 9 * INT64_C(86400000) + 60 * MINUTE, true }, /* to the minute */
		{ 60, 0, 0, 9 * INT64_C(86400000) + 59 * MINUTE,
		  true }, /* yesterday's is missing */
		/* yesterday's is there, today's is yet to come */
		{ 60, 0, 8 * INT64_C(86400000) + 60 * MINUTE, 9 * INT64_C(86400000) + 59 * MINUTE,
		  false },
		{ 60, 0, 8 * INT64_C(86400000) + 60 * MINUTE, 9 * INT64_C(86400000) + 60 * MINUTE,
		  true },
		{ 60, 0, 9 * INT64_C(86400000) + 60 * MINUTE, 9 * INT64_C(86400000) + 61 * MINUTE,
		  false }, /* today's is there */
		/* it was set after yesterday's time */
		{ 60, 8 * INT64_C(86400000) + 61 * MINUTE, 0, 9 * INT64_C(86400000) + 59 * MINUTE,
		  false },
		{ 60, 8 * INT64_C(86400000) + 61 * MINUTE, 0, 9 * INT64_C(86400000) + 60 * MINUTE,
		  true },
		{ 0, 0, 9 * INT64_C(86400000) - 1, 9 * INT64_C(86400000), true }, /* midnight */
		{ 1439, 0, 0, 9 * INT64_C(86400000) - MINUTE, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct schedule s = { .minute = cases[i].minute,
					    .since_ms = cases[i].since_ms,
					    .last_ms = cases[i].last_ms };

		if (schedule_is_due(&s, cases[i].now_ms) != cases[i].due)
			fail_msg("case %zu", i);
	}
}

static void test_summaries_are_compared_by_what_they_count(void **state)
{
	static const struct {
		const char *a, *b;
		bool same;
	} cases[] = {
		{ "1 database, 1 table, 5 rows", "1 databases, 1 tables, 5 rows", true },
		{ "1 databases, 2 keys", "1 database, 2 keys", true },
		{ "1 database", "1 databases", true },
		{ "1 virtual host, 0 queues; not counted", "1 virtual hosts, 0 queues; not counted",
		  true },
		{ "2 tables, 5 rows", "2 tables, 6 rows", false },
		{ "1 tables", "11 tables", false },
		{ "1 table, 5 rows", "1 table", false },
		{ "1 table", "1 tablet", false },
		{ "access", "ace", false },
		{ "", "", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (summary_same(cases[i].a, cases[i].b) != cases[i].same ||
		    summary_same(cases[i].b, cases[i].a) != cases[i].same)
			fail_msg("\"%s\" and \"%s\"", cases[i].a, cases[i].b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_manifest),
		cmocka_unit_test(test_mistakes_in_a_manifest_are_named),
		cmocka_unit_test(test_templates),
		cmocka_unit_test(test_ports_that_apps_connect_to),
		cmocka_unit_test(test_attachments_as_values),
		cmocka_unit_test(test_names_of_attachments),
		cmocka_unit_test(test_twenty_thousand_lives),
		cmocka_unit_test(test_a_server_that_does_not_stay_up_fails),
		cmocka_unit_test(test_the_room_of_a_volume),
		cmocka_unit_test(test_the_steps_of_a_quota),
		cmocka_unit_test(test_a_volume_at_rest_is_counted_rarely),
		cmocka_unit_test(test_when_a_backup_is_due),
		cmocka_unit_test(test_summaries_are_compared_by_what_they_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
