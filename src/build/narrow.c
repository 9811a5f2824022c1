/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One app of a repository that has several (docs/decisions/0034): TWELVE_BUILD_DIR is the folder
 * that becomes /app, TWELVE_WATCH_PATHS what the identity of the source is made of, so that a push
 * that touches nothing of it finds the slug that is there.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fs.h"
#include "base/str.h"
#include "base/tree.h"
#include "build/build-priv.h"
#include "build/pack.h"
#include "model/names.h"

#define BUILD_DIR "TWELVE_BUILD_DIR"
#define WATCH_PATHS "TWELVE_WATCH_PATHS"
#define FOLDERS_SHOWN 8
#define MANIFEST_MAX_BYTES (256 << 10)
#define LINKS_SHOWN 3
/* Each star of a pattern is tried at each place of each path. */
#define STARS_MAX 8
#define PATTERNS_MAX 50

static const char *config_of(const struct build *b, const char *key)
{
	size_t n = strlen(key);

	for (char *const *e = b->o->env; e && *e; e++)
		if (strncmp(*e, key, n) == 0 && (*e)[n] == '=')
			return *e + n + 1;
	return NULL;
}

/* Without slashes and "./" at its ends; NULL when it is not set, or the top is meant. Heap. */
static char *folder_of(const struct build *b)
{
	const char *value = config_of(b, BUILD_DIR);
	char *folder;
	size_t n;

	while (value && str_starts(value, "./"))
		value += 2;
	n = value ? strlen(value) : 0;
	while (n && value[n - 1] == '/')
		n--;
	if (!n || (n == 1 && value[0] == '.'))
		return NULL;
	folder = xstrndup(value, n);
	return folder;
}

/* ---- what is watched ---- */

struct watch {
	char **patterns;
	bool *seen; /* whether it matched anything, of each */
	struct digest *digest;
};

/* The path itself, or a folder that it is in. */
static bool matches(const char *pattern, const char *path)
{
	if (slugignore_matches(pattern, true, path))
		return true;
	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		_cleanup_free_ char *folder = xstrndup(path, (size_t)(slash - path));

		if (slugignore_matches(pattern, true, folder))
			return true;
	}
	return false;
}

static bool is_watched(const struct watch *w, const char *path)
{
	bool found = false;

	for (size_t i = 0; w->patterns[i]; i++)
		if (matches(w->patterns[i], path))
			w->seen[i] = found = true;
	return found;
}

