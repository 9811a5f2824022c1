/* SPDX-License-Identifier: Apache-2.0 */
/* The drains of an app: their cursors, what they lose, and what they tell; see drains.h. */
#include "logsd/drains.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"

#define SUFFIX ".drain"
/* A drain that fails for so long is reported in the app's stream, and then every so often. */
#define LONG_MS 30000
#define AGAIN_MS 3600000
#define RETRY_AFTER_MAX_MS 300000

static char *status_path(const struct drain *d)
{
	return xasprintf("%s/%s" SUFFIX, d->app->logsd->dir, d->id);
}

/* ---- the cursor ---- */

bool drain_has_lines(const struct drain *d)
{
	return d->at < ring_tail(d->app->ring);
}

static int64_t time_at(const struct drain *d, uint64_t at)
{
	struct log_record r;

	if (at >= ring_tail(d->app->ring))
		return 0;
	ring_read(d->app->ring, at, &r);
	return r.time_ns;
}

bool drain_is_due(struct drain *d)
{
	uint64_t waiting = ring_tail(d->app->ring) - d->at;
	int64_t now_ms = clock_now_ms();

	if (!waiting)
		return false;
	if (waiting >= d->mover->gather_bytes)
		return true;
	if (d->deadline_ms == INT64_MAX) {
		/* The first of them gives the rest its time. */
		d->deadline_ms = now_ms + d->mover->gather_ms;
		return false;
	}
	return d->deadline_ms <= now_ms;
}

bool drain_take(struct drain *d, struct log_record *ret, const char **ret_commit)
{
	if (!drain_has_lines(d))
		return false;
	d->at = ring_read(d->app->ring, d->at, ret);
	d->at_seq = d->taken_seq = ret->seq + 1;
	*ret_commit = app_commit(d->app, ret->release);
	return true;
}

void drain_lose(struct drain *d, uint64_t n, int64_t since_ns)
{
	if (!n)
		return;
	if (!d->now.lost)
		d->lost_seq = d->at_seq;
	if (!d->now.lost || (since_ns && since_ns < d->now.lost_since_ns))
		d->now.lost_since_ns = since_ns ? since_ns : clock_wall_ns();
	d->now.lost += n;
	d->now.dropped += n;
	d->app->logsd->dropped += n;
	d->dirty = true;
}

void drain_uncount(struct drain *d, uint64_t n)
{
	d->now.dropped -= n;
	d->app->logsd->dropped -= n;
	d->dirty = true;
}

void drains_evict(struct app *a, uint64_t head)
{
	struct log_record first;

	for (struct drain *d = a->drains; d; d = d->next) {
		uint64_t seq = ring_next_seq(a->ring);

		if (d->at >= head)
			continue;
		if (head < ring_tail(a->ring)) {
			ring_read(a->ring, head, &first);
			seq = first.seq;
		}
		drain_lose(d, seq - d->at_seq, time_at(d, d->at));
		d->at = head;
		d->at_seq = seq;
	}
}

/* To the first line of at least this number that there is. */
void drain_seek(struct drain *d, uint64_t seq)
{
	struct ring *ring = d->app->ring;
	uint64_t tail = ring_tail(ring), next;
	struct log_record r;

	d->at = ring_head(ring);
	d->at_seq = ring_first_seq(ring);
	while (d->at < tail) {
		next = ring_read(ring, d->at, &r);
		if (r.seq >= seq)
			return;
		d->at = next;
		d->at_seq = r.seq + 1;
	}
}

void drain_rewind(struct drain *d, uint64_t seq)
{
	uint64_t first = ring_first_seq(d->app->ring);

	d->at_seq = seq;
	if (seq < first)
		drain_lose(d, first - seq, time_at(d, ring_head(d->app->ring)));
	drain_seek(d, seq);
	d->taken_seq = d->now.next_seq = d->at_seq;
	d->dirty = true;
}

bool drains_block(const struct app *a, uint64_t head)
{
	for (const struct drain *d = a->drains; d; d = d->next)
		if (d->block && d->at < head)
			return true;
	return false;
}

/* ---- the status ---- */

void drain_save(struct drain *d)
{
	d->now.tail_seq = ring_next_seq(d->app->ring);
	d->now.taken_seq = d->taken_seq;
	d->now.at_seq = d->at_seq;
	d->now.oldest_ns = time_at(d, d->at);
	drain_status_write(d->map, &d->now);
	d->dirty = false;
}

void drain_phase(struct drain *d, enum drain_phase phase)
{
	if (d->now.phase == phase)
		return;
	d->now.phase = phase;
	d->now.phase_since_ms = clock_wall_ms();
	d->dirty = true;
}

