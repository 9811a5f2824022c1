/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apt: the machine's own, which resolves, fetches and checks, and calls the dpkg of the root that
 * it installs into. The lists of what the archive has are fetched once a day for all, or when
 * something is not found by those that there are; apt parses them once, and all later runs have
 * what it made of them.
 *
 *     STATE/stacks/lists/NAME/lock       held by who reads the lists; alone, by who fetches them
 *     STATE/stacks/lists/NAME/lists/     the archive's, and cache/ what apt makes of them
 *     STATE/stacks/lists/NAME/fetched    its date is theirs
 *     DIR/apt.conf, DIR/sources.list     of one run
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fs.h"
#include "base/str.h"
#include "stack/stack-priv.h"

#define LISTS_MAX_AGE_S (24 * 60 * 60)

struct apt {
	const struct stack_options *o;
	const char *dir, *root;
	char *conf, *sources, *lists, *fetched, *proc;
	int lock_fd;
	bool fresh; /* the lists were fetched by us */
};

static void apt_done(struct apt *a)
{
	unlink(a->conf);
	unlink(a->sources);
	free(a->conf);
	free(a->sources);
	free(a->lists);
	free(a->fetched);
	free(a->proc);
	fd_close(a->lock_fd);
}

/* ---- what apt reads ---- */

/* Its configuration has no escapes: a path with a quotation mark or a line's end can't be said. */
static int write_conf(const struct apt *a)
{
	_cleanup_free_ char *text =
		xasprintf("Dir \"%s/\";\n"
			  "Dir::Etc::SourceList \"%s\";\n"
			  "Dir::Etc::SourceParts \"/dev/null\";\n"
			  "Dir::State::Lists \"%s/lists/\";\n"
			  "Dir::Cache \"%s/cache/\";\n"
			  "Dir::Cache::Archives \"%s/var/cache/apt/archives/\";\n"
			  /* It holds what is installed in one root. */
			  "Dir::Cache::pkgcache \"\";\n"
			  "DPkg::Chroot-Directory \"%s\";\n"
			  "Dpkg::Use-Pty \"false\";\n"
			  "Dpkg::Options { \"--force-unsafe-io\"; \"--force-confold\"; };\n"
			  "APT::Get::Assume-Yes \"true\";\n"
			  "APT::Install-Recommends \"false\";\n"
			  "APT::Update::Error-Mode \"any\";\n"
			  "Acquire::Retries \"3\";\n"
			  "Acquire::Languages \"none\";\n"
			  "quiet \"1\";\n",
			  a->root, a->sources, a->lists, a->lists, a->root, a->root);

	if (strpbrk(a->root, "\"\n") || strpbrk(a->lists, "\"\n"))
		return -EINVAL;
	return fs_write_atomic(a->conf, 0600, text, strlen(text));
}

static int write_sources(const struct apt *a)
{
	const struct timespec old[2] = { { .tv_sec = STACK_EPOCH_S }, { .tv_sec = STACK_EPOCH_S } };
	_cleanup_strv_ char **lines = NULL;
	_cleanup_buf_ struct buf text = BUF_INIT;
	int r;

	stack_sources(a->o, &lines);
	for (char **l = lines; l && *l; l++)
		buf_printf(&text, "%s\n", *l);
	r = fs_write_atomic(a->sources, 0600, text.data, text.len);
	/* With sources that are newer than its cache apt makes that anew. Whether it is of other
	 * archives apt sees by the lists that it was made of. */
	if (r == 0 && utimensat(AT_FDCWD, a->sources, old, 0) < 0)
		r = -errno;
	return r;
}

static void set_environment(const struct apt *a)
{
	setenv("APT_CONFIG", a->conf, 1);
	setenv("DEBIAN_FRONTEND", "noninteractive", 1);
	setenv("DEBCONF_NONINTERACTIVE_SEEN", "true", 1);
	setenv("LC_ALL", "C.UTF-8", 1);
	setenv("SOURCE_DATE_EPOCH", STACK_EPOCH, 1);
	unsetenv("TMPDIR");
}

