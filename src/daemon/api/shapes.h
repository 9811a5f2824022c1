/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON shapes of Heroku's schema that several resources share. All are new references. What the
 * schema asks for and we have nothing of is null; what we have besides stands in a member "twelve".
 */
#pragma once

#include "daemon/http/http.h"

/* This machine, by the name that Heroku's clients take for granted. */
#define API_REGION APP_REGION_DEFAULT
/* It and the other names that stand for it; NULL-terminated. */
extern const char *const region_names[];
/* The name of a region by a name of it, in any case, or its id; API_REGION for NULL. ERROR_INVALID. */
int api_read_region(const char *given, const char **ret, struct error *err);

json_t *api_stack_ref(const char *name);
json_t *api_region_ref(const char *name);
/* {id, email} of a user by address, id, or what a release says of who made it. */
json_t *api_user_ref(struct request *r, const char *name);
/* {id} of the slug of an app's release or build: of its row where it came by one (store/slug.h),
 * else made from the digest. null for NULL. */
json_t *api_slug_of(struct request *r, const char *app_id, const char *digest);
