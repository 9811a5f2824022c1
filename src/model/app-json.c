/* SPDX-License-Identifier: Apache-2.0 */
/* app.json; see app-json.h. Each member has a function that brings it into the plain form, or says
 * what is wrong with it. */
#include "model/app-json.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/str.h"
#include "model/names.h"
#include "model/procfile.h"
#include "model/size.h"

#define QUANTITY_MAX 1000000
#define BUILDPACKS_MAX 20

__attribute__((format(printf, 2, 3))) static void fault(json_t *errors, const char *fmt, ...)
{
	json_t *text, *sentence = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = json_vsprintf(fmt, ap);
	va_end(ap);
	/* NULL when a name was cut within a character. */
	if (text)
		sentence = json_sprintf("app.json: %s", json_string_value(text));
	json_array_append_new(errors, sentence ? sentence
					       : json_string("app.json: a name in it is too long"));
	json_decref(text);
}

/* A string where one may be; null, with a fault, where something else is. */
static json_t *text_of(json_t *object, const char *key, json_t *errors)
{
	json_t *v = json_object_get(object, key);

	if (!v || json_is_null(v))
		return json_null();
	if (json_is_string(v))
		return json_incref(v);
	fault(errors, "\"%s\" must be a string", key);
	return json_null();
}

/* ---- config vars ---- */

static json_t *env_object(const char *key, json_t *v, json_t *errors)
{
	json_t *value = json_object_get(v, "value"), *generator = json_object_get(v, "generator");
	json_t *required = json_object_get(v, "required");
	bool secret = generator && !json_is_null(generator);

	if (value && !json_is_null(value) && !json_is_string(value))
		fault(errors, "\"env.%.100s.value\" must be a string", key);
	else if (secret &&
		 (!json_is_string(generator) || !streq(json_string_value(generator), "secret")))
		fault(errors,
		      "\"env.%.100s.generator\" must be \"secret\", the only generator that there "
		      "is",
		      key);
	else if (required && !json_is_null(required) && !json_is_boolean(required))
		fault(errors, "\"env.%.100s.required\" must be true or false", key);
	else
		return json_pack("{s:O?, s:b, s:b}", "value", json_is_string(value) ? value : NULL,
				 "required", !json_is_false(required), "secret", (int)secret);
	return NULL;
}

static void read_env(json_t *env, json_t *errors, json_t *ret)
{
	const char *key;
	json_t *v;

	if (env && !json_is_null(env) && !json_is_object(env))
		fault(errors, "\"env\" must be an object of config vars");
	json_object_foreach (env, key, v) {
		struct error err = ERROR_INIT;
		json_t *one = NULL;

		if (name_check_config_key(key, &err) < 0)
			fault(errors, "\"env\": %s", err.message);
		else if (json_is_string(v))
			one = json_pack("{s:O, s:b, s:b}", "value", v, "required", 1, "secret", 0);
		else if (json_is_object(v))
			one = env_object(key, v, errors);
		else
			fault(errors,
			      "\"env.%.100s\": a string, or an object with \"value\" or "
			      "\"generator\", is needed",
			      key);
		if (one)
			json_object_set_new(ret, key, one);
	}
}

/* ---- add-ons and buildpacks ---- */

static json_t *read_addon(json_t *v, size_t i, json_t *errors)
{
	const char *plan = json_string_value(json_is_object(v) ? json_object_get(v, "plan") : v);
	json_t *as = json_object_get(v, "as"), *options = json_object_get(v, "options");

	if (!plan || !plan[0])
		fault(errors, "\"addons[%zu]\": a plan, or an object with a \"plan\", is needed",
		      i);
	else if (as && !json_is_null(as) && !json_is_string(as))
		fault(errors, "\"addons[%zu].as\" must be a string", i);
	else if (options && !json_is_null(options) && !json_is_object(options))
		fault(errors, "\"addons[%zu].options\" must be an object", i);
	else
		return json_pack("{s:s, s:O?, s:O*}", "plan", plan, "as",
				 json_is_string(as) ? as : NULL, "options",
				 json_object_size(options) ? options : NULL);
	return NULL;
}

static json_t *read_buildpack(json_t *v, size_t i, json_t *errors)
{
	json_t *url = json_object_get(v, "url");

	if (json_is_string(url) && json_string_value(url)[0] == '/')
		fault(errors,
		      "\"buildpacks[%zu]\": a directory can be set with \"twelve buildpacks:set\" "
		      "only, by an administrator",
		      i);
	else if (json_is_string(url) && json_string_value(url)[0] &&
		 json_string_value(url)[0] != '-')
		return json_incref(url);
	else
		fault(errors, "\"buildpacks[%zu]\": an object with a \"url\" is needed", i);
	return NULL;
}

static json_t *read_list(json_t *list, const char *key, size_t max,
			 json_t *(*read)(json_t *, size_t, json_t *), json_t *errors)
{
	json_t *ret = json_array(), *v;
	size_t i;

	if (list && !json_is_null(list) && !json_is_array(list))
		fault(errors, "\"%s\" must be an array", key);
	if (json_array_size(list) > max)
		fault(errors, "\"%s\" has %zu members, and %zu are the most", key,
		      json_array_size(list), max);
	else
		json_array_foreach (list, i, v) {
			json_t *one = read(v, i, errors);

			if (one)
				json_array_append_new(ret, one);
		}
	return ret;
}

/* ---- formation and scripts ---- */