static int apt_init(struct apt *a, struct error *err)
{
	_cleanup_free_ char *lock = NULL, *partial = NULL, *cache = NULL;
	int r;

	a->conf = xasprintf("%s/apt.conf", a->dir);
	a->sources = xasprintf("%s/sources.list", a->dir);
	a->lists = xasprintf("%s/stacks/lists/%s", a->o->state_dir, a->o->name);
	a->fetched = xasprintf("%s/fetched", a->lists);
	a->proc = xasprintf("%s/proc", a->root);
	lock = xasprintf("%s/lock", a->lists);
	partial = xasprintf("%s/lists/partial", a->lists);
	cache = xasprintf("%s/cache", a->lists);
	r = fs_mkdirs(partial, 0755);
	if (r == 0)
		r = fs_mkdirs(cache, 0755);
	if (r == 0)
		r = write_conf(a);
	if (r == 0)
		r = write_sources(a);
	if (r < 0)
		return error_set_errno(err, r, "writing what apt reads (%s)", a->conf);
	a->lock_fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	return a->lock_fd < 0 ? error_set_errno(err, errno, "opening %s", lock) : 0;
}

/* ---- lists ---- */

static bool lists_are_old(const struct apt *a)
{
	struct stat st;

	return stat(a->fetched, &st) < 0 || time(NULL) - st.st_mtime > LISTS_MAX_AGE_S;
}

static int lock_lists(const struct apt *a, int how, struct error *err)
{
	while (flock(a->lock_fd, how) < 0)
		if (errno != EINTR)
			return error_set_errno(err, errno, "locking %s/lock", a->lists);
	return 0;
}

/* Alone with the lists. 0, 1 when the archive gave none, -1. */
static int fetch(struct apt *a, struct buf *log, struct error *err)
{
	static const char *const argv[] = { "apt-get", "update", NULL };
	int r = stack_run(a->proc, argv, log, err);

	if (r != 0)
		return r;
	a->fresh = true;
	/* Their date says that they are whole. */
	r = fs_sync_tree(a->lists);
	if (r == 0)
		r = fs_write_atomic(a->fetched, 0644, "", 0);
	return r < 0 ? error_set_errno(err, r, "writing %s", a->fetched) : 0;
}

/* Old lists are better than none, where the archive does not answer and what they name is here. */
static int prepare_lists(struct apt *a, struct error *err)
{
	_cleanup_buf_ struct buf log = BUF_INIT;
	int r = 0;

	if (lists_are_old(a)) {
		if (lock_lists(a, LOCK_EX, err) < 0)
			return -1;
		/* Another may have fetched them while we waited. */
		if (lists_are_old(a))
			r = fetch(a, &log, err);
	}
	if (r < 0 || lock_lists(a, LOCK_SH, err) < 0)
		return -1;
	if (r == 0)
		return 0;
	if (!fs_exists(a->fetched))
		return stack_failed(a->o, log.data, err);
	stack_say(
		a->o,
		"       Debian's archive does not answer: going by what it had at the last time\n");
	return 0;
}

/* ---- packages ---- */

/* Gives all .deb files of one directory to another, by hard links. */
static int link_debs(const char *from, const char *to)
{
	_cleanup_strv_ char **names = NULL;
	int r = fs_list(from, &names);

	for (char **n = names; r == 0 && n && *n; n++) {
		_cleanup_free_ char *a = xasprintf("%s/%s", from, *n),
				    *b = xasprintf("%s/%s", to, *n);

		if (str_ends(*n, ".deb") && link(a, b) < 0 && errno != EEXIST)
			r = -errno;
	}
	return r;
}

static int install_once(const struct apt *a, char *const *packages, struct buf *log,
			struct error *err)
{
	_cleanup_strv_ char **argv = NULL;

	strv_push(&argv, "apt-get");
	strv_push(&argv, "install");
	strv_push(&argv, "--");
	for (; packages && *packages; packages++)
		strv_push(&argv, *packages);
	return stack_run(a->proc, (const char *const *)argv, log, err);
}

