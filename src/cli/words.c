/* SPDX-License-Identifier: Apache-2.0 */
/* The small languages of arguments: suggestions, web=3:size, KEY=VALUE, v12, shell words; see
 * args.h. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/str.h"
#include "cli/args.h"

#define SUGGEST_MAX_LEN 40
#define TOO_FAR 100

static size_t min_of(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t suggest_distance(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);
	size_t d[SUGGEST_MAX_LEN + 1][SUGGEST_MAX_LEN + 1];

	if (n > SUGGEST_MAX_LEN || m > SUGGEST_MAX_LEN)
		return TOO_FAR;
	for (size_t i = 0; i <= n; i++)
		d[i][0] = i;
	for (size_t j = 0; j <= m; j++)
		d[0][j] = j;
	for (size_t i = 1; i <= n; i++)
		for (size_t j = 1; j <= m; j++) {
			size_t cost = a[i - 1] != b[j - 1];

			d[i][j] = min_of(min_of(d[i - 1][j] + 1, d[i][j - 1] + 1),
					 d[i - 1][j - 1] + cost);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				d[i][j] = min_of(d[i][j], d[i - 2][j - 2] + 1);
		}
	return d[n][m];
}

const char *suggest(const char *s, const char *const *candidates)
{
	/* A third of the word may be wrong; more is another word. */
	size_t best = strlen(s) / 3 + 2;
	const char *found = NULL;

	for (size_t i = 0; candidates && candidates[i]; i++) {
		size_t d = suggest_distance(s, candidates[i]);

		if (d < best) {
			best = d;
			found = candidates[i];
		}
	}
	return found;
}

static int bad_scale(const char *s, struct error *err)
{
	return error_set(err, ERROR_INVALID,
			 "expected TYPE=QUANTITY, TYPE=QUANTITY:SIZE or TYPE+QUANTITY such as "
			 "web=3, found \"%.100s\"",
			 s);
}

/* "3" or "3:standard-2x", or with an empty sign's "=", "standard-2x". */
static int parse_amount(const char *s, const char *amount, char sign, struct scale *ret,
			struct error *err)
{
	size_t digits = strspn(amount, "0123456789");
	const char *size = amount[digits] == ':' ? amount + digits + 1 : "";

	if (digits == 0 && sign == '=' && isalpha((unsigned char)amount[0]) &&
	    strlen(amount) < sizeof(ret->size)) {
		snprintf(ret->size, sizeof(ret->size), "%s", amount);
		return 0;
	}
	if (digits == 0 || digits > 9 || (amount[digits] && !*size) ||
	    strlen(size) >= sizeof(ret->size))
		return bad_scale(s, err);
	snprintf(ret->quantity, sizeof(ret->quantity), "%s%.*s",
		 sign == '+'   ? "+"
		 : sign == '-' ? "-"
			       : "",
		 (int)digits, amount);
	snprintf(ret->size, sizeof(ret->size), "%s", size);
	return 0;
}

int scale_parse(const char *s, struct scale *ret, struct error *err)
{
	const char *at = strpbrk(s, "=+");
	size_t len;

	*ret = (struct scale){ 0 };
	/* A minus may belong to the name: web-2 takes two away from web, web-api=2 names a type. */
	if (!at && (at = strrchr(s, '-')) && at[1 + strspn(at + 1, "0123456789")])
		at = NULL;
	len = at ? (size_t)(at - s) : 0;
	if (len == 0 || len >= sizeof(ret->type))
		return bad_scale(s, err);
	memcpy(ret->type, s, len);
	return parse_amount(s, at + 1, *at, ret, err);
}

int assignment_parse(const char *s, char **ret_key, const char **ret_value, struct error *err)
{
	const char *equals = strchr(s, '=');

	if (!equals || equals == s)
		return error_set(err, ERROR_INVALID, "expected KEY=VALUE, found \"%.40s%s\"", s,
				 strlen(s) > 40 ? "..." : "");
	*ret_key = xstrndup(s, (size_t)(equals - s));
	*ret_value = equals + 1;
	return 0;
}

int version_parse(const char *s, int64_t *ret, struct error *err)
{
	if (str_to_i64(s[0] == 'v' ? s + 1 : s, 1, INT32_MAX, ret))
		return 0;
	return error_set(err, ERROR_INVALID, "expected a release such as v12, found \"%.40s\"", s);
}

char *shell_quote(const char *s)
{
	struct buf b = BUF_INIT;

	if (*s &&
	    s[strspn(s,
		     "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:@%+,=-")] ==
		    '\0')
		return xstrdup(s);
	buf_putc(&b, '\'');
	for (; *s; s++) {
		if (*s == '\'')
			buf_puts(&b, "'\\''");
		else
			buf_putc(&b, *s);
	}
	buf_putc(&b, '\'');
	return buf_steal(&b);
}

char *shell_join(const char *const *words)
{
	struct buf b = BUF_INIT;

	if (words[0] && !words[1])
		return xstrdup(words[0]);
	for (size_t i = 0; words[i]; i++) {
		_cleanup_free_ char *q = shell_quote(words[i]);

		buf_printf(&b, "%s%s", i ? " " : "", q);
	}
	return buf_steal(&b);
}
