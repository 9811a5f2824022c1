/* SPDX-License-Identifier: Apache-2.0 */
/* The drains of an app: the set of them, and when each has its turn; see drains.h. */
#include "logsd/drains.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "logsd/curl-load.h"
#include "logsd/drain-cursor.h"
#include "logsd/drain-report.h"
#include "logsd/source.h"

#define SUFFIX ".drain"

static char *status_path(const struct drain *d)
{
	return xasprintf("%s/%s" SUFFIX, d->app->logsd->dir, d->id);
}

static struct drain *find(struct app *a, const char *id)
{
	struct drain *d = a->drains;

	while (d && !streq(d->id, id))
		d = d->next;
	return d;
}

void drains_test(struct app *a, const char *drain_id, const char *test_id)
{
	struct drain *d = find(a, drain_id);

	if (!d || !uuid_is_valid(test_id))
		return;
	memcpy(d->now.test_id, test_id, UUID_SIZE);
	d->now.test_text[0] = '\0';
	d->now.test = DRAIN_TEST_RUNNING;
	/* Now, not when the pause after a failure is over. */
	if (d->now.phase == DRAIN_WAITING)
		d->deadline_ms = 0;
	drain_save(d);
	d->mover->pump(d);
}

/* ---- when ---- */

static void pump(struct drain *d)
{
	d->mover->pump(d);
	if (d->dirty)
		drain_save(d);
}

/* True while a failure's pause lasts. */
static bool is_paused(const struct drain *d)
{
	return d->now.phase == DRAIN_WAITING && d->deadline_ms > clock_now_ms();
}

/* Lines that came: pumps now or soon. */
static void show(struct app *a)
{
	for (struct drain *d = a->drains, *next; d; d = next) {
		next = d->next;
		d->dirty = true;
		if (!is_paused(d))
			pump(d);
	}
}

static int64_t earliest(const struct drain *d, int64_t next_ms)
{
	const int64_t times[] = { d->deadline_ms, d->also_ms, d->report_ms, d->rest_ms };

	for (size_t i = 0; i < ARRAY_SIZE(times); i++)
		if (times[i] < next_ms)
			next_ms = times[i];
	return d->tells.len || d->again ? 0 : next_ms;
}

int64_t drains_next_ms(const struct logsd *l)
{
	int64_t next = drains_curl_next_ms(l);

	for (const struct app *a = l->n_drains ? l->apps : NULL; a; a = a->next)
		for (const struct drain *d = a->drains; d; d = d->next)
			next = earliest(d, next);
	return next;
}

static void rest(struct drain *d)
{
	d->rest_ms = INT64_MAX;
	if (d->now.phase == DRAIN_IDLE && d->mover->rest)
		d->mover->rest(d);
}

static void tick(struct drain *d, int64_t now_ms)
{
	if (d->again || d->deadline_ms <= now_ms || d->also_ms <= now_ms) {
		d->again = false;
		pump(d);
		/* What is still due was looked at: it waits for an event. */
		if (d->deadline_ms <= now_ms) {
			d->deadline_ms = INT64_MAX;
			/* The pause is over, and there was nothing to try with. */
			if (d->now.phase == DRAIN_WAITING)
				drain_idle(d);
		}
		if (d->also_ms <= now_ms)
			d->also_ms = INT64_MAX;
	}
	if (d->rest_ms <= now_ms)
		rest(d);
	if (d->report_ms <= now_ms)
		drain_report_long(d, now_ms);
	if (d->dirty)
		drain_save(d);
	if (d->tells.len)
		drain_flush_tells(d);
}

void drains_tick(struct logsd *l, int64_t now_ms)
{
	drains_curl_tick(l, now_ms);
	for (struct app *a = l->n_drains ? l->apps : NULL; a; a = a->next) {
		for (struct drain *d = a->drains, *next; d; d = next) {
			next = d->next;
			tick(d, now_ms);
		}
		if (a->blocked)
			sources_unblock(a);
	}
}

/* ---- the set ---- */

static const struct drain_mover *mover_of(struct drain *d, struct error *err)
{
	switch (d->target.driver->transport) {
	case DRAIN_SYSLOG:
		return &mover_syslog;
	case DRAIN_FORWARD:
		return &mover_forward;
	case DRAIN_HTTP:
		break;
	}
	return drains_http_mover(d->app->logsd, err);
}

static void free_drain(struct drain *d, bool forget)
{
	_cleanup_free_ char *path = status_path(d);

	if (d->link)
		d->mover->stop(d);
	if (d->map)
		drain_save(d);
	drain_status_close(d->map);
	if (forget && unlink(path) < 0 && errno != ENOENT)
		log_error("removing %s: %s", path, strerror(errno));
	d->app->logsd->n_drains--;
	drain_target_done(&d->target);
	free(d->url);
	free(d->ca);
	free(d->name);
	free(d->app_name);
	buf_done(&d->tells);
	free(d);
}

