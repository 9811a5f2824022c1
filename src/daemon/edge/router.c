/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The router's face: what is desired, app by app. How it gets into haproxy is
 * edge/router-load.c, how one that runs is taken over edge/router-adopt.c, what it has
 * counted edge/router-stat.c.
 */
#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/core/state.h"
#include "daemon/edge/door.h"
#include "daemon/edge/router-priv.h"

#define REQUEST_TIMEOUT_MS 30000
#define IDLE_TIMEOUT_MS 55000
#define ADOPT_MS 3000
#define ADOPT_POLL_US 10000
#define SHUTDOWN_MS 5000

/* haproxy would refuse to start with more than it can have. It raises its own limits as far as we
 * may raise ours. */
static void fit_limits(struct route_limits *l)
{
	struct rlimit have;
	const struct route_limits wanted = *l;
	const rlim_t need = (rlim_t)route_limits_descriptors(l);

	if (getrlimit(RLIMIT_NOFILE, &have) < 0 || have.rlim_max >= need)
		return;
	if (setrlimit(RLIMIT_NOFILE,
		      &(struct rlimit){ .rlim_cur = have.rlim_cur, .rlim_max = need }) == 0)
		return;
	if (route_limits_fit(l, (int64_t)have.rlim_max))
		log_warn("the limit of %llu descriptors makes it %lld connections of apps and %lld "
			 "of the API instead of %lld and %lld: raise "
			 "LimitNOFILE (ulimit -Hn) to %llu, or lower TWELVE_MAX_CONNECTIONS and "
			 "TWELVE_API_CONNECTIONS",
			 (unsigned long long)have.rlim_max, (long long)l->apps, (long long)l->api,
			 (long long)wanted.apps, (long long)wanted.api, (unsigned long long)need);
}

static void make_frame(struct router *r, struct route_config *c)
{
	const struct settings *s = &r->platform->settings;

	*c = (struct route_config){
		.bind_address = xstrdup(s->http_address),
		.apps_domain = xstrdup(s->apps_domain),
		.runtime_socket = xstrdup(r->h.admin_sock),
		.router_log_socket = xasprintf("%s/router.sock", s->run_dir),
		.errors_dir = xstrdup(r->h.errors_dir),
		.maps_dir = xstrdup(r->h.dir),
		.timeout_request_ms = REQUEST_TIMEOUT_MS,
		.timeout_idle_ms = IDLE_TIMEOUT_MS,
		.limits = {
			.apps = s->max_connections,
			.api = s->api_connections,
			.apps_source = s->source_connections,
			.api_source = s->api_source_connections,
			.source_rate = s->source_rate,
			.unlimited = xstrdup(s->unlimited_sources),
		},
	};
	fit_limits(&c->limits);
	/* Workers don't need root. Debian's package makes this user. */
	door_fill(r->platform, c);
}

