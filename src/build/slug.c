/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finished slugs: STATE/slugs/DIGEST/{app,slug.json} and STATE/slugs/keys/APP/KEY.
 * A slug appears by one rename; a key only after its slug. Builds of many apps can give one
 * tree and differ in the rest: the tree is all that they share (docs/decisions/0030), and what a
 * build said of it stands in the app's own key.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/str.h"
#include "build/build-priv.h"
#include "build/pack.h"

#define SLUG_JSON_MAX (1 << 20)

void build_result_done(struct build_result *r)
{
	for (size_t i = 0; i < r->n_processes; i++) {
		free(r->processes[i].type);
		free(r->processes[i].command);
	}
	free(r->processes);
	free(r->buildpacks);
	free(r->stack_name);
	*r = (struct build_result){ 0 };
}

static void add_process(struct build_result *r, const char *type, const char *command)
{
	r->processes = xrealloc(r->processes, (r->n_processes + 1) * sizeof(*r->processes));
	r->processes[r->n_processes++] = (struct build_process){ xstrdup(type), xstrdup(command) };
}

static json_t *to_json(const struct build *b, const struct build_result *r)
{
	json_t *processes = json_array();

	for (size_t i = 0; i < r->n_processes; i++)
		json_array_append_new(processes,
				      json_pack("{s:s, s:s}", "type", r->processes[i].type,
						"command", r->processes[i].command));
	return json_pack("{s:s, s:s, s:s, s:I, s:s, s:[s,s,s,s], s:o}", "slug", r->slug, "stack",
			 r->stack, "key", r->key, "size_bytes", (json_int_t)r->size_bytes,
			 "buildpacks", r->buildpacks, "stacks", b->base.digest, b->run.digest,
			 b->build.digest, b->fetch.digest, "processes", processes);
}

static int read_result(const char *path, struct build_result *ret)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	const char *slug, *stack, *key, *buildpacks;
	json_t *j, *processes, *row;
	json_int_t size;
	size_t i;
	int r = fs_read_file(path, SLUG_JSON_MAX, &text);

	if (r < 0)
		return r;
	j = json_loads(text.data, 0, NULL);
	if (!j || json_unpack(j, "{s:s, s:s, s:s, s:I, s:s, s:o}", "slug", &slug, "stack", &stack,
			      "key", &key, "size_bytes", &size, "buildpacks", &buildpacks,
			      "processes", &processes) < 0) {
		json_decref(j);
		return -EBADMSG;
	}
	*ret = (struct build_result){ .size_bytes = (uint64_t)size,
				      .buildpacks = xstrdup(buildpacks) };
	snprintf(ret->slug, sizeof(ret->slug), "%s", slug);
	snprintf(ret->stack, sizeof(ret->stack), "%s", stack);
	snprintf(ret->key, sizeof(ret->key), "%s", key);
	json_array_foreach (processes, i, row)
		add_process(ret, json_string_value(json_object_get(row, "type")),
			    json_string_value(json_object_get(row, "command")));
	json_decref(j);
	return 0;
}

static int gone(const char *what, struct error *err)
{
	return error_set(err, ERROR_NOT_FOUND, "The slug %.12s is gone: push again to make it",
			 what);
}

bool build_slug_is_there(const char *state_dir, const char *digest)
{
	_cleanup_free_ char *path = xasprintf("%s/slugs/%s/app", state_dir, digest ? digest : "");

	return digest && fs_exists(path);
}

int build_slug_size(const char *state_dir, const char *digest, uint64_t *ret, struct error *err)
{
	_cleanup_free_ char *path = xasprintf("%s/slugs/%s/slug.json", state_dir, digest);
	json_t *j = json_load_file(path, 0, NULL), *size = json_object_get(j, "size_bytes");
	int r = 0;

	if (json_is_integer(size))
		*ret = (uint64_t)json_integer_value(size);
	else
		r = gone(digest, err);
	json_decref(j);
	return r;
}

int build_open_key(const char *state_dir, const char *app_id, const char *key,
		   struct build_result *ret, struct error *err)
{
	_cleanup_free_ char *path = xasprintf("%s/slugs/keys/%s/%s", state_dir, app_id, key);
	int r = read_result(path, ret);

	if (r == -ENOENT)
		return gone(key, err);
	return r < 0 ? error_set_errno(err, r, "reading %s", path) : 0;
}

