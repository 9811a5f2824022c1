/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Authorization: what the caller of a request may do to an app. api/find.h looks up the app, add-on
 * or attachment that the path names and checks the endpoint's `need` (api/route.h) there, so a
 * handler never gets an object that the caller has no right to. Handlers that read names from the
 * body use authz_app_named().
 *
 * Callers who may not view an app get ERROR_FORBIDDEN with Heroku's message. This reveals that the
 * app exists, but so does an attempt to create an app of that name.
 */
#pragma once

#include "base/buf.h"
#include "daemon/api/call.h"
#include "model/role.h"

/* Returns 0, or -1 with ERROR_FORBIDDEN or an error of the store. */
int authz_allow(struct request *r, const struct app *app, enum need need, struct error *err);
/* The same for an app that may have been destroyed. If it has, only administrators are allowed. */
int authz_allow_id(struct request *r, const char *app_id, enum need need, struct error *err);
/* The same, but if the app was destroyed, its last owner (`owner_id`) is allowed too. */
int authz_allow_former(struct request *r, const char *app_id, const char *owner_id, enum need need,
		       struct error *err);
/* Finds an app by a name or id from the body and checks `need`. */
int authz_app_named(struct request *r, const char *name, enum need need, struct app *ret,
		    struct error *err);
/* The caller's permissions for the app (enum permission). The owner and administrators have all. */
unsigned authz_permissions(struct request *r, const struct app *app);
/* For lists: whether the caller may view the app. False on an error of the store. */
bool authz_sees(struct request *r, const struct app *app);
/* All apps that the caller may view, sorted by name. Free the array as for store_app_list(). */
int authz_app_list(struct request *r, struct app **ret, size_t *ret_n, struct error *err);
/* ERROR_FORBIDDEN unless the caller is an administrator. */
int authz_admin(struct request *r, struct error *err);
/* Appends the names of a token's scopes, separated by `between`. */
void authz_scopes(unsigned scopes, const char *between, struct buf *ret);
/* ERROR_FORBIDDEN unless the scopes of the caller's token allow this endpoint. */
int authz_scope(struct request *r, struct error *err);
