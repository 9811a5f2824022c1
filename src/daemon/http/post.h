/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Outgoing HTTP requests from the event loop, by libcurl's multi interface: libcurl does names,
 * connections, TLS and HTTP, and says which descriptors it waits for and how long; our loop does
 * the waiting. Redirects are not followed. Discards the response body; only the status is kept.
 */
#pragma once

#include <stddef.h>

#include "event/loop.h"

struct http_posts;

/* The status, or 0 and the reason if there was no response. The request is freed after the call. */
typedef void (*http_post_fn)(long status, const char *why, void *userdata);

struct http_posts *http_posts_new(struct loop *l);
/* Ends those that are under way, without a call. */
void http_posts_free(struct http_posts *p);

struct http_post_options {
	const char *url;
	const char *const *headers; /* "Name: value", ends with NULL */
	const char *body;
	long timeout_ms;
	http_post_fn fn;
	void *userdata;
};
/* Copies its arguments. False if there is no memory. fn is called in a later turn of the loop. */
bool http_post(struct http_posts *p, const struct http_post_options *o);
