/* SPDX-License-Identifier: Apache-2.0 */
/*
 * git-hook: the two hooks of an app's repository (docs/decisions/0005).
 *
 * pre-receive sees what is pushed before any of it is kept, and refuses what can be refused at a
 * look. proc-receive (githooks(5)) comes when git has found nothing to refuse itself: it asks git
 * to go through the update of the branches but for its last step, builds, releases, waits until the
 * release is live, and only then lets git update them.
 *
 * What they write to stderr the pusher sees as "remote: ...".
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/proc.h"
#include "base/str.h"
#include "cli/app/app.h"
#include "cli/cli.h"
#include "cli/git-refs.h"
#include "cli/git-words.h"
#include "cli/pkt-line.h"
#include "cli/signals.h"

/* git holds a lock for a moment: an older one is of a git that was killed. */
#define LOCK_LIFE_S 60
#define UPDATES_MAX 10000
#define TREE_MAX_BYTES (256 << 20)
#define TREE_CPU_SECONDS 60

struct push {
	char **updates;	    /* "OLD NEW REF", all that git would do */
	char *deploy;	    /* the commit to deploy, or NULL */
	const char *branch; /* the app's */
	size_t made;	    /* refs that are new */
	bool atomic, refused;
};

static void push_done(struct push *p)
{
	strv_free(p->updates);
	free(p->deploy);
}

static void refuse(struct push *p, const char *why)
{
	fprintf(stderr, "\nPush rejected: %s\n", why);
	p->refused = true;
}

static void take_deploying(struct push *p, const struct ref_update *u)
{
	_cleanup_free_ char *why = NULL;

	if (ref_id_is_zero(u->new_id)) {
		why = xasprintf(
			"%s is what runs and can't be deleted. twelve destroy removes the app.",
			ref_short(u->ref));
		refuse(p, why);
	} else if (p->deploy && !streq(p->deploy, u->new_id)) {
		refuse(p, "main and master were pushed at once, and only one can be deployed.");
	} else if (!p->deploy) {
		p->deploy = xstrdup(u->new_id);
	}
}

static void take_line(struct push *p, char *line)
{
	_cleanup_free_ char *copy = xstrdup(line);
	struct ref_update u;

	if (!ref_update_parse(copy, &u))
		return;
	strv_push_take(&p->updates, xasprintf("%s %s %s", u.old_id, u.new_id, u.ref));
	if (ref_kind_of(u.ref, p->branch) == REF_DEPLOYS)
		take_deploying(p, &u);
}

/* ---- pre-receive ---- */

/* Of more than there may be it is only counted how many they are. */
static void take_counted(struct push *p, char *line)
{
	_cleanup_free_ char *copy = xstrdup(line), *sentence = NULL;
	struct ref_update u;
	const char *why;

	if (!ref_update_parse(copy, &u))
		return;
	p->made += ref_id_is_zero(u.old_id);
	why = ref_id_is_zero(u.new_id) ? NULL : ref_is_refused(u.ref);
	if (why && !p->refused) {
		sentence = xasprintf("%.60s... is not taken: %s.", u.ref, why);
		refuse(p, sentence);
	}
	if (p->made <= GIT_REFS_MAX)
		take_line(p, line);
}

/* What is not deployed is taken all the same: it is said what would be. */
static void tell_other(const struct push *p, const char *update)
{
	_cleanup_free_ char *copy = xstrdup(update);
	struct ref_update u;

	if (!ref_update_parse(copy, &u) || ref_id_is_zero(u.new_id) ||
	    ref_kind_of(u.ref, p->branch) == REF_DEPLOYS || p->deploy)
		return;
	if (ref_kind_of(u.ref, p->branch) == REF_STORED)
		fprintf(stderr,
			"Pushed %s. Only %s is deployed: to deploy this, git push twelve "
			"'%s^{}:%s'\n",
			ref_short(u.ref), p->branch, ref_short(u.ref), p->branch);
	else
		fprintf(stderr,
			"Pushed to %s. Only %s is deployed: to deploy this, git push twelve "
			"%s:%s\n",
			ref_short(u.ref), p->branch, ref_short(u.ref), p->branch);
}

