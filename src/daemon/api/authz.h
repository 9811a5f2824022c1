/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Authorization: what the caller of a request may do to an app. The endpoint's `need` (api/route.h)
 * is asked for by what finds the app, the add-on or the attachment that the path names
 * (api/find.h), so that a handler gets nothing that the caller may not have. Handlers that take
 * names from the body ask authz_app_named().
 *
 * Who may not view an app is told ERROR_FORBIDDEN in Heroku's words, whether they may know of it or
 * not: names are taken, so that they can be found out anyhow.
 */
#pragma once

#include "base/buf.h"
#include "daemon/api/call.h"
#include "model/role.h"

/* 0, or -1 with ERROR_FORBIDDEN or what the store says. */
int authz_allow(struct request *r, const struct app *app, enum need need, struct error *err);
/* The same for an app that may be gone: then for administrators only. */
int authz_allow_id(struct request *r, const char *app_id, enum need need, struct error *err);
/* The same; when it is gone also for who owned it last, `owner_id`. */
int authz_allow_former(struct request *r, const char *app_id, const char *owner_id, enum need need,
		       struct error *err);
/* An app by name or id from the body, with this need. */
int authz_app_named(struct request *r, const char *name, enum need need, struct app *ret,
		    struct error *err);
/* What the caller may do to it, of enum permission: all for its owner and administrators. */
unsigned authz_permissions(struct request *r, const struct app *app);
/* For lists: whether it is shown. An error of the store hides it. */
bool authz_sees(struct request *r, const struct app *app);
/* All apps that are shown to the caller, by name; frees as store_app_list() does. */
int authz_app_list(struct request *r, struct app **ret, size_t *ret_n, struct error *err);
/* An administrator, or -1 with ERROR_FORBIDDEN. */
int authz_admin(struct request *r, struct error *err);
/* Appends the names of what a token is for. */
void authz_scopes(unsigned scopes, const char *between, struct buf *ret);
/* Whether the scopes of the caller's token allow this endpoint: ERROR_FORBIDDEN. */
int authz_scope(struct request *r, struct error *err);
