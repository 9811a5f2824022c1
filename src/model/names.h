/* SPDX-License-Identifier: Apache-2.0 */
/* Which names are valid. Each check returns 0, or -1 with a sentence that says which rule was
 * broken (ERROR_INVALID). */
#pragma once

#include <stddef.h>

#include "base/digest.h"
#include "base/error.h"

#define APP_NAME_MAX 30
#define TYPE_NAME_MAX 50
#define CONFIG_KEY_MAX 128
#define CONFIG_VALUE_MAX 32768
#define HOST_NAME_MAX_LEN 253

/*
 * As Heroku: starts with a letter, lower-case letters, digits and dashes, 3 to 30 long, does not
 * end with a dash. Not "api" and "git", which are the platform's own hosts.
 */
int name_check_app(const char *s, struct error *err);
/*
 * An environment variable's name: [A-Za-z_][A-Za-z0-9_]*; not PORT, DYNO and other names that the
 * platform gives, nor TWELVE_ but for the settings below.
 */
int name_check_config_key(const char *s, struct error *err);
/*
 * At most CONFIG_VALUE_MAX bytes; and what the settings among the config vars ask for:
 * TWELVE_CHECK "http" or "port", TWELVE_CHECK_PATH a path, TWELVE_BUILD_DIR a folder, the timeouts
 * (START, STOP, FIRST_BYTE, IDLE) whole seconds, 1 to 3600. The value of any other key is never in
 * the message. A value with a NUL can't get here: jansson refuses it.
 */
int name_check_config_value(const char *key, const char *value, struct error *err);
/* [A-Za-z0-9_-]{1,50} */
int name_check_type(const char *s, struct error *err);
/* A host name of RFC 1123 with at least one dot, optionally starting with "*.". */
int name_check_domain(const char *s, struct error *err);
/* A random name such as "quiet-river-4821". size is at least APP_NAME_MAX + 1. */
void name_generate(char *buf, size_t size);
/* A UUID for something that has only a name: always the same for a kind and a name. Returns buf. */
char *name_uuid(const char *kind, const char *name, char buf[static UUID_SIZE]);

#define NAME_EXCERPT_SIZE 64

/* The start of s for use in a message: one line, at most 60 bytes, unprintable characters as "?",
 * "..." if it was cut. Returns buf. */
char *name_excerpt(char buf[static NAME_EXCERPT_SIZE], const char *s);
