/* SPDX-License-Identifier: Apache-2.0 */
/* Automatic certificates: which apps have them, and the results of requests. Conventions:
 * store/store.h. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct store;

int store_acm_set(struct store *s, const char *app_id, bool enabled, struct error *err);
/* False when the app is not there. */
int store_acm_get(struct store *s, const char *app_id, bool *ret, struct error *err);

/* The results of requests for a domain's certificate. All zero: none was made yet. */
struct acm_state {
	int64_t failures; /* in a row */
	int64_t tried_ms;
	int64_t next_ms; /* not before */
	char *reason;	 /* of the last failure, or NULL */
};
void acm_state_done(struct acm_state *a);
int store_acm_state_get(struct store *s, const char *domain_id, struct acm_state *ret,
			struct error *err);
int store_acm_state_set(struct store *s, const char *domain_id, const struct acm_state *a,
			struct error *err);
/* Deletes the results for an app's domains, so that they are tried again at once. */
int store_acm_state_forget(struct store *s, const char *app_id, struct error *err);
