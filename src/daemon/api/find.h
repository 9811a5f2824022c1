/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds and authorizes the objects that a request's path or body names: apps, add-ons, attachments,
 * releases. Errors are ERROR_NOT_FOUND, and ERROR_FORBIDDEN with Heroku's message.
 */
#pragma once

#include "addon/attach.h"
#include "daemon/http/http.h"
#include "model/role.h"
#include "store/store.h"

/*
 * Checks everything that the path alone decides: the token's scope, and the endpoint's `need` for
 * the app, add-on or attachment that the path names. These are then available from request_app()
 * etc. (call.h). serve.c calls it before the body is received and before the handler.
 */
int find_in_path(struct request *r, struct error *err);

/* Finds an add-on by name or id and checks `need` for the app that owns it. To view an add-on, the
 * right to view any app that it is attached to is enough. If `app` is not NULL, `name` may also be
 * the name of an attachment of that app, as in Heroku's tools. */
int api_addon_named(struct request *r, const struct app *app, const char *name, enum need need,
		    struct addon *ret, struct error *err);

/* Finds an attachment of an app by id, by name, or by the name of a config var. *ret borrows from
 * *ret_list, which the caller frees. With `try`, returns 1 if there is none. */
int api_attachment_in(struct request *r, const struct app *app, const char *which,
		      json_t **ret_list, struct attachment *ret, bool try, struct error *err);

/* Finds a release by version ("3" or "v3"), id, or "current". */
int api_release_find(struct request *r, const struct app *app, const char *which,
		     struct release *ret, struct error *err);
