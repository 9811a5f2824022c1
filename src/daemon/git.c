/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Git repositories and the keys that may push; see git.h. A repository is made
 * under another name and renamed, so that it is there whole or not at all.
 */
#include "daemon/git.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/proc.h"
#include "base/str.h"

char *git_path(struct daemon *d, const char *app_name)
{
	return xasprintf("%s/git/%s.git", d->settings.state_dir, app_name);
}

static int set_config(const char *repo, const char *key, const char *value, struct error *err)
{
	const char *const argv[] = { "git", "-C", repo, "config", key, value, NULL };

	return proc_run_simple(argv, err);
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

static int write_hook(struct daemon *d, const char *repo, const struct app *app, struct error *err)
{
	_cleanup_free_ char *path = xasprintf("%s/hooks/pre-receive", repo);
	_cleanup_free_ char *program = settings_program(&d->settings, "twelve");
	_cleanup_buf_ struct buf text = BUF_INIT;
	int r;

	buf_puts(&text, "#!/bin/sh\n# Written by twelved: builds and releases what is pushed.\nexec ");
	quote(&text, program);
	buf_puts(&text, " git-hook pre-receive --socket ");
	quote(&text, d->api_socket);
	buf_printf(&text, " --app %s\n", app->id);
	r = fs_write_atomic(path, 0755, text.data, text.len);
	return r < 0 ? error_set_errno(err, r, "writing %s", path) : 0;
}

/* Members of the group may push over a local path: files are shared with it, as git's --shared=group has it. */
static int share(struct daemon *d, const char *repo, struct error *err)
{
	const struct group *gr = getgrnam(d->settings.group);

	if (!gr)
		return 0;
	if (fs_chown_tree(repo, 0, gr->gr_gid) < 0)
		return error_set_errno(err, errno, "sharing %s with the group %s", repo, d->settings.group);
	return 0;
}

int git_create(struct daemon *d, const struct app *app, struct error *err)
{
	_cleanup_free_ char *repo = git_path(d, app->name);
	_cleanup_free_ char *temp = xasprintf("%s/git/.%s.new", d->settings.state_dir, app->name);
	const char *const init[] = { "git", "init", "-q", "--bare", "--shared=group", "--initial-branch=main", "--template=", temp, NULL };
	_cleanup_free_ char *hooks = xasprintf("%s/hooks", temp);

	if (fs_exists(repo))
		return write_hook(d, repo, app, err);
	fs_remove_tree(temp);
	if (proc_run_simple(init, err) < 0 || set_config(temp, "transfer.fsckObjects", "true", err) < 0 ||
	    set_config(temp, "receive.advertisePushOptions", "true", err) < 0)
		return error_prefix(err, "making the repository of %s", app->name);
	if (fs_mkdirs(hooks, 0755) < 0 || write_hook(d, temp, app, err) < 0 || share(d, temp, err) < 0)
		return -1;
	return rename(temp, repo) < 0 ? error_set_errno(err, errno, "making %s", repo) : 0;
}

int git_rename(struct daemon *d, const char *old_name, const struct app *app, struct error *err)
{
	_cleanup_free_ char *from = git_path(d, old_name), *to = git_path(d, app->name);

	return rename(from, to) < 0 ? error_set_errno(err, errno, "renaming %s", from) : 0;
}

int git_delete(struct daemon *d, const char *app_name, struct error *err)
{
	_cleanup_free_ char *repo = git_path(d, app_name);
	int r = fs_remove_tree(repo);

	return r < 0 ? error_set_errno(err, r, "removing %s", repo) : 0;
}

/* ---- keys ---- */

int git_check_key(const char *public_key, char **ret_fingerprint, char **ret_comment, struct error *err)
{
	char path[] = "/tmp/twelve-key-XXXXXX";
	const char *const argv[] = { "ssh-keygen", "-l", "-f", path, NULL };
	struct proc_options o = { .argv = argv, .timeout_ms = 10000 };
	_cleanup_buf_ struct buf out = BUF_INIT;
	char fingerprint[256], *comment, *end;
	int fd, status, r;

	if (strpbrk(public_key, "\r\n"))
		return error_set(err, ERROR_INVALID, "A key is one line: give the contents of a .pub file");
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		return error_set_errno(err, errno, "making %s", path);
	r = dprintf(fd, "%s\n", public_key) < 0 ? error_set_errno(err, errno, "writing %s", path) : 0;
	close(fd);
	if (r == 0)
		r = proc_run(&o, &out, &status, err);
	unlink(path);
	if (r < 0)
		return -1;
	/* "256 SHA256:... comment (ED25519)" */
	if (status != 0 || sscanf(out.data, "%*d %255s", fingerprint) != 1 || !(comment = strstr(out.data, fingerprint)))
		return error_set(err, ERROR_INVALID, "This is not an SSH public key: give the contents of a .pub file");
	comment = str_trim(comment + strlen(fingerprint));
	end = strrchr(comment, '(');
	if (end)
		*end = '\0';
	*ret_fingerprint = xstrdup(fingerprint);
	*ret_comment = xstrdup(str_trim(comment));
	return 0;
}

int git_write_authorized_keys(struct daemon *d, struct error *err)
{
	_cleanup_free_ char *path = xasprintf("%s/ssh/authorized_keys", d->settings.state_dir);
	_cleanup_free_ char *program = settings_program(&d->settings, "twelve");
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct ssh_key *keys = NULL;
	size_t n = 0;
	int r;

	if (store_key_list(d->store, &keys, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		buf_printf(&text, "restrict,command=\"%s git-shell --socket %s %s\" %s\n", program, d->api_socket,
			   keys[i].fingerprint, keys[i].public_key);
		ssh_key_done(&keys[i]);
	}
	free(keys);
	r = fs_write_atomic(path, 0644, text.data, text.len);
	return r < 0 ? error_set_errno(err, r, "writing %s", path) : 0;
}
