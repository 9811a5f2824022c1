/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a request sees of add-ons: who is attached to them, whether the caller may view those apps,
 * how many backups there are. Read at once, however many add-ons are shown.
 */
#pragma once

#include "daemon/api/call.h"
#include "daemon/services/services.h"

struct sight {
	struct request *r;
	struct services_links *links;
	json_t *sees;	 /* app id: whether the caller may view it, as far as it was asked */
	json_t *backups; /* add-on id: how many */
};

/* For one add-on, or for all when addon_id is NULL. */
int sight_open(struct request *r, const char *addon_id, struct sight *ret, struct error *err);
/* One that was not opened, too; what is below then counts nothing. */
void sight_done(struct sight *s);
/* Whether the caller may view one: its app, or one that is attached to it. */
bool sight_sees_addon(struct sight *s, const struct addon *a);
/* How many attachments of it the caller may view. */
size_t sight_count_attachments(struct sight *s, const char *addon_id);
int64_t sight_count_backups(const struct sight *s, const char *addon_id);
/* The config vars that the owner has of it: an array of names, a new reference. */
json_t *sight_config_vars(const struct sight *s, const struct addon *a);
