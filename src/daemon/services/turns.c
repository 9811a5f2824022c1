/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Add-ons; see services/services.h. This file has the turns: what is wanted
 * and what is seen becomes a life_view, addon/life.h says what is next, and
 * services/act.c does it.
 */
#include "daemon/services/services.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/services/services-priv.h"
#include "daemon/walls/walls.h"
#include "daemon/core/state.h"
#include "daemon/lines/last-lines.h"
#include "daemon/lines/lines.h"
#include "daemon/core/remove.h"

#define MINUTE_MS 60000
#define SECOND_MS 1000
#define SWEEP_AGAIN_MS 1000
#define HEALTH_EVERY_MS 300000

/* ---- a turn ---- */

static enum life_server seen_server(const struct dyno *dyno)
{
	if (!dyno)
		return LIFE_NO_SERVER;
	if (dyno->state == DYNO_UP)
		return LIFE_UP;
	if (dyno->state == DYNO_STOPPING || dyno->state == DYNO_EXITED)
		return LIFE_STOPPING;
	return LIFE_STARTING;
}

/* Health belongs to one run of the server's process. */
static void note_server(struct resource *r, const struct dyno *dyno)
{
	if (dyno && dyno->restarts == r->crashes_seen && dyno->state == DYNO_UP)
		return;
	r->healthy = r->level_told = false;
	r->crashes_seen = dyno ? dyno->restarts : 0;
}

static void count_credentials(struct resource *r, const struct addon *a, struct life_view *v)
{
	struct services *sv = r->owner;
	struct credential *list = NULL;
	struct error err = ERROR_INIT;
	size_t n = 0;

	if (store_credential_list(sv->platform->store, a->id, &list, &n, &err) < 0)
		log_error("add-on %s: %s", a->name, err.message);
	for (size_t i = 0; i < n; i++) {
		bool wanted = reference_has(sv, list[i].id) || change_holds(sv, list[i].id);

		v->to_create += wanted && !list[i].made;
		v->to_revoke += !wanted;
	}
	credential_free_array(list, n);
}

static enum life_state state_of(const struct addon *a)
{
	if (a->state == ADDON_PROVISIONING)
		return LIFE_PROVISIONING;
	return a->state == ADDON_PROVISIONED ? LIFE_PROVISIONED : LIFE_DEPROVISIONING;
}

/* Not one that was started before the network was another one. */
static bool has_its_address(const struct services *sv, const struct addon *a,
			    const struct dyno *dyno)
{
	struct error err = ERROR_INIT;
	struct in_addr address;

	if (walls_server_address(sv->walls, a->id, &address, &err) < 0) {
		log_error("add-on %s: %s", a->name, err.message);
		return true;
	}
	return address.s_addr == dyno_place(dyno).address.s_addr;
}

static void look(struct resource *r, const struct addon *a, const struct service *s,
		 struct life_view *v)
{
	struct services *sv = r->owner;
	const struct dyno *dyno = addon_server(sv, a);
	_cleanup_free_ char *use = addon_use(a, s);
	struct error err = ERROR_INIT;

	/* There is nothing to be healthy: what is next depends on how it crashed. */
	if (r->job && r->doing == LIFE_CHECK_HEALTH && seen_server(dyno) != LIFE_UP)
		addon_job_cancel(steal_ptr(r->job));
	if (sv->references_old && references_read(sv, &err) < 0)
		log_error("add-ons: %s", err.message);
	note_server(r, dyno);
	if (r->healthy && clock_now_ms() - r->healthy_since_ms > HEALTH_EVERY_MS && !r->job)
		r->healthy = false;
	*v = (struct life_view){
		.state = state_of(a),
		.busy = r->job || r->last_lines || (dyno && !dyno->known) ||
			!walls_hold(sv->walls, r->rules) || (a->keep_last && r->backup_job),
		.failed = r->failed,
		.prepared = a->stack != NULL,
		.changed = a->applied && !streq(a->applied, use),
		.server = seen_server(dyno),
		.stale = dyno && (!streq(dyno->size, a->plan) || !has_its_address(sv, a, dyno)),
		.crashes = dyno ? dyno->restarts + (dyno->state == DYNO_CRASHED) : 0,
		.healthy = r->healthy,
		.restoring = a->restoring != NULL,
		.limit_due = quota_due(r, a),
		.uncertified = tls_due(r, a, s),
		.referenced = reference_has(sv, a->id),
		.backup_due = a->keep_last && s->backup,
		.destroyed = r->destroyed,
	};
	count_credentials(r, a, v);
}

/* A restored platform, or a disk that is not mounted: a server on an empty directory would be taken
 * for the data. */
