/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `twelved stack-updates`. Order: {"state_dir", "data_dir", "reserve_bytes", "make": bool, "run":
 * [DIGEST...], "more": [DIGEST...]}. Result:
 * {"stacks": {DIGEST: {"changes": [{"package", "from", "to", "security"}...], "new": DIGEST or
 * null, "error": sentence or null}}}; "more" are what the slugs were built with, which are made
 * anew too, and not told of.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fs.h"
#include "base/str.h"
#include "daemon/build/stack-updates.h"
#include "stack/update.h"

struct work {
	struct stack_updater *updater;
	const char *state_dir;
	uint64_t reserve_bytes;
	bool make;
};

static json_t *changes_json(const struct stack_changes *c)
{
	json_t *list = json_array();

	for (size_t i = 0; i < c->n; i++)
		json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:b}", "package",
						      c->list[i].package, "from", c->list[i].from,
						      "to", c->list[i].to, "security",
						      (int)c->list[i].security));
	return list;
}

static int renew(struct work *w, const char *digest, char ret[static DIGEST_HEX_SIZE],
		 struct error *err)
{
	uint64_t free_bytes = 0;

	if (fs_free_bytes(w->state_dir, &free_bytes) == 0 && free_bytes < w->reserve_bytes)
		return error_set(err, ERROR_UNAVAILABLE,
				 "The disk is too full (TWELVE_DISK_RESERVE): \"twelve gc\" "
				 "deletes unused files");
	return stack_renew(w->updater, digest, ret, err);
}

static json_t *look_at(struct work *w, const char *digest)
{
	struct stack_changes changes = { 0 };
	char made[DIGEST_HEX_SIZE] = "";
	struct error err = ERROR_INIT;
	json_t *j;
	int r = stack_find_changes(w->updater, digest, &changes, &err);

	if (r == 0 && w->make && changes.n)
		r = renew(w, digest, made, &err);
	j = json_pack("{s:o, s:s?, s:s?}", "changes", changes_json(&changes), "new",
		      made[0] && r == 0 ? made : NULL, "error", r < 0 ? err.message : NULL);
	stack_changes_done(&changes);
	return j;
}

static json_t *look_at_all(struct work *w, json_t *order)
{
	json_t *stacks = json_object(), *digest;
	size_t i;

	json_array_foreach (json_object_get(order, "run"), i, digest)
		json_object_set_new(stacks, json_string_value(digest),
				    look_at(w, json_string_value(digest)));
	json_array_foreach (json_object_get(order, "more"), i, digest)
		if (w->make && !json_object_get(stacks, json_string_value(digest)))
			json_decref(look_at(w, json_string_value(digest)));
	return json_pack("{s:o}", "stacks", stacks);
}

int stack_updates_worker_main(void)
{
	json_t *order = json_loadf(stdin, 0, NULL), *result;
	const char *state_dir = json_string_value(json_object_get(order, "state_dir")),
		   *data_dir = json_string_value(json_object_get(order, "data_dir"));
	struct work w = { .state_dir = state_dir,
			  .make = json_is_true(json_object_get(order, "make")),
			  .reserve_bytes = (uint64_t)json_integer_value(
				  json_object_get(order, "reserve_bytes")) };
	char *text;
	int r;

	if (!state_dir || !data_dir) {
		fputs("twelved stack-updates is started by twelved, with its order on stdin\n",
		      stderr);
		return 1;
	}
	w.updater = stack_updater_new(state_dir, data_dir, -1);
	result = look_at_all(&w, order);
	text = json_dumps(result, JSON_COMPACT);
	r = text ? fd_write_all(STDOUT_FILENO, text, strlen(text)) : -1;
	free(text);
	stack_updater_free(w.updater);
	json_decref(result);
	json_decref(order);
	return r < 0;
}
