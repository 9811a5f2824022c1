/* SPDX-License-Identifier: Apache-2.0 */
/* Deliveries to webhooks; see apps/webhooks.h. The request is Heroku's
 * (devcenter.heroku.com/articles/app-webhooks). */
#include "daemon/apps/webhooks.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/http/post.h"
#include "model/delivery.h"
#include "store/webhook.h"

#define MAX_FLIGHTS 16
#define TIMEOUT_MS 20000L
/* The store could not be read or written: it is tried again. */
#define TROUBLE_MS 10000

struct webhooks {
	struct platform *platform;
	struct http_posts *posts;
	struct watch *timer;
	struct flight *first;
	size_t n;
};

struct flight {
	struct webhooks *owner;
	struct flight *next;
	struct webhook_delivery delivery;
	bool ended; /* the result is in `delivery`, and not in the store yet */
};

char *webhook_signature(const char *secret, const char *body)
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned int n = 0;
	char *text;

	if (!HMAC(EVP_sha256(), secret, (int)strlen(secret), (const unsigned char *)body,
		  strlen(body), mac, &n))
		return NULL;
	text = xcalloc(1, (size_t)n * 2 + 4);
	EVP_EncodeBlock((unsigned char *)text, mac, (int)n);
	return text;
}

/* ---- the list ---- */

static bool in_flight(const struct webhooks *w, const char *webhook_id)
{
	for (const struct flight *f = w->first; f; f = f->next)
		if (streq(f->delivery.webhook_id, webhook_id))
			return true;
	return false;
}

static void flight_free(struct flight *f)
{
	struct flight **at = &f->owner->first;

	while (*at && *at != f)
		at = &(*at)->next;
	if (*at) {
		*at = f->next;
		f->owner->n--;
	}
	webhook_delivery_done(&f->delivery);
	free(f);
}

/* ---- one attempt ---- */

static json_t *parse(const char *text)
{
	json_t *j = text ? json_loads(text, 0, NULL) : NULL;

	return j ? j : json_object();
}

static char *make_body(const struct webhook_event *e, const struct webhook_delivery *d)
{
	char created[CLOCK_ISO_SIZE], now[CLOCK_ISO_SIZE];
	json_t *j = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:n, s:s}", "id", e->id, "action",
			      e->action, "resource", e->resource, "created_at",
			      clock_iso(e->created_ms, created), "updated_at", created,
			      "published_at", clock_iso(clock_wall_ms(), now), "sequence",
			      "version", "application/vnd.heroku+json; version=3");
	char *text;

	json_object_set_new(j, "actor", parse(e->actor));
	json_object_set_new(j, "data", parse(e->data));
	json_object_set_new(j, "previous_data", parse(e->previous));
	json_object_set_new(j, "webhook_metadata",
			    json_pack("{s:{s:s}, s:{s:s}, s:{s:s, s:s}, s:{s:s}}", "attempt", "id",
				      d->attempt_id, "delivery", "id", d->id, "event", "id", e->id,
				      "include", e->include, "webhook", "id", d->webhook_id));
	text = json_dumps(j, JSON_COMPACT);
	json_decref(j);
	return text;
}

static void set_result(struct flight *f, long status, const char *why)
{
	struct webhook_delivery *d = &f->delivery;
	const struct delivery_attempt attempt = { d->sync, ++d->n_attempts, status };
	enum delivery_fate fate;
	int64_t pause_ms;

	fate = delivery_after(&attempt, &pause_ms);
	free(d->status);
	d->status = xstrdup(delivery_fate_names[fate]);
	d->next_ms = fate == DELIVERY_RETRYING ? clock_wall_ms() + pause_ms : 0;
	d->attempt_code = status;
	free(d->attempt_error);
	d->attempt_error = why ? xstrdup(why) : NULL;
	f->ended = true;
}

/*
 * Frees it, unless the store can't be written. Then it stays, so that the webhook's receiver is left alone
 * for as long, and is written later.
 */
static bool write_result(struct flight *f)
{
	struct error err = ERROR_INIT;

	if (store_webhook_delivery_update(f->owner->platform->store, &f->delivery, &err) < 0) {
		log_error("webhook delivery %s: %s", f->delivery.id, err.message);
		return false;
	}
	flight_free(f);
	return true;
}

static void on_answer(long status, const char *why, void *userdata)
{
	struct flight *f = userdata;
	struct webhooks *w = f->owner;

	set_result(f, status, why);
	watch_arm(w->timer, 0);
}

