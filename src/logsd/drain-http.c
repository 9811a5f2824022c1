/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drains that are requests: one at a time, over a connection that libcurl keeps.
 *
 *     no batch ──lines──▶ SENT ──DONE──▶ no batch
 *                          │ ├─AGAIN──▶ SENT, with what is left of it
 *                          │ ├─REFUSED─▶ no batch; its lines are counted and told
 *                          │ └─RETRY──▶ HELD ──the pause is over──▶ SENT
 *
 * A batch is held until its answer is final, whatever the ring loses meanwhile. With
 * Splunk's acknowledgements "DONE" comes later: drain-acks.c.
 */
#include "logsd/drain-http.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "logsd/drain-batch.h"
#include "logsd/drain-cursor.h"
#include "logsd/drain-report.h"

static struct curl_slist *header_list(const struct http_link *h)
{
	const struct drain_driver *driver = h->drain->target.driver;
	struct drain_header all[DRAIN_HEADERS_MAX];
	size_t n = driver->headers(&h->batch, all);
	struct curl_slist *list = NULL;

	for (size_t i = 0; i < n; i++) {
		_cleanup_free_ char *text = xasprintf("%s: %s", all[i].name, all[i].value);

		list = curl_slist_append(list, text);
	}
	if (driver->gzip)
		list = curl_slist_append(list, "Content-Encoding: gzip");
	/* No wait for a "100 Continue". */
	return curl_slist_append(list, "Expect:");
}

static void post(struct http_link *h)
{
	struct drain *d = h->drain;

	curl_slist_free_all(h->headers);
	h->headers = header_list(h);
	drain_phase(d, DRAIN_SENDING);
	d->deadline_ms = INT64_MAX;
	h->is_sent = http_request(h, &h->transfer, h->url, h->headers, &h->batch.body, &h->reply);
}

static void forget_batch(struct http_link *h)
{
	h->has_batch = h->is_test = false;
	h->tries = 0;
}

static int64_t retry_after_ms(const struct http_link *h)
{
	curl_off_t s = 0;

	if (curl_easy_getinfo(h->transfer.easy, CURLINFO_RETRY_AFTER, &s) != CURLE_OK || s <= 0)
		return 0;
	return s < 86400 ? s * 1000 : 86400000;
}

static void describe(const struct drain_reply *r, const struct drain_judgement *j,
		     char text[static 256])
{
	size_t n = r->n < 120 ? r->n : 120;

	if (j->message[0])
		snprintf(text, 256, "status %ld: %s", r->status, j->message);
	else if (n)
		snprintf(text, 256, "status %ld: %.*s", r->status, (int)n, r->text);
	else
		snprintf(text, 256, "status %ld", r->status);
}

static void done(struct http_link *h, const struct drain_reply *r, const struct drain_judgement *j)
{
	struct drain *d = h->drain;
	char text[256];

	describe(r, j, text);
	if (h->is_test) {
		drain_test_result(d, !j->n_refused, "%s", text);
		batch_begin(&h->batch, d->at_seq);
		return;
	}
	if (j->n_refused)
		drain_complain(d, "lines were refused: %s", text);
	else if (j->message[0])
		drain_complain(d, "%s", text);
	if (h->batch.ack_id >= 0)
		acks_add(h);
	else
		drain_batch_done(d, &h->batch, j->n_refused + h->n_refused);
}

static void refused(struct http_link *h, const struct drain_reply *r,
		    const struct drain_judgement *j)
{
	struct drain *d = h->drain;
	char text[256];

	describe(r, j, text);
	if (h->is_test) {
		drain_test_result(d, false, "%s", text);
		batch_begin(&h->batch, d->at_seq);
		return;
	}
	drain_complain(d, "lines were refused: %s", text);
	drain_batch_refused(d, &h->batch, h->n_refused);
}

