/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was refused before it was a request has no app for HAProxy, and so no line in an app's log.
 * But HAProxy keeps the last one for "show errors", with its first bytes:
 *
 *     [28/Nov/2026:16:02:06.663] frontend web (#2): invalid request
 *       backend <NONE> (#-1), server <NONE> (#-1), event #0, src 127.0.0.1:42702
 *       ...
 *       00000  GET /b\xC3\xBCcher?x=1 HTTP/1.1\r\n
 *       00027  Host: shop.localhost\r\n
 *
 * A line that goes on has "+" behind the number. Management Guide, section 9.3.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "route/route.h"

#define END_OF_LINE "\\r\\n"
#define PATH_MAX_BYTES 2048
#define WILDCARD_DEPTH 5

struct head {
	char *request, *host; /* the line, and the value of the header */
	char src[64];
};

static void head_done(struct head *h)
{
	free(h->request);
	free(h->host);
}

/* One whole line of the head, as HAProxy escapes it. */
static void take_line(struct head *h, const char *line)
{
	const char *end = strstr(line, END_OF_LINE);
	size_t n = end ? (size_t)(end - line) : strlen(line);

	if (!h->request)
		h->request = xstrndup(line, n);
	else if (!h->host && n > 5 && strncasecmp(line, "host:", 5) == 0)
		h->host = xstrndup(line + 5, n - 5);
}

static void read_head(char *text, struct head *ret)
{
	_cleanup_buf_ struct buf line = BUF_INIT;
	char *save = NULL, *src;
	int at;

	for (char *row = strtok_r(text, "\n", &save); row; row = strtok_r(NULL, "\n", &save)) {
		src = strstr(row, ", src ");
		if (src && !ret->src[0] && sscanf(src, ", src %63[0-9a-fA-F.:]", ret->src) == 1)
			continue;
		at = 0;
		sscanf(row, " %*5[0-9]%n", &at);
		if (!at || (row[at] != ' ' && row[at] != '+') || row[at + 1] != ' ')
			continue;
		if (row[at] == ' ' && line.len) {
			take_line(ret, line.data);
			buf_clear(&line);
		}
		buf_puts(&line, row + at + 2);
	}
	if (line.len)
		take_line(ret, line.data);
}

/* "Shop.localhost.:8080" is shop.localhost; in place. */
static char *host_only(char *s)
{
	char *host = str_trim(s), *end = host + strcspn(host, ":");

	while (end > host && end[-1] == '.')
		end--;
	*end = '\0';
	for (char *p = host; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return host;
}

static void put_line(const struct head *h, const char *host, struct buf *out)
{
	const char *path = strchr(h->request, ' '), *end;
	/* The port of the client is no part of its address. */
	const char *colon = strrchr(h->src, ':');

	path = path ? path + 1 : "";
	end = strrchr(path, ' ');
	buf_printf(out, "PR 400 at=info method=%.*s path=\"", (int)strcspn(h->request, " "),
		   h->request);
	for (const char *p = path; *p && p != end && p < path + PATH_MAX_BYTES; p++)
		buf_printf(out, "%s%c", *p == '"' ? "\\" : "", *p);
	buf_printf(out,
		   "\" host=%s fwd=\"%.*s\" dyno=- connect=- service=- status=400 bytes=0 "
		   "protocol=http",
		   host, (int)(colon ? colon - h->src : (long)strlen(h->src)), h->src);
}

bool route_bad_request(const char *errors, char **ret_host, struct buf *line)
{
	_cleanup_free_ char *text = xstrdup(errors);
	_cleanup_(head_done) struct head h = { 0 };
	const char *host;

	read_head(text, &h);
	if (!h.request || !h.host)
		return false;
	host = host_only(h.host);
	put_line(&h, host, line);
	*ret_host = xstrdup(host);
	return true;
}

/* The value of a line "KEY VALUE". */
static char *look_up(const char *map, const char *key)
{
	size_t n = strlen(key);

	for (const char *at = map; at && *at; at = strchr(at, '\n'), at = at ? at + 1 : NULL)
		if (strncmp(at, key, n) == 0 && at[n] == ' ')
			return xstrndup(at + n + 1, strcspn(at + n + 1, "\n"));
	return NULL;
}

char *route_host_app(const char *map, const char *host)
{
	_cleanup_free_ char *backend = look_up(map, host);
	const char *rest = host;

	for (int i = 0; !backend && i < WILDCARD_DEPTH && (rest = strchr(rest, '.')); i++) {
		_cleanup_free_ char *wildcard = xasprintf("*%s", rest++);

		backend = look_up(map, wildcard);
	}
	return backend && str_starts(backend, "app-") ? xstrdup(backend + strlen("app-")) : NULL;
}