static bool has_any(const char *log, const char *const *words)
{
	for (; *words; words++)
		if (strstr(log, *words))
			return true;
	return false;
}

/* apt says so of lists that a disk has damaged; those it would take for good as long as the archive
 * has no others. */
static const char *const damaged[] = { "cache file is corrupted", "MergeList",
				       "could not be parsed or opened", NULL };

/* True when newer lists may help: a package that is new, or whose version is not kept any longer.
 */
static bool lists_may_be_why(const char *log)
{
	static const char *const missing[] = {
		"Unable to locate package ", "no installation candidate", "E: Version '",
		"unmet dependencies:",	     "Failed to fetch ",	  NULL
	};

	return has_any(log, missing) || has_any(log, damaged);
}

static int forget_lists(const struct apt *a, struct error *err)
{
	static const char *const dirs[] = { "lists", "cache", "lists/partial", "cache" };
	int r = unlink(a->fetched) < 0 && errno != ENOENT ? -errno : 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(dirs); i++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", a->lists, dirs[i]);

		r = i < 2 ? fs_remove_tree(path) : fs_mkdirs(path, 0755);
	}
	return r < 0 ? error_set_errno(err, r, "removing damaged lists in %s", a->lists) : 0;
}

static int install(struct apt *a, char *const *packages, struct error *err)
{
	_cleanup_buf_ struct buf log = BUF_INIT, second = BUF_INIT;
	int r = install_once(a, packages, &log, err);

	if (r <= 0)
		return r;
	if (a->fresh || !lists_may_be_why(log.data))
		return stack_failed(a->o, log.data, err);
	if (lock_lists(a, LOCK_EX, err) < 0 ||
	    (has_any(log.data, damaged) && forget_lists(a, err) < 0))
		return -1;
	r = fetch(a, &second, err);
	if (r < 0 || lock_lists(a, LOCK_SH, err) < 0)
		return -1;
	/* What was said first is what is missing. */
	if (r > 0)
		return stack_failed(a->o, log.data, err);
	buf_clear(&second);
	r = install_once(a, packages, &second, err);
	return r > 0 ? stack_failed(a->o, second.data, err) : r;
}

void stack_apt_take_lists(const struct stack_options *o, const char *rootfs)
{
	_cleanup_free_ char *from = xasprintf("%s/var/lib/apt/lists", rootfs),
			    *dir = xasprintf("%s/stacks/lists/%s", o->state_dir, o->name);
	_cleanup_free_ char *lock = xasprintf("%s/lock", dir), *to = xasprintf("%s/lists", dir),
			    *fetched = xasprintf("%s/fetched", dir);
	_cleanup_fd_ int lock_fd =
		fs_mkdirs(dir, 0755) < 0 ? -1 : open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	/* Whoever reads them at this time has some. */
	if (lock_fd < 0 || flock(lock_fd, LOCK_EX | LOCK_NB) < 0)
		return;
	if (fs_remove_tree(to) == 0 && rename(from, to) == 0 &&
	    fs_write_atomic(fetched, 0644, "", 0) < 0)
		unlink(fetched);
}

int stack_apt_install(const struct stack_options *o, const char *dir, const char *root,
		      char *const *packages, struct error *err)
{
	_cleanup_free_ char *cache = xasprintf("%s/stacks/cache", o->state_dir),
			    *debs = xasprintf("%s/debs", dir);
	__attribute__((cleanup(
		apt_done))) struct apt a = { .o = o, .dir = dir, .root = root, .lock_fd = -1 };
	int r;

	if (apt_init(&a, err) < 0)
		return -1;
	set_environment(&a);
	if (prepare_lists(&a, err) < 0)
		return -1;
	r = link_debs(cache, debs);
	if (r < 0)
		return error_set_errno(err, r, "linking packages into %s", debs);
	if (install(&a, packages, err) < 0)
		return -1;
	r = link_debs(debs, cache);
	return r < 0 ? error_set_errno(err, r, "keeping packages in %s", cache) : 0;
}
