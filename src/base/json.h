/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values of JSON that are made or read in many places. What is made is a new reference. Who uses
 * these links jansson.
 */
#pragma once

#include <stdint.h>

#include <jansson.h>

/* A string of any bytes: what is not UTF-8 becomes U+FFFD (base/utf8.h). null for NULL. */
json_t *json_text(const char *s);
/* A time in RFC 3339; null for 0. */
json_t *json_time(int64_t wall_ms);
/*
 * What a value refers to: the value where it is a string, else the string that an object has as
 * "id", "name", "email" or "url", the first of these. Borrowed; NULL when there is none.
 */
const char *json_ref(const json_t *value);
