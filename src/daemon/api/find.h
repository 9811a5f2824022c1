/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a request's path names, and its body, for who may have it: apps, add-ons, attachments,
 * releases. ERROR_NOT_FOUND, and ERROR_FORBIDDEN in Heroku's words.
 */
#pragma once

#include "addon/attach.h"
#include "daemon/http/http.h"
#include "model/role.h"
#include "store/store.h"

/*
 * What the path alone decides: the token's scope, and whether the caller may what the endpoint needs
 * with the app, the add-on or the attachment that it names, which are then lent by request_app()
 * and the like (call.h). serve.c calls it before the body is read and before the handler.
 */
int find_in_path(struct request *r, struct error *err);

/* An add-on by name or id that the caller may do this with: the owner is asked; to view one, that
 * it is attached to what they may view. With an app, also by the name of an attachment of it, as
 * Heroku's tools do; NULL for none. */
int api_addon_named(struct request *r, const struct app *app, const char *name, enum need need,
		    struct addon *ret, struct error *err);

/* The attachment of an app by id, by name, or by the name of a config var. *ret borrows from
 * *ret_list, which is the caller's. With `try`, 1 stands for "there is none". */
int api_attachment_in(struct request *r, const struct app *app, const char *which,
		      json_t **ret_list, struct attachment *ret, bool try, struct error *err);

/* A release by version ("3" or "v3"), or id, or "current". */
int api_release_find(struct request *r, const struct app *app, const char *which,
		     struct release *ret, struct error *err);