/* A branch names a commit: git would refuse a tag there, and say it in its own words. */
static void check_commit(struct push *p, const char *id)
{
	const char *const argv[] = { "git", "cat-file", "-t", id, NULL };
	const struct proc_options o = { .argv = argv };
	_cleanup_buf_ struct buf out = BUF_INIT;
	_cleanup_free_ char *why = NULL;
	struct error err = ERROR_INIT;
	int status = 0;

	if (proc_run(&o, &out, &status, &err) < 0) {
		refuse(p, err.message);
	} else if (status != 0) {
		why = xasprintf("what was pushed does not hold %s", id);
		refuse(p, why);
	} else if (!streq(str_trim(out.data), "commit")) {
		why = xasprintf("a branch names a commit, and this is a %s. For a tag: git push "
				"twelve 'TAG^{}:%s'",
				str_trim(out.data), p->branch);
		refuse(p, why);
	}
}

/*
 * After a push from a shallow clone older commits are missing here; a client that has them all
 * takes them to be here, and does not send them. git refuses that, in words that help nobody.
 */
static void explain_missing(struct push *p, const char *update)
{
	_cleanup_free_ char *copy = xstrdup(update);
	_cleanup_buf_ struct buf out = BUF_INIT;
	struct error err = ERROR_INIT;
	struct ref_update u;
	int status = 0;

	if (!ref_update_parse(copy, &u) || ref_id_is_zero(u.new_id) || access("shallow", F_OK) < 0)
		return;
	const char *const argv[] = { "git", "cat-file", "-e", u.new_id, NULL };
	const struct proc_options o = { .argv = argv };

	if (proc_run(&o, &out, &status, &err) == 0 && status != 0)
		refuse(p, "this repository has been pushed to from a shallow clone and lacks older "
			  "commits, which git takes to be here and "
			  "does not send. Push a commit that follows what was pushed last (git "
			  "revert makes one), or go back with "
			  "twelve rollback");
}

static int pre_receive(struct push *p)
{
	struct error err = ERROR_INIT;
	_cleanup_free_ char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, stdin) > 0)
		take_counted(p, line);
	if (!p->refused && refs_check_room(p->made, &err) < 0)
		refuse(p, err.message);
	if (p->refused)
		return 1;
	for (char **u = p->updates; u && *u; u++)
		tell_other(p, *u);
	for (char **u = p->updates; u && *u && !p->refused; u++)
		explain_missing(p, *u);
	if (!p->refused && p->deploy)
		check_commit(p, p->deploy);
	return p->refused;
}

/* ---- proc-receive ---- */

/* git archive of the commit, as a pipe: what a checkout of it would hold, whatever its attributes
 * leave out of archives (git.c). */
static int archive_spawn(const char *commit, pid_t *ret_pid, int *ret_fd, struct error *err)
{
	const char *const argv[] = { "git",
				     "-c",
				     "core.autocrlf=false",
				     "-c",
				     "core.eol=lf",
				     "-c",
				     "tar.umask=0022",
				     "archive",
				     "--format=tar",
				     commit,
				     NULL };
	struct proc_options o = { .argv = argv };
	int fds[2], r;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return error_set_errno(err, errno, "pipe");
	o.stdout_fd = fds[1];
	r = proc_spawn(&o, ret_pid, err);
	fd_close(fds[1]);
	if (r < 0)
		fd_close(fds[0]);
	else
		*ret_fd = fds[0];
	return r;
}

/* What a git that was killed has left would refuse every push from now on. */
static void sweep_lock(const char *ref)
{
	_cleanup_free_ char *path = xasprintf("%s.lock", ref);
	struct stat st;

	if (stat(path, &st) == 0 && st.st_mtime < time(NULL) - LOCK_LIFE_S && unlink(path) == 0)
		fprintf(stderr, "       %s was left by a git that was killed: removed\n", path);
}

