/* SPDX-License-Identifier: Apache-2.0 */
/* The audit trail; see audit.h. */
#include "daemon/api/audit.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/api/call.h"
#include "daemon/api/route.h"

void audit_app(struct request *r, const struct app *app)
{
	struct call *c = request_call(r);

	if (c->app_id[0])
		return;
	memcpy(c->app_id, app->id, sizeof(c->app_id));
	free(c->app_name);
	c->app_name = xstrdup(app->name);
	c->app_version = app->last_version;
}

/* As it may be shown: a URL may hold a password, and a token is one. */
static bool is_plain(const char *value)
{
	return value[0] && strlen(value) < 256 && !strstr(value, "://") &&
	       !str_starts(value, "tw-");
}

/* "domain www.example.com": the path's words, when the handler says nothing better. NULL for none.
 * Heap. */
static char *note_from_path(const struct call *c)
{
	struct buf text = BUF_INIT;

	for (size_t i = 0; i < c->n_params; i++) {
		size_t n = strcspn(c->params[i].name, "/");

		if (!is_plain(c->params[i].value) ||
		    (n == 3 && strncmp(c->params[i].name, "app", n) == 0))
			continue;
		buf_printf(&text, "%s%.*s %s", text.len ? ", " : "", (int)n, c->params[i].name,
			   c->params[i].value);
	}
	if (text.len)
		return buf_steal(&text);
	buf_done(&text);
	return NULL;
}

static bool is_noted(const struct request *r)
{
	const struct call *c = request_call(r);

	return c->route && c->caller.name[0] && !request_is_read(r) &&
	       !(c->route->flags & API_QUIET);
}

/* The release that the request made, or 0. */
static int64_t release_made(struct request *r)
{
	const struct call *c = request_call(r);
	struct error ignored = ERROR_INIT;
	struct app app = { 0 };
	int64_t version = 0;

	if (c->app_id[0] && store_app_get(request_store(r), c->app_id, &app, &ignored) == 0 &&
	    app.last_version > c->app_version)
		version = app.last_version;
	app_done(&app);
	return version;
}

void audit_request(struct request *r, int status)
{
	struct call *c = request_call(r);
	_cleanup_free_ char *action = NULL;
	const char *from = request_header(r, "X-Forwarded-For");
	struct error err = ERROR_INIT;
	struct audit row;

	if (!is_noted(r))
		return;
	action = xasprintf("%s %s", c->route->method, c->route->path);
	if (!c->note)
		c->note = note_from_path(c);
	row = (struct audit){
		.at_ms = clock_wall_ms(),
		.user = c->caller.name,
		.app_name = c->app_name,
		.action = action,
		.note = c->note,
		.status = status,
		.version = status < 400 ? release_made(r) : 0,
		.from = (char *)(request_is_local(r) ? "socket"
				 : from		     ? from
						     : ""),
	};
	memcpy(row.user_id, c->caller.user_id, sizeof(row.user_id));
	memcpy(row.app_id, c->app_id, sizeof(row.app_id));
	memcpy(row.request_id, request_id(r), sizeof(row.request_id));
	if (store_audit_add(request_store(r), &row, &err) < 0)
		log_error("request %s: %s by %s is not in the audit trail: %s", request_id(r),
			  action, c->caller.name, err.message);
}
