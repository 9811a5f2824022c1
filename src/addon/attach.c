/* SPDX-License-Identifier: Apache-2.0 */
/* Attachments as values; see attach.h. */
#include "addon/attach.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "model/names.h"

static const char *text(json_t *item, const char *key)
{
	const char *s = json_string_value(json_object_get(item, key));

	return s ? s : "";
}

bool attach_at(json_t *list, size_t i, struct attachment *ret)
{
	json_t *item = json_array_get(list, i);

	if (!item)
		return false;
	*ret = (struct attachment){ .id = text(item, "id"),
				    .name = text(item, "name"),
				    .addon = text(item, "addon"),
				    .credential = text(item, "credential"),
				    .shared = json_is_true(json_object_get(item, "shared")),
				    .created_ms =
					    json_integer_value(json_object_get(item, "created_ms")),
				    .vars = json_object_get(item, "vars") };
	return true;
}

bool attach_find(json_t *list, const char *id_or_name, struct attachment *ret)
{
	for (size_t i = 0; attach_at(list, i, ret); i++)
		if (streq(ret->id, id_or_name) || strcasecmp(ret->name, id_or_name) == 0)
			return true;
	return false;
}

static bool has_var(const struct attachment *a, const char *var)
{
	json_t *item;
	size_t i;

	json_array_foreach (a->vars, i, item)
		if (streq(json_string_value(item), var))
			return true;
	return false;
}

bool attach_by_var(json_t *list, const char *var, struct attachment *ret)
{
	for (size_t i = 0; attach_at(list, i, ret); i++)
		if (has_var(ret, var))
			return true;
	return false;
}

bool attach_has_addon(json_t *list, const char *addon)
{
	struct attachment a;

	for (size_t i = 0; attach_at(list, i, &a); i++)
		if (streq(a.addon, addon))
			return true;
	return false;
}

bool attach_has_credential(json_t *list, const char *credential)
{
	struct attachment a;

	for (size_t i = 0; attach_at(list, i, &a); i++)
		if (streq(a.credential, credential))
			return true;
	return false;
}

json_t *attach_make(const char *id, const char *name, const char *addon, const char *credential,
		    bool shared, int64_t created_ms, json_t *vars_object)
{
	json_t *vars = json_array(), *value;
	const char *key;

	json_object_foreach (vars_object, key, value)
		json_array_append_new(vars, json_string(key));
	return json_pack("{s:s, s:s, s:s, s:s, s:b, s:I, s:o}", "id", id, "name", name, "addon",
			 addon, "credential", credential, "shared", (int)shared, "created_ms",
			 (json_int_t)created_ms, "vars", vars);
}

json_t *attach_put(json_t *list, json_t *take_item)
{
	json_t *result = json_array(), *item;
	bool put = false;
	size_t i;

	json_array_foreach (list, i, item) {
		bool same = streq(text(item, "id"), text(take_item, "id"));

		json_array_append(result, same ? take_item : item);
		put |= same;
	}
	if (!put)
		json_array_append(result, take_item);
	json_decref(take_item);
	return result;
}

json_t *attach_remove(json_t *list, const char *id)
{
	json_t *result = json_array(), *item;
	size_t i;

	json_array_foreach (list, i, item)
		if (!streq(text(item, "id"), id))
			json_array_append(result, item);
	return result;
}

/* The part of a config that attachments give, or the part that they don't. */
static json_t *part(json_t *config, json_t *list, bool of_attachments)
{
	json_t *result = json_object(), *value;
	struct attachment a;
	const char *key;

	json_object_foreach (config, key, value)
		if (attach_by_var(list, key, &a) == of_attachments)
			json_object_set(result, key, value);
	return result;
}

json_t *attach_own_config(json_t *config, json_t *list)
{
	return part(config, list, false);
}

json_t *attach_vars(json_t *config, json_t *list)
{
	return part(config, list, true);
}

/* ---- names ---- */

static const char *const colours[] = {
	"AMBER",  "AQUA",  "BLUE",   "BRONZE", "COBALT", "COPPER", "CORAL",  "CRIMSON", "CYAN",
	"GOLD",	  "GRAY",  "GREEN",  "IVORY",  "JADE",	 "LIME",   "MAROON", "NAVY",	"OLIVE",
	"ORANGE", "PEARL", "PURPLE", "ROSE",   "RUBY",	 "SILVER", "TEAL",   "VIOLET",	"YELLOW",
};

/* The config var that stands in the way; NULL when the name is free. Heap. */
static char *in_the_way(json_t *config, json_t *keys, const char *name)
{
	json_t *value;
	const char *key;

	json_object_foreach (keys, key, value) {
		char *var = xasprintf("%s_%s", name, key);

		if (json_object_get(config, var))
			return var;
		free(var);
	}
	return NULL;
}

static bool is_free(json_t *list, json_t *config, json_t *keys, const char *name)
{
	_cleanup_free_ char *var = in_the_way(config, keys, name);
	struct attachment a;

	return !var && !attach_find(list, name, &a);
}

static char *pick_wanted(json_t *list, json_t *config, json_t *keys, const char *wanted,
			 struct error *err)
{
	_cleanup_free_ char *name = xstrdup(wanted), *var = NULL;
	struct attachment a;

	for (char *p = name; *p; p++)
		*p = *p == '-' ? '_' : (char)toupper((unsigned char)*p);
	if (name_check_config_key(name, err) < 0) {
		error_prefix(err, "The name of the attachment");
		return NULL;
	}
	if (attach_find(list, name, &a)) {
		error_set(err, ERROR_INVALID,
			  "The app has an attachment %s already: give another name", name);
		return NULL;
	}
	var = in_the_way(config, keys, name);
	if (var) {
		error_set(err, ERROR_INVALID,
			  "The app has a config var %s already: unset it, or give the attachment "
			  "another name",
			  var);
		return NULL;
	}
	return steal_ptr(name);
}

char *attach_pick_name(json_t *list, json_t *config, json_t *keys, const char *wanted,
		       const char *usual, const char *service, struct error *err)
{
	_cleanup_free_ char *prefix = xstrdup(service);

	if (wanted)
		return pick_wanted(list, config, keys, wanted, err);
	if (is_free(list, config, keys, usual))
		return xstrdup(usual);
	for (char *p = prefix; *p; p++)
		*p = *p == '-' ? '_' : (char)toupper((unsigned char)*p);
	for (size_t i = 0; i < ARRAY_SIZE(colours); i++) {
		char *name = xasprintf("%s_%s", prefix, colours[i]);

		if (is_free(list, config, keys, name))
			return name;
		free(name);
	}
	error_set(err, ERROR_INVALID, "Every usual name of an attachment is taken: give one");
	return NULL;
}
