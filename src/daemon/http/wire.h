/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The small print of the wire, as functions without a connection: what a client takes, whether it
 * has the answer already, and how many requests it may make.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Whether a client takes our JSON: by nothing said, a wildcard, application/json, or
 * application/vnd.heroku+json of version 3 in any of its variants ("3.sdk").
 */
bool wire_accepts_json(const char *accept);

/* Decodes %XX in a new string; %00 stays as it is. */
char *wire_decode(const char *s, size_t n);

#define WIRE_ETAG_SIZE 35
/* A strong entity tag (RFC 9110, 8.8.3) from the body: quoted hex. Returns buf. */
char *wire_etag(const char *body, size_t n, char buf[static WIRE_ETAG_SIZE]);
/* If-None-Match: a list of tags, weak or strong, or "*". NULL matches nothing. */
bool wire_etag_matches(const char *if_none_match, const char *etag);

/* What an error message may not have in a line of JSON for people: control characters become
 * blanks. In place. */
void wire_one_line(char *s);

/*
 * Buckets of requests, one a token: each holds as many as are let through in an hour, and is filled
 * again evenly. Those that are full are forgotten, so that memory is bounded by the requests of an
 * hour.
 */
struct limits;

struct limits *limits_new(int64_t per_hour);
void limits_free(struct limits *l);
/* Takes one request out of a key's bucket; false when it is empty. *ret_left is what is left in it.
 */
bool limits_take(struct limits *l, const char *key, int64_t now_ms, int64_t *ret_left);
/* What is left, without taking. */
int64_t limits_left(struct limits *l, const char *key, int64_t now_ms);
