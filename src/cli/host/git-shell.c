/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What programs run, not people: git-shell (the SSH forced command), dial-stdio (the far end of
 * --host ssh://). git's hooks are in app/git-hook.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/git.h"
#include "base/str.h"
#include "cli/host/host.h"
#include "cli/cli.h"
#include "cli/git-words.h"

static const struct arg_option socket_options[] = {
	{ "socket", "PATH", "twelved's socket", 0 },
	{ 0 },
};

/* ---- the forced command ---- */

/* From here on we ask for the key's user, and git's hooks do, who inherit it: they may what that
 * one may. */
static int speak_for(struct cli *c, const char *fingerprint, struct error *err)
{
	_cleanup_json_ json_t *keys = NULL;
	const json_t *k;
	size_t i;

	if (!cli_api(c, err) || api_get(c->api, &keys, err, "/twelve/keys") < 0)
		return -1;
	json_array_foreach (keys, i, k) {
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

	json_array_foreach (json_at(app, "twelve.permissions"), i, word)
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
		return error_set(err, ERROR_FORBIDDEN,
				 "You do not have the deploy permission on %s", name);
	*ret_path = xstrdup(path);
	return 0;
}

static int git_shell_run(struct cli *c, struct error *err)
{
	_cleanup_free_ char *path = NULL, *safe = NULL;
	const struct proc_limits limits = git_limits();
	const char *program;
	int e;

	cli_use_socket(c);
	if (cli_rest(c, 0) && speak_for(c, cli_rest(c, 0), err) < 0)
		return -1;
	if (find_repository(c, &program, &path, err) < 0)
		return -1;
	/* The repository is root's and the SSH user's group's: git is told that this is meant. */
	safe = xasprintf("safe.directory=%s", path);
	e = proc_limit(&limits);
	if (e < 0)
		return error_set_errno(err, e, "limiting git");
	/* "git-receive-pack" is "git receive-pack"; the long form need not be in $PATH. */
	execlp("git", "git", "-c", safe, program + strlen("git-"), path, (char *)NULL);
	return error_set(err, ERROR_UNAVAILABLE, "git can't be started (%s): apt-get install git",
			 strerror(errno));
}

static const struct command cmd_git_shell = {
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

static const struct command cmd_dial_stdio = {
	.name = "dial-stdio",
	.usage = "",
	.flags = CMD_HIDDEN,
	.summary = "join stdin and stdout with twelved's socket",
	.run = dial_stdio_run,
};

const struct command *const git_shell_commands[] = {
	&cmd_git_shell,
	&cmd_dial_stdio,
	NULL,
};
