/* SPDX-License-Identifier: Apache-2.0 */
/* The limits that were set for a user (model/owner-limit.h). Conventions: store/store.h. */
#pragma once

#include "model/owner-limit.h"
#include "store/store.h"

/* OWNER_DEFAULT for what was not set. */
int store_owner_limits_get(struct store *s, const char *user_id, struct owner_numbers *ret,
			   struct error *err);
/* All of them, in one transaction; OWNER_DEFAULT removes what was set. */
int store_owner_limits_set(struct store *s, const char *user_id, const struct owner_numbers *limits,
			   struct error *err);
