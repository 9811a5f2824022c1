/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stacks: requests, and the store of finished ones; see stack.h. How one is made stands in
 * stack-make.c, how one is opened in stack-open.c.
 */
#include "stack/stack.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/fs.h"
#include "base/str.h"
#include "stack/stack-priv.h"

bool stack_package_is_valid(const char *name)
{
	size_t n = strcspn(name, ":=");

	/* "name-" is legal for Debian, and means to apt that it shall be removed. */
	if (n < 2 || !isalnum((unsigned char)name[0]) || name[n - 1] == '-')
		return false;
	for (size_t i = 0; i < n; i++)
		if (!islower((unsigned char)name[i]) && !isdigit((unsigned char)name[i]) &&
		    !strchr("+-.", name[i]))
			return false;
	for (const char *p = name + n; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("+-.:~=", *p))
			return false;
	return strlen(name) < 200;
}

/*
 * Calls fn for each word and its line until it returns something else than 0. strtok
 * would skip empty lines, and their numbers with them.
 */
static int each_word(char *text, int (*fn)(const char *word, int line, void *userdata),
		     void *userdata)
{
	int n = 0, r = 0;

	for (char *line = text, *next; r == 0 && line; line = next) {
		char *save = NULL;

		n++;
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		line[strcspn(line, "#")] = '\0';
		for (char *w = strtok_r(line, " \t\r", &save); r == 0 && w;
		     w = strtok_r(NULL, " \t\r", &save))
			r = fn(w, n, userdata);
	}
	return r;
}

struct parse {
	const char *label;
	char ***packages;
	struct error *err;
};

static int take_package(const char *word, int line, void *userdata)
{
	struct parse *p = userdata;

	if (!stack_package_is_valid(word))
		return error_set(p->err, ERROR_INVALID,
				 "%s:%d: \"%.80s\" is not the name of a Debian package", p->label,
				 line, word);
	strv_push(p->packages, word);
	return 0;
}

const char *const stack_names[] = { STACK_DEFAULT, "debian-12", "heroku-18", "heroku-20",
				    "heroku-22",   "heroku-24", "heroku-26", NULL };

/*
 * glibc: Debian 12 has 2.36, 13 has 2.41; heroku-22 (Ubuntu 22.04) has 2.35, heroku-24 2.39,
 * heroku-26 2.43. Where none is new enough, the newest one stands for it.
 */
static const struct stands_for {
	const char *name, *stack;
} stands_for[] = {
	{ "debian-13", "debian-13" }, { "debian-12", "debian-12" }, { "heroku-18", "debian-12" },
	{ "heroku-20", "debian-12" }, { "heroku-22", "debian-12" }, { "heroku-24", "debian-13" },
	{ "heroku-26", "debian-13" },
};

const char *stack_by_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(stands_for); i++)
		if (streq(stands_for[i].name, name))
			return stands_for[i].stack;
	return NULL;
}

const char *stack_for_buildpacks(const char *name)
{
	if (streq(name, "debian-13"))
		return "heroku-24";
	return streq(name, "debian-12") ? "heroku-22" : name;
}

int stack_parse_packages(const char *text, const char *label, char ***packages, struct error *err)
{
	_cleanup_free_ char *copy = xstrdup(text);
	struct parse p = { label, packages, err };

	return each_word(copy, take_package, &p);
}

static int is_package(const char *word, int line, void *userdata)
{
	const char *name = userdata;

	/* apt's messages leave out the version and the architecture that were asked for. */
	return str_starts(word, name) && strchr(":=", word[strlen(name)]) ? line : 0;
}

int stack_find_package(const char *text, const char *name)
{
	_cleanup_free_ char *copy = xstrdup(text), *wanted = xstrdup(name);

	return each_word(copy, is_package, wanted);
}

int stack_read_packages(const char *path, const char *label, char ***packages, struct error *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	int r = fs_read_file(path, STACK_LIST_MAX_BYTES, &text);

	if (r < 0)
		return error_set_errno(err, r, "reading %s", label);
	return stack_parse_packages(text.data, label, packages, err);
}

void stack_spec_digest(const struct stack_options *o, char *const *base,
		       char hex[static DIGEST_HEX_SIZE])
{
	_cleanup_strv_ char **all = NULL;
	struct digest *d = digest_new();

	for (; base && *base; base++)
		strv_push(&all, *base);
	for (char *const *p = o->packages; p && *p; p++)
		strv_push(&all, *p);
	strv_sort_unique(all);
	digest_update_str(d, STACK_FORMAT);
	digest_update_str(d, o->name);
	for (char **p = all; p && *p; p++)
		digest_update_str(d, *p);
	digest_finish(d, hex);
	digest_free(d);
}

