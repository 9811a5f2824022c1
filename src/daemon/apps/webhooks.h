/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Delivers the events of apps to their webhooks. An event is written to the store (store/webhook.h)
 * in the same transaction as the change; here it is sent, and the result is recorded. Each event is
 * delivered at least once: after a kill, a delivery that was in progress is repeated with the same
 * ids.
 *
 * The deliveries of one webhook are sequential, those of several run in parallel. model/delivery.h
 * decides about retries.
 */
#pragma once

#include "daemon/core/platform.h"
#include "daemon/dynos/dynos.h"

struct webhooks;

struct webhooks *webhooks_new(struct platform *p);
void webhooks_free(struct webhooks *w);
/* A dyno started, changed its state, or is gone. Creates an event for webhooks that include
 * api:dyno. */
void webhooks_dyno_changed(struct platform *p, struct dyno *dyno);
/* The HMAC-SHA256 of the body in Base64. Heap. */
char *webhook_signature(const char *secret, const char *body);
