/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each add-on while twelved runs: the list of them, when its next turn is, its row, its server and
 * its stream of lines. What a turn does is services/turns.c, whose function the timer calls.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/lines/lines.h"
#include "daemon/services/services-priv.h"
#include "daemon/walls/walls.h"

#define SWEEP_MS 100
#define PAUSE_FIRST_MS 1000
#define PAUSE_MAX_MS 300000

bool services_have_jobs(const struct services *sv)
{
	for (size_t i = 0; i < sv->n; i++)
		if (sv->list[i]->job || sv->list[i]->verify_job)
			return true;
	return false;
}

struct resource *resource_find(struct services *sv, const char *id)
{
	for (size_t i = 0; i < sv->n; i++)
		if (streq(sv->list[i]->id, id))
			return sv->list[i];
	return NULL;
}

void resource_turn_soon(struct resource *r)
{
	watch_arm(r->timer, 0);
}

void resource_retry(struct resource *r)
{
	r->pause_ms = r->pause_ms ? r->pause_ms * 2 : PAUSE_FIRST_MS;
	if (r->pause_ms > PAUSE_MAX_MS)
		r->pause_ms = PAUSE_MAX_MS;
	r->not_before_ms = clock_now_ms() + r->pause_ms;
	watch_arm(r->timer, r->pause_ms);
}

void resource_succeeded(struct resource *r)
{
	r->pause_ms = r->not_before_ms = 0;
	resource_turn_soon(r);
}

void addon_save(struct services *sv, const struct addon *a)
{
	struct error err = ERROR_INIT;

	if (store_addon_update(sv->platform->store, a, &err) < 0)
		log_error("add-on %s: %s", a->name, err.message);
}

void addon_set_reason(struct addon *a, char *take)
{
	free(a->reason);
	a->reason = take;
}

struct dyno *addon_server(struct services *sv, const struct addon *a)
{
	_cleanup_free_ struct dyno **dynos = NULL;
	size_t n = dynos_list(sv->dynos, a->id, &dynos);

	return n ? dynos[0] : NULL;
}

void addon_say(struct services *sv, const struct addon *a, const char *fmt, ...)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	logs_append(sv->logs, a->id, "addon", a->name, "%s", text.data);
}

struct resource *resource_add(struct services *sv, const char *id)
{
	struct resource *r = xcalloc(1, sizeof(*r));

	*r = (struct resource){
		.owner = sv, .disk_used = -1, .free_then = -1, .rules = walls_change(sv->walls)
	};
	snprintf(r->id, sizeof(r->id), "%s", id);
	r->timer = watch_timer(sv->platform->loop, sv->on_turn, r);
	sv->list = xrealloc(sv->list, (sv->n + 1) * sizeof(struct resource *));
	sv->list[sv->n++] = r;
	return r;
}

void services_kick(struct services *sv)
{
	if (!sv)
		return;
	sv->references_old = true;
	watch_arm(sv->sweep_timer, SWEEP_MS);
}

void services_kick_one(struct services *sv, const char *addon_id)
{
	struct resource *r = resource_find(sv, addon_id);

	if (r)
		resource_turn_soon(r);
	else
		watch_arm(sv->sweep_timer, 0);
	sv->references_old = true;
}
