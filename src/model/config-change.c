/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of config vars; see config-change.h. */
#include "model/config-change.h"

#include "base/buf.h"
#include "base/str.h"
#include "model/names.h"

int config_change_check(json_t *changes, struct error *err)
{
	const char *key;
	json_t *value;

	json_object_foreach (changes, key, value) {
		if (json_is_null(value))
			continue;
		if (!json_is_string(value))
			return error_set(
				err, ERROR_INVALID,
				"The value of config var %s must be a string, or null to unset it",
				key);
		if (name_check_config_key(key, err) < 0 ||
		    name_check_config_value(key, json_string_value(value), err) < 0)
			return -1;
	}
	return 0;
}

static void add_name(struct buf *names, const char *key)
{
	buf_printf(names, "%s%s", names->len ? ", " : "", key);
}

json_t *config_change_apply(json_t *config, json_t *changes, char **ret_sentence)
{
	_cleanup_buf_ struct buf set = BUF_INIT, removed = BUF_INIT;
	json_t *now = json_deep_copy(config);
	const char *key;
	json_t *value;

	json_object_foreach (changes, key, value) {
		json_t *old = json_object_get(now, key);

		if (json_is_null(value) && old) {
			add_name(&removed, key);
			json_object_del(now, key);
		} else if (!json_is_null(value) && (!old || !json_equal(old, value))) {
			add_name(&set, key);
			json_object_set(now, key, value);
		}
	}
	if (!set.len && !removed.len) {
		json_decref(now);
		return NULL;
	}
	*ret_sentence = xasprintf("%s%s%s%s config vars", set.len ? "Set " : "", set.data,
				  set.len && removed.len ? " and remove "
				  : removed.len		 ? "Remove "
							 : "",
				  removed.data);
	return now;
}
