/* SPDX-License-Identifier: Apache-2.0 */
/* docs/api.md; see api/docs.h. What is common to all endpoints is text here, the rest comes from
 * the table. */
#include "daemon/api/docs.h"

#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/str.h"
#include "daemon/api/route.h"

/* clang-format off */
static const char intro[] =
	"# The API\n"
	"\n"
	"Written by `make docs` from the tables of endpoints (`src/daemon/api/`); `openapi.json` is the same for programs.\n"
	"\n"
	"Paths, bodies, responses and errors are those of [Heroku's Platform API](https://devcenter.heroku.com/articles/platform-api-reference), version 3, so its\n"
	"reference and its client libraries apply here, too. Additions of this platform are below `/twelve` and in members named `twelve`.\n"
	"\n"
	"## Authentication\n"
	"\n"
	"Over TCP, send a token as `Authorization: Bearer TOKEN` or as the password of `Basic`; `twelve authorizations:create` creates one. Over the unix socket the credentials\n"
	"of the process count. The column *who* is what the caller must be: anybody (the path holds a secret, or an add-on provider sends its own), any user, a\n"
	"collaborator with that permission (view, deploy, operate, manage), the app's owner, or an administrator. Owners may do what collaborators may, administrators\n"
	"everything. Without valid credentials the status is 401, without the permission 403.\n"
	"\n"
	"The scope of a token is everything (`global`), or one or more of: `identity` (`GET /account`), `read` and `write` (apps without their secrets: endpoints not marked\n"
	"*secret* below), `read-protected` and `write-protected` (apps with their secrets). Write includes read. Pass it as `scope` to `POST /oauth/authorizations`.\n"
	"\n"
	"## Bodies\n"
	"\n"
	"JSON objects of at most 1 MiB. A member with `?` is optional and may be null; a *ref* is a name or an id, or an object with one of them, whose other members are\n"
	"ignored. An integer may be a string of digits. A member of the wrong type is 422, and the message names it. Names and ids are interchangeable in paths; a slash in a\n"
	"name is written `%2F`.\n"
	"\n"
	"## Errors\n"
	"\n"
	"`{\"id\": \"not_found\", \"message\": \"Couldn't find that app.\"}`; the message is for people.\n"
	"\n"
	"| status | id | when |\n"
	"| --- | --- | --- |\n"
	"| 400 | `bad_request` | the request can't be parsed |\n"
	"| 401 | `unauthorized` | no valid credentials |\n"
	"| 403 | `forbidden` | no permission |\n"
	"| 404 | `not_found` | no such object or endpoint |\n"
	"| 406 | `not_acceptable` | the `Accept` header names no supported type |\n"
	"| 409 | `conflict` | not possible now |\n"
	"| 413 | `too_large` | the body is too large |\n"
	"| 416 | `requested_range_not_satisfiable` | the `Range` header can't be parsed, or the list can't be sorted that way |\n"
	"| 422 | `invalid_params` | a member of the body is wrong |\n"
	"| 429 | `rate_limit` | too many requests |\n"
	"| 503 | `unavailable` | a needed resource is missing, such as disk space |\n"
	"\n"
	"## Lists\n"
	"\n"
	"`Range: version 3..9; order=desc, max=10` requests a page, sorted by a property; `]3..` excludes the start, `..9[` the end. `Accept-Ranges` names the properties.\n"
	"While there is more, the status is 206, and `Next-Range` is the `Range` of the next page. A page has at most 1,000 items, which is the default. Changes between two\n"
	"requests do not shift pages: the next page begins after the last item of this one.\n"
	"\n"
	"## Headers\n"
	"\n"
	"`Accept` is `application/vnd.heroku+json; version=3` (any variant of it), `application/json`, a wildcard, or missing. Responses to GET have an `ETag`; with `If-None-Match`\n"
	"the status is 304 while nothing has changed. `Request-Id` is the client's or generated; the audit trail and the log contain it. `RateLimit-Remaining` is the number of\n"
	"requests that the token has left over TCP (`TWELVE_RATE_LIMIT` per hour, refilled continuously; `GET /account/rate-limits` is free); none left is 429. HEAD is GET\n"
	"without the body.\n";
/* clang-format on */

static void add_need(struct buf *b, enum need need)
{
	buf_puts(b, need == NEED_NOTHING ? "anybody" : need_names[need]);
}

/* "`name`: string, `size`?: ref" */
static void add_body(struct buf *b, const char *body)
{
	struct api_member m;

	for (const char *p = body, *comma = ""; p && (p = api_member_next(p, &m)); comma = ", ") {
		if (m.name[0] == '*')
			buf_puts(b, "names and values");
		else
			buf_printf(b, "%s`%.*s`%s %.*s", comma, (int)m.name_n, m.name,
				   m.optional ? "?" : "", (int)m.type_n, m.type);
	}
}

/* The first word of a path, by which the endpoints are grouped; below an app, what of it. */
static const char *group_of(const char *path, size_t *ret_n)
{
	const char *word = path + 1;

	if (str_starts(path, "/:app.git/")) {
		*ret_n = strlen("git");
		return "git";
	}
	if (str_starts(path, "/apps/:app/"))
		word = path + strlen("/apps/:app/");
	else if (str_starts(path, "/users/~/"))
		word = path + strlen("/users/~/");
	*ret_n = strcspn(word, "/");
	return word;
}

static bool same_group(const char *a, const char *b)
{
	size_t a_n, b_n;

	a = group_of(a, &a_n);
	b = group_of(b, &b_n);
	return a_n == b_n && strncmp(a, b, a_n) == 0;
}

static bool is_first_of_group(size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (same_group(api_route_at(k)->path, api_route_at(i)->path))
			return false;
	return true;
}

static void add_row(struct buf *b, const struct api_route *r)
{
	buf_printf(b, "| `%s %s` | ", r->method, r->path);
	add_need(b, r->need);
	buf_puts(b, r->flags & API_SECRET ? ", secret | " : " | ");
	add_body(b, r->body);
	buf_printf(b, " | %s | %s |\n", r->answer ? r->answer : "", r->help);
}

static void add_group(struct buf *b, size_t first)
{
	size_t n;
	const char *name = group_of(api_route_at(first)->path, &n);

	buf_printf(b,
		   "\n## %.*s\n\n| endpoint | who | body | answer | |\n| --- | --- | --- | --- | "
		   "--- |\n",
		   (int)n, name);
	for (size_t i = first; api_route_at(i); i++)
		if (same_group(api_route_at(i)->path, api_route_at(first)->path))
			add_row(b, api_route_at(i));
}

char *api_docs_markdown(void)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	buf_puts(&b, intro);
	for (size_t i = 0; api_route_at(i); i++)
		if (is_first_of_group(i))
			add_group(&b, i);
	return buf_steal(&b);
}
