/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The disk that a volume takes, as services/count.c counted it, against what its plan gives
 * (addon/room.h). On the way up the add-on's stream is told; at the quota the service is asked to
 * refuse writes (bin/full on), beyond the hard limit to let its apps in no more (bin/full on hard),
 * and when there is room again to take them (bin/full off): refusing early keeps a server whole,
 * which a full disk would not.
 */
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/str.h"
#include "daemon/services/services-priv.h"

enum room_level quota_level(const struct resource *r, const struct addon *a)
{
	return r->level_known ? r->level : (enum room_level)a->full;
}

/* A server that was started anew has forgotten what it was told. */
bool quota_due(const struct resource *r, const struct addon *a)
{
	enum room_level level = quota_level(r, a);

	return level != (enum room_level)a->full || (level != ROOM_FREE && !r->level_told);
}

/* ---- the door that is left to people (bin/full) ---- */

char *quota_rescue_name(const char *database)
{
	return xasprintf("rescue_%s", database);
}

char *quota_rescue_password(const struct addon *a, const char *database)
{
	const char *password = json_string_value(json_object_get(a->secret, "admin_password"));
	_cleanup_free_ char *text = xasprintf("%s:rescue:%s", password ? password : "", database);
	char hex[DIGEST_HEX_SIZE];
	char *secret;

	digest_bytes(text, strlen(text), hex);
	explicit_bzero(text, strlen(text));
	secret = xstrndup(hex, 40);
	explicit_bzero(hex, sizeof(hex));
	return secret;
}

/* ---- judging ---- */

static void warn(struct resource *r, const struct addon *a, const struct room *room)
{
	int64_t percent = room->used * 100 / room->quota;
	int step = room_step(room);

	if (step > r->warned)
		addon_say(r->owner, a,
			  "Warning: %s uses %lld %% of its disk (%lld of %lld MB); at 100 %% it "
			  "refuses writes. "
			  "A larger plan: twelve addons:upgrade",
			  a->name, (long long)percent, (long long)room->used >> 20,
			  (long long)room->quota >> 20);
	r->warned = step;
}

static void say_level(struct resource *r, const struct addon *a, const struct service *s,
		      enum room_level level)
{
	static const char *const said[_ROOM_MAX] = {
		[ROOM_FREE] = "has room again and takes writes",
		[ROOM_FULL] = "has used up its disk and refuses writes",
		[ROOM_HARD] = ("is beyond the hard limit of its disk, and lets its apps in no more "
			       "until there is room. A larger plan: "
			       "twelve addons:upgrade"),
		[ROOM_CLOSED] = "is far beyond the hard limit of its disk, and refuses logins. A "
				"larger plan: twelve addons:upgrade",
	};
	const char *what = level == ROOM_FULL && quota_level(r, a) > level
				   ? "lets its apps in again, to read and to delete"
				   : said[level];

	addon_say(r->owner, a, "%s%s %s",
		  level >= ROOM_FULL && what == said[level] ? "Error: " : "", a->name, what);
	if (level == ROOM_HARD && s->client)
		addon_say(r->owner, a, "To look and to delete: twelve %s", s->client);
}

void quota_judge(struct resource *r, const struct addon *a, const struct service *s,
		 const struct service_plan *p)
{
	const struct room room = { .used = r->disk_used,
				   .quota = (int64_t)p->disk_bytes,
				   .hard = (int64_t)p->disk_hard_bytes };
	enum room_level before = quota_level(r, a), level = room_level(&room, before);

	warn(r, a, &room);
	/* A jump says all that it passes. */
	for (enum room_level passed = before + 1; passed < level; passed++)
		say_level(r, a, s, passed);
	if (level != before)
		say_level(r, a, s, level);
	r->level = level;
	r->level_known = true;
	if (quota_due(r, a))
		resource_turn_soon(r);
}