/* git's own transaction up to "prepared", when it has all locks and has compared all old values;
 * then it is taken back. */
static int rehearse(const struct push *p, struct error *err)
{
	static const char *const argv[] = { "git", "update-ref", "--stdin", NULL };
	struct proc_options o = { .argv = argv };
	_cleanup_buf_ struct buf text = BUF_INIT, out = BUF_INIT;
	_cleanup_fd_ int fd = -1;
	int status = 0;

	buf_puts(&text, "start\n");
	for (char **line = p->updates; *line; line++) {
		_cleanup_free_ char *copy = xstrdup(*line);
		struct ref_update u;

		if (!ref_update_parse(copy, &u))
			continue;
		if (ref_kind_of(u.ref, p->branch) == REF_DEPLOYS)
			sweep_lock(u.ref);
		if (ref_id_is_zero(u.new_id))
			buf_printf(&text, "delete %s %s\n", u.ref, u.old_id);
		else
			buf_printf(&text, "update %s %s %s\n", u.ref, u.new_id, u.old_id);
	}
	buf_puts(&text, "prepare\nabort\n");
	fd = fd_memfile("updates", text.data, text.len);
	if (fd < 0)
		return error_set_errno(err, fd, "a memory file");
	o.stdin_fd = fd;
	if (proc_run(&o, &out, &status, err) < 0)
		return -1;
	return status == 0 ? 0
			   : error_set(err, ERROR_CONFLICT,
				       "git would refuse it, so nothing is built: %s",
				       git_complaint(out.data));
}

/* "160000 commit ID\tPATH": an archive has an empty folder there. */
static int list_submodules(const char *commit, char ***ret, struct error *err)
{
	const char *const argv[] = { "git", "ls-tree", "-r", "-z", "--full-tree", commit, NULL };
	/* A folder that holds another one ten times, and so on, has more files than anybody could
	 * list. */
	const struct proc_options o = { .argv = argv,
					.stderr_fd = STDERR_FILENO,
					.max_output = TREE_MAX_BYTES,
					.limits = { .cpu_seconds = TREE_CPU_SECONDS } };
	_cleanup_buf_ struct buf out = BUF_INIT;
	int status = 0;

	if (proc_run(&o, &out, &status, err) < 0)
		return -1;
	if (status != 0 || out.len >= TREE_MAX_BYTES)
		return error_set(err, ERROR_SYSTEM, "git ls-tree did not list the files of %s",
				 commit);
	for (size_t i = 0; i < out.len; i += strlen(out.data + i) + 1) {
		char *line = out.data + i, *tab = strchr(line, '\t');

		if (!tab || !str_starts(line, "160000 commit "))
			continue;
		line += strlen("160000 commit ");
		strv_push_take(ret, xasprintf("%.*s %s", (int)(tab - line), line, tab + 1));
	}
	return 0;
}

static int deploy_commit(struct cli *c, const struct push *p, struct error *err)
{
	_cleanup_strv_ char **submodules = NULL;
	struct deploy o = { .app = c->app,
			    .size_bytes = -1,
			    .commit = p->deploy,
			    .writer_name = "git archive",
			    .exact = true,
			    .updates = p->updates };

	if (list_submodules(p->deploy, &submodules, err) < 0 ||
	    archive_spawn(p->deploy, &o.writer, &o.take_source_fd, err) < 0)
		return -1;
	o.submodules = submodules;
	return deploy_source(c, &o, err);
}

/* "version=1\0atomic push-options" */
static bool has_word(const struct buf *line, const char *word)
{
	size_t head = strlen(line->data);

	return head < line->len && strstr(line->data + head + 1, word);
}

