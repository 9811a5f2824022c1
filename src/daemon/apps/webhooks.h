/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Carries the events of apps to their webhooks. What is to be sent stands in the store
 * (store/webhook.h), written there with the change itself; here it is posted, and how that went is
 * noted. So each event arrives at least once: after a kill a delivery that was under way is made
 * again, with the same ids.
 *
 * A webhook's deliveries go one after another, those of several side by side. model/delivery.h
 * says when one is tried again.
 */
#pragma once

#include "daemon/core/platform.h"
#include "daemon/dynos/dynos.h"

struct webhooks;

struct webhooks *webhooks_new(struct platform *p);
void webhooks_free(struct webhooks *w);
/* A dyno has begun, is in another state, or is gone: told to those who want to know of api:dyno. */
void webhooks_dyno_changed(struct platform *p, struct dyno *dyno);
/* Base64 of the body's HMAC-SHA256. Heap. */
char *webhook_signature(const char *secret, const char *body);
