/* SPDX-License-Identifier: Apache-2.0 */
/* What names may look like; see names.h. Heroku's sentences where we know them. */
#include "model/names.h"

#include <assert.h>
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "base/utf8.h"

static const char lower[] = "abcdefghijklmnopqrstuvwxyz";
static const char lower_digits_dash[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
static const char alnum_underscore[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
static const char alnum_underscore_dash[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";

static const char *const reserved_apps[] = { "api", "git" };

/* What dynos get besides config vars; a var of the same name would be overridden without a word. */
static const char *const given_keys[] = {
	"PORT",
	"DYNO",
	"HEROKU_APP_ID",
	"HEROKU_APP_NAME",
	"HEROKU_DYNO_ID",
	"HEROKU_RELEASE_VERSION",
	"HEROKU_SLUG_COMMIT",
	"HEROKU_SLUG_DESCRIPTION",
};

#define EXCERPT_MAX 60 /* and "..." */

char *name_excerpt(char buf[static NAME_EXCERPT_SIZE], const char *s)
{
	size_t n = 0, left = strlen(s);

	while (left && n < EXCERPT_MAX) {
		size_t size = utf8_character(s, left);
		bool control = size == 1 && (unsigned char)*s < 0x20;

		if (n + (size ? size : strlen(UTF8_REPLACEMENT)) > EXCERPT_MAX)
			break;
		if (control || *s == 0x7f)
			buf[n++] = '?';
		else if (!size)
			n += (size_t)snprintf(buf + n, NAME_EXCERPT_SIZE - n, "%s",
					      UTF8_REPLACEMENT);
		else
			n += (size_t)snprintf(buf + n, NAME_EXCERPT_SIZE - n, "%.*s", (int)size, s);
		s += size ? size : 1;
		left -= size ? size : 1;
	}
	snprintf(buf + n, 4, "%s", left ? "..." : "");
	return buf;
}

static int app_error(const char *s, const char *what, size_t at, struct error *err)
{
	char excerpt[NAME_EXCERPT_SIZE], one[NAME_EXCERPT_SIZE];
	size_t size = utf8_character(s + at, strlen(s + at));
	_cleanup_free_ char *character = xstrndup(s + at, size ? size : 1);

	return error_set(
		err, ERROR_INVALID,
		"Name must start with a letter, end with a letter or digit and can only contain "
		"lowercase letters, digits, and dashes: \"%s\" %s \"%s\"",
		name_excerpt(excerpt, s), what, name_excerpt(one, character));
}

int name_check_app(const char *s, struct error *err)
{
	size_t n = strlen(s), good = strspn(s, lower_digits_dash);

	if (n > APP_NAME_MAX)
		return error_set(err, ERROR_INVALID, "Name is too long (maximum is %d characters)",
				 APP_NAME_MAX);
	if (n < 3)
		return error_set(err, ERROR_INVALID, "Name is too short (minimum is 3 characters)");
	if (good < n)
		return app_error(s, "contains", good, err);
	if (!strchr(lower, s[0]))
		return app_error(s, "starts with", 0, err);
	if (s[n - 1] == '-')
		return app_error(s, "ends with", n - 1, err);
	for (size_t i = 0; i < ARRAY_SIZE(reserved_apps); i++)
		if (streq(s, reserved_apps[i]))
			return error_set(err, ERROR_INVALID,
					 "Name %s is reserved for the platform: choose another", s);
	return 0;
}

static bool is_setting(const char *key)
{
	static const char *const keys[] = {
		"TWELVE_CHECK",	       "TWELVE_CHECK_PATH",	    "TWELVE_START_TIMEOUT",
		"TWELVE_STOP_TIMEOUT", "TWELVE_FIRST_BYTE_TIMEOUT", "TWELVE_IDLE_TIMEOUT",
		"TWELVE_KEEP_ALIVE",   "TWELVE_BUILD_DIR",	    "TWELVE_WATCH_PATHS"
	};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (streq(key, keys[i]))
			return true;
	return false;
}

static int check_given(const char *key, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(given_keys); i++)
		if (streq(key, given_keys[i]))
			return error_set(
				err, ERROR_INVALID,
				"Config var %s can't be set: the platform gives it to every dyno",
				key);
	if (str_starts(key, "TWELVE_") && !is_setting(key))
		return error_set(
			err, ERROR_INVALID,
			"Config var %s can't be set: names that start with TWELVE_ are the "
			"platform's, but "
			"for TWELVE_CHECK, TWELVE_CHECK_PATH, TWELVE_START_TIMEOUT, "
			"TWELVE_STOP_TIMEOUT, TWELVE_FIRST_BYTE_TIMEOUT, "
			"TWELVE_IDLE_TIMEOUT, TWELVE_KEEP_ALIVE, TWELVE_BUILD_DIR and "
			"TWELVE_WATCH_PATHS",
			key);
	return 0;
}

int name_check_config_key(const char *s, struct error *err)
{
	char excerpt[NAME_EXCERPT_SIZE];
	size_t n = strlen(s);

	name_excerpt(excerpt, s);
	if (!n)
		return error_set(err, ERROR_INVALID,
				 "Config var name is empty: expected KEY=value");
	if (n > CONFIG_KEY_MAX)
		return error_set(err, ERROR_INVALID,
				 "Config var name \"%s\" is too long (maximum is %d characters)",
				 excerpt, CONFIG_KEY_MAX);
	if (isdigit((unsigned char)s[0]))
		return error_set(err, ERROR_INVALID,
				 "Config var name \"%s\" must start with a letter or an underscore",
				 excerpt);
	if (s[strspn(s, alnum_underscore)])
		return error_set(
			err, ERROR_INVALID,
			"Config var name \"%s\" can only contain letters, digits, and underscores",
			excerpt);
	return check_given(s, err);
}

static int check_path(const char *key, const char *value, struct error *err)
{
	char excerpt[NAME_EXCERPT_SIZE];

	/* It becomes part of a request line. */
	for (const char *p = value; *p; p++)
		if (!isgraph((unsigned char)*p))
			return error_set(err, ERROR_INVALID,
					 "%s: a path has no spaces and is ASCII: write them as "
					 "%%20, found \"%s\"",
					 key, name_excerpt(excerpt, value));
	if (value[0] != '/')
		return error_set(err, ERROR_INVALID,
				 "%s: expected a path that starts with \"/\", found \"%s\"", key,
				 name_excerpt(excerpt, value));
	if (strlen(value) > 1024)
		return error_set(err, ERROR_INVALID, "%s: too long (maximum is 1024 characters)",
				 key);
	return 0;
}

/* A folder of the repository. That it is there is seen when it is built. */
static int check_folder(const char *key, const char *value, struct error *err)
{
	_cleanup_free_ char *copy = xstrdup(value);
	char excerpt[NAME_EXCERPT_SIZE], *rest = copy, *part;
	bool out = value[0] == '/' || value[0] == '~';

	while ((part = strsep(&rest, "/")))
		out = out || streq(part, "..");
	if (out)
		return error_set(err, ERROR_INVALID,
				 "%s: expected a folder below the top of the repository, such as "
				 "apps/web, found \"%s\"",
				 key, name_excerpt(excerpt, value));
	if (strlen(value) > 1024 || value[strcspn(value, "\n\r\\")])
		return error_set(err, ERROR_INVALID,
				 "%s: expected one folder, with / between the parts of its path, "
				 "found \"%s\"",
				 key, name_excerpt(excerpt, value));
	return 0;
}

int name_check_config_value(const char *key, const char *value, struct error *err)
{
	char excerpt[NAME_EXCERPT_SIZE];
	size_t n = strlen(value);
	int64_t seconds;

	if (n > CONFIG_VALUE_MAX)
		return error_set(
			err, ERROR_INVALID,
			"The value of config var %s is too long: %zu bytes (maximum is %d)", key, n,
			CONFIG_VALUE_MAX);
	if (streq(key, "TWELVE_CHECK_PATH"))
		return check_path(key, value, err);
	if (streq(key, "TWELVE_CHECK") && !streq(value, "http") && !streq(value, "port"))
		return error_set(err, ERROR_INVALID,
				 "%s: expected \"http\" (a request gets an answer) or \"port\" "
				 "($PORT is bound), found \"%s\"",
				 key, name_excerpt(excerpt, value));
	if (streq(key, "TWELVE_BUILD_DIR"))
		return check_folder(key, value, err);
	if (streq(key, "TWELVE_CHECK") || streq(key, "TWELVE_WATCH_PATHS"))
		return 0;
	if (is_setting(key) && !str_to_i64(value, 1, 3600, &seconds))
		return error_set(err, ERROR_INVALID,
				 "%s: expected whole seconds from 1 to 3600, found \"%s\"", key,
				 name_excerpt(excerpt, value));
	return 0;
}

int name_check_type(const char *s, struct error *err)
{
	char excerpt[NAME_EXCERPT_SIZE];
	size_t n = strlen(s);

	name_excerpt(excerpt, s);
	if (!n)
		return error_set(err, ERROR_INVALID,
				 "Process type is empty: expected a name such as web");
	if (n > TYPE_NAME_MAX)
		return error_set(err, ERROR_INVALID,
				 "Process type \"%s\" is too long (maximum is %d characters)",
				 excerpt, TYPE_NAME_MAX);
	if (s[strspn(s, alnum_underscore_dash)])
		return error_set(
			err, ERROR_INVALID,
			"Process type \"%s\" can only contain letters, digits, dashes, and "
			"underscores",
			excerpt);
	return 0;
}

/* NULL, or what is wrong with a label of n bytes (RFC 1123, 2.1). */
static const char *label_fault(const char *s, size_t n)
{
	if (!n)
		return "has an empty label";
	if (n > 63)
		return "has a label of more than 63 characters";
	if (s[0] == '-' || s[n - 1] == '-')
		return "has a label that starts or ends with a dash";
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)s[i]) && s[i] != '-')
			return "can only contain letters, digits, dashes, and dots";
	return NULL;
}