/* The digest that a spec was resolved to; false when it has not been, or that stack was collected.
 */
static bool resolved(const char *state_dir, const char *spec, char digest[static DIGEST_HEX_SIZE])
{
	_cleanup_free_ char *link = xasprintf("%s/stacks/specs/%s", state_dir, spec);
	char target[128] = { 0 };

	if (readlink(link, target, sizeof(target) - 1) < 0 || !str_starts(target, "../"))
		return false;
	snprintf(digest, DIGEST_HEX_SIZE, "%.64s", target + 3);
	return stack_is_whole(state_dir, digest);
}

static int remember(const char *state_dir, const char *spec, const char *digest)
{
	_cleanup_free_ char *link = xasprintf("%s/stacks/specs/%s", state_dir, spec);
	_cleanup_free_ char *temp = xasprintf("%s.new", link);
	_cleanup_free_ char *target = xasprintf("../%s", digest);

	unlink(temp);
	if (symlink(target, temp) < 0 || rename(temp, link) < 0)
		return -errno;
	return 0;
}

/* Held while the stack of this spec is made: others that want it wait here. -1 and EWOULDBLOCK with
 * LOCK_NB. */
static int lock_spec(const char *state_dir, const char *spec, int how)
{
	_cleanup_free_ char *path = xasprintf("%s/stacks/specs/%s.lock", state_dir, spec);
	_cleanup_fd_ int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	while (flock(fd, how) < 0)
		if (errno != EINTR)
			return -errno;
	return fd_steal(&fd);
}

static int wait_for_spec(const struct stack_options *o, const char *spec, struct error *err)
{
	static const char waiting[] =
		"-----> Waiting for another build that makes the same stack\n";
	int fd = lock_spec(o->state_dir, spec, LOCK_EX | LOCK_NB);

	if (fd == -EWOULDBLOCK) {
		/* Nobody may be listening any more; the stack is of use all the same. */
		if (o->output_fd >= 0 && fd_write_all(o->output_fd, waiting, strlen(waiting)) < 0)
			errno = 0;
		fd = lock_spec(o->state_dir, spec, LOCK_EX);
	}
	return fd < 0 ? error_set_errno(err, fd, "locking stacks/specs/%s.lock", spec) : fd;
}

static int make_folders(const char *state_dir, struct error *err)
{
	static const char *const folders[] = { "specs", "tmp", "cache", "lists" };

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		_cleanup_free_ char *path = xasprintf("%s/stacks/%s", state_dir, folders[i]);
		int r = fs_mkdirs(path, 0755);

		if (r < 0)
			return error_set_errno(err, r, "making %s", path);
	}
	return 0;
}

static int base_packages(const struct stack_options *o, char ***ret, struct error *err)
{
	static const char *const lists[] = { "run", "build" };

	if (!stack_suite(o->name))
		return error_set(
			err, ERROR_INVALID,
			"There is no stack \"%.80s\": this platform has debian-13 and debian-12",
			o->name);
	for (size_t i = 0; i < (o->build ? 2 : 1); i++) {
		_cleanup_free_ char *label = xasprintf("stacks/%s/%s.packages", o->name, lists[i]);
		_cleanup_free_ char *path = xasprintf("%s/%s", o->data_dir, label);

		if (stack_read_packages(path, label, ret, err) < 0)
			return -1;
	}
	return 0;
}

void stack_plan_done(struct stack_plan *p)
{
	strv_free(p->packages);
	strv_free(p->added);
	stack_done(&p->below);
}

void stack_added(char *const *all, char *const *in, char ***ret)
{
	for (; all && *all; all++)
		if (!strv_has(in, *all) && !strv_has(*ret, *all))
			strv_push(ret, *all);
}

/*
 * What the stack stands on, while its own lock is held: the base's and the build variant's are
 * taken after those of what stands on them, by all. A build variant alone stands on the base, a
 * package set on either.
 */
static int ensure_below(const struct stack_options *o, char *const *base, struct stack_plan *p,
			struct error *err)
{
	_cleanup_strv_ char **list = NULL;
	struct stack_options below = *o;

	stack_added(p->packages, base, &p->added);
	if (!o->build && !p->added)
		return 0;
	below.build = o->build && p->added;
	below.packages = NULL;
	below.refresh = false;
	if (base_packages(&below, &list, err) < 0)
		return -1;
	strv_free(steal_ptr(p->added));
	stack_added(p->packages, list, &p->added);
	return stack_ensure(&below, &p->below, err);
}

