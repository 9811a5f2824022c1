/* SPDX-License-Identifier: Apache-2.0 */
/* `heroku pg:killall`, `pg:reset`, `pg:copy`: what is done to a database; see
 * api/addon/heroku-data.c. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "daemon/services/services.h"
#include "daemon/api/table.h"

#define MAX_EXTENSIONS 50

struct work {
	struct request *request; /* NULL: it has gone away */
	bool done;
	char *reason; /* why it was not done */
};

static void work_free(void *work)
{
	struct work *w = work;

	/* The request is over; what was begun goes on, and its end frees this. */
	w->request = NULL;
	if (!w->done)
		return;
	free(w->reason);
	free(w);
}

static int answer(struct request *r, struct error *err)
{
	const struct work *w = request_work(r);

	if (w->reason)
		return error_set(err, ERROR_UNAVAILABLE, "%s", w->reason);
	return request_answer(r, 200, json_object());
}

static void on_done(const char *reason, void *userdata)
{
	struct work *w = userdata;

	w->done = true;
	w->reason = reason ? xstrdup(reason) : NULL;
	if (w->request)
		request_resume(w->request);
	else
		work_free(w);
}

static int begin(struct request *r, const struct addon_maintenance *o, struct error *err)
{
	struct work *w = xcalloc(1, sizeof(*w));
	const struct addon *a = request_addon(r);

	w->request = r;
	if (!services_maintain(request_parts(r)->services, a, o, on_done, w, err)) {
		free(w);
		return -1;
	}
	request_note(r, "%s of %s", o->verb, a->name);
	request_defer(r, answer, w, work_free);
	return 0;
}

static int api_data_killall(struct request *r, struct error *err)
{
	return begin(r, &(struct addon_maintenance){ .verb = "sessions" }, err);
}

static bool is_extension(const char *name)
{
	return name && name[0] && strlen(name) <= 63 &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == strlen(name);
}

static int api_data_reset(struct request *r, struct error *err)
{
	json_t *list = json_object_get(request_body(r), "extensions"), *item;
	_cleanup_buf_ struct buf names = BUF_INIT;
	size_t i;

	json_array_foreach (list, i, item) {
		if (!is_extension(json_string_value(item)) || i >= MAX_EXTENSIONS)
			return error_set(err, ERROR_INVALID,
					 "\"extensions\" must be an array of names of extensions");
		buf_printf(&names, "%s%s", i ? " " : "", json_string_value(item));
	}
	return begin(r,
		     &(struct addon_maintenance){ .verb = "reset",
						  .extensions = names.len ? names.data : NULL },
		     err);
}

static int api_data_copy(struct request *r, struct error *err)
{
	return error_set(err, ERROR_INVALID,
			 "Nothing was copied: databases are copied by a backup here. heroku "
			 "pg:backups:capture of the one, then "
			 "pg:backups:restore into %s; or twelve addons:create --from-backup",
			 request_addon(r)->name);
}

const struct api_route data_work_routes[] = {
	{ "POST", "/client/v11/databases/:addon/connection_reset", NEED_OPERATE, api_data_killall,
	  "for pg:killall: end the sessions of the owner's database", .answer = "nothing" },
	{ "PUT", "/client/v11/databases/:addon/reset", NEED_OPERATE, api_data_reset,
	  "for pg:reset: make the owner's database anew and empty", "extensions?:array",
	  .answer = "nothing" },
	{ "POST", "/client/v11/databases/:addon/transfers", NEED_OPERATE, api_data_copy,
	  "for pg:copy: refused, with what to do instead",
	  "from_name?:string from_url?:string to_name?:string to_url?:string" },
	{ 0 },
};
