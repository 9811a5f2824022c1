/* SPDX-License-Identifier: Apache-2.0 */
/* Attachments: lists of them, and one. api/addon/attach.c changes them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/api/addon/shapes.h"
#include "daemon/api/table.h"
#include "daemon/services/services.h"
#include "daemon/api/authz.h"
#include "daemon/api/find.h"
#include "model/names.h"

static int add_of_app(struct request *r, const struct app *app, const char *addon_id, json_t *to,
		      struct error *err)
{
	struct attachment at;
	json_t *list = NULL;

	if (services_attachments(request_parts(r)->services, app, &list, err) < 0)
		return -1;
	for (size_t i = 0; attach_at(list, i, &at); i++)
		if (!addon_id || streq(at.addon, addon_id))
			json_array_append_new(to, api_attachment_json(r, app, &at));
	json_decref(list);
	return 0;
}

/* Of one app, or of all that the caller may view (NULL); of one add-on, or of all (NULL). */
static int answer_list(struct request *r, const struct app *app, const char *addon_id,
		       struct error *err)
{
	json_t *all = json_array();
	struct app *apps = NULL;
	size_t n = 0;
	int result;

	if (app) {
		result = add_of_app(r, app, addon_id, all, err);
	} else {
		result = authz_app_list(r, &apps, &n, err);
		for (size_t i = 0; i < n; i++) {
			if (result == 0)
				result = add_of_app(r, &apps[i], addon_id, all, err);
			app_done(&apps[i]);
		}
		free(apps);
	}
	if (result == 0)
		return request_answer_list(r, all);
	json_decref(all);
	return -1;
}

/* ---- looking ---- */

static int api_attachments_list(struct request *r, struct error *err)
{
	return answer_list(r, NULL, NULL, err);
}

static int api_attachments_of_addon(struct request *r, struct error *err)
{
	return answer_list(r, NULL, request_addon(r)->id, err);
}

static int api_attachments_of_app(struct request *r, struct error *err)
{
	return answer_list(r, request_app(r), NULL, err);
}

static int api_attachments_get(struct request *r, struct error *err)
{
	(void)err;
	return request_answer(r, 200,
			      api_attachment_json(r, request_app(r), request_attachment(r)));
}

/* The first attachment that an app has of an add-on by its name, as Heroku's resolver gives it. 1:
 * there is none. */
static int find_by_addon(struct request *r, const struct app *app, const char *addon_name,
			 json_t **ret_list, struct attachment *ret)
{
	struct error ignored = ERROR_INIT;
	struct addon a = { 0 };
	int result = 1;

	if (api_addon_named(r, NULL, addon_name, NEED_VIEW, &a, &ignored) == 0 &&
	    services_attachments(request_parts(r)->services, app, ret_list, &ignored) == 0)
		for (size_t i = 0; result == 1 && attach_at(*ret_list, i, ret); i++)
			result = !streq(ret->addon, a.id);
	addon_done(&a);
	return result;
}

/* All that have the name: in one app, or in each. */
static int api_attachments_resolve(struct request *r, struct error *err)
{
	const char *name, *app_name, *service;
	json_t *found = json_array();
	struct app *apps = NULL;
	size_t n = 0;
	int result;

	result = request_string(r, "addon_attachment", true, &name, err) < 0 ||
				 request_ref(r, "app", false, &app_name, err) < 0 ||
				 request_ref(r, "addon_service", false, &service, err) < 0 ||
				 authz_app_list(r, &apps, &n, err) < 0
			 ? -1
			 : 0;
	for (size_t i = 0; i < n; i++) {
		struct attachment at;
		json_t *list = NULL;

		if (result == 0 &&
		    (!app_name || streq(app_name, apps[i].name) || streq(app_name, apps[i].id)) &&
		    (api_attachment_in(r, &apps[i], name, &list, &at, true, err) == 0 ||
		     (app_name && find_by_addon(r, &apps[i], name, &list, &at) == 0)))
			json_array_append_new(found, api_attachment_json(r, &apps[i], &at));
		json_decref(list);
		app_done(&apps[i]);
	}
	free(apps);
	if (result == 0 && !json_array_size(found))
		result = error_set(err, ERROR_NOT_FOUND, "Couldn't find that attachment: %.60s",
				   name);
	if (result == 0)
		return request_answer(r, 200, found);
	json_decref(found);
	return -1;
}

const struct api_route attachments_routes[] = {
	{ "GET", "/addons/:addon/addon-attachments", NEED_VIEW, api_attachments_of_addon,
	  "attachments of an add-on", .answer = "[add-on-attachment]" },
	{ "GET", "/addon-attachments", NEED_USER, api_attachments_list, "all attachments",
	  .answer = "[add-on-attachment]" },
	{ "GET", "/addon-attachments/:attachment", NEED_VIEW, api_attachments_get, "one attachment",
	  .answer = "add-on-attachment" },
	{ "GET", "/apps/:app/addon-attachments", NEED_VIEW, api_attachments_of_app,
	  "attachments of an app", .answer = "[add-on-attachment]" },
	{ "GET", "/apps/:app/addon-attachments/:attachment", NEED_VIEW, api_attachments_get,
	  "one attachment by its name", .answer = "add-on-attachment" },
	{ "POST", "/actions/addon-attachments/resolve", NEED_USER, api_attachments_resolve,
	  "find attachments by name", "addon_attachment:string app?:ref addon_service?:ref",
	  API_QUIET, .answer = "[add-on-attachment]" },
	{ 0 },
};
