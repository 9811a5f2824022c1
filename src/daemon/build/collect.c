/* SPDX-License-Identifier: Apache-2.0 */
/* The deletion of what no release uses; see collect.h. */
#include "daemon/build/collect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/str.h"
#include "build/build.h"
#include "daemon/build/used.h"
#include "daemon/core/child.h"
#include "stack/stack.h"

#define RESULT_MAX_BYTES 65536
#define RESULT_FD 3

/* Folders of the state, by what they hold. */
static const char *const holders[] = { "slugs",	  "stacks",  "cache", "volumes",   "backups",
				       "sources", "streams", "git",   "lost+found" };

struct collect {
	const struct platform *platform;
	struct dynos *dynos;
	struct child *child; /* NULL: none runs */
	uint64_t free_before;
	collect_fn fn; /* NULL: whoever asked has gone away */
	void *userdata;
};

struct collect *collect_new(const struct platform *p, struct dynos *dynos)
{
	struct collect *c = xcalloc(1, sizeof(*c));

	*c = (struct collect){ .platform = p, .dynos = dynos };
	return c;
}

void collect_free(struct collect *c)
{
	if (!c)
		return;
	child_abandon(c->child);
	free(c);
}

void collect_forget(struct collect *c, const void *userdata)
{
	if (c->userdata == userdata)
		c->fn = NULL;
}

bool collect_is_running(const struct collect *c)
{
	return c->child;
}

static bool stacks_are_shared(const char *state_dir)
{
	_cleanup_free_ char *path = xasprintf("%s/stacks", state_dir);
	struct stat st;

	return lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
}

bool collect_spares_stacks(const struct collect *c)
{
	return stacks_are_shared(c->platform->settings.state_dir);
}

/* ---- the result ---- */

static json_t *read_result(const struct collect *c, const struct child_end *end, struct error *err)
{
	json_t *j = json_loadb(end->result, end->n_result, 0, NULL);
	const char *error = json_string_value(json_object_get(j, "error"));
	uint64_t after = 0;

	if (json_is_object(j) && !error) {
		fs_free_bytes(c->platform->settings.state_dir, &after);
		json_object_set_new(
			j, "freed_bytes",
			json_integer(
				(json_int_t)(after > c->free_before ? after - c->free_before : 0)));
		return j;
	}
	if (error)
		error_set(err, (enum error_kind)json_integer_value(json_object_get(j, "kind")),
			  "%s", error);
	else
		error_set(err, ERROR_SYSTEM,
			  "The process that deletes what is unused ended before it was done");
	json_decref(j);
	return NULL;
}

static void on_end(const struct child_end *end, void *userdata)
{
	struct collect *c = userdata;
	struct error err = ERROR_INIT;
	json_t *result = read_result(c, end, &err);

	c->child = NULL;
	if (c->fn)
		c->fn(result, result ? NULL : &err, c->userdata);
	json_decref(result);
}

/* ---- the start ---- */

static json_t *strings(char *const *list)
{
	json_t *j = json_array();

	for (char *const *s = list; s && *s; s++)
		json_array_append_new(j, json_string(*s));
	return j;
}

static json_t *make_order(const struct collect *c, struct error *err)
{
	struct used used = { 0 };
	json_t *order;

	if (used_read(c->platform, c->dynos, &used, err) < 0)
		return NULL;
	order = json_pack("{s:s, s:o, s:o, s:o, s:I}", "state_dir", c->platform->settings.state_dir,
			  "slugs", strings(used.slugs), "known", strings(used.known), "stacks",
			  strings(used.stacks), "put_back_ms",
			  (json_int_t)store_put_back_ms(c->platform->store));
	used_done(&used);
	return order;
}

int collect_start(struct collect *c, collect_fn fn, void *userdata, struct error *err)
{
	static const char *const argv[] = { "/proc/self/exe", "collect", NULL };
	struct child_options o = {
		.argv = argv, .max_result = RESULT_MAX_BYTES, .on_end = on_end, .userdata = c
	};
	json_t *order;
	int r;

	if (c->child)
		return error_set(err, ERROR_CONFLICT,
				 "What no release uses is being removed already");
	order = make_order(c, err);
	if (!order)
		return -1;
	o.order = order;
	fs_free_bytes(c->platform->settings.state_dir, &c->free_before);
	r = child_start(c->platform->loop, &o, &c->child, err);
	json_decref(order);
	if (r < 0)
		return -1;
	c->fn = fn;
	c->userdata = userdata;
	return 0;
}

/* ---- the child ---- */

static char **strings_of(const json_t *order, const char *key)
{
	char **list = NULL;
	json_t *s;
	size_t i;

	json_array_foreach (json_object_get(order, key), i, s)
		strv_push(&list, json_string_value(s));
	return list;
}

static json_t *measure(const char *state_dir)
{
	json_t *held = json_object();

	for (size_t i = 0; i < ARRAY_SIZE(holders); i++) {
		/* With a slash, since stacks may be a link. */
		_cleanup_free_ char *path = xasprintf("%s/%s/", state_dir, holders[i]);
		uint64_t bytes = 0;

		if (fs_exists(path))
			fs_tree_size(path, &bytes);
		json_object_set_new(held, holders[i], json_integer((json_int_t)bytes));
	}
	return held;
}

static json_t *work(const json_t *order, const char *state_dir, struct error *err)
{
	_cleanup_strv_ char **slugs = strings_of(order, "slugs"),
			    **known = strings_of(order, "known"),
			    **stacks = strings_of(order, "stacks");
	const struct slugs_collect o = {
		slugs, known, json_integer_value(json_object_get(order, "put_back_ms"))
	};
	size_t n_slugs = 0, n_unknown = 0, n_stacks = 0;

	if (build_collect(state_dir, &o, &n_slugs, &n_unknown, err) < 0)
		return NULL;
	if (!stacks_are_shared(state_dir) && !build_in_doubt(o.put_back_ms) &&
	    stack_collect(state_dir, stacks, &n_stacks, err) < 0)
		return NULL;
	return json_pack("{s:I, s:I, s:I, s:o}", "slugs", (json_int_t)n_slugs, "stacks",
			 (json_int_t)n_stacks, "unknown_slugs", (json_int_t)n_unknown, "held_bytes",
			 measure(state_dir));
}

int collect_worker_main(void)
{
	json_t *order = json_loadf(stdin, 0, NULL), *result;
	const char *state_dir = json_string_value(json_object_get(order, "state_dir"));
	_cleanup_free_ char *text = NULL;
	struct error err = ERROR_INIT;

	if (!state_dir) {
		fputs("twelved collect is started by twelved, with its order on stdin\n", stderr);
		json_decref(order);
		return 1;
	}
	result = work(order, state_dir, &err);
	if (!result)
		result = json_pack("{s:o, s:i}", "error", json_text(err.message), "kind",
				   (int)err.kind);
	text = json_dumps(result, JSON_COMPACT);
	json_decref(result);
	json_decref(order);
	return !text || fd_write_all(RESULT_FD, text, strlen(text)) < 0;
}
