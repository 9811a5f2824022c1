/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of git repositories; see git-url.h. */
#include "build/git-url.h"

#include <ctype.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"

#define COMMIT_HEX 40

static const struct scheme {
	const char *prefix;
	enum git_transport transport;
	int port;
} schemes[] = {
	{ "https://", GIT_HTTPS, 443 },
	{ "http://", GIT_HTTP, 80 },
	{ "ssh://", GIT_SSH, 22 },
};

/* "user@host:path": the colon comes before any slash. */
static bool is_scp(const char *s)
{
	size_t n = strcspn(s, ":/");

	return s[n] == ':' && memchr(s, '@', n);
}

bool git_url_is_meant(const char *word)
{
	return strstr(word, "://") || is_scp(word);
}

static int refuse(const char *subject, const char *why, struct error *err)
{
	return error_set(err, ERROR_INVALID,
			 "%s %s: repositories are fetched from https://HOST/PATH, "
			 "ssh://USER@HOST/PATH or USER@HOST:PATH",
			 subject, why);
}

/* Neither white space nor what a shell, a configuration file of git's or a terminal would take for
 * more than a character. */
static bool is_plain(const char *s)
{
	for (; *s; s++)
		if (*s <= ' ' || *s > '~' || strchr("\"'\\`$<>|;{}^*?[]", *s))
			return false;
	return true;
}

static bool is_made_of(const char *s, size_t n, const char *more)
{
	if (!n || s[0] == '-')
		return false;
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)s[i]) && !strchr(more, s[i]))
			return false;
	return true;
}

static int take_port(const char *text, size_t n, struct git_url *u)
{
	_cleanup_free_ char *digits = xstrndup(text, n);
	int64_t port;

	if (!str_to_i64(digits, 1, 65535, &port))
		return -1;
	u->port = (int)port;
	return 0;
}

/* "host", "host:port", "[v6]", "[v6]:port". */
static int take_host(const char *s, size_t n, struct git_url *u)
{
	const char *end = s[0] == '[' ? memchr(s, ']', n) : memchr(s, ':', n), *host = s;
	size_t len;

	if (s[0] == '[') {
		if (!end)
			return -1;
		host++;
		len = (size_t)(end++ - host);
	} else {
		end = end ? end : s + n;
		len = (size_t)(end - s);
	}
	if (len >= sizeof(u->host) || !is_made_of(host, len, s[0] == '[' ? ":." : ".-_"))
		return -1;
	memcpy(u->host, host, len);
	u->host[len] = '\0';
	if (end == s + n)
		return 0;
	return *end == ':' ? take_port(end + 1, (size_t)(s + n - end - 1), u) : -1;
}

/* [user@]host[:port] of n characters. */
static int take_authority(const char *s, size_t n, const char *subject, struct git_url *u,
			  struct error *err)
{
	const char *at = memchr(s, '@', n);

	if (at && u->transport != GIT_SSH)
		return refuse(subject,
			      "must not hold a user or a password, which all who may see the app "
			      "would see",
			      err);
	if (at && !is_made_of(s, (size_t)(at - s), "._-"))
		return refuse(subject,
			      memchr(s, ':', (size_t)(at - s)) ? "must not hold a password"
							       : "names no user that there can be",
			      err);
	if (at) {
		n -= (size_t)(at + 1 - s);
		s = at + 1;
	}
	return take_host(s, n, u) < 0 ? refuse(subject, "names no host", err) : 0;
}

static const struct scheme *scheme_of(const char *url)
{
	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++)
		if (str_starts(url, schemes[i].prefix))
			return &schemes[i];
	return NULL;
}

int git_url_parse(const char *url, const char *subject, struct git_url *ret, struct error *err)
{
	const struct scheme *scheme = scheme_of(url);
	struct git_url u = { .transport = GIT_SSH, .port = 22 };
	const char *authority = url, *path;
	bool scp = !scheme && !strstr(url, "://") && is_scp(url);

	if (strlen(url) > GIT_URL_MAX)
		return refuse(subject, "is too long", err);
	if (!scheme && !scp)
		return refuse(subject, "is of no kind that is fetched from", err);
	if (scheme) {
		u = (struct git_url){ .transport = scheme->transport, .port = scheme->port };
		authority += strlen(scheme->prefix);
	}
	/* Brackets are good around an IPv6 address alone. */
	path = authority + strcspn(authority, scp ? ":" : "/");
	if (take_authority(authority, (size_t)(path - authority), subject, &u, err) < 0)
		return -1;
	if (!*path || !path[1] || path[1] == '-' || !is_plain(path))
		return refuse(subject, "names no path that there can be", err);
	*ret = u;
	return 0;
}

bool git_ref_is_commit(const char *ref)
{
	return strlen(ref) == COMMIT_HEX && strspn(ref, "0123456789abcdef") == COMMIT_HEX;
}

int git_ref_check(const char *ref, const char *subject, struct error *err)
{
	size_t n = strlen(ref);

	if (n && n <= GIT_REF_MAX && is_plain(ref) && !strchr("-+/.", ref[0]) &&
	    !strpbrk(ref, ":~") && !streq(ref, "@") && !strstr(ref, "..") && !strstr(ref, "//") &&
	    ref[n - 1] != '/' && ref[n - 1] != '.' && !str_ends(ref, ".lock"))
		return 0;
	return error_set(err, ERROR_INVALID,
			 "%s names no branch, tag or commit that there can be after its #",
			 subject);
}
