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
#include "daemon/apps/egress.h"
#include "daemon/apps/setups.h"
#include "daemon/apps/stale.h"
#include "daemon/apps/webhooks.h"
#include "daemon/build/builds.h"
#include "daemon/build/collect.h"
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
#include "daemon/walls/walls.h"
#include "daemon/wanted/wanted.h"

/* Nobody may hold the loop for as long; what does is told, and counted in GET /twelve/status. */
#define LOOP_HOLD_MS 250

/* Everyone who follows dynos. */
static void on_dyno(struct dyno *dyno, void *userdata)
{
	struct parts *parts = userdata;

	services_dyno_changed(parts->services, dyno);
	if (dyno->addon)
		return;
	webhooks_dyno_changed(&parts->platform, dyno);
	reconcile_dyno_changed(parts->reconciler, dyno);
	if (streq(dyno->type, SETUP_DYNO_TYPE) && dyno->one_off && dyno->state == DYNO_EXITED)
		setups_dyno_ended(parts->setups, dyno);
}

/* Everyone who follows what is wanted. */
static void on_wanted(const char *app_id, void *userdata)
{
	struct parts *parts = userdata;

	reconcile_app(parts->reconciler, app_id);
	services_kick(parts->services);
}

static struct wanted *make_wanted(struct parts *parts)
{
	return wanted_new(&(struct wanted_options){ .platform = &parts->platform,
						    .logs = parts->logs,
						    .dynos = parts->dynos,
						    .walls = parts->walls,
						    .streams = parts->streams,
						    .changed = on_wanted,
						    .userdata = parts });
}

static void on_hold(const struct loop_hold *h, void *userdata)
{
	(void)userdata;
	log_warn("the event loop was held for %lld ms by %s %s (%lld ms of CPU, %lld waits)",
		 (long long)h->took_ms, h->where, h->what, (long long)h->cpu_ms,
		 (long long)h->n_waits);
}

static struct apps *make_apps(struct parts *parts)
{
	return apps_new(&(struct apps_options){ .platform = &parts->platform,
						.wanted = parts->wanted,
						.builds = parts->builds,
						.reconciler = parts->reconciler,
						.certs = parts->certs,
						.services = parts->services,
						.logs = parts->logs });
}

static struct setups *make_setups(struct parts *parts)
{
	return setups_new(&(struct setups_options){ .platform = &parts->platform,
						    .apps = parts->apps,
						    .wanted = parts->wanted,
						    .builds = parts->builds,
						    .collect = parts->collect,
						    .dynos = parts->dynos,
						    .services = parts->services,
						    .logs = parts->logs });
}

static void mend_apps(struct parts *parts)
{
	struct error err = ERROR_INIT;

	/* What can't be mended now is no reason not to serve. */
	if (apps_mend(&parts->platform, &err) < 0)
		log_warn("%s", err.message);
}

/* The build of a push that has ended is nobody's. */
static void on_push_ended(const char *app_id, void *userdata)
{
	struct parts *parts = userdata;

	builds_push_ended(parts->builds, app_id);
}

static void on_branch(const char *app_id, void *userdata)
{
	struct parts *parts = userdata;

	reconcile_app(parts->reconciler, app_id);
}

static struct branches *make_branches(struct parts *parts)
{
	return branches_new(&(struct branches_options){ .platform = &parts->platform,
							.push_ended = on_push_ended,
							.look = on_branch,
							.userdata = parts });
}

/* What the rules of the network are made of, and who waits for them. */
static int on_collect_rules(struct walls *w, void *userdata, struct error *err)
{
	struct parts *parts = userdata;

	if (egress_collect(&parts->platform, w, err) < 0)
		return -1;
	return services_reaches(parts->services, err);
}

static void on_rules(void *userdata)
{
	struct parts *parts = userdata;

	services_kick(parts->services);
}

