/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finished slugs: STATE/slugs/DIGEST/{app,slug.json} and STATE/slugs/keys/KEY.
 * A slug appears by one rename; a key only after its slug.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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
	*r = (struct build_result){ 0 };
}

static void add_process(struct build_result *r, const char *type, const char *command)
{
	r->processes = xrealloc(r->processes, (r->n_processes + 1) * sizeof(*r->processes));
	r->processes[r->n_processes++] = (struct build_process){ xstrdup(type), xstrdup(command) };
}

static json_t *to_json(const struct build_result *r)
{
	json_t *processes = json_array();

	for (size_t i = 0; i < r->n_processes; i++)
		json_array_append_new(processes, json_pack("{s:s, s:s}", "type", r->processes[i].type, "command",
							   r->processes[i].command));
	return json_pack("{s:s, s:s, s:s, s:I, s:s, s:o}", "slug", r->slug, "stack", r->stack, "key", r->key,
			 "size_bytes", (json_int_t)r->size_bytes, "buildpacks", r->buildpacks, "processes", processes);
}

int build_open_slug(const char *state_dir, const char *digest, struct build_result *ret, struct error *err)
{
	_cleanup_free_ char *path = xasprintf("%s/slugs/%s/slug.json", state_dir, digest);
	_cleanup_buf_ struct buf text = BUF_INIT;
	const char *slug, *stack, *key, *buildpacks;
	json_t *j, *processes, *row;
	json_int_t size;
	size_t i;
	int r = fs_read_file(path, SLUG_JSON_MAX, &text);

	if (r < 0)
		return error_set(err, ERROR_NOT_FOUND, "The slug %.12s is not there any more: push again to make it", digest);
	j = json_loads(text.data, 0, NULL);
	if (!j || json_unpack(j, "{s:s, s:s, s:s, s:I, s:s, s:o}", "slug", &slug, "stack", &stack, "key", &key, "size_bytes",
			      &size, "buildpacks", &buildpacks, "processes", &processes) < 0) {
		json_decref(j);
		return error_set(err, ERROR_SYSTEM, "%s is damaged", path);
	}
	*ret = (struct build_result){ .size_bytes = (uint64_t)size, .buildpacks = xstrdup(buildpacks) };
	snprintf(ret->slug, sizeof(ret->slug), "%s", slug);
	snprintf(ret->stack, sizeof(ret->stack), "%s", stack);
	snprintf(ret->key, sizeof(ret->key), "%s", key);
	json_array_foreach(processes, i, row)
		add_process(ret, json_string_value(json_object_get(row, "type")),
			    json_string_value(json_object_get(row, "command")));
	json_decref(j);
	return 0;
}

bool slug_find(const struct build *b, const char *key, struct build_result *ret)
{
	_cleanup_free_ char *path = xasprintf("%s/slugs/keys/%s", b->o->state_dir, key);
	_cleanup_buf_ struct buf digest = BUF_INIT;
	struct error err = ERROR_INIT;

	if (fs_read_file(path, 128, &digest) < 0)
		return false;
	if (build_open_slug(b->o->state_dir, str_trim(digest.data), ret, &err) < 0)
		return false;
	ret->reused = true;
	return true;
}

/* ---- process types ---- */

static int default_types(struct build *b, struct procfile *ret, struct error *err)
{
	_cleanup_free_ char *path = xasprintf("%s/.twelve/release.yml", b->app);
	_cleanup_free_ char *dir = xasprintf("%s/.twelve", b->app);
	_cleanup_buf_ struct buf yaml = BUF_INIT;
	int r = fs_read_file(path, SLUG_JSON_MAX, &yaml);

	if (r < 0)
		return error_set_errno(err, r, "reading what bin/release printed");
	unlink(path);
	/* Only if nothing else is in it. */
	rmdir(dir);
	return procfile_parse_release(yaml.data, ret, err);
}

static int collect_types(struct build *b, struct build_result *ret, struct error *err)
{
	struct procfile defaults = { 0 };

	if (default_types(b, &defaults, err) < 0)
		return -1;
	for (size_t i = 0; i < b->procfile.n_types; i++)
		add_process(ret, b->procfile.types[i].name, b->procfile.types[i].command);
	/* A Procfile says all there is, as on Heroku. */
	for (size_t i = 0; !b->has_procfile && i < defaults.n_types; i++)
		add_process(ret, defaults.types[i].name, defaults.types[i].command);
	procfile_done(&defaults);
	if (!ret->n_processes)
		return error_set(err, ERROR_INVALID, "There is nothing to run: add a file named Procfile with a line such as "
						     "\"web: ./server\"");
	return 0;
}

