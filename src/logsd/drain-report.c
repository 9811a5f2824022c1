/* SPDX-License-Identifier: Apache-2.0 */
/* How a drain fares: failures with their pauses, what is told in the app's stream, and tests; see
 * drains.h. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/str.h"
#include "logsd/app.h"
#include "logsd/drain-cursor.h"
#include "logsd/drain-report.h"

/* A drain that fails for so long is reported in the app's stream, and then every so often. */
#define LONG_MS 30000
#define AGAIN_MS 3600000
/* What is told is a line that the drain carries itself: if it is refused, too, with other words
 * each time, that must not go round and round. */
#define OTHER_WORDS_MS 60000
#define RETRY_AFTER_MAX_MS 300000

/* Into the app's stream, in the next round: its other drains must not be called from within this
 * one. */
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

void drain_flush_tells(struct drain *d)
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
	tell(d,
	     "Drain %s (%s) delivers again after %" PRId64 " s; %" PRIu64
	     " line%s wait for its L10 notice",
	     d->token, d->name, (clock_wall_ms() - since_ms) / 1000, d->now.lost,
	     str_plural((int64_t)d->now.lost));
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

void drain_report_long(struct drain *d, int64_t now_ms)
{
	d->told_long = true;
	d->report_ms = now_ms + AGAIN_MS;
	tell(d,
	     "Error L13 (Local delivery error) -> drain %s (%s) has failed for %" PRId64
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
		pause_ms = drain_backoff_ms(d->now.failures < 32 ? (unsigned)d->now.failures : 32,
					    random);
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
		tell(d, "Error L14 (Certificate validation error) -> drain %s (%s): %.200s",
		     d->token, d->name, why);
}

void drain_complain(struct drain *d, const char *fmt, ...)
{
	int64_t now_ms = clock_now_ms(), since_ms = now_ms - d->complained_ms;
	char text[DRAIN_TEXT_MAX], before[sizeof(d->now.error)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	memcpy(before, d->now.error, sizeof(before));
	set_error(d, text);
	if (d->complained_ms &&
	    since_ms < (streq(before, d->now.error) ? AGAIN_MS : OTHER_WORDS_MS))
		return;
	d->complained_ms = now_ms;
	tell(d, "Error L13 (Local delivery error) -> drain %s (%s): %.200s", d->token, d->name,
	     d->now.error);
}

/* ---- tests ---- */

bool drain_take_test(struct drain *d, struct log_record *ret, char text[static DRAIN_TEXT_MAX])
{
	if (d->now.test != DRAIN_TEST_RUNNING)
		return false;
	snprintf(text, DRAIN_TEXT_MAX, "Test of drain %s: %s", d->token, d->now.test_id);
	*ret = log_record_logplex(d->at_seq ? d->at_seq - 1 : 0, clock_wall_ns(), text);
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
