/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts are made from and who is told of what; see wiring.h. */
#include "daemon/wiring.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/api/serve.h"
#include "daemon/api/team/logins.h"
#include "daemon/apps/apps.h"
#include "daemon/apps/setups.h"
#include "daemon/apps/stale.h"
#include "daemon/apps/webhooks.h"
#include "daemon/build/builds.h"
#include "daemon/build/retention.h"
#include "daemon/build/packings.h"
#include "daemon/build/slug-sizes.h"
#include "daemon/build/stack-updates.h"
#include "daemon/build/stacks.h"
#include "daemon/core/remove.h"
#include "daemon/core/state.h"
#include "daemon/core/stream.h"
#include "daemon/dynos/dynos.h"
#include "daemon/dynos/rendezvous.h"
#include "daemon/edge/acme.h"
#include "daemon/edge/certs.h"
#include "daemon/edge/door.h"
#include "daemon/edge/router.h"
#include "daemon/git/branch.h"
#include "daemon/git/child.h"
#include "daemon/http/http.h"
#include "daemon/lines/drains.h"
#include "daemon/lines/lines.h"
#include "daemon/rollout/autoscale.h"
#include "daemon/rollout/reconcile.h"
#include "daemon/services/services.h"
#include "daemon/wanted/wanted.h"

/* Nobody may hold the loop for as long; what does is told, and counted in GET /twelve/status. */
#define LOOP_HOLD_MS 250

/* Everyone who follows dynos. */
static void on_dyno(struct dyno *dyno, void *userdata)
{
	struct daemon *d = userdata;

	services_dyno_changed(d->services, dyno);
	if (dyno->addon)
		return;
	webhooks_dyno_changed(daemon_platform(d), dyno);
	reconcile_dyno_changed(d->reconciler, dyno);
	if (streq(dyno->type, SETUP_DYNO_TYPE) && dyno->one_off && dyno->state == DYNO_EXITED)
		setups_dyno_ended(d->setups, dyno);
}

/* Everyone who follows what is wanted. */
static void on_wanted(const char *app_id, void *userdata)
{
	struct daemon *d = userdata;

	reconcile_app(d->reconciler, app_id);
	services_kick(d->services);
}

static struct wanted *make_wanted(struct daemon *d)
{
	return wanted_new(&(struct wanted_options){ .platform = daemon_platform(d),
						    .logs = d->logs,
						    .streams = d->streams,
						    .changed = on_wanted,
						    .userdata = d });
}

static void on_hold(const struct loop_hold *h, void *userdata)
{
	(void)userdata;
	log_warn("the event loop was held for %lld ms by %s %s (%lld ms of CPU, %lld waits)",
		 (long long)h->took_ms, h->where, h->what, (long long)h->cpu_ms,
		 (long long)h->n_waits);
}

static struct apps *make_apps(struct daemon *d)
{
	return apps_new(&(struct apps_options){ .platform = daemon_platform(d),
						.wanted = d->wanted,
						.builds = d->builds,
						.reconciler = d->reconciler,
						.certs = d->certs,
						.services = d->services,
						.logs = d->logs });
}

static struct setups *make_setups(struct daemon *d)
{
	return setups_new(&(struct setups_options){ .platform = daemon_platform(d),
						    .apps = d->apps,
						    .wanted = d->wanted,
						    .builds = d->builds,
						    .dynos = d->dynos,
						    .services = d->services,
						    .logs = d->logs });
}

static void mend_apps(struct daemon *d)
{
	struct error err = ERROR_INIT;

	/* What can't be mended now is no reason not to serve. */
	if (apps_mend(daemon_platform(d), &err) < 0)
		log_warn("%s", err.message);
}

/* The build of a push that has ended is nobody's. */
static void on_push_ended(const char *app_id, void *userdata)
{
	struct daemon *d = userdata;

	builds_push_ended(d->builds, app_id);
}

static void on_branch(const char *app_id, void *userdata)
{
	struct daemon *d = userdata;

	reconcile_app(d->reconciler, app_id);
}

static struct branches *make_branches(struct daemon *d)
{
	return branches_new(&(struct branches_options){ .platform = daemon_platform(d),
							.push_ended = on_push_ended,
							.look = on_branch,
							.userdata = d });
}