static int add_file(struct digest *d, const struct tree_entry *e)
{
	_cleanup_fd_ int fd = openat(e->dir_fd, e->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char chunk[65536];
	ssize_t n = 1;

	if (fd < 0)
		return -errno;
	while ((n = fd_read(fd, chunk, sizeof(chunk))) > 0)
		digest_update(d, chunk, (size_t)n);
	return (int)n;
}

static int add_link(struct digest *d, const struct tree_entry *e)
{
	char target[TREE_MAX_PATH + 1];
	ssize_t n = readlinkat(e->dir_fd, e->name, target, sizeof(target));

	if (n < 0)
		return -errno;
	digest_update(d, target, (size_t)n);
	return 0;
}

static int watch_one(const struct tree_entry *e, void *userdata)
{
	struct watch *w = userdata;
	char head[64];

	if (build_cancelled())
		return -ECANCELED;
	if (S_ISDIR(e->st->st_mode) || !is_watched(w, e->path))
		return 0;
	snprintf(head, sizeof(head), "%c%lld",
		 S_ISLNK(e->st->st_mode) ? 'l'
		 : e->st->st_mode & 0100 ? 'x'
					 : 'f',
		 (long long)e->st->st_size);
	digest_update_str(w->digest, e->path);
	digest_update_str(w->digest, head);
	return S_ISLNK(e->st->st_mode)	 ? add_link(w->digest, e)
	       : S_ISREG(e->st->st_mode) ? add_file(w->digest, e)
					 : 0;
}

/* A folder's name alone, one that ends in a slash, and one with two stars behind that are the same:
 * all that is in it. */
static char **read_patterns(const char *value)
{
	_cleanup_free_ char *copy = xstrdup(value);
	char **patterns = NULL, *save = NULL;

	for (char *p = strtok_r(copy, " \t\n,", &save); p; p = strtok_r(NULL, " \t\n,", &save)) {
		while (str_starts(p, "./"))
			p += 2;
		p += strspn(p, "/");
		if (str_ends(p, "/**"))
			p[strlen(p) - 3] = '\0';
		while (p[0] && p[strlen(p) - 1] == '/')
			p[strlen(p) - 1] = '\0';
		if (*p)
			strv_push(&patterns, p);
	}
	return patterns;
}

static int check_patterns(char *const *patterns, struct error *err)
{
	if (strv_len(patterns) > PATTERNS_MAX)
		return error_set(err, ERROR_INVALID,
				 WATCH_PATHS
				 " names more than %d paths: name the folders that they are in",
				 PATTERNS_MAX);
	for (; *patterns; patterns++) {
		int stars = 0;

		for (const char *c = *patterns; *c; c++)
			stars += *c == '*';
		if (stars > STARS_MAX)
			return error_set(err, ERROR_INVALID,
					 WATCH_PATHS " has more than %d stars in %.200s: name the "
						     "folder that the files are in",
					 STARS_MAX, *patterns);
	}
	return 0;
}

static int check_seen(const struct watch *w, struct error *err)
{
	for (size_t i = 0; w->patterns[i]; i++)
		if (!w->seen[i])
			return error_set(err, ERROR_INVALID,
					 WATCH_PATHS
					 " names %.200s, which is nothing of the commit: correct "
					 "it with \"twelve config:set\"",
					 w->patterns[i]);
	return 0;
}

static int watch_tree(struct build *b, struct watch *w, struct error *err)
{
	const struct tree_order o = { .enter = watch_one, .userdata = w, .sorted = true };
	int r = tree_walk(b->app, &o, NULL);

	if (r == -ECANCELED)
		return error_set(err, ERROR_CONFLICT, "The build was cancelled");
	if (r < 0)
		return error_set_errno(err, r, "reading what " WATCH_PATHS " names");
	if (check_seen(w, err) < 0)
		return -1;
	digest_update_str(w->digest, "watched");
	digest_finish(w->digest, b->watched_digest);
	return 0;
}

int narrow_watch(struct build *b, struct error *err)
{
	const char *value = config_of(b, WATCH_PATHS);
	struct watch w = { .patterns = value ? read_patterns(value) : NULL };
	int r;

	if (!w.patterns)
		return 0;
	if (check_patterns(w.patterns, err) < 0) {
		strv_free(w.patterns);
		return -1;
	}
	w.seen = xcalloc(strv_len(w.patterns), sizeof(*w.seen));
	w.digest = digest_new();
	r = watch_tree(b, &w, err);
	digest_free(w.digest);
	free(w.seen);
	strv_free(w.patterns);
	return r;
}

/* ---- the folder ---- */

static void put_folders(const char *dir, struct buf *ret)
{
	_cleanup_strv_ char **names = NULL;
	size_t n = 0;

	if (fs_list(dir, &names) < 0)
		return;
	for (char **name = names; name && *name; name++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", dir, *name);
		char excerpt[NAME_EXCERPT_SIZE];
		struct stat st;

		if ((*name)[0] == '.' || lstat(path, &st) < 0 || !S_ISDIR(st.st_mode) ||
		    n++ >= FOLDERS_SHOWN)
			continue;
		buf_printf(ret, "%s%s/", ret->len ? ", " : "", name_excerpt(excerpt, *name));
	}
	if (n > FOLDERS_SHOWN)
		buf_puts(ret, ", ...");
}

static int not_there(const char *folder, const char *above, const char *in, const char *why,
		     struct error *err)
{
	_cleanup_buf_ struct buf folders = BUF_INIT;

	put_folders(above, &folders);
	return error_set(err, ERROR_INVALID, BUILD_DIR " names %.200s, which is %s: %s%s has %s",
			 folder, why, in[0] ? in : "it", in[0] ? "/" : "",
			 folders.len ? folders.data : "no folders");
}

/* Component by component: no link leads out, nor elsewhere. */
static int check_folder(const struct build *b, const char *folder, struct error *err)
{
	_cleanup_free_ char *rest = xstrdup(folder), *above = xstrdup(b->app);
	_cleanup_buf_ struct buf done = BUF_INIT;
	char *left = rest, *part;
	struct stat st;

	while ((part = strsep(&left, "/"))) {
		_cleanup_free_ char *path = xasprintf("%s/%s", above, part);

		if (!*part || streq(part, "."))
			continue;
		if (streq(part, ".."))
			return error_set(err, ERROR_INVALID,
					 BUILD_DIR " names %.200s, which leads out of the commit: "
						   "name a folder below its top",
					 folder);
		if (lstat(path, &st) < 0)
			return not_there(folder, above, done.len ? done.data : "",
					 "not in the commit", err);
		if (S_ISLNK(st.st_mode))
			return not_there(folder, above, done.len ? done.data : "",
					 "a symbolic link: name the folder that it leads to", err);
		if (!S_ISDIR(st.st_mode))
			return not_there(folder, above, done.len ? done.data : "",
					 "a file and no folder", err);
		buf_printf(&done, "%s%s", done.len ? "/" : "", part);
		free(above);
		above = xstrdup(path);
	}
	return 0;
}

static bool has(const char *dir, const char *name)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", dir, name);

	return fs_exists(path);
}

