/* SPDX-License-Identifier: Apache-2.0 */
/* JSON values that many places create or read. Created values are new references. Callers link
 * jansson. */
#pragma once

#include <stdint.h>

#include <jansson.h>

/* A JSON string from any bytes: invalid UTF-8 becomes U+FFFD (base/utf8.h). null for NULL. */
json_t *json_text(const char *s);
/* A time in RFC 3339; null for 0. */
json_t *json_time(int64_t wall_ms);
/* What a reference names: the value itself if it is a string, else the first string among an
 * object's "id", "name", "email" and "url". Borrowed; NULL if there is none. */
const char *json_ref(const json_t *value);
