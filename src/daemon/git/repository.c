/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Git repositories and the keys that may push; see git/git.h. A repository is made
 * under another name and renamed, so that it is there whole or not at all.
 */
#include "daemon/git/git.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/str.h"
#include "model/ssh-key.h"
#include "daemon/core/remove.h"

#define QUARANTINE_LIFE_S 86400
#define LOCK_LIFE_S 60
#define FILE_MAX_BYTES 65536
#define CONFIG_FILE "twelve.config"

char *git_path(const struct platform *p, const char *app_name)
{
	return xasprintf("%s/git/%s.git", p->settings.state_dir, app_name);
}

/* What the shell must not read: single quotes around, and ' itself as '\''. */
static void quote(struct buf *to, const char *s)
{
	buf_putc(to, '\'');
	for (; *s; s++)
		if (*s == '\'')
			buf_puts(to, "'\\''");
		else
			buf_putc(to, *s);
	buf_putc(to, '\'');
}

/* Only if it does not stand there already: this is done for each app at each start. */
static int keep_file(const char *path, mode_t mode, const char *text, struct error *err)
{
	_cleanup_buf_ struct buf there = BUF_INIT;
	int r = fs_read_file(path, FILE_MAX_BYTES, &there);

	if (r == 0 && streq(there.data, text))
		return 0;
	r = fs_write_atomic(path, mode, text, strlen(text));
	return r < 0 ? error_set_errno(err, r, "writing %s", path) : 0;
}

static int write_hook(const struct platform *p, const char *repo, const struct app *app,
		      const char *hook, struct error *err)
{
	_cleanup_free_ char *path = xasprintf("%s/hooks/%s", repo, hook);
	_cleanup_free_ char *program = settings_program(&p->settings, "twelve");
	_cleanup_buf_ struct buf text = BUF_INIT;

	buf_puts(&text,
		 "#!/bin/sh\n# Written by twelved: builds and releases what is pushed.\nexec ");
	quote(&text, program);
	buf_printf(&text, " git-hook %s --socket ", hook);
	quote(&text, p->api_socket);
	buf_printf(&text, " --app %s\n", app->id);
	return keep_file(path, 0755, text.data, err);
}

/*
 * What is pushed is checked, but for three old sins that many a long history holds
 * and that harm nobody. A push is as large as an upload may be. Forced pushes are what everybody
 * does who amends, and CI pushes from shallow clones: neither is refused, and so neither is refused
 * after it went live. What proc-receive gets is all (docs/decisions/0005). A file of more than 16
 * MB goes through in pieces and is no base of others, and a pack stays one: as files of their own
 * its objects would take as much of the disk as they say they are.
 */
static int write_config(const struct platform *p, const char *repo, struct error *err)
{
	_cleanup_free_ char *path = xasprintf("%s/" CONFIG_FILE, repo);
	_cleanup_free_ char *text =
		xasprintf("# Written by twelved.\n"
			  "[transfer]\n\tfsckObjects = true\n\thideRefs = refs/twelve\n"
			  "[receive \"fsck\"]\n\tbadTimezone = ignore\n"
			  "\tmissingSpaceBeforeDate = ignore\n\tzeroPaddedFilemode = ignore\n"
			  "[receive]\n\tadvertisePushOptions = true\n\tmaxInputSize = %lld\n"
			  "\tdenyNonFastForwards = false\n\tshallowUpdate = "
			  "true\n\tprocReceiveRefs = refs\n\tunpackLimit = 1\n"
			  "[core]\n\tbigFileThreshold = 16m\n\tdeltaBaseCacheLimit = 32m\n"
			  "[pack]\n\twindowMemory = 64m\n\tthreads = 2\n",
			  (long long)p->settings.max_upload_bytes);

	return keep_file(path, 0644, text, err);
}

/* Behind what git init has written, so that ours counts. A `git config` for each would take longer
 * than all the rest. */
static int include_config(const char *repo, struct error *err)
{
	static const char line[] = "[include]\n\tpath = " CONFIG_FILE "\n";
	_cleanup_free_ char *path = xasprintf("%s/config", repo);
	_cleanup_buf_ struct buf text = BUF_INIT;
	int r = fs_read_file(path, FILE_MAX_BYTES, &text);

	if (r == 0 && strstr(text.data, line))
		return 0;
	if (r == 0) {
		buf_puts(&text, line);
		r = fs_write_atomic(path, 0644, text.data, text.len);
	}
	return r < 0 ? error_set_errno(err, r, "writing %s", path) : 0;
}

