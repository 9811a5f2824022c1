/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --host ssh://USER@MACHINE: each connection of libcurl is one end of a
 * socket pair whose other end is the stdio of `ssh USER@MACHINE twelve
 * dial-stdio`. Who may do what is decided there: by the user's account and the
 * credentials of its twelve on the unix socket.
 */
#include <errno.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/proc.h"
#include "base/str.h"
#include "cli/api-priv.h"

static int spawn_ssh(struct api *a, int fd, pid_t *ret_pid, struct error *err)
{
	_cleanup_free_ char *target = a->host.user ? xasprintf("%s@%s", a->host.user, a->host.machine) :
						     xstrdup(a->host.machine);
	const char *argv[] = { "ssh", "-T", "-e", "none", NULL, NULL, NULL, NULL, NULL, NULL };
	size_t n = 4;
	struct proc_options o = { .argv = argv, .stdin_fd = fd, .stdout_fd = fd };

	if (a->host.port) {
		argv[n++] = "-p";
		argv[n++] = a->host.port;
	}
	argv[n++] = target;
	argv[n++] = "twelve";
	argv[n] = "dial-stdio";
	return proc_spawn(&o, ret_pid, err);
}

static curl_socket_t open_socket(void *userdata, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct api *a = userdata;
	struct error err = ERROR_INIT;
	int fds[2];

	(void)purpose, (void)address;
	if (a->n_ssh == API_MAX_SSH || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return CURL_SOCKET_BAD;
	if (spawn_ssh(a, fds[1], &a->ssh[a->n_ssh], &err) < 0) {
		fprintf(stderr, "twelve: %s\n", err.message);
		fd_close(fds[0]);
		fds[0] = CURL_SOCKET_BAD;
	} else {
		a->n_ssh++;
	}
	fd_close(fds[1]);
	return fds[0];
}

static int is_connected(void *userdata, curl_socket_t fd, curlsocktype purpose)
{
	(void)userdata, (void)fd, (void)purpose;
	return CURL_SOCKOPT_ALREADY_CONNECTED;
}

void api_use_ssh(struct api *a, CURL *curl)
{
	curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, a);
	curl_easy_setopt(curl, CURLOPT_SOCKOPTFUNCTION, is_connected);
}

void api_reap_ssh(struct api *a)
{
	for (size_t i = 0; i < a->n_ssh; i++)
		while (waitpid(a->ssh[i], NULL, 0) < 0 && errno == EINTR)
			;
	a->n_ssh = 0;
}
