/* SPDX-License-Identifier: Apache-2.0 */
/* git in a sandbox; see git-fetch.h. */
#include "build/git-fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fs.h"
#include "base/str.h"
#include "build/build-priv.h"
#include "build/fetch.h"
#include "build/git-url.h"
#include "build/pack.h"

#define FETCH_PIDS 256
#define KNOWN_HOSTS_MAX_BYTES 65536
#define WORDS_MAX 300

/*
 * A commit is asked for by its id, which some servers don't answer: then all branches and tags have
 * to do. The files come into being beside git's own, so nothing of those is in them.
 */
static const char script[] =
	"set -e\n"
	"ref=$1 commit=$2\n"
	"git init -q --bare /app/git\n"
	"mkdir /app/tree\n"
	"export GIT_DIR=/app/git\n"
	"if [ -z \"$commit\" ]; then\n"
	"  git fetch -q --no-tags --depth 1 origin \"${ref:-HEAD}\"\n"
	"elif ! git fetch -q --no-tags --depth 1 origin \"$ref\" 2>/tmp/said; then\n"
	"  git fetch -q origin '+refs/heads/*:refs/heads/*' '+refs/tags/*:refs/tags/*'\n"
	"fi\n"
	"git --work-tree=/app/tree checkout -q -f --detach \"${commit:-FETCH_HEAD}\" --\n";

/* One fetch, and where its things are. */
struct errand {
	struct build *b;
	const struct git_fetch *f;
	struct git_url url;
	char *at;			/* the URL that git gets */
	char address[INET6_ADDRSTRLEN]; /* that it is held to; "": it looks itself */
	char *dir, *app, *env, *known_hosts;
};

static void errand_done(struct errand *e)
{
	umount2(e->env, MNT_DETACH);
	fs_remove_tree(e->dir);
	free(e->at);
	free(e->dir);
	free(e->app);
	free(e->env);
	free(e->known_hosts);
}

int git_fetch_check(const struct git_fetch *f, struct error *err)
{
	struct git_url u;

	if (git_url_parse(f->url, f->subject, &u, err) < 0 ||
	    (f->ref && git_ref_check(f->ref, f->subject, err) < 0))
		return -1;
	if (u.transport == GIT_HTTP && (!f->ref || !git_ref_is_commit(f->ref)))
		return error_set(err, ERROR_INVALID,
				 "%s is at http://, which is not verified: give https://, or a "
				 "commit in full after a #",
				 f->subject);
	return 0;
}

/* ---- where it is ---- */

static int find_place(struct errand *e, struct fetch_place *ret, struct error *err)
{
	if (e->url.transport == GIT_SSH)
		return fetch_find_host(e->url.host, build_cancelled, ret, err);
	return fetch_find_repository(e->f->url, build_cancelled, ret, err);
}

/* Redirects may have led to another host, and it is that to which git is held. */
static int find(struct errand *e, struct error *err)
{
	struct fetch_place place = { 0 };

	e->at = xstrdup(e->f->url);
	if (git_fetch_check(e->f, err) < 0 || git_url_parse(e->at, e->f->subject, &e->url, err) < 0)
		return -1;
	if (e->url.transport == GIT_SSH && !e->b->o->ssh_key)
		return error_set(
			err, ERROR_INVALID,
			"%s needs a key of the app's, which has none: \"twelve buildpacks:key -a "
			"%s\" makes one, for the repository's deploy keys",
			e->f->subject, e->b->o->app_name);
	if (e->b->o->private_sources)
		return 0;
	if (find_place(e, &place, err) < 0)
		return error_prefix(err, "%s", e->f->subject);
	snprintf(e->address, sizeof(e->address), "%s", place.address);
	if (e->url.transport == GIT_SSH)
		return 0;
	free(e->at);
	e->at = xstrdup(place.url);
	return git_url_parse(e->at, e->f->subject, &e->url, err);
}

/* ---- what the sandbox gets ---- */

static void put_allowed(struct buf *text, enum git_transport t)
{
	static const char *const names[] = {
		[GIT_HTTPS] = "https", [GIT_HTTP] = "http", [GIT_SSH] = "ssh"
	};

	buf_printf(text, "[protocol]\n\tallow = never\n[protocol \"%s\"]\n\tallow = always\n",
		   names[t]);
}

