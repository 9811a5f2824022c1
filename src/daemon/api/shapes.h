/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON objects of Heroku's schema that several resources share. Functions return new references.
 * Members that the schema requires and that have no meaning here are null. Additions are in a
 * member "twelve".
 */
#pragma once

#include "daemon/api/parts.h"
#include "daemon/dynos/dynos.h"
#include "daemon/http/http.h"

/*
 * Returns a JSON value that several items of a response share. make(r, name) creates it at the
 * first call for this kind and name. The value must not be changed.
 */
json_t *api_shared(struct request *r, const char *kind, const char *name,
		   json_t *(*make)(struct request *r, const char *name));
/* Responds with the item of a list whose name or id is the path parameter `what`. Takes the list.
 */
int api_answer_one(struct request *r, json_t *take, const char *what, struct error *err);

/* The region of this machine, under the name that Heroku's clients expect. */
#define API_REGION APP_REGION_DEFAULT
/* This name and its aliases; NULL-terminated. */
extern const char *const region_names[];
/* Finds a region by name (case-insensitive), alias or id; API_REGION for NULL. ERROR_INVALID if
 * unknown. */
int api_read_region(const char *given, const char **ret, struct error *err);

json_t *api_stack_ref(const char *name);
json_t *api_region_ref(const char *name);
/* {id, email} of a user by e-mail address, id, or the `user` of a release. */
json_t *api_user_ref(struct request *r, const char *name);
/* {id} of the slug of an app's release or build: the id of its row if it has one (store/slug.h),
 * else an id derived from the digest. null for NULL. */
json_t *api_slug_of(struct request *r, const char *app_id, const char *digest);

json_t *api_app_json(struct request *r, const struct app *a);
json_t *api_app_ref(const struct app *a);
/* The http URL of an app under its default host name. Heap. */
char *api_app_url(struct parts *parts, const char *app_name);

json_t *api_release_json(struct request *r, const struct app *a, const struct release *rel);
/* Responds with a release of the path's app that was just created; reads both again. */
int api_answer_release(struct request *r, int64_t version, struct error *err);

json_t *api_dyno_json(struct request *r, const struct app *a, const struct dyno *dyno);
