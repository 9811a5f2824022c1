/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON shapes of Heroku's schema that several resources share. All are new references. What the
 * schema asks for and we have nothing of is null; what we have besides stands in a member "twelve".
 */
#pragma once

#include "daemon/api/parts.h"
#include "daemon/dynos/dynos.h"
#include "daemon/http/http.h"

/*
 * What many items of a list have is made once for a request and shared by them: by kind and name,
 * with make(r, name). It is not to be changed.
 */
json_t *api_shared(struct request *r, const char *kind, const char *name,
		   json_t *(*make)(struct request *r, const char *name));
/* Answers with the one of a list whose name or id is the path's parameter `what`. Takes the list.
 */
int api_answer_one(struct request *r, json_t *take, const char *what, struct error *err);

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

json_t *api_app_json(struct request *r, const struct app *a);
json_t *api_app_ref(const struct app *a);
/* Where it is reached, plainly, by the name that every app has. Heap. */
char *api_app_url(struct parts *parts, const char *app_name);

json_t *api_release_json(struct request *r, const struct app *a, const struct release *rel);
/* Answers with a release of the path's app that was made just now: both as they are now. */
int api_answer_release(struct request *r, int64_t version, struct error *err);

json_t *api_dyno_json(struct request *r, const struct app *a, const struct dyno *dyno);
