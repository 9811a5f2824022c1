/* SPDX-License-Identifier: Apache-2.0 */
/* The formation: process types, quantities, sizes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "daemon/api/shapes.h"
#include "daemon/dynos/dynos.h"
#include "daemon/api/table.h"
#include "daemon/wanted/base.h"
#include "daemon/wanted/formation.h"
#include "model/names.h"
#include "model/size.h"

/* One process type as it is wanted: the row where there is one, else what is taken for granted. */
struct want {
	struct formation row;
	const char *command;
};

static int find_want(struct request *r, const struct app *app, const struct release *base,
		     const char *type, struct want *ret, struct error *err)
{
	*ret = (struct want){ .command = procfile_get(&base->processes, type) };
	return formation_find(request_parts(r)->wanted, app, type, &ret->row, err);
}

/* The type that an id of a formation is of; what is no id is a name. */
static const char *type_named(struct request *r, const struct app *app, const struct release *base,
			      const char *which)
{
	for (size_t i = 0; uuid_is_valid(which) && i < base->processes.n_types; i++) {
		const char *type = base->processes.types[i].name;
		struct error ignored = ERROR_INIT;
		struct want w = { 0 };
		bool same =
			find_want(r, app, base, type, &w, &ignored) == 0 && streq(w.row.id, which);

		formation_done(&w.row);
		if (same)
			return type;
	}
	return which;
}

static json_t *want_json(const struct app *app, const struct want *w)
{
	char size[32], id[UUID_SIZE];
	json_t *j =
		json_pack("{s:s, s:s, s:I, s:o}", "id", w->row.id, "type", w->row.type, "quantity",
			  (json_int_t)w->row.quantity, "command", json_text(w->command));

	size_display(w->row.size, size);
	json_object_update_new(j, json_pack("{s:s, s:{s:s, s:s}, s:o}", "size", size, "dyno_size",
					    "id", name_uuid("size", w->row.size, id), "name", size,
					    "app", api_app_ref(app)));
	json_object_update_new(j,
			       json_pack("{s:o, s:o}", "created_at", json_time(w->row.created_ms),
					 "updated_at", json_time(w->row.updated_ms)));
	return j;
}

static int no_type(const struct app *app, const struct release *base, const char *type,
		   struct error *err)
{
	_cleanup_buf_ struct buf names = BUF_INIT;

	for (size_t i = 0; i < base->processes.n_types; i++)
		if (!streq(base->processes.types[i].name, "release"))
			buf_printf(&names, "%s%s", names.len ? ", " : "",
				   base->processes.types[i].name);
	if (!names.len)
		return error_set(err, ERROR_NOT_FOUND,
				 "%s has no process type \"%.50s\": nothing is deployed to it yet",
				 app->name, type);
	return error_set(err, ERROR_NOT_FOUND,
			 "%s has no process type \"%.50s\": its Procfile has %s", app->name, type,
			 names.data);
}

/* A number, or a string as the CLI sends it: "3", "+1", "-1". */
static int read_quantity(struct request *r, json_t *v, int64_t now, int64_t *ret, struct error *err)
{
	int64_t max = request_parts(r)->platform.settings.max_dynos, n;
	const char *s = json_string_value(v);

	if (json_is_integer(v)) {
		n = json_integer_value(v);
	} else if (s && (s[0] == '+' || s[0] == '-') && str_to_i64(s + 1, 0, 1000000, &n)) {
		n = s[0] == '+' ? now + n : now - n < 0 ? 0 : now - n;
	} else if (!s || !str_to_i64(s, 0, INT64_MAX, &n)) {
		return error_set(err, ERROR_INVALID,
				 "\"quantity\" must be a whole number, as in web=2, or a change, "
				 "as in web+1");
	}
	if (n < 0)
		return error_set(err, ERROR_INVALID, "\"quantity\" can't be negative");
	if (n > max)
		return error_set(err, ERROR_INVALID,
				 "%lld dynos of one process type are more than the %lld that this "
				 "platform runs "
				 "(TWELVE_MAX_DYNOS)",
				 (long long)n, (long long)max);
	*ret = n;
	return 0;
}

static const struct dyno_size *find_size(const char *name)
{
	char id[UUID_SIZE];

	for (size_t i = 0; uuid_is_valid(name) && i < n_dyno_sizes; i++)
		if (streq(name_uuid("size", dyno_sizes[i].name, id), name))
			return &dyno_sizes[i];
	return dyno_size_find(name);
}

static int read_size(json_t *v, struct formation *row, struct error *err)
{
	const char *name = json_ref(v);
	const struct dyno_size *size = name ? find_size(name) : NULL;

	if (!size)
		return dyno_size_refuse(name, err);
	free(row->size);
	row->size = xstrdup(size->name);
	return 0;
}

/* Reads one update into *w, without writing it. */
static int read_update(struct request *r, const struct app *app, const struct release *base,
		       const char *type, json_t *update, struct want *w, struct error *err)
{
	json_t *quantity = json_object_get(update, "quantity");
	json_t *size = json_object_get(update, "size");

	if (!size)
		size = json_object_get(update, "dyno_size");
	if (json_is_string(json_object_get(update, "docker_image")) ||
	    json_is_object(json_object_get(update, "docker_image")))
		return error_set(err, ERROR_INVALID,
				 "\"docker_image\": container images are not supported: push the "
				 "source with git, or release a slug");
	if (!procfile_get(&base->processes, type) || streq(type, "release"))
		return no_type(app, base, type, err);
	if (find_want(r, app, base, type, w, err) < 0)
		return -1;
	if (quantity && !json_is_null(quantity) &&
	    read_quantity(r, quantity, w->row.quantity, &w->row.quantity, err) < 0)
		return -1;
	return size && !json_is_null(size) ? read_size(size, &w->row, err) : 0;
}