int wiring_start(struct daemon *d, struct error *err)
{
	d->loop = loop_new();
	d->remover = remover_new(d->loop);
	loop_on_hold(d->loop, LOOP_HOLD_MS, on_hold, NULL);
	d->api_socket = xasprintf("%s/twelved.sock", d->settings.run_dir);
	d->runtime_root = xasprintf("%s/oci", d->settings.run_dir);
	d->started_ms = clock_wall_ms();
	if (door_prepare(daemon_platform(d), err) < 0 || state_open(daemon_platform(d), err) < 0 ||
	    streams_new(d->settings.state_dir, &d->streams, err) < 0)
		return -1;
	d->logs = logs_client_new(daemon_platform(d));
	if (certs_write(daemon_platform(d), err) < 0 ||
	    router_new(daemon_platform(d), &d->router, err) < 0 ||
	    dynos_new(daemon_platform(d), d->logs, &d->dynos, err) < 0)
		return -1;
	d->certs = certs_new(daemon_platform(d), d->router);
	d->wanted = make_wanted(d);
	d->branches = make_branches(d);
	d->builds = builds_new(daemon_platform(d), d->streams, d->wanted, d->branches);
	d->stacks = stacks_new(daemon_platform(d));
	d->packings = packings_new(daemon_platform(d));
	d->git_children = git_children_new(d->loop);
	d->slug_sizes = slug_sizes_new(daemon_platform(d));
	drains_tell_all(daemon_platform(d), d->logs);
	d->acme = acme_new(daemon_platform(d), d->certs, d->router, d->logs);
	d->retention = retention_new(daemon_platform(d), d->dynos, d->builds);
	d->reconciler = reconciler_new(&(struct reconciler_options){
		.platform = daemon_platform(d),
		.logs = d->logs,
		.streams = d->streams,
		.router = d->router,
		.acme = d->acme,
		.dynos = d->dynos,
		.branches = d->branches,
		.wanted = d->wanted,
		.builds = d->builds,
		.retention = d->retention,
	});
	dynos_on_change(d->dynos, on_dyno, d);
	d->services = services_new(&(struct services_options){
		.platform = daemon_platform(d),
		.dynos = d->dynos,
		.logs = d->logs,
		.wanted = d->wanted,
		.builds = d->builds,
	});
	d->apps = make_apps(d);
	d->webhooks = webhooks_new(daemon_platform(d));
	d->setups = make_setups(d);
	d->autoscaler = autoscaler_new(&(struct autoscaler_options){
		.platform = daemon_platform(d),
		.logs = d->logs,
		.dynos = d->dynos,
		.wanted = d->wanted,
	});
	d->stale = stale_new(daemon_platform(d), d->apps);
	d->stack_updates = stack_updates_new(daemon_platform(d), d->wanted, d->builds);
	reconcile_all(d->reconciler);
	d->logins = logins_new();
	if (rendezvous_new(daemon_platform(d), d->dynos, &d->rendezvous, err) < 0)
		return -1;
	mend_apps(d);
	return api_new(d, &d->api, err) < 0 ? -1 : api_listen(d->api, err);
}

/* What asks for changes goes before what makes them, HTTP before all: a request, a build that
 * ends, a timer would meet a part that is gone. */
void wiring_end_apps(struct daemon *d)
{
	http_stop_taking(d->http);
	dynos_on_change(d->dynos, NULL, NULL);
	webhooks_free(steal_ptr(d->webhooks));
	autoscaler_free(steal_ptr(d->autoscaler));
	stale_free(steal_ptr(d->stale));
	stack_updates_free(steal_ptr(d->stack_updates));
	retention_free(steal_ptr(d->retention));
	setups_free(steal_ptr(d->setups));
	builds_free(steal_ptr(d->builds));
	branches_free(steal_ptr(d->branches));
	services_free(steal_ptr(d->services));
	reconciler_free(steal_ptr(d->reconciler));
}

void wiring_stop(struct daemon *d, bool everything)
{
	wiring_end_apps(d);
	http_free(d->http);
	api_free(d->api);
	logins_free(d->logins);
	git_children_free(d->git_children);
	rendezvous_free(d->rendezvous);
	slug_sizes_free(d->slug_sizes);
	stacks_free(d->stacks);
	packings_free(d->packings);
	dynos_free(d->dynos);
	wanted_free(d->wanted);
	if (everything && d->router)
		router_shutdown(d->router);
	acme_free(d->acme);
	certs_free(d->certs);
	router_free(d->router);
	if (everything && d->logs)
		logs_client_shutdown(d->logs);
	logs_client_free(d->logs);
	streams_free(d->streams);
	apps_free(d->apps);
	store_close(d->store);
	remover_free(d->remover);
	loop_free(d->loop);
	sandbox_runtime_done(&d->runtime);
	free(d->api_socket);
	free(d->door_dir);
	free(d->runtime_root);
	settings_done(&d->settings);
}
