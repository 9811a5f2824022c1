/* SPDX-License-Identifier: Apache-2.0 */
/* One HTTP request to a provider's server, in the child that may wait for it. */
#pragma once

#include <jansson.h>
#include <stdint.h>

#define HTTP_ANSWER_MAX_BYTES (48 << 10)

struct http_answer {
	long status;	       /* 0: none came */
	char *body;	       /* or why none came; heap */
	int64_t retry_after_s; /* 0: not told */
};

/*
 * request: {method, url, user, password, type, body}. Redirects are not followed: a password goes
 * with it. A body of more than HTTP_ANSWER_MAX_BYTES is no answer.
 */
void http_ask(json_t *request, int64_t timeout_ms, struct http_answer *ret);
