/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Platform API: one table of routes. Paths, bodies and errors are those of
 * Heroku's Platform API, version 3 (devcenter.heroku.com/articles/platform-api-reference);
 * what is ours alone stands below /twelve and in members named "twelve".
 */
#pragma once

#include "daemon/http.h"

enum api_flags {
	API_PUBLIC = 1, /* no token: the path holds the secret */
	API_UPLOAD = 2, /* the body is a file, not JSON */
	API_FORM = 4,   /* the body may be application/x-www-form-urlencoded as well */
};

struct api_route {
	const char *method;
	const char *path; /* "/apps/:app/config-vars" */
	api_fn fn;
	unsigned flags;
	const char *help;
};

extern const struct api_route api_routes[];
extern const size_t n_api_routes;

/*
 * The route for a method and a path (undecoded, without the query). NULL when there is none; *ret_path_known
 * then says whether another method would do. values[i] gets the undecoded part for the i-th parameter, with its length.
 */
const struct api_route *api_match(const char *method, const char *path, const char **values, size_t *lengths,
				  size_t max, size_t *ret_n, bool *ret_path_known);