static bool lacks_data(struct services *sv, const struct addon *a)
{
	_cleanup_free_ char *volume = addon_volume(sv, a->id);

	return a->stack && !a->restoring && a->state == ADDON_PROVISIONED && !addon_server(sv, a) &&
	       !fs_exists(volume);
}

static void tell_lacking(struct services *sv, struct addon *a)
{
	static const char reason[] =
		"Its data are not here: twelve backups:restore puts a backup in their place";

	if (a->reason && streq(a->reason, reason))
		return;
	addon_set_reason(a, xstrdup(reason));
	addon_save(sv, a);
	log_warn("add-on %s: its volume is not there; its server is not started", a->name);
	addon_say(sv, a, "%s: %s", a->name, reason);
}

static void turn(struct resource *r, struct addon *a)
{
	const struct service *s = services_service_of(r->owner, a);
	enum life_action action;
	struct life_view v;

	if (!s) {
		addon_set_reason(
			a, xasprintf("The service %s no longer exists: put its directory back",
				     a->service));
		addon_save(r->owner, a);
		return;
	}
	if (lacks_data(r->owner, a)) {
		tell_lacking(r->owner, a);
		return;
	}
	look(r, a, s, &v);
	action = life_next(&v);
	if (action == LIFE_WAIT) {
		if (r->healthy)
			watch_arm(r->timer, HEALTH_EVERY_MS);
		return;
	}
	log_debug("add-on %s: action %d", a->name, (int)action);
	addon_act(r, a, s, action);
}

static void forget(struct resource *r)
{
	struct services *sv = r->owner;

	for (size_t i = 0; i < sv->n; i++)
		if (sv->list[i] == r)
			sv->list[i] = sv->list[--sv->n];
	addon_job_cancel(r->job);
	backups_cancel(r);
	last_lines_cancel(r->last_lines);
	watch_free(r->timer);
	free(r);
}

/* It is destroyed: what waits for its credentials waits in vain. */
static void bury(struct resource *r)
{
	struct services *sv = r->owner;
	char id[UUID_SIZE];

	memcpy(id, r->id, sizeof(id));
	services_abandon(sv, r);
	backups_bury(r);
	forget(r);
	changes_addon_gone(sv, id);
}

static void on_turn(void *userdata)
{
	struct resource *r = userdata;
	struct services *sv = r->owner;
	int64_t too_early_ms = r->not_before_ms - clock_now_ms();
	struct error err = ERROR_INIT;
	struct addon a = { 0 };

	if (too_early_ms > 0) {
		watch_arm(r->timer, too_early_ms);
		return;
	}
	if (store_addon_get(sv->platform->store, r->id, &a, &err) < 0) {
		if (err.kind == ERROR_NOT_FOUND) {
			bury(r);
		} else {
			log_error("add-on %s: %s", r->id, err.message);
			resource_retry(r);
		}
		return;
	}
	if (a.state == ADDON_DEPROVISIONED)
		bury(r);
	else if (addon_is_server(&a))
		turn(r, &a);
	else
		addon_elsewhere_turn(r, &a);
	addon_done(&a);
}

/* References are read once for all turns that follow. */
static void on_sweep(void *userdata)
{
	struct services *sv = userdata;
	struct addon *list = NULL;
	struct error err = ERROR_INIT;
	size_t n = 0;

	if (sv->n_left_jobs)
		return;
	if (references_read(sv, &err) < 0 ||
	    store_addon_list(sv->platform->store, NULL, &list, &n, &err) < 0) {
		log_error("add-ons: %s", err.message);
		watch_arm(sv->sweep_timer, SWEEP_AGAIN_MS);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		struct resource *r = resource_find(sv, list[i].id);

		if (list[i].state == ADDON_DEPROVISIONED)
			continue;
		if (!r)
			r = resource_add(sv, list[i].id);
		if (addon_is_server(&list[i]))
			count_begin(r);
		resource_turn_soon(r);
	}
	addon_free_array(list, n);
}

void services_dyno_changed(struct services *sv, struct dyno *dyno)
{
	if (!sv)
		return;
	if (dyno->addon)
		services_kick_one(sv, dyno->app_id);
	else if (dyno->state == DYNO_EXITED)
		services_kick(sv);
}

static void on_minute(void *userdata)
{
	struct services *sv = userdata;

	backups_minute(sv);
	tls_note_authority(sv);
	watch_arm(sv->minute_timer, MINUTE_MS);
}

static void on_second(void *userdata)
{
	struct services *sv = userdata;

	counts_look(sv);
	unsaved_look(sv);
	watch_arm(sv->room_timer, SECOND_MS);
}