static const char *domain_fault(const char *s)
{
	const char *label = str_starts(s, "*.") ? s + 2 : s;
	const char *fault;
	size_t n;

	if (strlen(s) > HOST_NAME_MAX_LEN)
		return "is too long (maximum is 253 characters)";
	if (!strchr(label, '.'))
		return "must have at least one dot, as www.example.com has";
	for (;; label += n + 1) {
		n = strcspn(label, ".");
		fault = label_fault(label, n);
		if (fault)
			return fault;
		if (!label[n])
			break;
	}
	if (strspn(label, "0123456789") == n)
		return "is not a host name: its last label is a number";
	return NULL;
}

int name_check_domain(const char *s, struct error *err)
{
	char excerpt[NAME_EXCERPT_SIZE];
	const char *fault = domain_fault(s);

	if (!fault)
		return 0;
	return error_set(err, ERROR_INVALID, "Hostname \"%s\" %s", name_excerpt(excerpt, s), fault);
}

static const char *const adjectives[] = {
	"amber",  "ancient", "autumn", "bold",	 "brave", "bright", "calm",  "clear",
	"cool",	  "crisp",   "dawn",   "deep",	 "eager", "fancy",  "fresh", "gentle",
	"golden", "green",   "happy",  "hidden", "icy",	  "keen",   "late",  "light",
	"lively", "mellow",  "misty",  "nimble", "quiet", "rapid",  "shy",   "warm",
};

