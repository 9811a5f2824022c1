/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this room share. */
#pragma once

#include "daemon/wanted/wanted.h"

struct failing {
	char app_id[UUID_SIZE];
	int64_t version;
};

struct wanted {
	struct wanted_options o;
	struct store *store;	 /* the platform's */
	struct failing *failing; /* failing pending releases, which no change starts from
			     (wanted/base.h) */
	size_t n_failing;
};

/* Tells the subscriber. */
void wanted_changed(const struct wanted *w, const char *app_id);