static int make(const struct stack_options *o, char *const *base, struct stack_plan *p,
		char digest[static DIGEST_HEX_SIZE], struct error *err)
{
	int r;

	stack_added(base, NULL, &p->packages);
	stack_added(o->packages, base, &p->packages);
	if (ensure_below(o, base, p, err) < 0 || stack_make(o, p, digest, err) < 0)
		return -1;
	r = remember(o->state_dir, p->spec, digest);
	return r < 0 ? error_set_errno(err, r, "remembering the stack %.12s", digest) : 0;
}

int stack_ensure(const struct stack_options *o, struct stack *ret, struct error *err)
{
	__attribute__((cleanup(stack_plan_done))) struct stack_plan p = { 0 };
	char digest[DIGEST_HEX_SIZE];
	_cleanup_strv_ char **base = NULL;
	_cleanup_fd_ int lock_fd = -1;

	if (base_packages(o, &base, err) < 0)
		return -1;
	stack_spec_digest(o, base, p.spec);
	if (!o->refresh && resolved(o->state_dir, p.spec, digest))
		return stack_open(o->state_dir, digest, ret, err);
	if (make_folders(o->state_dir, err) < 0)
		return -1;
	lock_fd = wait_for_spec(o, p.spec, err);
	if (lock_fd < 0)
		return -1;
	/* Another build may have made it while we waited. */
	if (!o->refresh && resolved(o->state_dir, p.spec, digest))
		return stack_open(o->state_dir, digest, ret, err);
	if (make(o, base, &p, digest, err) < 0)
		return -1;
	return stack_open(o->state_dir, digest, ret, err);
}

static void remove_dangling_specs(const char *dir)
{
	_cleanup_strv_ char **names = NULL;

	if (fs_list(dir, &names) < 0)
		return;
	for (char **n = names; n && *n; n++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", dir, *n);

		if (access(path, F_OK) < 0)
			unlink(path);
	}
}

static int collect_half_made(const char *state_dir)
{
	_cleanup_free_ char *dir = xasprintf("%s/stacks/tmp", state_dir);
	_cleanup_strv_ char **names = NULL;
	int r = fs_list(dir, &names);

	for (char **n = names; r == 0 && n && *n; n++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", dir, *n);
		_cleanup_fd_ int lock_fd = -1;

		/* Named after its spec, whose lock its maker holds as long as it lives. */
		lock_fd = lock_spec(state_dir, *n, LOCK_EX | LOCK_NB);
		if (lock_fd >= 0)
			r = fs_remove_tree(path);
	}
	return r == -ENOENT ? 0 : r;
}

/* All that the used ones stand on, and they. */
static void with_below(const char *state_dir, char *const *used, char ***ret)
{
	char below[DIGEST_HEX_SIZE];

	for (; used && *used; used++)
		strv_push(ret, *used);
	for (size_t i = 0; i < strv_len(*ret); i++)
		if (stack_read_below(state_dir, (*ret)[i], below) > 0 && !strv_has(*ret, below))
			strv_push(ret, below);
}

/* In two steps, so that a kill in the middle leaves no stack that is half there. */
static int remove_stack(const char *state_dir, const char *digest)
{
	_cleanup_free_ char *path = xasprintf("%s/stacks/%s", state_dir, digest);
	_cleanup_free_ char *trash = xasprintf("%s/stacks/tmp", state_dir),
			    *to = xasprintf("%s/%s", trash, digest);
	int r = fs_mkdirs(trash, 0755);

	if (r == 0)
		r = fs_remove_tree(to);
	if (r == 0 && rename(path, to) < 0)
		r = -errno;
	return r < 0 ? r : fs_remove_tree(to);
}

int stack_collect(const char *state_dir, char *const *used, size_t *ret_removed, struct error *err)
{
	_cleanup_free_ char *dir = xasprintf("%s/stacks", state_dir);
	_cleanup_free_ char *specs = xasprintf("%s/specs", dir);
	_cleanup_strv_ char **names = NULL, **kept = NULL;
	size_t removed = 0;
	int r = collect_half_made(state_dir);

	with_below(state_dir, used, &kept);
	if (r == 0)
		r = fs_list(dir, &names);
	for (char **n = names; r == 0 && n && *n; n++) {
		if (strlen(*n) != DIGEST_HEX_SIZE - 1 || strv_has(kept, *n))
			continue;
		r = remove_stack(state_dir, *n);
		removed += r == 0;
	}
	if (r < 0)
		return error_set_errno(err, r, "collecting stacks in %s", dir);
	remove_dangling_specs(specs);
	*ret_removed = removed;
	return 0;
}