void drain_sent(struct drain *d, uint64_t n, uint64_t bytes)
{
	d->now.sent += n;
	d->now.sent_bytes += bytes;
	d->dirty = true;
}

/* Into the app's stream, in the next round: its other drains must not be called from within this one. */
static void tell(struct drain *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void tell(struct drain *d, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	buf_puts(&d->tells, text);
	buf_putc(&d->tells, '\n');
}

static void flush_tells(struct drain *d)
{
	_cleanup_buf_ struct buf text = d->tells;

	d->tells = BUF_INIT;
	app_append(d->app, "heroku", "logplex", text.data, text.len);
}

void drain_ok(struct drain *d)
{
	int64_t since_ms = d->now.failing_since_ms;

	if (!d->now.failures)
		return;
	d->now.failures = 0;
	d->now.failing_since_ms = 0;
	d->report_ms = INT64_MAX;
	d->dirty = true;
	if (!d->told_long)
		return;
	d->told_long = false;
	tell(d, "Drain %s (%s) delivers again after %" PRId64 " s; %" PRIu64 " lines wait for its L10 notice", d->token,
	     d->name, (clock_wall_ms() - since_ms) / 1000, d->now.lost);
}

static void set_error(struct drain *d, const char *text)
{
	snprintf(d->now.error, sizeof(d->now.error), "%s", text);
	/* What others wrote may hold anything. */
	for (char *p = d->now.error; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = ' ';
	d->now.error_ms = clock_wall_ms();
	d->dirty = true;
}

static void report_long(struct drain *d, int64_t now_ms)
{
	d->told_long = true;
	d->report_ms = now_ms + AGAIN_MS;
	tell(d, "Error L13 (Local delivery error) -> drain %s (%s) has failed for %" PRId64
		" s: %.200s. It goes on trying; lines wait in the ring",
	     d->token, d->name, (clock_wall_ms() - d->now.failing_since_ms) / 1000, d->now.error);
}

static void failed(struct drain *d, int64_t pause_ms, const char *text)
{
	uint32_t random = 0;

	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
		random = (uint32_t)clock_wall_ns();
	if (!d->now.failures++)
		d->now.failing_since_ms = clock_wall_ms();
	if (d->report_ms == INT64_MAX)
		d->report_ms = clock_now_ms() + LONG_MS;
	set_error(d, text);
	if (pause_ms > RETRY_AFTER_MAX_MS)
		pause_ms = RETRY_AFTER_MAX_MS;
	if (!pause_ms)
		pause_ms = drain_backoff_ms(d->now.failures < 32 ? (unsigned)d->now.failures : 32, random);
	d->deadline_ms = clock_now_ms() + pause_ms;
	drain_phase(d, DRAIN_WAITING);
	drain_test_result(d, false, "%s", d->now.error);
}

void drain_fail(struct drain *d, int64_t retry_after_ms, const char *fmt, ...)
{
	char text[DRAIN_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	failed(d, retry_after_ms, text);
}

void drain_fail_certificate(struct drain *d, const char *why)
{
	bool is_first = !d->now.failures;

	failed(d, 0, why);
	if (is_first)
		tell(d, "Error L14 (Certificate validation error) -> drain %s (%s): %.200s", d->token,
		     d->name, why);
}

void drain_complain(struct drain *d, const char *fmt, ...)
{
	bool is_new = !d->now.error_ms || clock_wall_ms() - d->now.error_ms > AGAIN_MS;
	char text[DRAIN_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	is_new = is_new || !streq(text, d->now.error);
	set_error(d, text);
	if (is_new)
		tell(d, "Error L13 (Local delivery error) -> drain %s (%s): %.200s", d->token, d->name,
		     d->now.error);
}

/* ---- tests ---- */

bool drain_take_test(struct drain *d, struct log_record *ret, char text[static DRAIN_TEXT_MAX])
{
	if (d->now.test != DRAIN_TEST_RUNNING)
		return false;
	snprintf(text, DRAIN_TEXT_MAX, "Test of drain %s: %s", d->token, d->now.test_id);
	*ret = (struct log_record){ .seq = d->at_seq ? d->at_seq - 1 : 0,
				    .time_ns = clock_wall_ns(),
				    .source = "heroku",
				    .source_len = 6,
				    .dyno = "logplex",
				    .dyno_len = 7,
				    .text = text,
				    .text_len = strlen(text) };
	return true;
}

bool drain_test_runs(const struct drain *d)
{
	return d->now.test == DRAIN_TEST_RUNNING;
}

void drain_test_result(struct drain *d, bool passed, const char *fmt, ...)
{
	va_list ap;

	if (d->now.test != DRAIN_TEST_RUNNING)
		return;
	d->now.test = passed ? DRAIN_TEST_PASSED : DRAIN_TEST_FAILED;
	va_start(ap, fmt);
	vsnprintf(d->now.test_text, sizeof(d->now.test_text), fmt, ap);
	va_end(ap);
	drain_save(d);
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

void drains_show(struct app *a)
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
	const int64_t times[] = { d->deadline_ms, d->also_ms, d->report_ms };

	for (size_t i = 0; i < ARRAY_SIZE(times); i++)
		if (times[i] < next_ms)
			next_ms = times[i];
	return d->tells.len || d->again ? 0 : next_ms;
}

int64_t drains_next_ms(const struct logsd *l)
{
	int64_t next = wires_next_ms(l);

	for (const struct app *a = l->n_drains ? l->apps : NULL; a; a = a->next)
		for (const struct drain *d = a->drains; d; d = d->next)
			next = earliest(d, next);
	return next;
}

static void tick(struct drain *d, int64_t now_ms)
{
	if (d->again || d->deadline_ms <= now_ms || d->also_ms <= now_ms) {
		d->again = false;
		pump(d);
		/* What is still due was looked at: it waits for an event. */
		if (d->deadline_ms <= now_ms)
			d->deadline_ms = INT64_MAX;
		if (d->also_ms <= now_ms)
			d->also_ms = INT64_MAX;
	}
	if (d->report_ms <= now_ms)
		report_long(d, now_ms);
	if (d->dirty)
		drain_save(d);
	if (d->tells.len)
		flush_tells(d);
}

void drains_tick(struct logsd *l, int64_t now_ms)
{
	wires_tick(l, now_ms);
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

static const struct drain_mover *mover_of(const struct drain_target *t)
{
	switch (t->driver->transport) {
	case DRAIN_SYSLOG:
		return &mover_syslog;
	case DRAIN_FORWARD:
		return &mover_forward;
	case DRAIN_HTTP:
		break;
	}
	return &mover_http;
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

/* The first line that came after the drain was added. */
static void start_at(struct drain *d, int64_t created_ns)
{
	struct ring *ring = d->app->ring;
	struct log_record r;

	drain_seek(d, ring_first_seq(ring));
	while (d->at < ring_tail(ring)) {
		uint64_t next = ring_read(ring, d->at, &r);

		if (r.time_ns >= created_ns)
			break;
		d->at = next;
		d->at_seq = r.seq + 1;
	}
	d->now.next_seq = d->taken_seq = d->at_seq;
}

void drain_void_batch(struct drain *d)
{
	if (d->now.batch_lost && !d->now.lost)
		d->now.lost_since_ns = d->now.batch_since_ns;
	d->now.lost += d->now.batch_lost;
	d->now.batch_first = d->now.batch_end = d->now.batch_lost = 0;
	d->dirty = true;
}

static uint64_t at_most(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/*
 * Where an earlier process was. What it had taken and the ring has lost since is lost; what it had counted as
 * lost is not counted again. A number that is yet to come is of a ring that is no more.
 */
static void go_on(struct drain *d)
{
	uint64_t first = ring_first_seq(d->app->ring), from = d->now.batch_end ? d->now.batch_first : d->now.next_seq;
	uint64_t taken = d->now.taken_seq < from ? from : d->now.taken_seq;
	uint64_t at = d->now.at_seq < taken ? taken : d->now.at_seq, n = 0;

	if (at > ring_next_seq(d->app->ring)) {
		drain_void_batch(d);
		from = taken = at = first;
	}
	if (from < first) {
		n = at_most(taken, first) - from;
		drain_void_batch(d);
	}
	if (at < first)
		n += first - at;
	d->at_seq = from;
	drain_lose(d, n, 0);
	drain_seek(d, from);
	d->taken_seq = d->at_seq;
	if (!d->now.batch_end)
		d->now.next_seq = d->at_seq;
}

static int open_drain(struct drain *d, int64_t created_ns, struct error *err)
{
	_cleanup_free_ char *path = status_path(d);
	int r;

	if (drain_target_parse(d->url, &d->target, err) < 0)
		return -1;
	d->name = drain_target_name(&d->target);
	d->mover = mover_of(&d->target);
	r = drain_status_open(path, &d->map, &d->now);
	if (r < 0)
		return error_set_errno(err, r, "opening %s", path);
	/* A kill may have left a file in which nothing was written. */
	if (r == 0 || !d->now.next_seq)
		start_at(d, created_ns);
	else
		go_on(d);
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
	d->deadline_ms = d->also_ms = d->report_ms = INT64_MAX;
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
	       d->block == streq(text_of(j, "on_full"), "block") && streq(d->app_name, d->app->name ? d->app->name : d->app->id);
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
		log_warn("the drains of app %s are no JSON array", a->id);
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