/*
 * What is built is what a checkout would hold: what a commit wants left out of archives is there,
 * and nothing is put through a filter of this machine's. info/attributes counts more than the files
 * of the tree (gitattributes(5)).
 */
static int write_attributes(const char *repo, struct error *err)
{
	_cleanup_free_ char *dir = xasprintf("%s/info", repo),
			    *path = xasprintf("%s/attributes", dir);
	int r = fs_mkdirs(dir, 0755);

	if (r < 0)
		return error_set_errno(err, r, "making %s", dir);
	return keep_file(path, 0644,
			 "# Written by twelved.\n* -export-ignore -export-subst -filter\n", err);
}

static int equip(const struct platform *p, const char *repo, const struct app *app,
		 struct error *err)
{
	_cleanup_free_ char *hooks = xasprintf("%s/hooks", repo);
	int r = fs_mkdirs(hooks, 0755);

	if (r < 0)
		return error_set_errno(err, r, "making %s", hooks);
	if (write_hook(p, repo, app, "pre-receive", err) < 0 ||
	    write_hook(p, repo, app, "proc-receive", err) < 0 || write_config(p, repo, err) < 0 ||
	    include_config(repo, err) < 0)
		return -1;
	return write_attributes(repo, err);
}

/*
 * Members of the group may push over a local path: files are shared with it, as git's
 * --shared=group has it. The folder of all repositories has been given to it at the start
 * (core/places.h), so that nobody has to be asked who it is.
 */
static int share(const struct platform *p, const char *repo, struct error *err)
{
	_cleanup_free_ char *all = xasprintf("%s/git", p->settings.state_dir);
	struct stat st;
	int r = stat(all, &st) < 0 ? -errno : fs_chown_tree(repo, geteuid(), st.st_gid);

	if (r < 0)
		return error_set_errno(err, r, "sharing %s with the group %s", repo,
				       p->settings.group);
	return 0;
}

/*
 * An empty repository (gitrepository-layout(5)), as "git init --bare --shared=group
 * --initial-branch=main --template=" makes it; a test compares the two. It is a few files, and a
 * process would be waited for.
 */
static int lay_out(const char *repo, struct error *err)
{
	static const char *const dirs[] = {
		"",	 "/objects",	"/objects/info", "/objects/pack",
		"/refs", "/refs/heads", "/refs/tags"
	};
	static const struct {
		const char *name, *text;
	} files[] = {
		{ "HEAD", "ref: refs/heads/main\n" },
		{ "config",
		  "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n"
		  "\tsharedrepository = 1\n[receive]\n\tdenyNonFastforwards = true\n" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		_cleanup_free_ char *dir = xasprintf("%s%s", repo, dirs[i]);

		/* What is made in it has its group; no umask may take that away. */
		if (mkdir(dir, 0775) < 0 || chmod(dir, 02775) < 0)
			return error_set_errno(err, errno, "making %s", dir);
	}
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", repo, files[i].name);
		int r = fs_write_atomic(path, 0664, files[i].text, strlen(files[i].text));

		if (r < 0)
			return error_set_errno(err, r, "writing %s", path);
	}
	return 0;
}

int git_create(const struct platform *p, const struct app *app, struct error *err)
{
	_cleanup_free_ char *repo = git_path(p, app->name);
	_cleanup_free_ char *temp = xasprintf("%s/git/.%s.new", p->settings.state_dir, app->name);

	if (fs_exists(repo))
		return equip(p, repo, app, err);
	fs_remove_tree(temp);
	if (lay_out(temp, err) < 0 || equip(p, temp, app, err) < 0 || share(p, temp, err) < 0)
		return error_prefix(err, "making the repository of %s", app->name);
	return rename(temp, repo) < 0 ? error_set_errno(err, errno, "making %s", repo) : 0;
}

int git_rename(const struct platform *p, const char *old_name, const struct app *app,
	       struct error *err)
{
	_cleanup_free_ char *from = git_path(p, old_name), *to = git_path(p, app->name);