static void drop(struct drain **at, bool forget)
{
	struct drain *d = *at;

	*at = d->next;
	free_drain(d, forget);
}

static int open_drain(struct drain *d, int64_t created_ns, struct error *err)
{
	_cleanup_free_ char *path = status_path(d);
	int r;

	if (drain_target_parse(d->url, &d->target, err) < 0)
		return -1;
	d->name = drain_target_name(&d->target);
	d->mover = mover_of(d, err);
	if (!d->mover)
		return -1;
	r = drain_status_open(path, &d->map, &d->now);
	/* Better a drain that a restart begins anew than none. */
	if (r < 0) {
		log_error("opening %s: %s: how far the drain %s has come ends with this process",
			  path, strerror(-r), d->token);
		r = drain_status_open(NULL, &d->map, &d->now);
	}
	if (r < 0)
		return error_set_errno(err, r, "opening %s", path);
	/* A kill may have left a file in which nothing was written. */
	if (r == 0 || !d->now.next_seq)
		drain_start_at(d, created_ns);
	else
		drain_go_on(d);
	d->now.phase = DRAIN_IDLE;
	drain_save(d);
	d->mover->start(d);
	return 0;
}

static const char *text_of(json_t *j, const char *name)
{
	const char *s = json_string_value(json_object_get(j, name));

	return s ? s : "";
}

static void add(struct app *a, json_t *j)
{
	struct drain *d = xcalloc(1, sizeof(*d));
	struct error err = ERROR_INIT;
	const char *ca = text_of(j, "ca");

	d->app = a;
	d->url = xstrdup(text_of(j, "url"));
	d->ca = *ca ? xstrdup(ca) : NULL;
	d->records = streq(text_of(j, "format"), "records");
	d->block = streq(text_of(j, "on_full"), "block");
	d->deadline_ms = d->also_ms = d->report_ms = d->rest_ms = INT64_MAX;
	d->wanted = true;
	snprintf(d->id, sizeof(d->id), "%s", text_of(j, "id"));
	snprintf(d->token, sizeof(d->token), "%s", text_of(j, "token"));
	d->tells = BUF_INIT;
	d->app_name = xstrdup(a->name ? a->name : a->id);
	d->names = (struct batch_app){ .name = d->app_name,
				       .id = a->id,
				       .drain_id = d->id,
				       .token = d->token,
				       .host = a->logsd->host };
	a->logsd->n_drains++;
	if (open_drain(d, json_integer_value(json_object_get(j, "created_ns")), &err) < 0) {
		log_error("drain %s of app %s: %s", d->token, a->id, err.message);
		free_drain(d, false);
		return;
	}
	d->next = a->drains;
	a->drains = d;
	pump(d);
}

/* The same drain with another URL or format starts anew, where it was. */
static bool is_same(const struct drain *d, json_t *j)
{
	return streq(d->url, text_of(j, "url")) && streq(d->ca ? d->ca : "", text_of(j, "ca")) &&
	       d->records == streq(text_of(j, "format"), "records") &&
	       d->block == streq(text_of(j, "on_full"), "block") &&
	       streq(d->app_name, d->app->name ? d->app->name : d->app->id);
}

static void want(struct app *a, json_t *j)
{
	const char *id = text_of(j, "id");
	struct drain **at = &a->drains;

	if (!uuid_is_valid(id))
		return;
	while (*at && !streq((*at)->id, id))
		at = &(*at)->next;
	if (*at && is_same(*at, j)) {
		(*at)->wanted = true;
		return;
	}
	if (*at)
		drop(at, false);
	add(a, j);
}

void drains_set(struct app *a, const char *json)
{
	json_t *all = json_loads(json, 0, NULL), *j;
	size_t i;

	if (!json_is_array(all)) {
		log_warn("the drains of app %s are not a JSON array", a->id);
		json_decref(all);
		return;
	}
	for (struct drain *d = a->drains; d; d = d->next)
		d->wanted = false;
	json_array_foreach (all, i, j)
		want(a, j);
	for (struct drain **at = &a->drains; *at;)
		if ((*at)->wanted)
			at = &(*at)->next;
		else
			drop(at, true);
	json_decref(all);
}

void drains_free(struct app *a, bool forget)
{
	while (a->drains)
		drop(&a->drains, forget);
}

const struct follower drains_follow = {
	.shown = show,
	.evict = drains_evict,
	.blocks = drains_block,
};
