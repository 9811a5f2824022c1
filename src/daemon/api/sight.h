/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the caller of a request may see of add-ons: their attachments, whether the caller may view
 * the attached apps, and the number of backups. It is read from the store once, for any number of
 * add-ons.
 */
#pragma once

#include "daemon/api/call.h"
#include "daemon/services/services.h"

struct sight {
	struct request *r;
	struct services_links *links;
	json_t *sees;	 /* app id to whether the caller may view it; filled as needed */
	json_t *backups; /* add-on id to the number of its backups */
};

/* For one add-on, or for all if addon_id is NULL. */
int sight_open(struct request *r, const char *addon_id, struct sight *ret, struct error *err);
/* Also for a zeroed struct that was never opened. The functions below then find no attachments. */
void sight_done(struct sight *s);
/* Whether the caller may view the add-on: its own app, or an app that it is attached to. */
bool sight_sees_addon(struct sight *s, const struct addon *a);
/* The number of its attachments that the caller may view. */
size_t sight_count_attachments(struct sight *s, const char *addon_id);
int64_t sight_count_backups(const struct sight *s, const char *addon_id);
/* The names of the config vars that it sets in its own app: an array, a new reference. */
json_t *sight_config_vars(const struct sight *s, const struct addon *a);
