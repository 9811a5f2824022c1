/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Carries the events of apps to their webhooks. What is to be sent stands in the store
 * (store/webhook.h), written there with the change itself; here it is posted, and how that went is
 * noted. So each event arrives at least once: after a kill a delivery that was under way is made
 * again, with the same ids.
 *
 * A webhook's deliveries go one after another, those of several side by side. Level "notify" is
 * tried once; "sync" until the answer is 2xx, WEBHOOK_ATTEMPTS times in about a day, each pause
 * three times the one before.
 */
#pragma once

#include "daemon/core/platform.h"
#include "daemon/dynos/dynos.h"

#define WEBHOOK_ATTEMPTS 12
#define WEBHOOK_FIRST_PAUSE_MS 1000

struct webhooks;

struct webhooks *webhooks_new(struct platform *p);
void webhooks_free(struct webhooks *w);
/* A dyno has begun, is in another state, or is gone: told to those who want to know of api:dyno. */
void webhooks_dyno_changed(struct platform *p, struct dyno *dyno);
/* The pause after the n-th attempt of a delivery, n from 1; -1 when that was the last. */
int64_t webhook_pause_ms(int64_t n_attempts);
/* Base64 of the body's HMAC-SHA256. Heap. */
char *webhook_signature(const char *secret, const char *body);