static int write_all(struct request *r, const struct app *app, const struct want *all, size_t n,
		     struct error *err)
{
	_cleanup_free_ struct formation *rows =
		xcalloc(n, sizeof(*rows)); /* the strings are borrowed */
	_cleanup_free_ char *by = xasprintf("user %s", request_caller(r)->name), *text = NULL;

	for (size_t i = 0; i < n; i++)
		rows[i] = all[i].row;
	if (formation_set(request_parts(r)->wanted, app, rows, n, by, &text, err) < 0)
		return -1;
	request_note(r, "scale %s", text);
	return 0;
}

static int check_members(json_t *update, struct error *err)
{
	return api_check_members("updates", "type id quantity size dyno_size docker_image", update,
				 err);
}

/* One of the updates: its type, by name or id, and what is to be of it. */
static int read_one(struct request *r, const struct app *app, const struct release *base,
		    json_t *update, struct want *w, struct error *err)
{
	json_t *type = json_object_get(update, "type");
	const char *which = json_string_value(type ? type : json_object_get(update, "id"));

	if (!which)
		return error_set(err, ERROR_INVALID,
				 "\"type\" is missing in an update: a string is needed");
	return read_update(r, app, base, type_named(r, app, base, which), update, w, err);
}

static int answer_wants(struct request *r, const struct app *app, const struct want *all, size_t n,
			bool single)
{
	json_t *list;

	if (single)
		return request_answer(r, 200, want_json(app, &all[0]));
	list = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, want_json(app, &all[i]));
	return request_answer(r, 200, list);
}

/* All updates are read before the first is written: a mistake in one changes nothing. */
static int update(struct request *r, json_t *updates, bool single, struct error *err)
{
	size_t n = json_array_size(updates);
	struct want *all = xcalloc(n, sizeof(*all));
	struct release base = { 0 };
	const struct app *app = request_app(r);
	int result = releases_base(request_parts(r)->wanted, app, &base, err);

	for (size_t i = 0; result == 0 && i < n; i++) {
		json_t *u = json_array_get(updates, i);

		/* Those of a single one were checked as the body's. */
		result = single ? 0 : check_members(u, err);
		if (result == 0)
			result = read_one(r, app, &base, u, &all[i], err);
	}
	if (result == 0)
		result = write_all(r, app, all, n, err);
	if (result == 0)
		result = answer_wants(r, app, all, n, single);
	for (size_t i = 0; i < n; i++)
		formation_done(&all[i].row);
	free(all);
	release_done(&base);
	return result;
}

static int api_formation_batch(struct request *r, struct error *err)
{
	json_t *updates = json_object_get(request_body(r), "updates");

	if (!json_is_array(updates) || !json_array_size(updates))
		return error_set(err, ERROR_INVALID,
				 "\"updates\" is empty: an array with at least one {type, "
				 "quantity, size} is needed");
	return update(r, updates, false, err);
}

static int api_formation_update(struct request *r, struct error *err)
{
	json_t *one = json_deep_copy(request_body(r)), *updates = json_array();
	int result;

	json_object_set_new(one, "type", json_text(request_param(r, "type")));
	json_array_append_new(updates, one);
	result = update(r, updates, true, err);
	json_decref(updates);
	return result;
}

static int answer_types(struct request *r, const char *only, struct error *err)
{
	struct release base = { 0 };
	const struct app *app = request_app(r);
	json_t *list = json_array();
	int result = releases_base(request_parts(r)->wanted, app, &base, err);

	if (result == 0 && only)
		only = type_named(r, app, &base, only);
	for (size_t i = 0; result == 0 && i < base.processes.n_types; i++) {
		const char *type = base.processes.types[i].name;
		struct want w = { 0 };

		if (streq(type, "release") || (only && !streq(only, type)))
			continue;
		result = find_want(r, app, &base, type, &w, err);
		if (result == 0)
			json_array_append_new(list, want_json(app, &w));
		formation_done(&w.row);
	}
	if (result == 0 && only && !json_array_size(list))
		result = no_type(app, &base, only, err);
	if (result == 0)
		result = only ? request_answer(r, 200, json_incref(json_array_get(list, 0)))
			      : request_answer_list(r, json_incref(list));
	json_decref(list);
	release_done(&base);
	return result;
}

static int api_formation_list(struct request *r, struct error *err)
{
	return answer_types(r, NULL, err);
}

static int api_formation_get(struct request *r, struct error *err)
{
	return answer_types(r, request_param(r, "type"), err);
}

const struct api_route formation_routes[] = {
	{ "GET", "/apps/:app/formation", NEED_VIEW, api_formation_list,
	  "process types, quantities, sizes", .answer = "[formation]" },
	{ "PATCH", "/apps/:app/formation", NEED_OPERATE, api_formation_batch, "scale several",
	  "updates:array", .answer = "[formation]" },
	{ "GET", "/apps/:app/formation/:type", NEED_VIEW, api_formation_get,
	  "one process type, by its name or id", .answer = "formation" },
	{ "PATCH", "/apps/:app/formation/:type", NEED_OPERATE, api_formation_update, "scale one",
	  "quantity?:any size?:ref dyno_size?:ref docker_image?:none", .answer = "formation" },
	{ 0 },
};