/* An app that was destroyed while twelved was being killed is in haproxy's file still. */
static int drop_destroyed(struct router *r, struct error *err)
{
	struct app *apps = NULL;
	size_t n = 0, kept = 0;

	if (store_app_list(r->platform->store, &apps, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < r->desired.n_apps; i++) {
		bool known = false;

		for (size_t k = 0; k < n; k++)
			known = known || streq(apps[k].id, r->desired.apps[i].id);
		/* Of one that is in no row and was not destroyed the dynos run on: so does its
		 * traffic. */
		if (known || !state_is_gone(r->platform->store, "app", r->desired.apps[i].id))
			r->desired.apps[kept++] = r->desired.apps[i];
		else
			route_app_done(&r->desired.apps[i]);
	}
	r->desired.n_apps = kept;
	for (size_t i = 0; i < n; i++)
		app_done(&apps[i]);
	free(apps);
	return 0;
}

/*
 * A haproxy that runs and can't be adopted at this moment: while it reloads itself, or starts, it
 * does not answer. A second one beside it would share its port, and the first would go on with what
 * it was told long ago; so it is waited for, and ended if it never answers.
 */
static bool adopt_or_end(struct router *r)
{
	int64_t deadline_ms = clock_now_ms() + ADOPT_MS;
	_cleanup_free_ pid_t *pids = NULL;
	size_t n;

	while (!router_adopt(r)) {
		free(steal_ptr(pids));
		n = haproxy_running(&r->h, &pids);
		if (!n)
			return false;
		if (clock_now_ms() > deadline_ms) {
			log_warn("a haproxy that runs does not answer and is ended");
			for (size_t i = 0; i < n; i++)
				kill(pids[i], SIGKILL);
			deadline_ms = INT64_MAX;
		}
		usleep(ADOPT_POLL_US);
	}
	return true;
}

/*
 * haproxy listens with SO_REUSEPORT: where another one of the same user has the address already,
 * each would get half of the connections, and nobody an error. So it is tried without.
 */
static int check_free(const char *setting, const char *address, struct error *err)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE },
			*found = NULL;
	const char *colon = strrchr(address, ':');
	bool brackets = address[0] == '[';
	_cleanup_free_ char *host = NULL;
	_cleanup_fd_ int fd = -1;
	bool taken;

	if (!colon)
		return 0;
	host = brackets ? xstrndup(address + 1, strcspn(address + 1, "]"))
			: xstrndup(address, (size_t)(colon - address));
	/* What is no address here haproxy complains about. */
	if (getaddrinfo(*host && !streq(host, "*") ? host : NULL, colon + 1, &hints, &found) != 0)
		return 0;
	fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
	taken = fd >= 0 && bind(fd, found->ai_addr, found->ai_addrlen) < 0 && errno == EADDRINUSE;
	freeaddrinfo(found);
	if (taken)
		return error_set(err, ERROR_UNAVAILABLE,
				 "%s is in use by another program (ss -ltnp tells which): end "
				 "that, or set %s to another address",
				 address, setting);
	return 0;
}

/* `cfg`: of the haproxy that runs, which has its own addresses already; NULL: none does. */
static int check_addresses(const struct settings *s, const char *cfg, struct error *err)
{
	const char *const addresses[][2] = { { "TWELVE_HTTP", s->http_address },
					     { "TWELVE_HTTPS", s->https_address },
					     { "TWELVE_API", s->api_address } };

	for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
		const char *address = addresses[i][1];

		if (address && *address && !(cfg && route_listens(cfg, address)) &&
		    check_free(addresses[i][0], address, err) < 0)
			return -1;
	}
	return 0;
}

/* It would refuse a configuration with an address that is taken, and go on at the old one. */
static int check_new_addresses(struct router *r, struct error *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	int m = fs_read_file(r->h.cfg, ROUTER_FILE_MAX_BYTES, &text);

	/* Adopted without its file: it is rendered anew, at whatever addresses. */
	if (m < 0)
		return m == -ENOENT ? 0 : error_set_errno(err, m, "reading %s", r->h.cfg);
	return check_addresses(&r->platform->settings, text.data, err);
}

static int begin(struct router *r, struct error *err)
{
	int m = fs_mkdirs(r->h.dir, 0700);

	if (m < 0)
		return error_set_errno(err, m, "making the directory %s", r->h.dir);
	if (!fs_find_program("haproxy", NULL))
		return error_set(err, ERROR_UNAVAILABLE,
				 "haproxy is not installed: apt-get install haproxy");
	make_frame(r, &r->running);
	router_read_file(r);
	if (adopt_or_end(r)) {
		route_config_copy(&r->desired, &r->running);
		if (check_new_addresses(r, err) < 0 || drop_destroyed(r, err) < 0)
			return -1;
		return router_apply(r, err);
	}
	route_config_copy(&r->desired, &r->running);
	if (drop_destroyed(r, err) < 0 || check_addresses(&r->platform->settings, NULL, err) < 0)
		return -1;
	route_config_done(&r->running);
	route_config_copy(&r->running, &r->desired);
	return router_boot(r, err);
}

int router_new(const struct platform *p, struct router **ret, struct error *err)
{
	struct router *r = xcalloc(1, sizeof(*r));

	*r = (struct router){
		.platform = p, .answer_fd = -1, .hold_fd = -1, .answer_text = BUF_INIT
	};
	haproxy_init(&r->h, p->settings.run_dir);
	router_load_init(r);
	router_stat_init(r);
	if (begin(r, err) < 0) {
		router_free(r);
		return error_prefix(err, "starting the router");
	}
	*ret = r;
	return 0;
}