/* An answer came, be it a bad one. */
static void answered(struct http_link *h, long status)
{
	struct drain_reply r = { .status = status, .text = h->reply.data, .n = h->reply.len };
	struct drain_judgement j = { .verdict = DRAIN_RETRY };
	struct drain *d = h->drain;
	char text[256];

	d->target.driver->judge(&h->batch, &r, &j);
	if (j.verdict == DRAIN_RETRY && d->target.driver->max_tries &&
	    ++h->tries >= d->target.driver->max_tries)
		j.verdict = DRAIN_REFUSED;
	describe(&r, &j, text);
	switch (j.verdict) {
	case DRAIN_DONE:
		drain_ok(d);
		done(h, &r, &j);
		forget_batch(h);
		break;
	case DRAIN_REFUSED:
		drain_ok(d);
		refused(h, &r, &j);
		forget_batch(h);
		break;
	case DRAIN_AGAIN:
		h->n_refused += j.n_refused;
		if (j.at_once)
			drain_complain(d, "%s", text);
		else
			drain_fail(d, retry_after_ms(h), "%s", text);
		return;
	case DRAIN_RETRY:
		drain_fail(d, retry_after_ms(h), "%s", text);
		return;
	}
	h->n_refused = 0;
}

static void on_done(struct transfer *t, CURLcode result)
{
	struct http_link *h =
		(struct http_link *)(void *)((char *)t - offsetof(struct http_link, transfer));
	struct drain *d = h->drain;
	long status = 0;

	h->is_sent = false;
	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	transfer_remove(d->app->logsd, t);
	if (result != CURLE_OK)
		transfer_fail(d, t, result);
	else
		answered(h, status);
	/* The failure was the test's result; only lines are held until they arrive. */
	if (h->has_batch && h->is_test) {
		forget_batch(h);
		h->n_refused = 0;
		batch_begin(&h->batch, d->at_seq);
	}
	buf_done(&h->reply);
	h->reply = BUF_INIT;
	d->mover->pump(d);
}

static bool take(struct http_link *h)
{
	struct drain *d = h->drain;

	h->is_test = drain_batch_test(d, &h->batch);
	if (h->is_test)
		return true;
	return drain_is_due(d) && drain_batch_make(d, &h->batch);
}

static void http_pump(struct drain *d)
{
	struct http_link *h = d->link;
	int64_t now_ms = clock_now_ms();

	acks_pump(h);
	if (h->is_sent || (d->now.phase == DRAIN_WAITING && d->deadline_ms > now_ms))
		return;
	/* A test that came while a batch is held asks what becomes of that one. */
	if (!h->has_batch) {
		h->has_batch = h->n_acks < ACKS_MAX && take(h);
		if (!h->has_batch) {
			if (!drain_has_lines(d))
				drain_idle(d);
			return;
		}
	}
	post(h);
}

static void http_rest(struct drain *d)
{
	struct http_link *h = d->link;

	if (!h->has_batch)
		batch_rest(&h->batch);
}

static void http_start(struct drain *d)
{
	struct http_link *h = xcalloc(1, sizeof(*h));

	*h = (struct http_link){ .drain = d, .transfer = { .fn = on_done }, .reply = BUF_INIT };
	h->url = drain_http_url(&d->target);
	batch_init(&h->batch, &d->target, &d->names, d->records);
	acks_init(h);
	d->link = h;
	h->has_batch = drain_batch_again(d, &h->batch);
}

static void http_stop(struct drain *d)
{
	struct http_link *h = d->link;

	transfer_remove(d->app->logsd, &h->transfer);
	curl_easy_cleanup(h->transfer.easy);
	curl_slist_free_all(h->headers);
	acks_done(h);
	batch_done(&h->batch);
	buf_done(&h->reply);
	free(h->url);
	free(h);
	d->link = NULL;
}

const struct drain_mover mover_http = {
	.start = http_start,
	.stop = http_stop,
	.pump = http_pump,
	.rest = http_rest,
	.gather_ms = 500,
	.gather_bytes = 256 * 1024,
};
