/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See update.h. What was once asked for is not known of a stack, and not needed: the names of all
 * that is in it ask for the same. apt is used with lists of its own, so that this machine's are
 * left alone and may be those of another release.
 */
#include "stack/update.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fs.h"
#include "base/proc.h"
#include "base/str.h"
#include "stack/stack.h"

#define LIST_MAX_BYTES (4 << 20)
#define ANSWER_MAX_BYTES (16 << 20)
#define UPDATE_TIMEOUT_MS (10 * 60 * 1000)
#define DEPTH_MAX 16

struct stack_updater {
	const char *state_dir, *data_dir;
	int output_fd;
	char **asked; /* names of stacks whose lists are new */
};

void stack_changes_done(struct stack_changes *c)
{
	for (size_t i = 0; i < c->n; i++) {
		free(c->list[i].package);
		free(c->list[i].from);
		free(c->list[i].to);
	}
	free(c->list);
	*c = (struct stack_changes){ 0 };
}

struct stack_updater *stack_updater_new(const char *state_dir, const char *data_dir, int output_fd)
{
	struct stack_updater *u = xcalloc(1, sizeof(*u));

	*u = (struct stack_updater){ .state_dir = state_dir,
				     .data_dir = data_dir,
				     .output_fd = output_fd };
	return u;
}

void stack_updater_free(struct stack_updater *u)
{
	if (!u)
		return;
	strv_free(u->asked);
	free(u);
}

/* ---- what a stack says of itself ---- */

/* The whole root that the stack is, or stands on: DIGEST/below names what a layer lies on. */
static int base_root(struct stack_updater *u, const char *digest, char **ret, struct error *err)
{
	char now[DIGEST_HEX_SIZE];

	snprintf(now, sizeof(now), "%s", digest);
	for (int i = 0; i < DEPTH_MAX; i++) {
		_cleanup_free_ char *root = xasprintf("%s/stacks/%s/rootfs", u->state_dir, now),
				    *below = xasprintf("%s/stacks/%s/below", u->state_dir, now);
		_cleanup_buf_ struct buf text = BUF_INIT;

		if (fs_exists(root)) {
			*ret = steal_ptr(root);
			return 0;
		}
		if (fs_read_file(below, DIGEST_HEX_SIZE + 1, &text) < 0)
			break;
		snprintf(now, sizeof(now), "%s", str_trim(text.data));
	}
	return error_set(err, ERROR_UNAVAILABLE, "The stack %.12s is gone: push again to make it",
			 digest);
}

/* "debian-13". */
static int name_of(const char *root, char **ret, struct error *err)
{
	_cleanup_free_ char *path = xasprintf("%s/usr/lib/os-release", root);
	_cleanup_buf_ struct buf text = BUF_INIT;
	int r = fs_read_file(path, 65536, &text);
	const char *id = r < 0 ? NULL : strstr(text.data, "VERSION_ID=\"");

	if (!id)
		return error_set(err, ERROR_SYSTEM, "%s does not say which Debian it is", path);
	id += strlen("VERSION_ID=\"");
	*ret = xasprintf("debian-%.*s", (int)strspn(id, "0123456789"), id);
	return 0;
}

/* "NAME=VERSION" each. */
static int read_list(struct stack_updater *u, const char *digest, char ***ret, struct error *err)
{
	_cleanup_free_ char *path = xasprintf("%s/stacks/%s/packages", u->state_dir, digest);
	_cleanup_buf_ struct buf text = BUF_INIT;
	int r = fs_read_file(path, LIST_MAX_BYTES, &text);
	char *save = NULL;

	if (r < 0)
		return error_set_errno(err, r, "reading %s", path);
	for (char *line = strtok_r(text.data, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		if (strchr(line, '='))
			strv_push(ret, line);
	return 0;
}

static int read_names(struct stack_updater *u, const char *digest, char ***ret, struct error *err)
{
	_cleanup_strv_ char **list = NULL;

	if (read_list(u, digest, &list, err) < 0)
		return -1;
	for (char **p = list; p && *p; p++) {
		(*p)[strcspn(*p, "=")] = '\0';
		strv_push(ret, *p);
	}
	return 0;
}

/* ---- the archive ---- */

/* apt with folders of its own: no setting, no list and no lock of this machine's. */
static void put_apt(char ***argv, const char *program, const char *dir, const char *root)
{
	const char *const options[] = { "Dir::Etc::sourceparts=/dev/null",
					"Dir::Etc::parts=/dev/null",
					"Dir::Etc::main=/dev/null",
					"Dir::Etc::preferences=/dev/null",
					"Dir::Etc::preferencesparts=/dev/null",
					"Dir::State::status=/dev/null",
					"Acquire::Languages=none",
					"Acquire::Retries=3",
					"APT::Sandbox::User=root",
					"APT::Get::List-Cleanup=false" };

	strv_push(argv, program);
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		strv_push(argv, "-o");
		strv_push(argv, options[i]);
	}
	strv_push(argv, "-o");
	strv_push_take(argv, xasprintf("Dir::Etc::sourcelist=%s/etc/apt/sources.list", root));
	strv_push(argv, "-o");
	strv_push_take(argv, xasprintf("Dir::State::lists=%s/lists", dir));
	strv_push(argv, "-o");
	strv_push_take(argv, xasprintf("Dir::Cache=%s/cache", dir));
}

static int run(char *const *argv, struct buf *out, const char *what, struct error *err)
{
	const struct proc_options o = { .argv = (const char *const *)argv,
					.die_with_us = true,
					.timeout_ms = UPDATE_TIMEOUT_MS,
					.max_output = ANSWER_MAX_BYTES };
	const char *last;
	int status;

	if (proc_run(&o, out, &status, err) < 0)
		return -1;
	/* An archive that can't be reached is a warning to apt, and old lists would do. */
	last = strstr(out->data, "Failed to fetch");
	if (status == 0 && !last)
		return 0;
	last = last ? last : out->data;
	return error_set(err, ERROR_UNAVAILABLE, "%s: %.*s", what, (int)strcspn(last, "\n"), last);
}

/* STATE/stacks may be shared with another platform: one at a time. */
static int lock_lists(const char *dir, struct error *err)
{
	_cleanup_free_ char *path = xasprintf("%s/lock", dir);
	_cleanup_fd_ int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0 || flock(fd, LOCK_EX) < 0)
		return error_set_errno(err, errno, "locking %s", path);
	return fd_steal(&fd);
}

