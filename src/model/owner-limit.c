/* SPDX-License-Identifier: Apache-2.0 */
/* What a user's apps may take together; see owner-limit.h. */
#include "model/owner-limit.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "model/names.h"

#define MIB (INT64_C(1) << 20)
#define GIB (INT64_C(1) << 30)
/* More than any machine has; twice of it is a number still. */
#define COUNT_MAX 1000000
#define MEMORY_MAX (INT64_C(1) << 50)

const char *const owner_limit_names[_OWNER_LIMIT_MAX] = {
	[OWNER_APPS] = "apps",	   [OWNER_DYNOS] = "dynos",   [OWNER_ADDONS] = "addons",
	[OWNER_MEMORY] = "memory", [OWNER_BUILDS] = "builds",
};

/* In sentences. */
static const struct {
	const char *noun, *way_out;
} words[_OWNER_LIMIT_MAX] = {
	[OWNER_APPS] = { "apps", "destroy one" },
	[OWNER_DYNOS] = { "dynos", "scale a process down or stop a one-off dyno" },
	[OWNER_ADDONS] = { "add-ons", "destroy one" },
	[OWNER_MEMORY] = { "memory", "take fewer or smaller dynos and add-ons" },
	[OWNER_BUILDS] = { "builds", "wait for one" },
};

/* ---- values ---- */

/* Digits, and K, M, G or T for powers of 1024. */
static bool parse_bytes(const char *text, int64_t *ret)
{
	static const char units[] = "KMGT";
	size_t n = strspn(text, "0123456789");
	const char *unit = text[n] ? strchr(units, toupper((unsigned char)text[n])) : NULL;
	char digits[20];
	int shift = unit ? 10 * (int)(unit - units + 1) : 0;

	if (n >= sizeof(digits) || (text[n] && (!unit || text[n + 1])))
		return false;
	memcpy(digits, text, n);
	digits[n] = '\0';
	if (!str_to_i64(digits, 0, MEMORY_MAX >> shift, ret))
		return false;
	*ret <<= shift;
	return true;
}

int owner_limit_parse(enum owner_limit what, const char *text, int64_t *ret, struct error *err)
{
	char excerpt[NAME_EXCERPT_SIZE];
	/* With no place at all builds would wait for ever. */
	int64_t min = what == OWNER_BUILDS;

	if (streq(text, "unlimited"))
		*ret = OWNER_UNLIMITED;
	else if (streq(text, "default"))
		*ret = OWNER_DEFAULT;
	else if (what == OWNER_MEMORY ? !parse_bytes(text, ret)
				      : !str_to_i64(text, min, COUNT_MAX, ret))
		return error_set(err, ERROR_INVALID,
				 "%s: expected %s, \"unlimited\" or \"default\", found \"%s\"",
				 owner_limit_names[what],
				 what == OWNER_MEMORY ? "a size such as 4G"
				 : min		      ? "a number from 1"
						      : "a number",
				 name_excerpt(excerpt, text));
	return 0;
}

char *owner_limit_text(enum owner_limit what, int64_t value, char buf[static OWNER_TEXT])
{
	long long v = value;

	if (value == OWNER_UNLIMITED)
		snprintf(buf, OWNER_TEXT, "unlimited");
	else if (what != OWNER_MEMORY || v == 0)
		snprintf(buf, OWNER_TEXT, "%lld", v);
	else if (v % GIB == 0)
		snprintf(buf, OWNER_TEXT, "%lldG", v / GIB);
	else
		snprintf(buf, OWNER_TEXT, "%lldM", (v + MIB - 1) / MIB);
	return buf;
}

struct owner_numbers owner_limits_merge(const struct owner_numbers *own,
					const struct owner_numbers *everybody)
{
	struct owner_numbers merged;

	for (size_t i = 0; i < _OWNER_LIMIT_MAX; i++)
		merged.of[i] = own->of[i] == OWNER_DEFAULT ? everybody->of[i] : own->of[i];
	return merged;
}

/* ---- the decision ---- */

/* What to propose: room for what was asked for, and not only for that. */
static int64_t enough(enum owner_limit what, int64_t max, int64_t after)
{
	int64_t n = 2 * max > after ? 2 * max : after;

	return what == OWNER_MEMORY ? (n + GIB - 1) / GIB * GIB : n;
}

static int refuse(enum owner_limit what, const char *email, const struct owner_numbers *all_max,
		  int64_t before, int64_t after, struct error *err)
{
	char used[OWNER_TEXT], may[OWNER_TEXT], more[OWNER_TEXT], wish[OWNER_TEXT];
	int64_t max = all_max->of[what];
	bool memory = what == OWNER_MEMORY;
	_cleanup_free_ char *takes = NULL;

	owner_limit_text(what, before, used);
	owner_limit_text(what, max, may);
	owner_limit_text(what, after - before, more);
	owner_limit_text(what, enough(what, max, after), wish);
	if (!max)
		return error_set(err, ERROR_INVALID,
				 "%.254s may have no %s: ask an administrator for some (twelve "
				 "users:limits %.254s %s=%s)",
				 email, words[what].noun, email, owner_limit_names[what], wish);
	/* Of one that is just too many there is nothing to say. */
	if (memory || after - before > 1)
		takes = xasprintf(", and this takes %s more", more);
	return error_set(err, ERROR_INVALID,
			 "%.254s has %s of %s %s%s%s: %s, or ask an administrator for more (twelve "
			 "users:limits %.254s %s=%s)",
			 email, used, may, memory ? "of " : "", words[what].noun,
			 takes ? takes : "", words[what].way_out, email, owner_limit_names[what],
			 wish);
}

int owner_limits_check(const char *email, const struct owner_numbers *max,
		       const struct owner_numbers *before, const struct owner_numbers *after,
		       struct error *err)
{
	for (size_t i = 0; i < _OWNER_LIMIT_MAX; i++)
		if (max->of[i] >= 0 && after->of[i] > max->of[i] && after->of[i] > before->of[i])
			return refuse((enum owner_limit)i, email, max, before->of[i], after->of[i],
				      err);
	return 0;
}
