/* SPDX-License-Identifier: Apache-2.0 */
/* Makes an HTTP request to a provider's server and waits for the response. Only for child
 * processes. */
#pragma once

#include <jansson.h>
#include <stdint.h>

#define HTTP_ANSWER_MAX_BYTES (48 << 10)

struct http_answer {
	long status;	       /* 0: no response */
	char *body;	       /* or the reason for no response; heap */
	int64_t retry_after_s; /* 0: no Retry-After header */
};

/*
 * request: {method, url, user, password, type, body}. Redirects are not followed, because the
 * password would be sent along. A response body over HTTP_ANSWER_MAX_BYTES counts as no response.
 */
void http_ask(json_t *request, int64_t timeout_ms, struct http_answer *ret);