static int make_dirs(const char *dir, struct error *err)
{
	static const char *const names[] = { "lists/partial", "cache" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", dir, names[i]);
		int r = fs_mkdirs(path, 0755);

		if (r < 0)
			return error_set_errno(err, r, "making %s", path);
	}
	return 0;
}

/* Those that layers are made by are good for a day: what is made anew is made of what the archive
 * has now. */
static void forget_lists(struct stack_updater *u, const char *name)
{
	_cleanup_free_ char *fetched = xasprintf("%s/stacks/lists/%s/fetched", u->state_dir, name);

	unlink(fetched);
}

static int ask_archive(struct stack_updater *u, const char *name, const char *dir, const char *root,
		       struct error *err)
{
	_cleanup_strv_ char **argv = NULL;
	_cleanup_buf_ struct buf out = BUF_INIT;

	if (strv_has(u->asked, name))
		return 0;
	put_apt(&argv, "apt-get", dir, root);
	strv_push(&argv, "update");
	if (run(argv, &out, "Debian's archive could not be asked", err) < 0)
		return -1;
	strv_push(&u->asked, name);
	forget_lists(u, name);
	return 0;
}

/* ---- what is newer ---- */

static bool is_newer(const char *to, const char *from)
{
	const char *const argv[] = { "dpkg", "--compare-versions", to, "gt", from, NULL };
	const struct proc_options o = { .argv = argv, .die_with_us = true };
	struct error ignored = ERROR_INIT;
	int status;

	return proc_run(&o, NULL, &status, &ignored) == 0 && status == 0;
}

static const char *version_in(char *const *list, const char *package)
{
	size_t n = strlen(package);

	for (; list && *list; list++)
		if (str_starts(*list, package) && (*list)[n] == '=')
			return *list + n + 1;
	return NULL;
}

static void add_change(struct stack_changes *c, const char *package, const char *from,
		       const char *to, bool security)
{
	c->list = xrealloc(c->list, (c->n + 1) * sizeof(*c->list));
	c->list[c->n++] =
		(struct stack_change){ xstrdup(package), xstrdup(from), xstrdup(to), security };
}

/* "openssl | 3.0.22-1~deb12u2 | http://deb.debian.org/debian-security bookworm-security/main amd64
 * Packages", the newest of a package first. */
static void take_line(char *line, char *const *list, char **last, struct stack_changes *c)
{
	char *save = NULL, *package = strtok_r(line, "|", &save),
	     *version = strtok_r(NULL, "|", &save), *where = strtok_r(NULL, "|", &save);
	const char *from;

	if (!where)
		return;
	package = str_trim(package);
	version = str_trim(version);
	if (*last && streq(*last, package)) {
		/* The same version may stand in both. */
		if (c->n && streq(c->list[c->n - 1].package, package) &&
		    streq(c->list[c->n - 1].to, version) && strstr(where, "-security"))
			c->list[c->n - 1].security = true;
		return;
	}
	free(*last);
	*last = xstrdup(package);
	from = version_in(list, package);
	if (from && !streq(from, version) && is_newer(version, from))
		add_change(c, package, from, version, strstr(where, "-security") != NULL);
}

static int compare_with_archive(const char *dir, const char *root, char *const *list,
				struct stack_changes *ret, struct error *err)
{
	_cleanup_strv_ char **argv = NULL;
	_cleanup_buf_ struct buf out = BUF_INIT;
	_cleanup_free_ char *last = NULL;
	char *save = NULL;

