/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --host ssh://USER@MACHINE: libcurl connects to a socket of our own, and the
 * other end of that connection becomes the stdio of `ssh USER@MACHINE twelve
 * dial-stdio`. Who may do what is decided there: by the user's account and the
 * credentials of its twelve on the unix socket.
 *
 * The socket has an abstract name (unix(7)) that the kernel chose, so no file
 * is left behind. Others on this machine could connect to it; what is not our
 * own process is turned away.
 */
#include <errno.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/proc.h"
#include "base/str.h"
#include "cli/api-priv.h"

static int listen_abstract(struct api *a)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	socklen_t size = sizeof(addr);
	_cleanup_fd_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	/* Without a name to bind to, the kernel gives one. */
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(sa_family_t)) < 0 ||
	    listen(fd, 4) < 0 || getsockname(fd, (struct sockaddr *)&addr, &size) < 0)
		return error_set_errno(&a->ssh_error, errno, "making a socket for ssh");
	a->ssh_name =
		xstrndup(addr.sun_path + 1, size - offsetof(struct sockaddr_un, sun_path) - 1);
	a->ssh_listen_fd = fd_steal(&fd);
	return 0;
}

static int spawn_ssh(struct api *a, int fd)
{
	_cleanup_free_ char *target = a->host.user
					      ? xasprintf("%s@%s", a->host.user, a->host.machine)
					      : xstrdup(a->host.machine);
	const char *argv[] = { "ssh", "-T", "-e", "none", NULL, NULL, NULL, NULL, NULL, NULL };
	struct proc_options o = { .argv = argv, .stdin_fd = fd, .stdout_fd = fd };
	size_t n = 4;

	if (a->n_ssh == API_MAX_SSH)
		return error_set(&a->ssh_error, ERROR_UNAVAILABLE,
				 "The connection through ssh was lost too often");
	if (a->host.port) {
		argv[n++] = "-p";
		argv[n++] = a->host.port;
	}
	argv[n++] = target;
	argv[n++] = "twelve";
	argv[n] = "dial-stdio";
	if (proc_spawn(&o, &a->ssh[a->n_ssh], &a->ssh_error) < 0)
		return -1;
	a->n_ssh++;
	return 0;
}

static bool is_ours(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.pid == getpid();
}

int api_ssh_join(struct api *a)
{
	for (;;) {
		_cleanup_fd_ int fd = accept4(a->ssh_listen_fd, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		if (fd < 0)
			return error_set_errno(&a->ssh_error, errno, "joining ssh");
		if (is_ours(fd))
			return spawn_ssh(a, fd);
	}
}

/* Before a request goes out: a new connection is joined; a kept one has been. */
static int on_ready(void *userdata, char *from, char *to, int from_port, int to_port)
{
	(void)from, (void)to, (void)from_port, (void)to_port;
	return api_ssh_join(userdata) < 0 ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

void api_use_ssh(struct api *a, CURL *curl)
{
	if (a->ssh_listen_fd < 0 && listen_abstract(a) < 0)
		return;
	curl_easy_setopt(curl, CURLOPT_ABSTRACT_UNIX_SOCKET, a->ssh_name);
	curl_easy_setopt(curl, CURLOPT_PREREQFUNCTION, on_ready);
	curl_easy_setopt(curl, CURLOPT_PREREQDATA, a);
}

void api_reap_ssh(struct api *a)
{
	for (size_t i = 0; i < a->n_ssh; i++)
		while (waitpid(a->ssh[i], NULL, 0) < 0 && errno == EINTR)
			;
	a->n_ssh = 0;
	a->ssh_listen_fd = fd_close(a->ssh_listen_fd);
}
