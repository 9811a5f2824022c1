/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The actions of an add-on's life (addon/life.h). Those that are scripts of its service are in
 * services/script.c; the others each do one thing, and are taken again when a kill cuts them off.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "daemon/services/services-priv.h"
#include "daemon/walls/walls.h"
#include "daemon/http/http.h"
#include "daemon/lines/last-lines.h"
#include "daemon/lines/lines.h"
#include "daemon/core/remove.h"

#define LAST_LINES 10

static void start_server(struct resource *r, const struct addon *a, const struct service *s)
{
	static const char *const words[] = { "/app/bin/server", NULL };
	const struct service_plan *plan = service_plan(s, a->plan);
	_cleanup_free_ char *volume = addon_volume(r->owner, a->id);
	struct app app = { .name = a->name };
	struct release release = { 0 };
	struct dyno_program program = {
		.stack = a->stack,
		.lower = s->dir,
		.volume = volume,
		.argv = (char *const *)(uintptr_t)words,
		.stop_ms = s->stop_timeout_s * 1000,
		.addon = true,
	};
	struct dyno_start o = { .app = &app,
				.release = &release,
				.type = s->name,
				.number = 1,
				.size = a->plan,
				.command = words[0],
				.env = addon_env(r->owner, a, s),
				.program = &program };
	struct error err = ERROR_INIT;

	if (!plan)
		plan = &s->plans[0];
	program.limits.memory_bytes = plan->memory_bytes;
	program.limits.cpus = plan->cpus;
	program.limits.pids = plan->processes;
	memcpy(app.id, a->id, sizeof(app.id));
	memcpy(release.id, a->id, sizeof(release.id));
	if (dynos_start(r->owner->dynos, &o, NULL, &err) < 0) {
		log_error("add-on %s: %s", a->name, err.message);
		resource_retry(r);
	}
	json_decref(o.env);
}

static void stop_server(struct resource *r, const struct addon *a)
{
	struct dyno *dyno = addon_server(r->owner, a);

	/* While it is being made there is one reason only: it does not stay up. */
	if (a->state == ADDON_PROVISIONING)
		r->failed = true;
	if (dyno)
		dynos_stop(r->owner->dynos, dyno);
}

/* It goes aside by a rename, so that no half of it can be taken for the whole. */
static void remove_volume(struct resource *r, const struct addon *a)
{
	_cleanup_free_ char *volume = addon_volume(r->owner, a->id);
	_cleanup_free_ char *aside = xasprintf("%s" VOLUME_REMOVED, volume);

	if (rename(volume, aside) < 0 && errno != ENOENT)
		log_warn("add-on %s: %s can't be removed: %s", a->name, volume, strerror(errno));
	remove_tree_later(r->owner->platform, aside);
}

static void remove_addon(struct resource *r, const struct addon *a)
{
	struct error err = ERROR_INIT;

	remove_volume(r, a);
	if (store_addon_delete(r->owner->platform->store, a->id, &err) < 0) {
		log_error("add-on %s: %s", a->name, err.message);
		resource_retry(r);
		return;
	}
	log_info("add-on %s was removed", a->name);
	logs_link(r->owner->logs, a->id, NULL);
	logs_forget(r->owner->logs, a->id);
	walls_change(r->owner->walls);
	resource_turn_soon(r);
}

/* ---- failing ---- */

static void on_last_lines(char *const *lines, void *userdata)
{
	struct resource *r = userdata;
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct error err = ERROR_INIT;
	struct addon a = { 0 };

	r->last_lines = NULL;
	if (store_addon_get(r->owner->platform->store, r->id, &a, &err) < 0) {
		log_error("add-on %s: %s", r->id, err.message);
		resource_retry(r);
		return;
	}
	buf_puts(&text, a.reason ? a.reason : "Its server does not stay up");
	for (; lines && *lines; lines++)
		buf_printf(&text, "\n%s", *lines);
	addon_set_reason(&a, buf_steal(&text));
	a.state = ADDON_DEPROVISIONED;
	remove_volume(r, &a);
	addon_save(r->owner, &a);
	addon_say(r->owner, &a, "%s could not be made: %s", a.name, a.reason);
	/* The row stays for whoever asks why; its credentials open nothing any more. */
	logs_link(r->owner->logs, a.id, NULL);
	addon_done(&a);
	resource_turn_soon(r);
}

static void fail(struct resource *r, const struct addon *a)
{
	const struct logs_read what = { .app_id = a->id, .lines = LAST_LINES, .source = "addon" };

	r->last_lines = last_lines_fetch(r->owner->logs, &what, on_last_lines, r);
}

/* ---- the table ---- */

static void last_backup(struct resource *r, struct addon *a)
{
	struct backup b = { 0 };
	struct error err = ERROR_INIT;

	if (services_backup(r->owner, a, "last", &b, &err) < 0) {
		addon_set_reason(a, xasprintf("The last backup failed: %s. Use --force to destroy "
					      "the add-on without one",
					      err.message));
		addon_save(r->owner, a);
		resource_retry(r);
	}
	backup_done(&b);
}

void addon_act(struct resource *r, struct addon *a, const struct service *s,
	       enum life_action action)
{
	switch (action) {
	case LIFE_START:
		start_server(r, a, s);
		break;
	case LIFE_STOP:
		stop_server(r, a);
		break;
	case LIFE_ATTACH:
		addon_attach_first(r, a);
		break;
	case LIFE_LAST_BACKUP:
		last_backup(r, a);
		break;
	case LIFE_REMOVE:
		remove_addon(r, a);
		break;
	case LIFE_FAIL:
		fail(r, a);
		break;
	case LIFE_WAIT:
		break;
	default:
		addon_script(r, a, s, action);
		break;
	}
}