	put_apt(&argv, "apt-cache", dir, root);
	strv_push(&argv, "madison");
	for (char *const *p = list; p && *p; p++)
		strv_push_take(&argv, xstrndup(*p, strcspn(*p, "=")));
	if (run(argv, &out, "apt could not read its lists", err) < 0)
		return -1;
	for (char *line = strtok_r(out.data, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		take_line(line, list, &last, ret);
	return 0;
}

int stack_find_changes(struct stack_updater *u, const char *digest, struct stack_changes *ret,
		       struct error *err)
{
	_cleanup_free_ char *root = NULL, *name = NULL, *dir = NULL;
	_cleanup_strv_ char **list = NULL;
	_cleanup_fd_ int lock_fd = -1;

	if (base_root(u, digest, &root, err) < 0 || name_of(root, &name, err) < 0 ||
	    read_list(u, digest, &list, err) < 0)
		return -1;
	dir = xasprintf("%s/stacks/updates/%s", u->state_dir, name);
	if (make_dirs(dir, err) < 0)
		return -1;
	lock_fd = lock_lists(dir, err);
	if (lock_fd < 0 || ask_archive(u, name, dir, root, err) < 0)
		return -1;
	return compare_with_archive(dir, root, list, ret, err);
}

/* ---- making it anew ---- */

/* Requests that gave the old one. A kill in between leaves some of them: their next build makes
 * what is new, or the next run does this again. */
static int point_specs(struct stack_updater *u, const char *from, const char *to, struct error *err)
{
	_cleanup_free_ char *dir = xasprintf("%s/stacks/specs", u->state_dir),
			    *old = xasprintf("../%s", from), *new = xasprintf("../%s", to);
	_cleanup_strv_ char **names = NULL;
	int r = fs_list(dir, &names);

	for (char **n = names; r == 0 && n && *n; n++) {
		_cleanup_free_ char *link = xasprintf("%s/%s", dir, *n),
				    *temp = xasprintf("%s.new", link);
		char target[128] = "";

		if (readlink(link, target, sizeof(target) - 1) < 0 || !streq(target, old))
			continue;
		unlink(temp);
		if (symlink(new, temp) < 0 || rename(temp, link) < 0)
			r = -errno;
	}
	return r < 0 ? error_set_errno(err, r, "pointing %s to the stack %.12s", dir, to) : 0;
}

static int ensure(struct stack_updater *u, const char *name, bool build, char *const *packages,
		  bool refresh, char ret[static DIGEST_HEX_SIZE], struct error *err)
{
	const struct stack_options o = { .state_dir = u->state_dir,
					 .data_dir = u->data_dir,
					 .name = name,
					 .build = build,
					 .packages = packages,
					 .refresh = refresh,
					 .output_fd = u->output_fd };
	struct stack made = { 0 };

	if (stack_ensure(&o, &made, err) < 0)
		return -1;
	snprintf(ret, DIGEST_HEX_SIZE, "%s", made.digest);
	stack_done(&made);
	return 0;
}

/* What the request gives: as it is when its packages are the newest, which may be since another
 * app's turn or the run before; else made anew. */
static int make(struct stack_updater *u, const char *name, bool build, char *const *packages,
		char ret[static DIGEST_HEX_SIZE], struct error *err)
{
	struct stack_changes changes = { 0 };
	int r = ensure(u, name, build, packages, false, ret, err);

	if (r == 0)
		r = stack_find_changes(u, ret, &changes, err);
	if (r == 0 && changes.n)
		r = ensure(u, name, build, packages, true, ret, err);
	stack_changes_done(&changes);
	return r;
}

/* What others stand on: the base, before what has compilers. */
static int make_base(struct stack_updater *u, const char *name, bool build,
		     char ret[static DIGEST_HEX_SIZE], struct error *err)
{
	char below[DIGEST_HEX_SIZE];

	if (build && make(u, name, false, NULL, below, err) < 0)
		return -1;
	return make(u, name, build, NULL, ret, err);
}

static bool has_all(char *const *all, char *const *names)
{
	for (; names && *names; names++)
		if (!strv_has(all, *names))
			return false;
	return true;
}

int stack_renew(struct stack_updater *u, const char *digest, char ret[static DIGEST_HEX_SIZE],
		struct error *err)
{
	_cleanup_free_ char *root = NULL, *name = NULL;
	_cleanup_strv_ char **names = NULL, **base = NULL;
	char made[DIGEST_HEX_SIZE];
	bool build;

	if (base_root(u, digest, &root, err) < 0 || name_of(root, &name, err) < 0 ||
	    read_names(u, digest, &names, err) < 0)
		return -1;
	build = strv_has(names, "build-essential");
	if (make_base(u, name, build, made, err) < 0 || read_names(u, made, &base, err) < 0)
		return -1;
	/* Who has nothing more than that has that. */
	if (!has_all(base, names) && make(u, name, build, names, made, err) < 0)
		return -1;
	if (!streq(made, digest) && point_specs(u, digest, made, err) < 0)
		return -1;
	snprintf(ret, DIGEST_HEX_SIZE, "%s", made);
	return 0;
}
