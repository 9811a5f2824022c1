/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Submodules: a commit names the commit of another repository at a path, and .gitmodules
 * (gitmodules(5)) says where that repository is. An archive of the commit has an empty folder
 * there. They are fetched as buildpacks are (build/git-fetch.h). What can't be fetched is named in
 * a line, since an app may do without; what an archive brings along is left as it is.
 */
#include "build/git-fetch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fs.h"
#include "base/proc.h"
#include "base/str.h"
#include "build/build-priv.h"
#include "build/git-url.h"

#define FILE_NAME ".gitmodules"
#define LIST_MAX_BYTES (1 << 20)
#define ID_LENGTH 40

/* "submodule.NAME.path\nVALUE", NUL, as git config --null prints it. Heap: a strv. */
static int read_settings(const struct buf *text, char ***ret, struct error *err)
{
	static const char *const argv[] = { "git",
					    "config",
					    "--file",
					    "-",
					    "--no-includes",
					    "--null",
					    "--get-regexp",
					    "^submodule\\..*\\.(path|url)$",
					    NULL };
	static const char *const env[] = { "PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/",
					   "GIT_CONFIG_NOSYSTEM=1", "GIT_DIR=/nonexistent", NULL };
	struct proc_options o = { .argv = argv,
				  .env = env,
				  .dir = "/",
				  .die_with_us = true,
				  .timeout_ms = 10000,
				  .max_output = LIST_MAX_BYTES };
	_cleanup_buf_ struct buf out = BUF_INIT;
	_cleanup_fd_ int fd = fd_memfile("gitmodules", text->data, text->len);
	int status = 0;

	if (fd < 0)
		return error_set_errno(err, fd, "a memory file");
	o.stdin_fd = fd;
	if (proc_run(&o, &out, &status, err) < 0)
		return -1;
	/* 1: there is none. */
	if (proc_exit_code(status) > 1)
		return error_set(err, ERROR_INVALID,
				 FILE_NAME ": it is not what git can read: %.200s",
				 str_trim(out.data));
	for (size_t i = 0; status == 0 && i < out.len; i += strlen(out.data + i) + 1)
		strv_push(ret, out.data + i);
	return 0;
}

/* The value of submodule.NAME.WHAT, whose NAME is the first n bytes of `key`. */
static const char *find(char *const *settings, const char *key, size_t n, const char *what)
{
	const char *found = NULL;

	for (; settings && *settings; settings++) {
		const char *line = strchr(*settings, '\n');

		if (line && (size_t)(line - *settings) == n + strlen(what) &&
		    strncmp(*settings, key, n) == 0 &&
		    strncmp(*settings + n, what, strlen(what)) == 0)
			found = line + 1;
	}
	return found;
}

/* A folder of the tree, by folders alone. */
static bool is_inside(const char *app, const char *path)
{
	_cleanup_free_ char *copy = xstrdup(path), *at = xstrdup(app);
	char *save = NULL;
	struct stat st;

	if (!path[0] || path[0] == '/')
		return false;
	for (char *word = strtok_r(copy, "/", &save); word; word = strtok_r(NULL, "/", &save)) {
		char *next = xasprintf("%s/%s", at, word);

		free(at);
		at = next;
		if (streq(word, "..") || streq(word, ".") || strcasecmp(word, ".git") == 0)
			return false;
		if (lstat(at, &st) < 0 || !S_ISDIR(st.st_mode))
			return false;
	}
	return true;
}

static bool is_empty(const char *folder)
{
	_cleanup_strv_ char **names = NULL;

	return fs_list(folder, &names) == 0 && strv_len(names) == 0;
}

/* "ID PATH" of the list that the commit gave. */
static const char *commit_of(const struct build *b, const char *path,
			     char ret[static ID_LENGTH + 1])
{
	for (char *const *s = b->o->submodules; s && *s; s++)
		if (strlen(*s) > ID_LENGTH + 1 && streq(*s + ID_LENGTH + 1, path)) {
			memcpy(ret, *s, ID_LENGTH);
			ret[ID_LENGTH] = '\0';
			return ret;
		}
	return NULL;
}

static const char *why_not(const char *url, const char *commit)
{
	if (!url)
		return "names no URL";
	if (str_starts(url, "./") || str_starts(url, "../"))
		return "has a URL that is relative to where the commit came from, which is not "
		       "known here: write it in full";
	return commit ? NULL : "has no commit: the archive does not say which (git push does)";
}

static int fetch_into(struct build *b, const struct git_fetch *f, struct error *err)
{
	int r = rmdir(f->to) < 0 ? -errno : 0;

	if (r < 0)
		return error_set_errno(err, r, "making room for a submodule");
	if (git_fetch(b, f, err) == 0)
		return 0;
	r = fs_mkdirs(f->to, 0755);
	return r < 0 ? error_set_errno(err, r, "making %s", f->to) : -1;
}

static int fetch(struct build *b, const char *path, const char *url, struct error *err)
{
	_cleanup_free_ char *to = xasprintf("%s/%s", b->app, path),
			    *subject = xasprintf("The submodule %s", path),
			    *nested = xasprintf("%s/" FILE_NAME, to);
	char id[ID_LENGTH + 1];
	const char *commit = commit_of(b, path, id), *why = why_not(url, commit);
	const struct git_fetch f = { .url = url, .ref = commit, .subject = subject, .to = to };
	struct error failure = ERROR_INIT;

	if (!is_inside(b->app, path) || !is_empty(to))
		return 0;
	if (why) {
		build_say(b, " !     %s is empty: the submodule %s\n", path, why);
		return 0;
	}
	build_say(b, "-----> Fetching the submodule %s\n", path);
	if (git_fetch_check(&f, &failure) < 0 || fetch_into(b, &f, &failure) < 0) {
		if (build_cancelled() || b->stop_reason != STOP_NOT || !fs_exists(to)) {
			*err = failure;
			return -1;
		}
		build_say(b, " !     %s is empty: %s\n", path, failure.message);
	} else if (fs_exists(nested)) {
		build_say(b, " !     %s has submodules of its own, which are not fetched\n", path);
	}
	return 0;
}

/* Those of the commit that .gitmodules does not name. */
static void tell_unnamed(const struct build *b, char *const *settings)
{
	for (char *const *s = b->o->submodules; s && *s; s++) {
		const char *path = strlen(*s) > ID_LENGTH + 1 ? *s + ID_LENGTH + 1 : "?";
		bool named = false;

		for (char *const *set = settings; set && *set; set++)
			named = named ||
				(strchr(*set, '\n') && streq(strchr(*set, '\n') + 1, path));
		if (!named)
			build_say(b,
				  " !     %s is empty: it is a submodule that " FILE_NAME
				  " does not name\n",
				  path);
	}
}

int submodules_fetch(struct build *b, struct error *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	_cleanup_strv_ char **settings = NULL;
	int r = build_read_text(b, FILE_NAME, &text, err);

	if (r < 0 && r != -ENOENT)
		return -1;
	if (r == 0 && read_settings(&text, &settings, err) < 0)
		return -1;
	tell_unnamed(b, settings);
	for (char **s = settings; s && *s; s++) {
		const char *line = strchr(*s, '\n');
		size_t n = line ? (size_t)(line - *s) : 0;

		if (n < strlen(".path") ||
		    strncmp(line - strlen(".path"), ".path", strlen(".path")) != 0)
			continue;
		n -= strlen("path");
		if (fetch(b, line + 1, find(settings, *s, n, "url"), err) < 0)
			return -1;
	}
	return 0;
}