static const char *const nouns[] = {
	"bay",	 "birch", "brook",  "bush",  "cloud",  "coast", "dew",	  "dune",
	"fern",	 "field", "forest", "frost", "garden", "glade", "harbor", "hill",
	"lake",	 "leaf",  "meadow", "moon",  "oak",    "pine",	"pond",	  "rain",
	"ridge", "river", "sea",    "shore", "snow",   "star",	"tide",	  "valley",
};

void name_generate(char *buf, size_t size)
{
	uint32_t r[3];

	if (getrandom(r, sizeof(r), 0) != sizeof(r))
		abort();
	assert(size > APP_NAME_MAX);
	snprintf(buf, size, "%s-%s-%u", adjectives[r[0] % ARRAY_SIZE(adjectives)],
		 nouns[r[1] % ARRAY_SIZE(nouns)], 1000 + r[2] % 9000);
}

char *name_uuid(const char *kind, const char *name, char buf[static UUID_SIZE])
{
	struct digest *d = digest_new();
	char hex[DIGEST_HEX_SIZE];

	digest_update_str(d, kind);
	digest_update_str(d, name);
	digest_finish(d, hex);
	digest_free(d);
	/* Version 8 of RFC 9562: made from data, in a way of one's own. */
	snprintf(buf, UUID_SIZE, "%.8s-%.4s-8%.3s-8%.3s-%.12s", hex, hex + 8, hex + 12, hex + 16,
		 hex + 20);
	return buf;
}
