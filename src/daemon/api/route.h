/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Platform API: one table of routes. Paths, bodies and errors are those of
 * Heroku's Platform API, version 3 (devcenter.heroku.com/articles/platform-api-reference).
 * Our additions are below /twelve and in members named "twelve".
 */
#pragma once

#include "daemon/api/call.h"
#include "model/role.h"

enum api_flags {
	API_UPLOAD = 1, /* the body is a file, not JSON */
	API_FORM = 2,	/* the body may be application/x-www-form-urlencoded as well */
	API_QUIET = 4,	/* changes nothing: not in the audit trail, and a token to read is enough */
	API_SECRET = 8, /* gives access to secrets of apps; the token needs a scope for them
			    (model/role.h, enum scope) */
	API_STREAM = 16, /* the handler is called before the body and receives it with
			    request_stream() */
	API_GIT = 32,	 /* the client is git, which shows errors only if they are plain text */
};

/*
 * `need` is the permission that the caller must have for the app that the path names. If the path
 * names an add-on or a backup instead, it is checked for the app that this belongs to (authz.h).
 *
 * `body` lists the members of the body as "NAME:TYPE", or "NAME?:TYPE" for one that may be absent
 * or null. NULL: the body is not read. Unknown members are ignored, as Heroku does. Types: string,
 * int, bool, object, array, any, and ref: a string, or an object with an "id" or a "name". "*:any"
 * allows any names.
 *
 * `answer` names the schema of the response, for the documents (api/docs.h): "app"; "[app]" for a
 * list with pages (range.h); NULL for an empty object. api/docs.c lists the names for text, files
 * and upgrades.
 */
struct api_route {
	const char *method;
	const char *path; /* "/apps/:app/config-vars". A parameter is a whole segment, except for a
			     suffix as in "/:app.git". */
	enum need need;
	request_fn fn;
	const char *help;
	const char *body;
	unsigned flags; /* of enum api_flags */
	const char *answer;
	/* An additional check before the body is received, after authorization; or NULL. */
	request_fn before;
};

/* The tables of table.h, NULL-terminated. A row without a method ends each table. */
extern const struct api_route *const api_tables[];
/* The i-th route of all tables; NULL after the last. */
const struct api_route *api_route_at(size_t i);

/*
 * Finds the route for a method and a path (undecoded, without the query). Returns NULL if there is
 * none; *ret_path_known then tells whether the path exists with another method. values[i] and
 * lengths[i] are the undecoded i-th parameter.
 */
const struct api_route *api_match(const char *method, const char *path, const char **values,
				  size_t *lengths, size_t max, size_t *ret_n, bool *ret_path_known);

/* One member of `body`, parsed. The pointers are into that text. */
struct api_member {
	const char *name, *type;
	size_t name_n, type_n;
	bool optional;
};
/* Parses a member and returns the rest of the text; NULL at the end. */
const char *api_member_next(const char *body, struct api_member *ret);
/*
 * Checks an object against `body`. ERROR_INVALID names the member, for example that "quantity" has
 * to be a whole number. A string of digits in place of an integer is converted in the object. With
 * `strict`, unknown members are refused unless they are null.
 */
int api_check_body(const char *body, bool strict, json_t *object, struct error *err);
/* The same for an object within a body. `label` is its name in messages, and `names` are its
 * members, separated by spaces. */
int api_check_members(const char *label, const char *names, json_t *object, struct error *err);
/* For an endpoint of Heroku's that this platform does without: a sentence that says what to use.
 * NULL for other paths. */
const char *api_elsewhere(const char *path);