static json_t *read_type(const char *type, json_t *v, json_t *errors)
{
	json_t *quantity = json_object_get(v, "quantity"), *size = json_object_get(v, "size");
	const struct dyno_size *known = NULL;
	struct error err = ERROR_INIT;

	if (json_is_string(size))
		known = dyno_size_find(json_string_value(size));
	if (name_check_type(type, &err) < 0)
		fault(errors, "\"formation\": %s", err.message);
	else if (!json_is_object(v))
		fault(errors,
		      "\"formation.%.100s\": an object with \"quantity\" or \"size\" is needed",
		      type);
	else if (quantity && !json_is_null(quantity) &&
		 (!json_is_integer(quantity) || json_integer_value(quantity) < 0 ||
		  json_integer_value(quantity) > QUANTITY_MAX))
		fault(errors, "\"formation.%.100s.quantity\" must be a whole number from 0", type);
	else if (size && !json_is_null(size) && !known)
		fault(errors, "\"formation.%.100s.size\" is no dyno size that there is here", type);
	else
		return json_pack("{s:O?, s:s?}", "quantity",
				 json_is_integer(quantity) ? quantity : NULL, "size",
				 known ? known->name : NULL);
	return NULL;
}

static json_t *read_formation(json_t *formation, json_t *errors)
{
	json_t *ret = json_object(), *v;
	const char *type;

	if (formation && !json_is_null(formation) && !json_is_object(formation))
		fault(errors, "\"formation\" must be an object of process types");
	json_object_foreach (formation, type, v) {
		json_t *one = read_type(type, v, errors);

		if (one)
			json_object_set_new(ret, type, one);
	}
	return ret;
}

static json_t *read_postdeploy(json_t *scripts, json_t *errors)
{
	json_t *v = json_object_get(scripts, "postdeploy");

	if (scripts && !json_is_null(scripts) && !json_is_object(scripts))
		fault(errors, "\"scripts\" must be an object");
	if (!v || json_is_null(v))
		return json_null();
	if (json_is_object(v))
		v = json_object_get(v, "command");
	if (json_is_string(v) && json_string_value(v)[0] &&
	    json_string_length(v) <= PROCFILE_COMMAND_MAX)
		return json_incref(v);
	fault(errors, "\"scripts.postdeploy\": a command of 1 to %d bytes is needed",
	      PROCFILE_COMMAND_MAX);
	return json_null();
}

/* ---- the whole ---- */

/* What of `environments` stands above the rest, or NULL. */
static json_t *environment_of(json_t *file, const char *environment, json_t *errors)
{
	json_t *all = json_object_get(file, "environments");
	json_t *one = environment ? json_object_get(all, environment) : NULL;

	if (all && !json_is_null(all) && !json_is_object(all))
		fault(errors, "\"environments\" must be an object");
	if (!one || json_is_null(one))
		return NULL;
	if (!json_is_object(one))
		fault(errors, "\"environments.%s\" must be an object", environment);
	return one;
}

static json_t *member(json_t *file, json_t *above, const char *key)
{
	json_t *v = json_object_get(above, key);

	return v ? v : json_object_get(file, key);
}

static json_t *read_file(json_t *file, const char *environment, json_t *errors)
{
	json_t *above = environment_of(file, environment, errors), *env = json_object();

	read_env(json_object_get(file, "env"), errors, env);
	read_env(json_object_get(above, "env"), errors, env);
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "env", env, "name",
			 text_of(file, "name", errors), "stack", text_of(file, "stack", errors),
			 "success_url", text_of(file, "success_url", errors), "addons",
			 read_list(member(file, above, "addons"), "addons", APP_JSON_ADDONS_MAX,
				   read_addon, errors),
			 "buildpacks",
			 read_list(member(file, above, "buildpacks"), "buildpacks", BUILDPACKS_MAX,
				   read_buildpack, errors),
			 "formation", read_formation(member(file, above, "formation"), errors),
			 "postdeploy", read_postdeploy(member(file, above, "scripts"), errors));
}

json_t *app_json_parse(const char *text, size_t n, const char *environment, json_t *errors)
{
	size_t n_before = json_array_size(errors);
	/* Editors on Windows write a byte order mark. */
	size_t mark = n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
	json_error_t where;
	json_t *file = json_loadb(text + mark, n - mark, JSON_REJECT_DUPLICATES, &where),
	       *ret = NULL;

	/* The parser's own words may quote the file, bytes and all. */
	if (!file)
		fault(errors, "line %d, column %d: this is no JSON, or a member is there twice",
		      where.line, where.column);
	else if (!json_is_object(file))
		fault(errors, "an object is needed");
	else
		ret = read_file(file, environment, errors);
	json_decref(file);
	if (json_array_size(errors) == n_before)
		return ret;
	json_decref(ret);
	return NULL;
}

/* NULL when there is none. */
static json_t *value_of(json_t *var)
{
	char hex[DIGEST_HEX_SIZE];
	json_t *value = json_object_get(var, "value");

	if (json_is_string(value))
		return json_incref(value);
	if (!json_is_true(json_object_get(var, "secret")))
		return NULL;
	random_hex(hex, sizeof(hex) / 2);
	return json_string(hex);
}

json_t *app_json_env(json_t *parsed, json_t *overrides, json_t *errors)
{
	json_t *ret = json_is_object(overrides) ? json_copy(overrides) : json_object(), *var;
	size_t n_before = json_array_size(errors);
	const char *key;

	json_object_foreach (json_object_get(parsed, "env"), key, var) {
		json_t *value = json_object_get(ret, key) ? json_incref(json_object_get(ret, key))
							  : value_of(var);

		if (value)
			json_object_set_new(ret, key, value);
		else if (json_is_true(json_object_get(var, "required")))
			fault(errors,
			      "\"env.%.100s\" is required and has no value: give one in "
			      "\"overrides.env\"",
			      key);
	}
	if (json_array_size(errors) == n_before)
		return ret;
	json_decref(ret);
	return NULL;
}