void router_free(struct router *r)
{
	if (!r)
		return;
	router_load_done(r);
	router_stat_done(r);
	route_config_done(&r->desired);
	route_config_done(&r->running);
	route_config_done(&r->next);
	haproxy_done(&r->h);
	free(r);
}

void router_shutdown(struct router *r)
{
	int64_t deadline_ms = clock_now_ms() + SHUTDOWN_MS;

	router_load_done(r);
	if (r->master <= 0)
		return;
	kill(r->master, SIGTERM);
	while (waitpid(r->master, NULL, WNOHANG) == 0 ||
	       (errno == ECHILD && kill(r->master, 0) == 0)) {
		struct route_procs procs;

		if (clock_now_ms() > deadline_ms)
			kill(r->master, SIGKILL);
		/* One that is not our child may stay a zombie of another's: then it does not
		 * answer. */
		if (errno == ECHILD && haproxy_procs(&r->h, &procs, NULL) < 0)
			break;
		usleep(5000);
	}
	r->master = 0;
	fs_remove_tree(r->h.dir);
}

static void take_app(struct route_config *c, struct route_app *take)
{
	struct route_app *old = route_find(c, take->id);

	if (old) {
		route_app_done(old);
		*old = *take;
		return;
	}
	c->apps = xrealloc(c->apps, (c->n_apps + 1) * sizeof(*c->apps));
	c->apps[c->n_apps++] = *take;
}

int router_set_app(struct router *r, const struct route_app *app, struct error *err)
{
	const struct route_app *have = route_find(&r->desired, app->id);
	struct route_app a;

	if (!uuid_is_valid(app->id))
		return error_set(err, ERROR_INVALID, "\"%s\" is not the id of an app", app->id);
	route_app_copy(&a, app);
	free(a.servers);
	route_assign_slots(have ? have->servers : NULL, have ? have->n_servers : 0, app->servers,
			   app->n_servers, &a.servers, &a.n_servers);
	take_app(&r->desired, &a);
	return router_apply(r, err);
}

int router_remove_app(struct router *r, const char *app_id, struct error *err)
{
	struct route_app *a = route_find(&r->desired, app_id);
	struct route_app *end = r->desired.apps + r->desired.n_apps;

	if (!a)
		return 0;
	route_app_done(a);
	memmove(a, a + 1, (size_t)(end - a - 1) * sizeof(*a));
	r->desired.n_apps--;
	router_forget_tallies(r, app_id);
	return router_apply(r, err);
}

int router_certs_changed(struct router *r, struct error *err)
{
	free(r->desired.certs_digest);
	r->desired.certs_digest = door_certs_digest(r->platform);
	return router_apply(r, err);
}

bool router_answers_acme(struct router *r, const char *app_id, const char *host)
{
	const struct route_app *a = route_find(&r->running, app_id);

	return a && a->acme[0] && a->hosts && strv_has(a->hosts, host) && !r->stale;
}

bool router_is_settled(struct router *r)
{
	_cleanup_buf_ struct buf commands = BUF_INIT;

	return r->phase == ROUTER_IDLE && !r->stale &&
	       route_commands(&r->running, &r->desired, &commands) && !commands.len;
}

void router_on_settled(struct router *r, void (*fn)(void *userdata), void *userdata)
{
	r->settled = fn;
	r->userdata = userdata;
}

int router_servers(struct router *r, const char *app_id, struct route_server **ret, size_t *ret_n,
		   struct error *err)
{
	const struct route_app *a = route_find(&r->running, app_id);
	struct route_server *servers;
	size_t n = 0;

	(void)err;
	servers = xcalloc((a ? a->n_servers : 0) + 1, sizeof(*servers));
	for (size_t i = 0; a && i < a->n_servers; i++)
		if (a->servers[i].state != ROUTE_FREE)
			servers[n++] = a->servers[i];
	*ret = servers;
	*ret_n = n;
	return 0;
}