/* What was being removed when twelved was killed: its name says so. */
static void sweep_volumes(struct services *sv)
{
	_cleanup_free_ char *dir = xasprintf("%s/volumes", sv->platform->settings.state_dir);
	_cleanup_strv_ char **names = NULL;

	fs_list(dir, &names);
	for (char **n = names; n && *n; n++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", dir, *n);

		if (str_ends(*n, VOLUME_REMOVED) || str_starts(*n, VOLUME_SCRATCH))
			remove_tree_later(sv->platform, path);
	}
}

/* Runs without a row. If its add-on was removed just before twelved was killed it is stopped; else
 * the database lacks it, and a person decides. */
static void stray(struct services *sv, struct dyno *dyno)
{
	if (state_is_gone(sv->platform->store, "addon", dyno->app_id))
		dynos_stop(sv->dynos, dyno);
	else
		log_warn("the server %s runs for an add-on that is in no row of the database: it "
			 "is left alone (see twelve doctor)",
			 dyno->name);
}

static void stop_strays(struct services *sv)
{
	_cleanup_free_ struct dyno **dynos = NULL;
	size_t n = dynos_list(sv->dynos, NULL, &dynos);

	for (size_t i = 0; i < n; i++) {
		struct error err = ERROR_INIT;
		struct addon a = { 0 };

		if (dynos[i]->addon &&
		    store_addon_get(sv->platform->store, dynos[i]->app_id, &a, &err) < 0 &&
		    err.kind == ERROR_NOT_FOUND)
			stray(sv, dynos[i]);
		addon_done(&a);
	}
}

static void on_left_job_gone(void *userdata)
{
	struct services *sv = userdata;

	if (--sv->n_left_jobs == 0)
		watch_arm(sv->sweep_timer, 0);
}

struct services *services_new(const struct services_options *o)
{
	struct services *sv = xcalloc(1, sizeof(*sv));

	sv->platform = o->platform;
	sv->dynos = o->dynos;
	sv->walls = o->walls;
	sv->logs = o->logs;
	sv->wanted = o->wanted;
	sv->collect = o->collect;
	sv->on_turn = on_turn;
	services_catalog(sv);
	tls_note_authority(sv);
	backups_mend(sv);
	sweep_volumes(sv);
	stop_strays(sv);
	sv->sweep_timer = watch_timer(sv->platform->loop, on_sweep, sv);
	sv->minute_timer = watch_timer(sv->platform->loop, on_minute, sv);
	sv->room_timer = watch_timer(sv->platform->loop, on_second, sv);
	sv->n_left_jobs += (int64_t)addon_jobs_sweep(sv->platform, on_left_job_gone, sv);
	watch_arm(sv->sweep_timer, 0);
	watch_arm(sv->minute_timer, 0);
	watch_arm(sv->room_timer, SECOND_MS);
	return sv;
}

void services_free(struct services *sv)
{
	if (!sv)
		return;
	while (sv->n)
		forget(sv->list[sv->n - 1]);
	free(sv->list);
	changes_free(sv);
	remover_forget(sv->platform->remover, sv);
	counts_stop(sv);
	unsaved_free(sv);
	watch_free(sv->sweep_timer);
	watch_free(sv->minute_timer);
	watch_free(sv->room_timer);
	json_decref(sv->references);
	service_set_done(&sv->catalog);
	free(sv);
}

static const char *word_of(const struct resource *r, const struct dyno *dyno, const struct addon *a)
{
	if (a->restoring)
		return "is being restored";
	if (a->state == ADDON_DEPROVISIONING)
		return "is being removed";
	if (a->state == ADDON_DEPROVISIONED)
		return "is not there";
	if (!a->stack)
		return "is being prepared";
	if (r && r->healthy)
		return "is up";
	if (dyno && dyno->state == DYNO_CRASHED)
		return "has crashed and is started again";
	return "is starting";
}

void services_status(struct services *sv, const struct addon *a, struct addon_status *ret)
{
	const struct resource *r = resource_find(sv, a->id);
	const struct dyno *dyno = addon_server(sv, a);
	bool here = addon_is_server(a);

	*ret = (struct addon_status){
		.healthy = here ? r && r->healthy : a->state == ADDON_PROVISIONED && !a->reason,
		.word = here				? word_of(r, dyno, a)
			: a->state == ADDON_PROVISIONED ? "is elsewhere"
							: addon_state_names[a->state],
		.disk_used_bytes = r ? r->disk_used : -1,
		.backing_up = r && r->backup_job,
		.changing = here ? !dyno || !streq(dyno->size, a->plan)
				 : a->applied && !streq(a->applied, a->plan),
	};
}
