/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a user's apps may take together: names, values as people write them, and the decision. Pure.
 *
 * A limit holds back what grows. Who has more than it since it was lowered keeps what runs, and may
 * change what takes no more than before. Builds wait for their turn (model/queue.h) and are not
 * refused.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

enum owner_limit {
	OWNER_APPS,
	OWNER_DYNOS,  /* wanted by the formations, and one-off dynos that run */
	OWNER_ADDONS, /* those that are being destroyed, too, until they are gone */
	OWNER_MEMORY, /* bytes: the sizes of these dynos and the plans of these add-ons */
	OWNER_BUILDS, /* at a time */
	_OWNER_LIMIT_MAX,
};

#define OWNER_UNLIMITED INT64_C(-1)
#define OWNER_DEFAULT INT64_C(-2) /* nothing was said: as for everybody */

/* One of each: a user's limits, or what is used of them. */
struct owner_numbers {
	int64_t of[_OWNER_LIMIT_MAX];
};

/* "apps", "dynos", "addons", "memory", "builds". */
extern const char *const owner_limit_names[_OWNER_LIMIT_MAX];

/* "10", "4G" (of memory), "unlimited" or "default". ERROR_INVALID with a sentence. */
int owner_limit_parse(enum owner_limit what, const char *text, int64_t *ret, struct error *err);
/* A number, as it is of limits and of use: "10", "4G", "1536M", "unlimited". */
#define OWNER_TEXT 32
char *owner_limit_text(enum owner_limit what, int64_t value, char buf[static OWNER_TEXT]);
/* The limits that hold for somebody: what was set for them, else what is set for everybody. */
struct owner_numbers owner_limits_merge(const struct owner_numbers *own,
					const struct owner_numbers *everybody);
/* Whether somebody, by their e-mail address, who uses `before` may use `after`. ERROR_INVALID says
 * which limit, how much of it is used, and what to do. */
int owner_limits_check(const char *email, const struct owner_numbers *max,
		       const struct owner_numbers *before, const struct owner_numbers *after,
		       struct error *err);