static bool post(struct flight *f, const struct webhook *hook, const char *body)
{
	_cleanup_free_ char *mac = webhook_signature(hook->secret, body);
	_cleanup_free_ char *signature =
		xasprintf("Heroku-Webhook-Hmac-SHA256: %s", mac ? mac : "");
	_cleanup_free_ char *authorization =
		hook->authorization ? xasprintf("Authorization: %s", hook->authorization) : NULL;
	const char *const headers[] = { "Content-Type: application/json", signature, authorization,
					NULL };
	const struct http_post_options o = { .url = hook->url,
					     .headers = headers,
					     .body = body,
					     .timeout_ms = TIMEOUT_MS,
					     .fn = on_answer,
					     .userdata = f };

	return mac && http_post(f->owner->posts, &o);
}

static int send_one(struct flight *f, struct error *err)
{
	struct webhook_delivery *d = &f->delivery;
	struct store *s = f->owner->platform->store;
	_cleanup_free_ char *body = NULL;
	struct webhook hook = { 0 };
	struct webhook_event e = { 0 };
	int r;

	uuid_make(d->attempt_id);
	d->attempt_ms = clock_wall_ms();
	r = store_webhook_get(s, d->app_id, d->webhook_id, &hook, err);
	if (r == 0)
		r = store_webhook_event_get(s, d->app_id, d->event_id, &e, err);
	if (r == 0)
		body = make_body(&e, d);
	if (r == 0 && (!body || !post(f, &hook, body)))
		r = error_set(err, ERROR_SYSTEM, "Out of memory for a request");
	webhook_event_done(&e);
	webhook_done(&hook);
	return r;
}

/* Takes the delivery. */
static void launch(struct webhooks *w, struct webhook_delivery *take)
{
	struct flight *f = xcalloc(1, sizeof(*f));
	struct error err = ERROR_INIT;

	*f = (struct flight){ .owner = w, .next = w->first, .delivery = *take };
	*take = (struct webhook_delivery){ 0 };
	w->first = f;
	w->n++;
	if (send_one(f, &err) == 0)
		return;
	set_result(f, 0, err.message);
	write_result(f);
}

/* ---- turns ---- */

static bool has_unwritten(const struct webhooks *w)
{
	for (const struct flight *f = w->first; f; f = f->next)
		if (f->ended)
			return true;
	return false;
}

/* Up to the first that can't be: a database that is locked is waited for once. */
static bool write_results(struct webhooks *w)
{
	for (struct flight *f = w->first, *next; f; f = next) {
		next = f->next;
		if (f->ended && !write_result(f))
			return false;
	}
	return true;
}

/* Those that are due and not under way have a turn when one of those that are has ended. */
static void arm(struct webhooks *w)
{
	struct error err = ERROR_INIT;
	int64_t now_ms = clock_wall_ms(), next_ms;

	if (store_webhook_delivery_next(w->platform->store, now_ms, &next_ms, &err) < 0) {
		log_error("webhooks: %s", err.message);
		next_ms = now_ms + TROUBLE_MS;
	}
	if (has_unwritten(w) && (!next_ms || next_ms > now_ms + TROUBLE_MS))
		next_ms = now_ms + TROUBLE_MS;
	watch_arm(w->timer, next_ms ? next_ms - now_ms : -1);
}

static void tick(struct webhooks *w)
{
	struct webhook_delivery *due = NULL;
	struct error err = ERROR_INIT;
	size_t n = 0;

	if (!write_results(w)) {
		watch_arm(w->timer, TROUBLE_MS);
		return;
	}
	if (store_webhook_delivery_due(w->platform->store, clock_wall_ms(), &due, &n, &err) < 0) {
		log_error("webhooks: %s", err.message);
		watch_arm(w->timer, TROUBLE_MS);
		return;
	}
	for (size_t i = 0; i < n && w->n < MAX_FLIGHTS; i++)
		if (!in_flight(w, due[i].webhook_id))
			launch(w, &due[i]);
	webhook_delivery_free_array(due, n);
	arm(w);
}

static void on_timer(void *userdata)
{
	tick(userdata);
}

/* In the middle of a transaction: the next turn of the loop comes after it. */
static void on_written(void *userdata)
{
	struct webhooks *w = userdata;

	watch_arm(w->timer, 0);
}

struct webhooks *webhooks_new(struct platform *p)
{
	struct webhooks *w = xcalloc(1, sizeof(*w));

	*w = (struct webhooks){ .platform = p, .posts = http_posts_new(p->loop) };
	w->timer = watch_timer(p->loop, on_timer, w);
	store_webhook_watch(p->store, on_written, w);
	watch_arm(w->timer, 0);
	return w;
}

void webhooks_free(struct webhooks *w)
{
	if (!w)
		return;
	store_webhook_watch(w->platform->store, NULL, NULL);
	http_posts_free(w->posts);
	while (w->first)
		flight_free(w->first);
	watch_free(w->timer);
	free(w);
}