static int read_updates(struct push *p, int in, int out)
{
	_cleanup_buf_ struct buf line = BUF_INIT;
	size_t n = 0;
	int r;

	while ((r = pkt_read(in, &line)) > 0)
		p->atomic = p->atomic || has_word(&line, "atomic");
	if (r == 0)
		r = pkt_printf(out, "version=1\n");
	if (r == 0)
		r = pkt_flush(out);
	while (r == 0 && (r = pkt_read(in, &line)) > 0 && n++ < UPDATES_MAX) {
		take_line(p, line.data);
		r = 0;
	}
	return r > 0 ? -E2BIG : r;
}

/* One answer a ref: git goes on with it, or not. An atomic push is refused as a whole. */
static int report(const struct push *p, bool refused, int out)
{
	int r = 0;

	for (char **line = p->updates; r >= 0 && line && *line; line++) {
		_cleanup_free_ char *copy = xstrdup(*line);
		struct ref_update u;

		if (!ref_update_parse(copy, &u))
			continue;
		if (refused && (p->atomic || ref_kind_of(u.ref, p->branch) == REF_DEPLOYS)) {
			r = pkt_printf(out, "ng %s not deployed\n", u.ref);
			continue;
		}
		r = pkt_printf(out, "ok %s\n", u.ref);
		if (r >= 0)
			r = pkt_printf(out, "option fall-through\n");
	}
	return r < 0 ? r : pkt_flush(out);
}

/* stdin and stdout are for git; what is shown goes to stderr, and stdout with it. */
static int proc_receive(struct cli *c, struct push *p, struct error *err)
{
	_cleanup_fd_ int in = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3),
			 out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3),
			 null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct error why = ERROR_INIT;
	bool refused;
	int r;

	if (in < 0 || out < 0 || null < 0 || dup2(null, STDIN_FILENO) < 0 ||
	    dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		return error_set_errno(err, errno, "taking git's descriptors");
	r = read_updates(p, in, out);
	if (r < 0)
		return error_set_errno(err, r, "reading what git says is pushed");
	refused = p->deploy && (rehearse(p, &why) < 0 || deploy_commit(c, p, &why) < 0);
	if (refused)
		refuse(p, why.message);
	r = report(p, refused, out);
	return r < 0 ? error_set_errno(err, r, "telling git what to do") : 0;
}

/* ---- the command ---- */

static int run_hook(struct cli *c, const char *hook, struct error *err)
{
	__attribute__((cleanup(push_done))) struct push p = { 0 };
	_cleanup_json_ json_t *app = NULL;

	if (!cli_app(c, err) || !cli_api(c, err) ||
	    api_get(c->api, &app, err, "/apps/%s", c->app) < 0)
		return -1;
	p.branch = json_str(app, "twelve.branch", "main");
	return streq(hook, "pre-receive") ? pre_receive(&p) : proc_receive(c, &p, err);
}

static int git_hook_run(struct cli *c, struct error *err)
{
	const char *hook = cli_rest(c, 0);
	struct error e = ERROR_INIT;
	int r;

	if (!streq(hook, "pre-receive") && !streq(hook, "proc-receive"))
		return error_set(err, ERROR_INVALID, "twelve has no git hook %s", hook);
	cli_use_socket(c);
	signals_note();
	r = run_hook(c, hook, &e);
	if (r >= 0)
		return r;
	fprintf(stderr, "\nPush rejected: %s\n", e.message);
	return 1;
}

static const struct arg_option socket_options[] = {
	{ "socket", "PATH", "twelved's socket", 0 },
	{ 0 },
};

static const struct command cmd_git_hook = {
	.name = "git-hook",
	.usage = "HOOK",
	.min_args = 1,
	.max_args = 1,
	.flags = CMD_APP | CMD_HIDDEN,
	.summary = "the hooks of an app's repository: pre-receive, proc-receive",
	.options = socket_options,
	.run = git_hook_run,
};

const struct command *const git_hook_commands[] = {
	&cmd_git_hook,
	NULL,
};
