/* SPDX-License-Identifier: Apache-2.0 */
/*
 * .slugignore, as Heroku has it (devcenter.heroku.com/articles/slug-compiler): what matches one of
 * its patterns is removed before anything is built. The patterns are those of .gitignore without
 * "!": a name matches at any depth, one with a "/" from the top, one that ends in "/" folders only,
 * "**" any number of folders.
 */
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/str.h"
#include "base/tree.h"
#include "build/build-priv.h"

#define FILE_NAME ".slugignore"

struct pattern {
	char *text; /* without slashes at its ends */
	bool anchored, folder;
};

struct patterns {
	struct pattern *list;
	size_t n;
	char **leave_out;
};

static void patterns_done(struct patterns *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->list[i].text);
	free(p->list);
	strv_free(p->leave_out);
}

/* "**" is any number of folders, none too: tried at each of them. */
static bool matches_path(const char *pattern, const char *path)
{
	const char *rest = str_starts(pattern, "**/") ? pattern + 3 : NULL,
		   *middle = strstr(pattern, "/**/");
	_cleanup_free_ char *head = NULL;

	if (rest) {
		for (const char *at = path; at; at = strchr(at, '/') ? strchr(at, '/') + 1 : NULL)
			if (matches_path(rest, at))
				return true;
		return false;
	}
	if (!middle)
		return fnmatch(pattern, path, FNM_PATHNAME) == 0;
	head = xstrndup(pattern, (size_t)(middle - pattern));
	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		_cleanup_free_ char *start = xstrndup(path, (size_t)(slash - path));

		if (fnmatch(head, start, FNM_PATHNAME) == 0 && matches_path(middle + 1, slash + 1))
			return true;
	}
	return false;
}

bool slugignore_matches(const char *pattern, bool anchored, const char *path)
{
	const char *name = strrchr(path, '/');

	return anchored ? matches_path(pattern, path)
			: fnmatch(pattern, name ? name + 1 : path, 0) == 0;
}

static bool is_ignored(const struct patterns *p, const char *path, bool folder)
{
	for (size_t i = 0; i < p->n; i++)
		if ((folder || !p->list[i].folder) &&
		    slugignore_matches(p->list[i].text, p->list[i].anchored, path))
			return true;
	return false;
}

static void add(const struct build *b, struct patterns *p, char *line)
{
	struct pattern new = { 0 };
	size_t n;

	line = str_trim(line);
	if (!line[0] || line[0] == '#')
		return;
	if (line[0] == '!') {
		build_say(b,
			  " !     " FILE_NAME
			  ": \"%s\" is skipped: patterns can't take back what others leave out\n",
			  line);
		return;
	}
	/* "x/" and "x/" followed by stars, and all that is in it, are one. */
	if (str_ends(line, "/**"))
		line[strlen(line) - 2] = '\0';
	n = strlen(line);
	if (n > 1 && line[n - 1] == '/') {
		new.folder = true;
		line[n - 1] = '\0';
	}
	new.anchored = strchr(line, '/') != NULL;
	line += strspn(line, "/");
	if (!line[0])
		return;
	new.text = xstrdup(line);
	p->list = xrealloc(p->list, (p->n + 1) * sizeof(*p->list));
	p->list[p->n++] = new;
}

/* Noted, and removed after the walk; what is in a folder that goes, goes with it. */
static int enter(const struct tree_entry *e, void *userdata)
{
	struct patterns *p = userdata;
	size_t n = strv_len(p->leave_out);
	const char *last = n ? p->leave_out[n - 1] : NULL;

	if (last && str_starts(e->path, last) && e->path[strlen(last)] == '/')
		return 0;
	if (is_ignored(p, e->path, S_ISDIR(e->st->st_mode)))
		strv_push(&p->leave_out, e->path);
	return 0;
}

int slugignore_apply(const struct build *b, struct error *err)
{
	__attribute__((cleanup(patterns_done))) struct patterns p = { 0 };
	struct tree_order o = { .enter = enter, .sorted = true };
	_cleanup_buf_ struct buf text = BUF_INIT;
	char *rest, *line;
	int r = build_read_text(b, FILE_NAME, &text, err);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return -1;
	for (rest = text.len ? text.data : NULL; (line = strsep(&rest, "\n"));)
		add(b, &p, line);
	o.userdata = &p;
	r = tree_walk(b->app, &o, NULL);
	for (char **path = p.leave_out; r == 0 && path && *path; path++) {
		_cleanup_free_ char *full = xasprintf("%s/%s", b->app, *path);

		r = fs_remove_tree(full);
	}
	if (r < 0)
		return error_set_errno(err, r, "leaving out what " FILE_NAME " says");
	build_say(b, "-----> " FILE_NAME " leaves out %zu files and folders\n",
		  strv_len(p.leave_out));
	return 0;
}
