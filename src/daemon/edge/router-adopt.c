/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking over a haproxy that a twelved before us started. Its file tells the
 * apps and slots, itself the ports, states and maps: a twelved that was killed
 * between a command and its file must not mislead us. Where the two don't agree, or
 * this twelved writes another file, it is loaded anew, which harms nobody.
 */
#include <stdlib.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/edge/router-priv.h"

void router_read_file(struct router *r)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct error err = ERROR_INIT;

	if (fs_read_file(r->h.cfg, ROUTER_FILE_MAX_BYTES, &text) < 0)
		return;
	if (route_parse_apps(text.data, &r->running.apps, &r->running.n_apps, &err) < 0)
		log_warn("%s; the routes are recreated", err.message);
}

/* The master, by the credentials that the kernel keeps with its socket; 0: none that answers. */
static pid_t find_master(struct router *r)
{
	_cleanup_fd_ int fd = sock_connect_unix(r->h.master_sock, SOCK_STREAM | SOCK_NONBLOCK);
	struct ucred cred;
	socklen_t n = sizeof(cred);
	struct route_procs procs;

	if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &n) < 0)
		return 0;
	if (haproxy_procs(&r->h, &procs, NULL) < 0 || procs.master != cred.pid || !procs.worker)
		return 0;
	return cred.pid;
}

static bool file_is_current(struct router *r)
{
	_cleanup_buf_ struct buf have = BUF_INIT, want = BUF_INIT;

	route_render(&r->running, &want);
	return fs_read_file(r->h.cfg, ROUTER_FILE_MAX_BYTES, &have) == 0 &&
	       streq(have.data, want.data);
}

static bool read_servers(struct router *r, struct route_app *a)
{
	_cleanup_free_ char *command = xasprintf("show servers state app-%s", a->id);
	_cleanup_free_ struct route_server *servers = NULL;
	_cleanup_buf_ struct buf answer = BUF_INIT;
	size_t n = 0;

	if (haproxy_ask(r->h.admin_sock, command, &answer, NULL) < 0 ||
	    route_parse_servers(answer.data, &servers, &n, NULL) < 0 || n != a->n_servers)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!route_place_same(&a->servers[i].place, &servers[i].place))
			a->servers[i].dyno[0] = '\0';
		a->servers[i].place = servers[i].place;
		a->servers[i].state = servers[i].state;
	}
	return true;
}

/* "show map" has an address before each entry. */
static bool map_is_current(struct router *r, enum route_map map)
{
	_cleanup_free_ char *command = xasprintf("show map %s/%s", r->h.dir, route_map_files[map]);
	_cleanup_buf_ struct buf answer = BUF_INIT, have = BUF_INIT, want = BUF_INIT;
	_cleanup_strv_ char **lines = NULL;
	char *save = NULL;

	if (haproxy_ask(r->h.admin_sock, command, &answer, NULL) < 0)
		return false;
	for (char *line = strtok_r(answer.data, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		if (strchr(line, ' '))
			strv_push(&lines, strchr(line, ' ') + 1);
	if (lines)
		strv_sort_unique(lines);
	for (char **l = lines; l && *l; l++)
		buf_printf(&have, "%s\n", *l);
	route_render_map(&r->running, map, &want);
	return streq(have.data, want.data);
}

bool router_adopt(struct router *r)
{
	pid_t master = find_master(r);

	if (!master)
		return false;
	r->stale = !file_is_current(r);
	for (size_t i = 0; i < r->running.n_apps; i++)
		r->stale = !read_servers(r, &r->running.apps[i]) || r->stale;
	for (int i = 0; i < _ROUTE_MAP_MAX; i++)
		r->stale = r->stale || !map_is_current(r, (enum route_map)i);
	log_info("haproxy is already running, as %d%s", master,
		 r->stale ? "; its configuration is loaded again" : "");
	router_watch(r, master);
	return true;
}
