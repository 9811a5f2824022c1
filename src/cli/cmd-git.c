/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What programs run, not people: git-hook (the pre-receive hook of an app's
 * repository), git-shell (the SSH forced command), dial-stdio (the far end of
 * --host ssh://).
 *
 * What the hook writes to stdout and stderr the pusher sees as "remote: ...".
 * It ends with 0 only when the release is live (docs/decisions/0005): the
 * branch in the repository is what runs.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/proc.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/git-words.h"
#include "cli/signals.h"

/* ---- the hook ---- */

struct push {
	char *deploy; /* the commit to deploy, or NULL */
	bool refused;
};

/* --socket of the scripts that twelved writes: it goes before the environment. */
static void use_socket(struct cli *c)
{
	const char *path = cli_get(c, "socket");

	if (!path)
		return;
	setenv("TWELVE_SOCKET", path, 1);
	unsetenv("TWELVE_HOST");
}

static void take_update(struct push *p, const struct ref_update *u, const char *branch)
{
	const char *name = u->ref + strlen("refs/");
	const char *slash = strchr(name, '/');

	switch (ref_kind_of(u->ref, branch)) {
	case REF_DEPLOYS:
		if (ref_id_is_zero(u->new_id)) {
			fprintf(stderr,
				"Push rejected: %s is what runs and can't be deleted. twelve "
				"destroy removes the app.\n",
				slash + 1);
			p->refused = true;
		} else if (p->deploy && !streq(p->deploy, u->new_id)) {
			fprintf(stderr, "Push rejected: main and master were pushed at once, and "
					"only one can be deployed.\n");
			p->refused = true;
		} else if (!p->deploy) {
			p->deploy = xstrdup(u->new_id);
		}
		break;
	case REF_OTHER_BRANCH:
		if (!ref_id_is_zero(u->new_id))
			printf("Pushed to %s. Only %s is deployed: to deploy this, git push twelve "
			       "%s:%s\n",
			       slash + 1, branch, slash + 1, branch);
		break;
	case REF_STORED:
		break;
	}
}

/* git archive of the commit, as a pipe. Quarantined objects are found by the environment that git gave us. */
static int archive_spawn(const char *commit, pid_t *ret_pid, int *ret_fd, struct error *err)
{
	const char *const argv[] = { "git", "archive", "--format=tar", commit, NULL };
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

static int deploy_commit(struct cli *c, const char *commit, struct error *err)
{
	struct deploy o = {
		.app = c->app, .size_bytes = -1, .commit = commit, .writer_name = "git archive", .exact = true
	};

	if (archive_spawn(commit, &o.writer, &o.take_source_fd, err) < 0)
		return -1;
	return deploy_source(c, &o, err);
}

static int pre_receive(struct cli *c, struct error *err)
{
	_cleanup_json_ json_t *app = NULL;
	struct push p = { 0 };
	_cleanup_free_ char *line = NULL;
	struct ref_update u;
	size_t size = 0;
	int r = 0;

	if (api_get(c->api, &app, err, "/apps/%s", c->app) < 0)
		return -1;
	while (getline(&line, &size, stdin) > 0)
		if (ref_update_parse(line, &u))
			take_update(&p, &u, json_str(app, "twelve.branch", "main"));
	fflush(stdout);
	if (!p.refused && p.deploy)
		r = deploy_commit(c, p.deploy, err);
	free(p.deploy);
	return p.refused ? 1 : r;
}

static int git_hook_run(struct cli *c, struct error *err)
{
	struct error e = ERROR_INIT;
	int r;

	if (!streq(cli_rest(c, 0), "pre-receive"))
		return error_set(err, ERROR_INVALID, "twelve has no git hook %s", cli_rest(c, 0));
	use_socket(c);
	signals_note();
	r = cli_app(c, &e) && cli_api(c, &e) ? pre_receive(c, &e) : -1;
	if (r >= 0)
		return r;
	fprintf(stderr, "\nPush rejected: %s\n", e.message);
	return 1;
}

static const struct arg_option socket_options[] = {
	{ "socket", "PATH", "twelved's socket", 0 },
	{ 0 },
};

const struct command cmd_git_hook = {
	.name = "git-hook",
	.usage = "pre-receive",
	.min_args = 1,
	.max_args = 1,
	.flags = CMD_APP | CMD_HIDDEN,
	.summary = "the hook of an app's repository",
	.options = socket_options,
	.run = git_hook_run,
};

/* ---- the forced command ---- */

/* From here on we ask for the key's user, and git's hooks do, who inherit it: they may what that one may. */
static int speak_for(struct cli *c, const char *fingerprint, struct error *err)
{
	_cleanup_json_ json_t *keys = NULL;
	const json_t *k;
	size_t i;

	if (!cli_api(c, err) || api_get(c->api, &keys, err, "/twelve/keys") < 0)
		return -1;
	json_array_foreach(keys, i, k) {
		if (!streq(json_str(k, "fingerprint", ""), fingerprint))
			continue;
		setenv("TWELVE_USER", json_str(k, "user.email", ""), 1);
		setenv("TWELVE_KEY", json_str(k, "comment", ""), 1);
		api_free(c->api);
		c->api = NULL;
		return 0;
	}
	return error_set(err, ERROR_FORBIDDEN, "This SSH key was removed");
}

/* Whether the app's JSON says that we have a permission. */
static bool may(const json_t *app, const char *permission)
{
	const json_t *word;
	size_t i;

	json_array_foreach(json_at(app, "twelve.permissions"), i, word)
		if (streq(json_string_value(word), permission))
			return true;
	return false;
}

static int find_repository(struct cli *c, const char **ret_program, char **ret_path,
			   struct error *err)
{
	_cleanup_json_ json_t *app = NULL;
	_cleanup_free_ char *name = NULL;
	const char *path;

	if (ssh_command_parse(getenv("SSH_ORIGINAL_COMMAND"), ret_program, &name, err) < 0 ||
	    !cli_api(c, err) || api_get(c->api, &app, err, "/apps/%s", name) < 0)
		return -1;
	path = json_str(app, "twelve.git_path", NULL);
	if (!path)
		return error_set(err, ERROR_SYSTEM, "%s has no repository", name);
	if (streq(*ret_program, "git-receive-pack") && !may(app, "deploy"))
		return error_set(err, ERROR_FORBIDDEN, "You do not have the deploy permission on %s", name);
	*ret_path = xstrdup(path);
	return 0;
}

static int git_shell_run(struct cli *c, struct error *err)
{
	_cleanup_free_ char *path = NULL, *safe = NULL;
	const char *program;

	use_socket(c);
	if (cli_rest(c, 0) && speak_for(c, cli_rest(c, 0), err) < 0)
		return -1;
	if (find_repository(c, &program, &path, err) < 0)
		return -1;
	/* The repository is root's and the SSH user's group's: git is told that this is meant. */
	safe = xasprintf("safe.directory=%s", path);
	/* "git-receive-pack" is "git receive-pack"; the long form need not be in $PATH. */
	execlp("git", "git", "-c", safe, program + strlen("git-"), path, (char *)NULL);
	return error_set(err, ERROR_UNAVAILABLE, "git can't be started (%s): apt-get install git",
			 strerror(errno));
}

const struct command cmd_git_shell = {
	.name = "git-shell",
	.usage = "[FINGERPRINT]",
	.max_args = 1,
	.flags = CMD_HIDDEN,
	.summary = "the SSH forced command: git and nothing else",
	.options = socket_options,
	.run = git_shell_run,
};

/* ---- the far end of --host ssh:// ---- */

#define CHUNK 65536

/* Moves what is there from one to the other. False at the end. */
static bool move(int from, int to)
{
	char chunk[CHUNK];
	ssize_t n = fd_read(from, chunk, sizeof(chunk));

	return n > 0 && fd_write_all(to, chunk, (size_t)n) == 0;
}

static int dial_stdio_run(struct cli *c, struct error *err)
{
	struct pollfd p[2] = { { .fd = STDIN_FILENO, .events = POLLIN }, { .events = POLLIN } };
	struct host host = { 0 };
	_cleanup_fd_ int fd = -1;

	if (host_parse(cli_get(c, "host"), &host, err) < 0)
		return -1;
	fd = host.kind == HOST_UNIX ? sock_connect_unix(host.path, SOCK_STREAM) : -EINVAL;
	if (fd < 0)
		error_set(err, ERROR_UNAVAILABLE, "twelved can't be reached at %s: %s",
			  host.path ? host.path : "a host that is no socket", strerror(-fd));
	host_done(&host);
	if (fd < 0)
		return -1;
	signal(SIGPIPE, SIG_IGN);
	p[1].fd = fd;
	/* stdin's end is passed on, the socket's end is ours. */
	while (poll(p, 2, -1) >= 0 || errno == EINTR) {
		if (p[0].revents && !move(STDIN_FILENO, fd)) {
			shutdown(fd, SHUT_WR);
			p[0].fd = -1;
		}
		if (p[1].revents && !move(fd, STDOUT_FILENO))
			break;
	}
	return 0;
}

const struct command cmd_dial_stdio = {
	.name = "dial-stdio",
	.usage = "",
	.flags = CMD_HIDDEN,
	.summary = "join stdin and stdout with twelved's socket",
	.run = dial_stdio_run,
};