int wiring_start(struct parts *parts, struct error *err)
{
	parts->platform.loop = loop_new();
	parts->platform.remover = remover_new(parts->platform.loop);
	loop_on_hold(parts->platform.loop, LOOP_HOLD_MS, on_hold, NULL);
	parts->platform.api_socket = xasprintf("%s/twelved.sock", parts->platform.settings.run_dir);
	parts->platform.runtime_root = xasprintf("%s/oci", parts->platform.settings.run_dir);
	parts->platform.started_ms = clock_wall_ms();
	if (door_prepare(&parts->platform, err) < 0 || state_open(&parts->platform, err) < 0 ||
	    streams_new(parts->platform.settings.state_dir, &parts->streams, err) < 0 ||
	    walls_new(&parts->platform, &parts->walls, err) < 0)
		return -1;
	parts->logs = logs_client_new(&parts->platform);
	if (certs_write(&parts->platform, err) < 0 ||
	    router_new(&parts->platform, &parts->router, err) < 0 ||
	    dynos_new(&parts->platform, parts->logs, parts->walls, &parts->dynos, err) < 0)
		return -1;
	parts->collect = collect_new(&parts->platform, parts->dynos);
	parts->certs = certs_new(&parts->platform, parts->router);
	parts->wanted = make_wanted(parts);
	parts->branches = make_branches(parts);
	parts->builds = builds_new(&parts->platform, parts->walls, parts->streams, parts->wanted,
				   parts->branches);
	parts->stacks = stacks_new(&parts->platform);
	parts->packings = packings_new(&parts->platform);
	parts->git_children = git_children_new(parts->platform.loop);
	parts->slug_sizes = slug_sizes_new(&parts->platform);
	drains_tell_all(&parts->platform, parts->logs);
	parts->acme = acme_new(&parts->platform, parts->certs, parts->router, parts->logs);
	parts->retention =
		retention_new(&parts->platform, parts->dynos, parts->builds, parts->collect);
	parts->reconciler = reconciler_new(&(struct reconciler_options){
		.platform = &parts->platform,
		.logs = parts->logs,
		.streams = parts->streams,
		.router = parts->router,
		.acme = parts->acme,
		.dynos = parts->dynos,
		.branches = parts->branches,
		.wanted = parts->wanted,
		.builds = parts->builds,
		.retention = parts->retention,
	});
	dynos_on_change(parts->dynos, on_dyno, parts);
	parts->services = services_new(&(struct services_options){
		.platform = &parts->platform,
		.dynos = parts->dynos,
		.walls = parts->walls,
		.logs = parts->logs,
		.wanted = parts->wanted,
		.collect = parts->collect,
	});
	walls_follow(parts->walls, &(struct walls_follower){ .collect = on_collect_rules,
							     .settled = on_rules,
							     .userdata = parts });
	parts->apps = make_apps(parts);
	parts->webhooks = webhooks_new(&parts->platform);
	parts->setups = make_setups(parts);
	parts->autoscaler = autoscaler_new(&(struct autoscaler_options){
		.platform = &parts->platform,
		.logs = parts->logs,
		.dynos = parts->dynos,
		.wanted = parts->wanted,
	});
	parts->stale = stale_new(&parts->platform, parts->apps);
	parts->stack_updates = stack_updates_new(&parts->platform, parts->wanted, parts->collect);
	reconcile_all(parts->reconciler);
	parts->logins = logins_new();
	if (rendezvous_new(&parts->platform, parts->dynos, &parts->rendezvous, err) < 0)
		return -1;
	mend_apps(parts);
	if (services_readdress(parts->services, err) < 0)
		return -1;
	return api_new(parts, &parts->api, err) < 0 ? -1 : api_listen(parts->api, err);
}

/* What asks for changes goes before what makes them, HTTP before all: a request, a build that
 * ends, a timer would meet a part that is gone. */
void wiring_end_apps(struct parts *parts)
{
	http_stop_taking(parts->http);
	dynos_on_change(parts->dynos, NULL, NULL);
	webhooks_free(steal_ptr(parts->webhooks));
	autoscaler_free(steal_ptr(parts->autoscaler));
	stale_free(steal_ptr(parts->stale));
	stack_updates_free(steal_ptr(parts->stack_updates));
	retention_free(steal_ptr(parts->retention));
	setups_free(steal_ptr(parts->setups));
	builds_free(steal_ptr(parts->builds));
	branches_free(steal_ptr(parts->branches));
	walls_follow(parts->walls, &(struct walls_follower){ 0 });
	services_free(steal_ptr(parts->services));
	reconciler_free(steal_ptr(parts->reconciler));
}

void wiring_stop(struct parts *parts, bool everything)
{
	wiring_end_apps(parts);
	http_free(parts->http);
	api_free(parts->api);
	logins_free(parts->logins);
	git_children_free(parts->git_children);
	rendezvous_free(parts->rendezvous);
	slug_sizes_free(parts->slug_sizes);
	stacks_free(parts->stacks);
	packings_free(parts->packings);
	collect_free(parts->collect);
	dynos_free(parts->dynos);
	if (everything && parts->walls)
		walls_shutdown(parts->walls);
	walls_free(parts->walls);
	wanted_free(parts->wanted);
	if (everything && parts->router)
		router_shutdown(parts->router);
	acme_free(parts->acme);
	certs_free(parts->certs);
	router_free(parts->router);
	if (everything && parts->logs)
		logs_client_shutdown(parts->logs);
	logs_client_free(parts->logs);
	streams_free(parts->streams);
	apps_free(parts->apps);
	store_close(parts->platform.store);
	remover_free(parts->platform.remover);
	loop_free(parts->platform.loop);
	sandbox_runtime_done(&parts->platform.runtime);
	free(parts->platform.api_socket);
	free(parts->platform.door_dir);
	free(parts->platform.runtime_root);
	settings_done(&parts->platform.settings);
}