/* The URL has been checked: there is nothing in it that would end a value. */
static void put_gitconfig(const struct errand *e, struct buf *text)
{
	put_allowed(text, e->url.transport);
	buf_printf(text, "[remote \"origin\"]\n\turl = \"%s\"\n", e->at);
	buf_puts(text, "[core]\n\tsshCommand = ssh -F /env/ssh_config\n\thooksPath = "
		       "/dev/null\n[credential]\n\thelper =\n"
		       "[submodule]\n\trecurse = false\n[fetch]\n\trecurseSubmodules = "
		       "false\n[gc]\n\tauto = 0\n[advice]\n\tdetachedHead = false\n"
		       "[init]\n\tdefaultBranch = main\n\ttemplateDir =\n");
	if (!e->address[0])
		return;
	buf_printf(
		text,
		"[http]\n\tproxy =\n\tfollowRedirects = false\n\tcurloptResolve = %s:%d:%s%s%s\n",
		e->url.host, e->url.port, strchr(e->address, ':') ? "[" : "", e->address,
		strchr(e->address, ':') ? "]" : "");
}

static void put_ssh_config(const struct errand *e, struct buf *text)
{
	if (e->address[0])
		buf_printf(text, "HostName %s\n", e->address);
	if (e->url.port != 22)
		buf_printf(text, "HostKeyAlias [%s]:%d\n", e->url.host, e->url.port);
	else
		buf_printf(text, "HostKeyAlias %s\n", e->url.host);
	buf_puts(text, "IdentityFile /env/key\nIdentitiesOnly yes\nIdentityAgent "
		       "none\nUserKnownHostsFile /app/known_hosts\nGlobalKnownHostsFile none\n"
		       "StrictHostKeyChecking accept-new\nCheckHostIP no\nBatchMode "
		       "yes\nPreferredAuthentications publickey\nLogLevel ERROR\n"
		       "ForwardAgent no\nClearAllForwardings yes\nProxyCommand "
		       "none\nConnectTimeout 20\nServerAliveInterval 20\n");
}

static int put_file(const char *dir, const char *name, const char *text, size_t n)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", dir, name);
	_cleanup_fd_ int fd =
		open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0 || fchown(fd, SANDBOX_UID, SANDBOX_GID) < 0)
		return -errno;
	return fd_write_all(fd, text, n);
}

static int furnish(const struct errand *e)
{
	_cleanup_buf_ struct buf git = BUF_INIT, ssh = BUF_INIT, hosts = BUF_INIT;
	const char *key = e->b->o->ssh_key;
	int r;

	put_gitconfig(e, &git);
	put_ssh_config(e, &ssh);
	r = put_file(e->env, "gitconfig", git.data, git.len);
	if (r < 0 || e->url.transport != GIT_SSH)
		return r;
	r = fs_read_file(e->known_hosts, KNOWN_HOSTS_MAX_BYTES, &hosts);
	if (r == 0 || r == -ENOENT)
		r = put_file(e->app, "known_hosts", hosts.data, hosts.len);
	if (r == 0)
		r = put_file(e->env, "ssh_config", ssh.data, ssh.len);
	return r == 0 ? put_file(e->env, "key", key, strlen(key)) : r;
}

static int prepare(struct errand *e, struct error *err)
{
	int r = fs_remove_tree(e->dir);

	if (r == 0)
		r = fs_mkdirs(e->app, 0755);
	if (r == 0 && chown(e->app, SANDBOX_UID, SANDBOX_GID) < 0)
		r = -errno;
	if (r < 0)
		return error_set_errno(err, r, "making %s", e->app);
	if (steps_mount_memory(e->b, e->env, err) < 0)
		return -1;
	r = furnish(e);
	return r < 0 ? error_set_errno(err, r, "writing what git needs") : 0;
}

/* ---- running ---- */

static int ensure_stack(struct build *b, struct error *err)
{
	_cleanup_free_ char *label = xasprintf("stacks/%s/fetch.packages", b->o->stack_name);
	_cleanup_free_ char *path = xasprintf("%s/%s", b->o->data_dir, label);
	_cleanup_strv_ char **packages = NULL;
	const struct stack_options o = { .state_dir = b->o->state_dir,
					 .data_dir = b->o->data_dir,
					 .name = b->o->stack_name,
					 .output_fd = b->o->output_fd };
	struct stack_options with = o;

	if (b->fetch.layers)
		return 0;
	if (stack_read_packages(path, label, &packages, err) < 0)
		return -1;
	with.packages = packages;
	return stack_ensure(&with, &b->fetch, err);
}

