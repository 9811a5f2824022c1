/* SPDX-License-Identifier: Apache-2.0 */
/* The small print of the wire; see wire.h. */
#include "daemon/http/wire.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/digest.h"
#include "base/str.h"

#define HOUR_MS INT64_C(3600000)
/* The list of buckets is looked through for full ones when it has grown to this, and to twice what
 * was left then. */
#define SWEEP_FROM 64

/* ---- Accept ---- */

/* "version=3", "version=3.sdk" among the parameters of a media type, or none of that name. */
static bool is_our_version(const char *parameters)
{
	const char *p = strstr(parameters, "version=");

	if (!p)
		return true;
	p += strlen("version=");
	p += *p == '"';
	return p[0] == '3' && (!p[1] || strchr(".;\" ", p[1]));
}

static bool takes(char *type)
{
	static const char *const names[] = { "*/*", "application/*", "application/json",
					     "application/vnd.heroku+json" };
	char *parameters = type + strcspn(type, ";"), *name;

	if (*parameters)
		*parameters++ = '\0';
	name = str_trim(type);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcasecmp(name, names[i]) == 0)
			return is_our_version(parameters);
	return false;
}

bool wire_accepts_json(const char *accept)
{
	_cleanup_free_ char *text = accept ? xstrdup(accept) : NULL;
	char *save = NULL;

	if (!text || !str_trim(text)[0])
		return true;
	for (char *type = strtok_r(text, ",", &save); type; type = strtok_r(NULL, ",", &save))
		if (takes(type))
			return true;
	return false;
}

char *wire_decode(const char *s, size_t n)
{
	char *out = xcalloc(1, n + 1), *to = out;

	for (size_t i = 0; i < n; i++) {
		unsigned byte;

		if (s[i] == '%' && i + 2 < n && isxdigit((unsigned char)s[i + 1]) &&
		    isxdigit((unsigned char)s[i + 2]) && sscanf(s + i + 1, "%2x", &byte) == 1 &&
		    byte) {
			*to++ = (char)byte;
			i += 2;
		} else {
			*to++ = s[i];
		}
	}
	return out;
}

/* ---- entity tags ---- */

char *wire_etag(const char *body, size_t n, char buf[static WIRE_ETAG_SIZE])
{
	char hex[DIGEST_HEX_SIZE];

	digest_bytes(body, n, hex);
	snprintf(buf, WIRE_ETAG_SIZE, "\"%.32s\"", hex);
	return buf;
}

bool wire_etag_matches(const char *if_none_match, const char *etag)
{
	_cleanup_free_ char *text = if_none_match ? xstrdup(if_none_match) : NULL;
	char *save = NULL;

	for (char *tag = text ? strtok_r(text, ",", &save) : NULL; tag;
	     tag = strtok_r(NULL, ",", &save)) {
		tag = str_trim(tag);
		if (streq(tag, "*") || streq(str_starts(tag, "W/") ? tag + 2 : tag, etag))
			return true;
	}
	return false;
}

void wire_one_line(char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			*s = ' ';
}

/* ---- limits ---- */

struct bucket {
	char key[UUID_SIZE];
	double left;
	int64_t at_ms;
};

struct limits {
	int64_t per_hour;
	struct bucket *buckets;
	size_t n, sweep_at;
};

struct limits *limits_new(int64_t per_hour)
{
	struct limits *l = xcalloc(1, sizeof(*l));

	*l = (struct limits){ .per_hour = per_hour, .sweep_at = SWEEP_FROM };
	return l;
}

void limits_free(struct limits *l)
{
	if (!l)
		return;
	free(l->buckets);
	free(l);
}

static void fill(const struct limits *l, struct bucket *b, int64_t now_ms)
{
	double full = (double)l->per_hour;

	if (now_ms > b->at_ms)
		b->left += full * (double)(now_ms - b->at_ms) / (double)HOUR_MS;
	b->left = b->left < full ? b->left : full;
	b->at_ms = now_ms;
}

static void sweep(struct limits *l, int64_t now_ms)
{
	size_t kept = 0;

	for (size_t i = 0; i < l->n; i++) {
		fill(l, &l->buckets[i], now_ms);
		if (l->buckets[i].left < (double)l->per_hour)
			l->buckets[kept++] = l->buckets[i];
	}
	l->n = kept;
	l->sweep_at = kept * 2 > SWEEP_FROM ? kept * 2 : SWEEP_FROM;
}

static struct bucket *find(struct limits *l, const char *key)
{
	for (size_t i = 0; i < l->n; i++)
		if (streq(l->buckets[i].key, key))
			return &l->buckets[i];
	return NULL;
}

static struct bucket *add(struct limits *l, const char *key, int64_t now_ms)
{
	struct bucket *b;

	if (l->n >= l->sweep_at)
		sweep(l, now_ms);
	l->buckets = xrealloc(l->buckets, (l->n + 1) * sizeof(*l->buckets));
	b = &l->buckets[l->n++];
	*b = (struct bucket){ .left = (double)l->per_hour, .at_ms = now_ms };
	snprintf(b->key, sizeof(b->key), "%s", key);
	return b;
}

bool limits_take(struct limits *l, const char *key, int64_t now_ms, int64_t *ret_left)
{
	struct bucket *b = find(l, key);
	bool may;

	if (!b)
		b = add(l, key, now_ms);
	fill(l, b, now_ms);
	may = b->left >= 1;
	if (may)
		b->left -= 1;
	*ret_left = (int64_t)b->left;
	return may;
}

int64_t limits_left(struct limits *l, const char *key, int64_t now_ms)
{
	struct bucket *b = find(l, key);

	if (!b)
		return l->per_hour;
	fill(l, b, now_ms);
	return (int64_t)b->left;
}