static void name_packs(const struct build *b, struct build_result *ret)
{
	_cleanup_buf_ struct buf names = BUF_INIT;

	for (size_t i = 0; i < b->n_packs; i++)
		buf_printf(&names, "%s%s", i ? ", " : "", b->packs[i].name);
	ret->buildpacks = buf_steal(&names);
}

/* ---- keeping ---- */

static int write_slug(struct build *b, const struct build_result *r, struct error *err)
{
	_cleanup_free_ char *tmp = xasprintf("%s/slug", b->work);
	_cleanup_free_ char *app = xasprintf("%s/app", tmp);
	_cleanup_free_ char *json_path = xasprintf("%s/slug.json", tmp);
	_cleanup_free_ char *final = xasprintf("%s/slugs/%s", b->o->state_dir, r->slug);
	json_t *j = to_json(r);
	_cleanup_free_ char *text = json_dumps(j, JSON_INDENT(1));
	int e = fs_mkdirs(tmp, 0755);

	json_decref(j);
	if (e == 0 && rename(b->app, app) < 0)
		e = -errno;
	if (e == 0)
		e = fs_write_atomic(json_path, 0644, text, strlen(text));
	if (e == 0)
		e = fs_sync_tree(tmp);
	if (e == 0 && rename(tmp, final) < 0 && errno != EEXIST && errno != ENOTEMPTY)
		e = -errno;
	return e < 0 ? error_set_errno(err, e, "keeping the slug") : 0;
}

static int write_key(const struct build *b, const char *key, const char *slug, struct error *err)
{
	_cleanup_free_ char *dir = xasprintf("%s/slugs/keys", b->o->state_dir);
	_cleanup_free_ char *path = xasprintf("%s/%s", dir, key);
	_cleanup_free_ char *line = xasprintf("%s\n", slug);
	int r = fs_mkdirs(dir, 0755);

	if (r == 0)
		r = fs_write_atomic(path, 0644, line, strlen(line));
	return r < 0 ? error_set_errno(err, r, "writing %s", path) : 0;
}

int slug_keep(struct build *b, const char *key, struct build_result *ret, struct error *err)
{
	struct build_result r = { 0 };

	build_say(b, "-----> Discovering process types\n");
	if (collect_types(b, &r, err) < 0)
		goto failed;
	build_say(b, "       Procfile declares types -> ");
	for (size_t i = 0; i < r.n_processes; i++)
		build_say(b, "%s%s", i ? ", " : "", r.processes[i].type);
	build_say(b, "\n-----> Packing the slug\n");
	name_packs(b, &r);
	snprintf(r.key, sizeof(r.key), "%s", key);
	snprintf(r.stack, sizeof(r.stack), "%s", b->run.digest);
	if (pack_normalise(b->app, SANDBOX_UID, SANDBOX_GID, err) < 0 ||
	    pack_digest(b->app, b->o->disk_bytes, r.slug, &r.size_bytes, err) < 0 || write_slug(b, &r, err) < 0 ||
	    write_key(b, key, r.slug, err) < 0)
		goto failed;
	build_say(b, "       Done: %.1f MB, %.12s\n", (double)r.size_bytes / 1e6, r.slug);
	*ret = r;
	return 0;
failed:
	build_result_done(&r);
	return -1;
}

/* ---- collecting ---- */

static int collect_keys(const char *state_dir)
{
	_cleanup_free_ char *dir = xasprintf("%s/slugs/keys", state_dir);
	_cleanup_strv_ char **names = NULL;
	int r = fs_list(dir, &names);

	for (char **n = names; r == 0 && n && *n; n++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", dir, *n);
		_cleanup_buf_ struct buf digest = BUF_INIT;
		_cleanup_free_ char *slug = NULL;

		if (fs_read_file(path, 128, &digest) < 0)
			continue;
		slug = xasprintf("%s/slugs/%s", state_dir, str_trim(digest.data));
		if (!fs_exists(slug) && unlink(path) < 0)
			r = -errno;
	}
	return r == -ENOENT ? 0 : r;
}

int build_collect(const char *state_dir, char *const *used, size_t *ret_removed, struct error *err)
{
	_cleanup_free_ char *dir = xasprintf("%s/slugs", state_dir);
	_cleanup_strv_ char **names = NULL;
	size_t removed = 0;
	int r = fs_list(dir, &names);

	for (char **n = names; r == 0 && n && *n; n++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", dir, *n);

		if (strlen(*n) != DIGEST_HEX_SIZE - 1 || strv_has(used, *n))
			continue;
		r = fs_remove_tree(path);
		removed += r == 0;
	}
	if (r == 0)
		r = collect_keys(state_dir);
	if (r < 0)
		return error_set_errno(err, r, "collecting slugs in %s", dir);
	*ret_removed = removed;
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