static int run(const struct errand *e, int output_fd, int *ret_code, struct error *err)
{
	const struct build *b = e->b;
	_cleanup_free_ char *scratch = xasprintf("%s/scratch", b->work),
			    *cgroup = xasprintf("/twelve/%s", b->o->id);
	_cleanup_buf_ struct buf env = BUF_INIT;
	const char *ref = e->f->ref ? e->f->ref : "";
	const char *const argv[] = { SANDBOX_INIT_PATH,
				     "/bin/bash",
				     "-c",
				     script,
				     "twelve-fetch",
				     ref,
				     git_ref_is_commit(ref) ? ref : "",
				     NULL };
	struct sandbox_bind binds[2] = { { .source = e->env, .target = "/env" } };
	struct sandbox_spec s = { .id = b->o->id,
				  .hostname = "fetch",
				  .layers = b->fetch.layers,
				  .app_dir = e->app,
				  .scratch_dir = scratch,
				  .binds = binds,
				  .n_binds = 1,
				  .init_path = b->o->init_path,
				  .argv = argv,
				  .limits = b->o->limits,
				  .cgroup_path = cgroup,
				  .cgroup = b->o->runtime->cgroup };

	s.limits.pids = FETCH_PIDS;
	s.n_binds += steps_bind_certificates(&binds[1]);
	steps_put(&env, "GIT_CONFIG_NOSYSTEM", "1");
	steps_put(&env, "GIT_CONFIG_GLOBAL", "/env/gitconfig");
	steps_put(&env, "GIT_TERMINAL_PROMPT", "0");
	steps_put_network(&env, !e->address[0]);
	return steps_run_spec(e->b, &s, &env, output_fd, ret_code, err);
}

/* What a server says goes to a person's terminal. */
static int explain(const struct errand *e, struct buf *said, struct error *err)
{
	char *text = str_trim(said->data), *last;

	for (char *c = text; *c; c++)
		if ((unsigned char)*c < 0x20 || (unsigned char)*c > 0x7e)
			*c = ' ';
	last = strlen(text) > WORDS_MAX ? text + strlen(text) - WORDS_MAX : text;
	return error_set(err, ERROR_INVALID, "%s could not be fetched: %s", e->f->subject,
			 *last ? last : "git gave no reason");
}

/* New keys of hosts are kept, also when the rest went wrong: the next time they have to be the
 * same. */
static int keep_known_hosts(const struct errand *e, struct error *err)
{
	_cleanup_buf_ struct buf hosts = BUF_INIT;
	_cleanup_free_ char *dir = xstrdup(e->known_hosts);
	int r = pack_read_file(e->app, "known_hosts", KNOWN_HOSTS_MAX_BYTES, &hosts);

	if (r == -ENOENT || (r == 0 && !hosts.len))
		return 0;
	*strrchr(dir, '/') = '\0';
	if (r == 0)
		r = fs_mkdirs(dir, 0700);
	if (r == 0)
		r = fs_write_atomic(e->known_hosts, 0600, hosts.data, hosts.len);
	return r < 0 ? error_set_errno(err, r, "keeping the host keys in %s", e->known_hosts) : 0;
}

static int fetch(struct errand *e, struct error *err)
{
	_cleanup_free_ char *tree = xasprintf("%s/tree", e->app);
	_cleanup_buf_ struct buf said = BUF_INIT;
	_cleanup_fd_ int fd = -1;
	int code = 0;

	if (find(e, err) < 0 || ensure_stack(e->b, err) < 0 || prepare(e, err) < 0)
		return -1;
	fd = steps_open_capture(e->b, err);
	if (fd < 0 || run(e, fd, &code, err) < 0 || steps_read_capture(fd, &said, err) < 0 ||
	    keep_known_hosts(e, err) < 0)
		return -1;
	if (code != 0)
		return explain(e, &said, err);
	return rename(tree, e->f->to) < 0 ? error_set_errno(err, errno, "moving what was fetched")
					  : 0;
}

int git_fetch(struct build *b, const struct git_fetch *f, struct error *err)
{
	__attribute__((cleanup(errand_done))) struct errand e = { .b = b, .f = f };

	e.dir = xasprintf("%s/fetch", b->work);
	e.app = xasprintf("%s/app", e.dir);
	e.env = xasprintf("%s/env", e.dir);
	e.known_hosts = xasprintf("%s/known-hosts/%s", b->o->state_dir, b->o->app_id);
	return fetch(&e, err);
}
