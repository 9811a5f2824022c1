/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a request's path names, for who may have it: apps, add-ons, attachments. ERROR_NOT_FOUND, and
 * ERROR_FORBIDDEN in Heroku's words.
 */
#pragma once

#include "addon/attach.h"
#include "daemon/http/http.h"
#include "model/role.h"
#include "store/store.h"

/* What the path alone decides, before the body is read: the token's scope, and whether the caller
 * may what the endpoint needs. */
int find_allows(struct request *r, struct error *err);

/* The app named in the path, if the caller may what the endpoint needs. */
int api_app(struct request *r, struct app *ret, struct error *err);

/* The add-on named in the path, by id or name; of the app in the path, if there is one, also by the
 * name of an attachment, as Heroku's tools do. */
int api_addon(struct request *r, struct addon *ret, struct error *err);
/* One by name or id that the caller may do this with: the owner is asked; to view one, that it is
 * attached to what they may view. */
int api_addon_named(struct request *r, const char *name, enum need need, struct addon *ret,
		    struct error *err);

/*
 * The attachment in the path: of the app in the path, or by id or APP::NAME (as Heroku has it) of
 * any that the caller may. *ret borrows from *ret_list, which is the caller's, as *app is.
 */
int api_attachment(struct request *r, struct app *app, json_t **ret_list, struct attachment *ret,
		   struct error *err);
/* In an app: by id, by name, or by the name of a config var. With `try`, 1 stands for "there is
 * none". */
int api_attachment_in(struct request *r, const struct app *app, const char *which,
		      json_t **ret_list, struct attachment *ret, bool try, struct error *err);
