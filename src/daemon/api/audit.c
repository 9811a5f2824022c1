/* SPDX-License-Identifier: Apache-2.0 */
/* The audit trail; see audit.h. */
#include "daemon/api/audit.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/http/http-priv.h"

void audit_app(struct request *r, const struct app *app)
{
	if (r->app_id[0])
		return;
	memcpy(r->app_id, app->id, sizeof(r->app_id));
	free(r->app_name);
	r->app_name = xstrdup(app->name);
	r->app_version = app->last_version;
}

/* As it may be shown: a URL may hold a password, and a token is one. */
static bool is_plain(const char *value)
{
	return value[0] && strlen(value) < 256 && !strstr(value, "://") &&
	       !str_starts(value, "tw-");
}

/* "domain www.example.com": the path's words, when the handler says nothing better. NULL for none.
 * Heap. */
static char *note_from_path(struct request *r)
{
	struct buf text = BUF_INIT;

	for (size_t i = 0; i < r->n_params; i++) {
		size_t n = strcspn(r->params[i].name, "/");

		if (!is_plain(r->params[i].value) ||
		    (n == 3 && strncmp(r->params[i].name, "app", n) == 0))
			continue;
		buf_printf(&text, "%s%.*s %s", text.len ? ", " : "", (int)n, r->params[i].name,
			   r->params[i].value);
	}
	if (text.len)
		return buf_steal(&text);
	buf_done(&text);
	return NULL;
}

static bool is_noted(const struct request *r)
{
	return r->route && r->caller.name[0] && !streq(r->method, "GET") &&
	       !streq(r->method, "HEAD") && !(r->route->flags & API_QUIET);
}

/* The release that the request made, or 0. */
static int64_t release_made(struct request *r)
{
	struct error ignored = ERROR_INIT;
	struct app app = { 0 };
	int64_t version = 0;

	if (r->app_id[0] && store_app_get(r->http->d->store, r->app_id, &app, &ignored) == 0 &&
	    app.last_version > r->app_version)
		version = app.last_version;
	app_done(&app);
	return version;
}

void audit_request(struct request *r, int status)
{
	_cleanup_free_ char *action = NULL;
	const char *from = request_header(r, "X-Forwarded-For");
	struct error err = ERROR_INIT;
	struct audit row;

	if (!is_noted(r))
		return;
	action = xasprintf("%s %s", r->route->method, r->route->path);
	if (!r->note)
		r->note = note_from_path(r);
	row = (struct audit){
		.at_ms = clock_wall_ms(),
		.user = r->caller.name,
		.app_name = r->app_name,
		.action = action,
		.note = r->note,
		.status = status,
		.version = status < 400 ? release_made(r) : 0,
		.from = (char *)(r->local ? "socket"
				 : from	  ? from
					  : ""),
	};
	memcpy(row.user_id, r->caller.user_id, sizeof(row.user_id));
	memcpy(row.app_id, r->app_id, sizeof(row.app_id));
	memcpy(row.request_id, r->id, sizeof(row.request_id));
	if (store_audit_add(r->http->d->store, &row, &err) < 0)
		log_error("request %s: %s by %s is not in the audit trail: %s", r->id, action,
			  r->caller.name, err.message);
}