	if (rename(from, to) == 0)
		return 0;
	/* Renamed already by a twelved that was killed then, or never made. */
	return errno == ENOENT ? git_create(p, app, err)
			       : error_set_errno(err, errno, "renaming %s", from);
}

/* Away at once, so that nobody pushes into half of it. What a kill leaves is swept at the start. */
int git_delete(const struct platform *p, const char *app_name, struct error *err)
{
	_cleanup_free_ char *repo = git_path(p, app_name);
	char id[UUID_SIZE];
	_cleanup_free_ char *old =
		xasprintf("%s/git/.%s-%s.old", p->settings.state_dir, app_name, uuid_make(id));

	if (rename(repo, old) < 0)
		return errno == ENOENT ? 0 : error_set_errno(err, errno, "removing %s", repo);
	remove_tree_later(p, old);
	return 0;
}

/* Objects of a push are kept apart until its hook has said yes; git removes them but when it is
 * killed. */
int git_sweep(const struct platform *p, const char *app_name, struct error *err)
{
	_cleanup_free_ char *repo = git_path(p, app_name), *dir = xasprintf("%s/objects", repo);
	_cleanup_strv_ char **names = NULL;
	int r = fs_list(dir, &names);
	struct stat st;

	for (char **n = names; r == 0 && n && *n; n++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", dir, *n);

		if (str_starts(*n, "tmp_objdir-") && stat(path, &st) == 0 &&
		    st.st_mtime < time(NULL) - QUARANTINE_LIFE_S)
			remove_tree_later(p, path);
	}
	return r < 0 ? error_set_errno(err, r, "sweeping %s", dir) : 0;
}

void git_sweep_locks(const char *repo, const char *branch)
{
	_cleanup_free_ char *own = xasprintf("%s/refs/heads/%s.lock", repo, branch),
			    *master = xasprintf("%s/refs/heads/master.lock", repo),
			    *packed = xasprintf("%s/packed-refs.lock", repo);
	const char *const paths[] = { own, master, packed };
	struct stat st;

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		if (stat(paths[i], &st) == 0 && st.st_mtime < time(NULL) - LOCK_LIFE_S &&
		    unlink(paths[i]) == 0)
			log_info("removed %s, which a git has left that was killed", paths[i]);
}

/* ---- keys ---- */

int git_check_key(const char *public_key, char **ret_fingerprint, char **ret_comment,
		  struct error *err)
{
	char fingerprint[SSH_FINGERPRINT_SIZE];
	const char *comment;

	if (strpbrk(public_key, "\r\n"))
		return error_set(err, ERROR_INVALID,
				 "A key is one line: give the contents of a .pub file");
	if (!ssh_key_parse(public_key, fingerprint, &comment))
		return error_set(err, ERROR_INVALID,
				 "This is not an SSH public key: give the contents of a .pub file");
	*ret_fingerprint = xstrdup(fingerprint);
	/* As ssh-keygen shows it. */
	*ret_comment = xstrdup(*comment ? comment : "no comment");
	return 0;
}

/* A command for the shell, inside the double quotes of authorized_keys (sshd(8)). */
static void put_forced_command(const struct platform *p, const char *fingerprint, struct buf *out)
{
	_cleanup_free_ char *program = settings_program(&p->settings, "twelve");
	_cleanup_buf_ struct buf command = BUF_INIT;

	quote(&command, program);
	buf_puts(&command, " git-shell --socket ");
	quote(&command, p->api_socket);
	buf_printf(&command, " %s", fingerprint);
	buf_puts(out, "restrict,command=\"");
	for (const char *c = command.data; *c; c++) {
		if (*c == '"')
			buf_putc(out, '\\');
		buf_putc(out, *c);
	}
	buf_putc(out, '"');
}

int git_write_authorized_keys(const struct platform *p, struct error *err)
{
	_cleanup_free_ char *path = xasprintf("%s/ssh/authorized_keys", p->settings.state_dir);
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct ssh_key *keys = NULL;
	size_t n = 0;
	int r;

	if (store_key_list(p->store, NULL, &keys, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		put_forced_command(p, keys[i].fingerprint, &text);
		buf_printf(&text, " %s\n", keys[i].public_key);
		ssh_key_done(&keys[i]);
	}
	free(keys);
	r = fs_write_atomic(path, 0644, text.data, text.len);
	return r < 0 ? error_set_errno(err, r, "writing %s", path) : 0;
}
