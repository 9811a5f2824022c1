/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Splunk's indexer acknowledgement: what was taken is asked for until it is indexed
 * ("About HTTP Event Collector Indexer Acknowledgment"). Of a batch only its bounds are kept;
 * when Splunk does not say yes in time, the cursor goes back and the ring has the lines.
 *
 * A channel's ids only grow. One that does not is of a Splunk that was restarted and counts anew:
 * it knows nothing of what we wait for, and would say yes to an old id that it has given to another
 * batch.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "logsd/drain-cursor.h"
#include "logsd/drain-http.h"
#include "logsd/drain-report.h"

#define POLL_FIRST_MS 200
#define POLL_MAX_MS 10000
#define PATIENCE_MS (5 * 60 * 1000)

static bool wants_acks(const struct http_link *h)
{
	const char *ack = drain_option(&h->drain->target, "ack");

	/* Only Splunk's URL has such an option. */
	return h->drain->target.driver->has_token && ack && (streq(ack, "true") || streq(ack, "1"));
}

static void on_poll(struct transfer *t, CURLcode result);

void acks_init(struct http_link *h)
{
	const char *path = "/services/collector/ack";
	size_t n = strlen(h->url) - strlen(h->drain->target.path);

	if (!wants_acks(h))
		return;
	h->acks = xcalloc(ACKS_MAX, sizeof(*h->acks));
	h->poll = (struct transfer){ .fn = on_poll };
	h->poll_body = h->poll_reply = BUF_INIT;
	h->poll_url = xasprintf("%.*s%s", (int)n, h->url, path);
	h->poll_ms = INT64_MAX;
}

void acks_done(struct http_link *h)
{
	if (!h->acks)
		return;
	transfer_remove(h->drain->app->logsd, &h->poll);
	curl_easy_cleanup(h->poll.easy);
	curl_slist_free_all(h->poll_headers);
	buf_done(&h->poll_body);
	buf_done(&h->poll_reply);
	free(h->poll_url);
	free(h->acks);
}

/* Where to go on after a kill. */
static void set_next(struct http_link *h)
{
	struct drain *d = h->drain;

	d->now.next_seq = h->n_acks ? h->acks[0].first : h->has_batch ? h->batch.first : d->at_seq;
	d->dirty = true;
}

static void schedule(struct http_link *h, int64_t pause_ms)
{
	h->poll_pause_ms = pause_ms < POLL_MAX_MS ? pause_ms : POLL_MAX_MS;
	h->poll_ms = h->n_acks ? clock_now_ms() + h->poll_pause_ms : INT64_MAX;
	h->drain->also_ms = h->poll_ms;
}

/* Nobody will say yes any more: the lines go again, from the oldest on. */
static void give_up(struct http_link *h, const char *why)
{
	struct drain *d = h->drain;

	for (size_t i = 0; i < h->n_acks; i++) {
		if (h->acks[i].lost && !d->now.lost)
			d->now.lost_since_ns = h->acks[i].lost_since_ns;
		d->now.lost += h->acks[i].lost;
	}
	drain_rewind(d, h->acks[0].first);
	h->n_acks = 0;
	drain_fail(d, 0, "%s: the lines are sent again", why);
}

void acks_add(struct http_link *h)
{
	struct drain *d = h->drain;
	struct batch *b = &h->batch;
	bool counts_anew = h->n_acks && b->ack_id <= h->acks[h->n_acks - 1].id;

	h->acks[h->n_acks++] = (struct ack){ .id = b->ack_id,
					     .first = b->first,
					     .end = b->end,
					     .lost = b->lost,
					     .lost_since_ns = b->lost_since_ns,
					     .asked_ms = clock_now_ms() };
	drain_sent(d, 0, b->body.len);
	d->now.batch_first = d->now.batch_end = d->now.batch_lost = 0;
	h->has_batch = false;
	if (counts_anew)
		give_up(h, "Splunk counts its acknowledgements anew, so it was restarted");
	set_next(h);
	batch_begin(b, d->at_seq);
	if (!h->is_polling)
		schedule(h, POLL_FIRST_MS);
}

static void remove_at(struct http_link *h, size_t i)
{
	memmove(h->acks + i, h->acks + i + 1, (--h->n_acks - i) * sizeof(*h->acks));
}

static size_t take_answers(struct http_link *h, json_t *acks)
{
	size_t n = 0;

	for (size_t i = 0; i < h->n_acks;) {
		char key[24];

		snprintf(key, sizeof(key), "%" PRId64, h->acks[i].id);
		if (!json_is_true(json_object_get(acks, key))) {
			i++;
			continue;
		}
		drain_sent(h->drain, h->acks[i].end - h->acks[i].first, 0);
		remove_at(h, i);
		n++;
	}
	return n;
}

static void on_poll(struct transfer *t, CURLcode result)
{
	struct http_link *h =
		(struct http_link *)(void *)((char *)t - offsetof(struct http_link, poll));
	json_t *reply = json_loadb(h->poll_reply.data, h->poll_reply.len, 0, NULL);
	long status = 0;
	size_t n = 0;

	h->is_polling = false;
	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	transfer_remove(h->drain->app->logsd, t);
	if (result == CURLE_OK && status >= 400 && status < 500 && status != 429 && status != 408) {
		/* It does not know acknowledgements: then its "200" has to do. */
		drain_complain(
			h->drain,
			"status %ld when asked for acknowledgements: they are not waited for",
			status);
		while (h->n_acks) {
			drain_sent(h->drain, h->acks[0].end - h->acks[0].first, 0);
			remove_at(h, 0);
		}
	} else if (result == CURLE_OK) {
		n = take_answers(h, json_object_get(reply, "acks"));
	}
	json_decref(reply);
	set_next(h);
	schedule(h, n ? POLL_FIRST_MS : 2 * h->poll_pause_ms);
	h->drain->mover->pump(h->drain);
}

static void poll(struct http_link *h)
{
	struct drain_header all[DRAIN_HEADERS_MAX];
	size_t n = h->drain->target.driver->headers(&h->batch, all);

	buf_clear(&h->poll_body);
	buf_puts(&h->poll_body, "{\"acks\":[");
	for (size_t i = 0; i < h->n_acks; i++)
		buf_printf(&h->poll_body, "%s%" PRId64, i ? "," : "", h->acks[i].id);
	buf_puts(&h->poll_body, "]}");
	curl_slist_free_all(h->poll_headers);
	h->poll_headers = NULL;
	for (size_t i = 0; i < n; i++) {
		_cleanup_free_ char *text = xasprintf("%s: %s", all[i].name, all[i].value);

		h->poll_headers = curl_slist_append(h->poll_headers, text);
	}
	h->is_polling = http_request(h, &h->poll, h->poll_url, h->poll_headers, &h->poll_body,
				     &h->poll_reply);
}

void acks_pump(struct http_link *h)
{
	int64_t now_ms = clock_now_ms();

	if (!h->n_acks || h->is_polling)
		return;
	if (now_ms - h->acks[0].asked_ms > PATIENCE_MS && !h->has_batch)
		give_up(h, "no acknowledgement came within five minutes");
	else if (h->poll_ms <= now_ms)
		poll(h);
}
