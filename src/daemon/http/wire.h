/* SPDX-License-Identifier: Apache-2.0 */
/* Details of HTTP as functions without a connection: which formats a client accepts, whether its
 * cached response is current, and how many requests it may make. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether a client accepts our JSON: no Accept header, a wildcard, application/json, or any variant
 * of application/vnd.heroku+json version 3 ("3.sdk"). */
bool wire_accepts_json(const char *accept);

/* Decodes %XX in a new string; %00 stays as it is. */
char *wire_decode(const char *s, size_t n);

#define WIRE_ETAG_SIZE 35
/* A strong entity tag (RFC 9110, 8.8.3) from the body: quoted hex. Returns buf. */
char *wire_etag(const char *body, size_t n, char buf[static WIRE_ETAG_SIZE]);
/* If-None-Match: a list of tags, weak or strong, or "*". NULL matches nothing. */
bool wire_etag_matches(const char *if_none_match, const char *etag);

/* Replaces control characters in an error message by blanks, in place. */
void wire_one_line(char *s);

/* Rate limits, a bucket per token: each holds an hour's requests and is refilled evenly. Full
 * buckets are deleted, so memory is bounded by the requests of an hour. */
struct limits;

struct limits *limits_new(int64_t per_hour);
void limits_free(struct limits *l);
/* Takes one request from a key's bucket; false if it is empty. *ret_left is the remaining number.
 */
bool limits_take(struct limits *l, const char *key, int64_t now_ms, int64_t *ret_left);
/* What is left, without taking. */
int64_t limits_left(struct limits *l, const char *key, int64_t now_ms);