bool slug_find(const struct build *b, const char *key, struct build_result *ret)
{
	struct build_result found = { 0 };
	_cleanup_free_ char *app = NULL;
	struct error err = ERROR_INIT;

	if (build_open_key(b->o->state_dir, b->o->app_id, key, &found, &err) < 0)
		return false;
	app = xasprintf("%s/slugs/%s/app", b->o->state_dir, found.slug);
	if (!fs_exists(app)) {
		build_result_done(&found);
		return false;
	}
	*ret = found;
	ret->reused = true;
	return true;
}

static void name_packs(const struct build *b, struct build_result *ret)
{
	_cleanup_buf_ struct buf names = BUF_INIT;

	/* Of an import there is only what somebody says of it. */
	for (char *const *p = b->o->import ? b->o->buildpacks : NULL; p && *p; p++)
		buf_puts(&names, *p);
	for (size_t i = 0; i < b->n_packs; i++)
		buf_printf(&names, "%s%s", i ? ", " : "",
			   b->packs[i].name ? b->packs[i].name : b->packs[i].label);
	ret->buildpacks = buf_steal(&names);
}

/* ---- keeping ---- */

/* Nothing but what follows from the tree: who made it first, or last, has no say in it. */
static int describe(const char *slug_dir, const struct build_result *r)
{
	_cleanup_free_ char *path = xasprintf("%s/slug.json", slug_dir);
	_cleanup_free_ char *text =
		xasprintf("{\"size_bytes\": %llu}\n", (unsigned long long)r->size_bytes);

	return fs_write_atomic(path, 0644, text, strlen(text));
}

static int write_slug(struct build *b, const struct build_result *r)
{
	_cleanup_free_ char *tmp = xasprintf("%s/slug", b->work);
	_cleanup_free_ char *app = xasprintf("%s/app", tmp);
	_cleanup_free_ char *final = xasprintf("%s/slugs/%s", b->o->state_dir, r->slug);
	int e = fs_mkdirs(tmp, 0755);

	if (e == 0 && rename(b->app, app) < 0)
		e = -errno;
	if (e == 0)
		e = describe(tmp, r);
	if (e == 0)
		e = fs_sync_tree(tmp);
	/* The same tree is there already: one of the two is enough. */
	if (e < 0 || rename(tmp, final) == 0 || errno == EEXIST || errno == ENOTEMPTY)
		return e;
	return -errno;
}

static int write_key(const struct build *b, const char *key, const char *text)
{
	_cleanup_free_ char *dir = xasprintf("%s/slugs/keys/%s", b->o->state_dir, b->o->app_id);
	_cleanup_free_ char *path = xasprintf("%s/%s", dir, key);
	int r = fs_mkdirs(dir, 0755);

	return r < 0 ? r : fs_write_atomic(path, 0644, text, strlen(text));
}

static int keep(struct build *b, const struct build_result *r, struct error *err)
{
	json_t *j = to_json(b, r);
	_cleanup_free_ char *text = j ? json_dumps(j, JSON_INDENT(1)) : NULL;
	int e;

	json_decref(j);
	if (!text)
		return error_set(err, ERROR_INVALID, "The process types are not UTF-8 text");
	e = write_slug(b, r);
	if (e == 0)
		e = write_key(b, r->key, text);
	return e < 0 ? error_set_errno(err, e, "keeping the slug") : 0;
}

int slug_keep(struct build *b, const char *key, const struct procfile *types,
	      struct build_result *ret, struct error *err)
{
	struct build_result r = { 0 };

	build_say(b, "-----> Packing the slug\n");
	for (size_t i = 0; i < types->n_types; i++)
		add_process(&r, types->types[i].name, types->types[i].command);
	name_packs(b, &r);
	snprintf(r.key, sizeof(r.key), "%s", key);
	snprintf(r.stack, sizeof(r.stack), "%s", b->run.digest);
	/* The date of its files is in each validator that web servers make up (ETag,
	 * Last-Modified): a browser must not take a new page for the old one. */
	if (pack_normalise(b->app, SANDBOX_UID, SANDBOX_GID, time(NULL), err) < 0 ||
	    pack_digest(b->app, b->o->disk_bytes, r.slug, &r.size_bytes, err) < 0 ||
	    keep(b, &r, err) < 0) {
		build_result_done(&r);
		return -1;
	}
	build_say(b, "       Done: %.1f MB, %.12s\n", (double)r.size_bytes / 1e6, r.slug);
	*ret = r;
	return 0;
}

/* ---- collecting ---- */

#define UNKNOWN_LIFE_S (7 * 86400)

/* Calls fn with the description that each key of each app has, NULL for what can't be read; a
 * negative errno of it ends the walk. */
