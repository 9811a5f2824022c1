/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Platform API: one table of routes. Paths, bodies and errors are those of
 * Heroku's Platform API, version 3 (devcenter.heroku.com/articles/platform-api-reference);
 * what is ours alone stands below /twelve and in members named "twelve".
 */
#pragma once

#include "daemon/api/call.h"
#include "model/role.h"

enum api_flags {
	API_UPLOAD = 1,	 /* the body is a file, not JSON */
	API_FORM = 2,	 /* the body may be application/x-www-form-urlencoded as well */
	API_QUIET = 4,	 /* changes nothing that the audit trail is for */
	API_SECRET = 8,	 /* shows what apps keep secret, or lets one get at it: for tokens that are
			    for that (model/role.h, enum scope) */
	API_STREAM = 16, /* the handler is called before the body, and takes it as it comes:
			    request_stream() */
	API_GIT = 32,	 /* asked by git, which shows its user errors that are plain text */
};

/*
 * `need` is what the caller has to be to the app that the path names; where it names something
 * else (an add-on, a backup), what finds it asks for the same of the app that it belongs to
 * (authz.h).
 *
 * `body` lists the members that the body may have, "NAME:TYPE", or "NAME?:TYPE" for one that may be
 * left out or null; NULL: none is read. Others are let pass, as Heroku does. Types: string, int,
 * bool, object, array, any, and ref: a string, or an object with an "id" or a "name". "*:any":
 * names are free.
 *
 * `answer` names the shape of what comes back, for the documents (api/docs.h): "app"; "[app]" for a
 * list of such, which has pages (range.h); NULL for an object without anything. Text, files and
 * upgrades have words of their own: see api/docs.c.
 */
struct api_route {
	const char *method;
	const char *path; /* "/apps/:app/config-vars"; a parameter is a segment, but for a suffix as
			     in "/:app.git" */
	enum need need;
	request_fn fn;
	const char *help;
	const char *body;
	unsigned flags; /* of enum api_flags */
	const char *answer;
	/* What is to be known before the body is read, besides whether the caller may; or NULL. */
	request_fn before;
};

/* The tables of table.h, each ended by a row without a method; NULL at the end. */
extern const struct api_route *const api_tables[];
/* The i-th of all; NULL behind the last. */
const struct api_route *api_route_at(size_t i);

/*
 * The route for a method and a path (undecoded, without the query). NULL when there is none;
 * *ret_path_known then says whether another method would do. values[i] gets the undecoded part for
 * the i-th parameter, with its length.
 */
const struct api_route *api_match(const char *method, const char *path, const char **values,
				  size_t *lengths, size_t max, size_t *ret_n, bool *ret_path_known);

/* A member in the words of `body`; NULL at the end. *ret_* point into the text. */
struct api_member {
	const char *name, *type;
	size_t name_n, type_n;
	bool optional;
};
const char *api_member_next(const char *body, struct api_member *ret);
/*
 * Checks an object against `body`; ERROR_INVALID names the member: "quantity" has to be a whole
 * number. A string of digits where a whole number belongs is made one, in the object. `strict`: a
 * member that is not in `body` is refused, unless it is null.
 */
int api_check_body(const char *body, bool strict, json_t *object, struct error *err);
/* The same of an object within a body, which `label` names: whose members are `names`, with spaces
 * between. */
int api_check_members(const char *label, const char *names, json_t *object, struct error *err);
/* What to use instead of an endpoint of Heroku's that is not here, a sentence; NULL for what is
 * none of those. */
const char *api_elsewhere(const char *path);
