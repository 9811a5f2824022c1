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

#define SWEEP_MS 100
#define PAUSE_FIRST_MS 1000
#define PAUSE_MAX_MS 300000

bool addons_have_jobs(const struct addons *as)
{
	for (size_t i = 0; i < as->n; i++)
		if (as->list[i]->job || as->list[i]->verify_job)
			return true;
	return false;
}

struct resource *resource_find(struct addons *as, const char *id)
{
	for (size_t i = 0; i < as->n; i++)
		if (streq(as->list[i]->id, id))
			return as->list[i];
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

void addon_save(struct addons *as, const struct addon *a)
{
	struct error err = ERROR_INIT;

	if (store_addon_update(as->d->store, a, &err) < 0)
		log_error("add-on %s: %s", a->name, err.message);
}

void addon_set_reason(struct addon *a, char *take)
{
	free(a->reason);
	a->reason = take;
}

struct dyno *addon_server(struct addons *as, const struct addon *a)
{
	_cleanup_free_ struct dyno **dynos = NULL;
	size_t n = dynos_list(as->d->dynos, a->id, &dynos);

	return n ? dynos[0] : NULL;
}

void addon_say(struct addons *as, const struct addon *a, const char *fmt, ...)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	logs_append(as->d->logs, a->id, "addon", a->name, "%s", text.data);
}

struct resource *resource_add(struct addons *as, const char *id)
{
	struct resource *r = xcalloc(1, sizeof(*r));

	*r = (struct resource){
		.owner = as, .du_fd = -1, .disk_used = -1, .free_then = -1, .du_text = BUF_INIT
	};
	snprintf(r->id, sizeof(r->id), "%s", id);
	r->timer = watch_timer(as->d->loop, as->on_turn, r);
	as->list = xrealloc(as->list, (as->n + 1) * sizeof(struct resource *));
	as->list[as->n++] = r;
	return r;
}

void addons_kick(struct addons *as)
{
	if (!as)
		return;
	as->references_old = true;
	watch_arm(as->sweep_timer, SWEEP_MS);
}

void addons_kick_one(struct addons *as, const char *addon_id)
{
	struct resource *r = resource_find(as, addon_id);

	if (r)
		resource_turn_soon(r);
	else
		watch_arm(as->sweep_timer, 0);
	as->references_old = true;
}