static int each_key(const char *state_dir,
		    int (*fn)(const char *path, json_t *description, void *userdata),
		    void *userdata)
{
	_cleanup_free_ char *dir = xasprintf("%s/slugs/keys", state_dir);
	_cleanup_strv_ char **apps = NULL;
	int r = fs_list(dir, &apps);

	for (char **a = apps; r == 0 && a && *a; a++) {
		_cleanup_free_ char *of_app = xasprintf("%s/%s", dir, *a);
		_cleanup_strv_ char **keys = NULL;

		/* A file is a key of the time when apps shared them. */
		r = fs_list(of_app, &keys);
		if (r == -ENOTDIR)
			r = fn(of_app, NULL, userdata);
		for (char **k = keys; r == 0 && k && *k; k++) {
			_cleanup_free_ char *path = xasprintf("%s/%s", of_app, *k);
			json_t *j = json_load_file(path, 0, NULL);

			r = fn(path, j, userdata);
			json_decref(j);
		}
	}
	return r == -ENOENT ? 0 : r;
}

/* A key whose slug is gone, or that can't be read, is of no use. */
static int collect_key(const char *path, json_t *description, void *userdata)
{
	const char *digest = json_string_value(json_object_get(description, "slug")),
		   *state_dir = userdata;
	_cleanup_free_ char *slug = xasprintf("%s/slugs/%s", state_dir, digest ? digest : "-");

	return !fs_exists(slug) && unlink(path) < 0 ? -errno : 0;
}

struct used {
	char *const *slugs;
	char ***stacks;
};

static int add_stacks(const char *path, json_t *description, void *userdata)
{
	const char *slug = json_string_value(json_object_get(description, "slug"));
	const struct used *u = userdata;
	json_t *digest;
	size_t i;

	(void)path;
	if (slug && strv_has(u->slugs, slug))
		json_array_foreach (json_object_get(description, "stacks"), i, digest)
			if (json_is_string(digest) && json_string_length(digest))
				strv_push(u->stacks, json_string_value(digest));
	return 0;
}

int build_add_stacks(const char *state_dir, char *const *slugs, char ***stacks, struct error *err)
{
	struct used u = { slugs, stacks };
	int r = each_key(state_dir, add_stacks, &u);

	return r < 0 ? error_set_errno(err, r, "reading %s/slugs/keys", state_dir) : 0;
}

bool build_in_doubt(int64_t put_back_ms)
{
	return put_back_ms && put_back_ms / 1000 > time(NULL) - UNKNOWN_LIFE_S;
}

static bool is_old(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && st.st_ctime < time(NULL) - UNKNOWN_LIFE_S;
}

/* Aside by a rename, so that no build ever finds half of it; what a kill leaves there goes at the
 * next start. */
static int collect_slug(const char *dir, const char *digest)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", dir, digest),
			    *trash = xasprintf("%s/" SLUGS_TRASH, dir);
	_cleanup_free_ char *aside = xasprintf("%s/%s", trash, digest);
	int r = fs_mkdirs(trash, 0700);

	if (r == 0)
		r = fs_remove_tree(aside);
	if (r == 0 && rename(path, aside) < 0)
		r = -errno;
	return r < 0 ? r : fs_remove_tree(aside);
}

int build_collect(const char *state_dir, const struct slugs_collect *o, size_t *ret_removed,
		  size_t *ret_left, struct error *err)
{
	_cleanup_free_ char *dir = xasprintf("%s/slugs", state_dir);
	_cleanup_strv_ char **names = NULL;
	bool doubt = build_in_doubt(o->put_back_ms);
	size_t removed = 0, left = 0;
	int r = fs_list(dir, &names);

	for (char **n = names; r == 0 && n && *n; n++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", dir, *n);

		if (strlen(*n) != DIGEST_HEX_SIZE - 1 || strv_has(o->used, *n))
			continue;
		if (!strv_has(o->known, *n) && (doubt || !is_old(path))) {
			left++;
			continue;
		}
		r = collect_slug(dir, *n);
		removed += r == 0;
	}
	if (r == 0)
		r = each_key(state_dir, collect_key, (void *)state_dir);
	if (r < 0)
		return error_set_errno(err, r, "collecting slugs in %s", dir);
	*ret_removed = removed;
	*ret_left = left;
	return 0;
}

int build_sweep(const char *state_dir, char *const *running, struct error *err)
{
	_cleanup_free_ char *dir = xasprintf("%s/builds", state_dir);
	_cleanup_strv_ char **names = NULL;
	int r = fs_list(dir, &names);

	for (char **n = names; r == 0 && n && *n; n++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", dir, *n);

		if (!strv_has(running, *n))
			r = fs_remove_tree(path);
	}
	return r < 0 ? error_set_errno(err, r, "sweeping %s", dir) : 0;
}