static bool is_workspace(const char *top)
{
	_cleanup_buf_ struct buf text = BUF_INIT;

	if (has(top, "pnpm-workspace.yaml"))
		return true;
	return pack_read_file(top, "package.json", MANIFEST_MAX_BYTES, &text) == 0 &&
	       strstr(text.data, "\"workspaces\"");
}

/* What stands above the folder and is not taken along, where somebody may count on it. */
static void tell_left_behind(const struct build *b, const char *whole, const char *folder)
{
	static const char *const own[] = { "Procfile", "app.json", ".buildpacks", "Aptfile",
					   ".slugignore" };

	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		if (has(whole, own[i]) && !has(b->app, own[i]) && !streq(own[i], "app.json"))
			build_say(b,
				  " !     The %s at the top is not read: that of an app in a "
				  "folder stands in %s/\n",
				  own[i], folder);
	if (has(b->app, "package.json") && is_workspace(whole))
		build_say(b,
			  " !     %s is part of a workspace of the top, which is not there when "
			  "the folder is built alone: if it needs the lock or the packages of the "
			  "workspace, unset " BUILD_DIR " and start it from the top (a Procfile "
			  "with \"web: npm start --workspace %s\")\n",
			  folder, folder);
}

struct left_links {
	const struct build *b;
	int n;
};

/* How far below the top a link of a path like a/b leads to, by its text alone; negative: out of it.
 */
static int lowest_level(const char *path, const char *target)
{
	_cleanup_free_ char *whole = NULL;
	char *rest, *part;
	int level = 0, lowest = 0;

	if (target[0] == '/')
		return 0;
	whole = xasprintf("%.*s/%s", (int)(strrchr(path, '/') ? strrchr(path, '/') - path : 0),
			  path, target);
	for (rest = whole; (part = strsep(&rest, "/"));) {
		if (streq(part, ".."))
			level--;
		else if (*part && !streq(part, "."))
			level++;
		if (level < lowest)
			lowest = level;
	}
	return lowest;
}

static int tell_link(const struct tree_entry *e, void *userdata)
{
	struct left_links *l = userdata;
	char target[TREE_MAX_PATH + 1];
	ssize_t n = S_ISLNK(e->st->st_mode)
			    ? readlinkat(e->dir_fd, e->name, target, sizeof(target) - 1)
			    : -1;
	char excerpt[NAME_EXCERPT_SIZE];

	if (n < 0)
		return 0;
	target[n] = '\0';
	if (lowest_level(e->path, target) < 0 && l->n++ < LINKS_SHOWN)
		build_say(l->b,
			  " !     The link %s leads out of the folder, to what is not there when "
			  "it is built alone\n",
			  name_excerpt(excerpt, e->path));
	return 0;
}

static int tell_links(const struct build *b, struct error *err)
{
	struct left_links left = { .b = b };
	const struct tree_order o = { .enter = tell_link, .userdata = &left, .sorted = true };
	int r = tree_walk(b->app, &o, NULL);

	return r < 0 ? error_set_errno(err, r, "reading the folder of " BUILD_DIR) : 0;
}

int narrow_folder(struct build *b, struct error *err)
{
	_cleanup_free_ char *folder = folder_of(b),
			    *from = folder ? xasprintf("%s/%s", b->app, folder) : NULL,
			    *alone = xasprintf("%s/alone", b->work),
			    *whole = xasprintf("%s/whole", b->work);

	if (!folder)
		return 0;
	if (check_folder(b, folder, err) < 0)
		return -1;
	if (rename(from, alone) < 0 || rename(b->app, whole) < 0 || rename(alone, b->app) < 0)
		return error_set_errno(err, errno, "moving %s", folder);
	build_say(b, "-----> Building %s/ alone (" BUILD_DIR ")\n", folder);
	tell_left_behind(b, whole, folder);
	return tell_links(b, err);
}

bool narrow_is_in(const struct build *b, const char *dir)
{
	_cleanup_free_ char *folder = folder_of(b);

	return folder && has(dir, folder);
}
