/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The disk that volumes take. du(1) counts, in one process at a time. A volume at rest is counted
 * ever more rarely (addon/room.h); one look a second at the file system's free space tells which may
 * have grown since.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/core/child.h"
#include "daemon/services/services-priv.h"

/* After a count that told nothing. */
#define AGAIN_MS 10000
/* A volume that was just made is small, and its server writes a moment longer. */
#define SOON_MS 1000
/* What takes longer is stuck: others wait for their turn. */
#define DU_LIMIT_MS (60 * 60 * 1000)
#define SAID_MAX_BYTES 65536

struct count {
	struct services *owner;
	char id[UUID_SIZE]; /* of the add-on, which may be gone when it ends */
	struct child *child;
};

void counts_stop(struct services *sv)
{
	struct count *c = steal_ptr(sv->count);

	if (!c)
		return;
	child_abandon(c->child);
	free(c);
}

/* ---- what it means ---- */

static void note(struct resource *r, const struct addon *a, const struct service *s,
		 const struct service_plan *p, int64_t used)
{
	const struct room room = { .used = used,
				   .quota = (int64_t)p->disk_bytes,
				   .hard = (int64_t)p->disk_hard_bytes };

	r->count_pause_ms =
		room_pause_ms(&room, quota_level(r, a), r->disk_used, r->count_pause_ms);
	r->count_at_ms = clock_now_ms() + r->count_pause_ms;
	r->disk_quota = room.quota;
	r->disk_used = used;
	if (a->state == ADDON_PROVISIONED)
		quota_judge(r, a, s, p);
}

static void counted(struct resource *r, int64_t used)
{
	struct error err = ERROR_INIT;
	const struct service_plan *p = NULL;
	const struct service *s;
	struct addon a = { 0 };

	if (store_addon_get(r->owner->platform->store, r->id, &a, &err) < 0)
		return;
	s = services_service_of(r->owner, &a);
	p = s ? service_plan(s, a.plan) : NULL;
	if (p)
		note(r, &a, s, p, used);
	addon_done(&a);
}

/* Its status does not matter: a file that vanishes while it counts is no failure. */
static void on_end(const struct child_end *end, void *userdata)
{
	_cleanup_free_ struct count *c = userdata;
	struct services *sv = c->owner;
	struct resource *r = resource_find(sv, c->id);

	sv->count = NULL;
	if (end->timed_out)
		log_warn("counting the disk of add-on %s took longer than an hour", c->id);
	else if (r && end->n_result)
		counted(r, strtoll(end->result, NULL, 10));
	counts_look(sv);
}

/* ---- counting ---- */

static int64_t free_space(const struct services *sv)
{
	_cleanup_free_ char *dir = xasprintf("%s/volumes", sv->platform->settings.state_dir);
	struct statvfs vfs;

	return statvfs(dir, &vfs) < 0 ? -1 : (int64_t)vfs.f_bfree * (int64_t)vfs.f_frsize;
}

static void start(struct resource *r, int64_t free_now)
{
	_cleanup_free_ char *volume = addon_volume(r->owner, r->id);
	const char *const argv[] = { "du", "-s", "--block-size=1", "--", volume, NULL };
	struct count *c = xcalloc(1, sizeof(*c));
	const struct child_options o = { .argv = argv,
					 .max_result = SAID_MAX_BYTES,
					 .result_on_stdout = true,
					 .quiet = true,
					 .timeout_ms = DU_LIMIT_MS,
					 .on_end = on_end,
					 .userdata = c };
	struct error err = ERROR_INIT;

	r->count_at_ms = clock_now_ms() + AGAIN_MS;
	r->free_then = free_now;
	c->owner = r->owner;
	memcpy(c->id, r->id, sizeof(c->id));
	if (child_start(r->owner->platform->loop, &o, &c->child, &err) < 0) {
		log_warn("counting the disk of %s: %s", volume, err.message);
		free(c);
		return;
	}
	r->owner->count = c;
}

static bool is_due(const struct resource *r, int64_t now_ms, int64_t free_now)
{
	const struct room room = { .used = r->disk_used, .quota = r->disk_quota };

	if (!r->counted)
		return false;
	if (now_ms >= r->count_at_ms)
		return true;
	return r->disk_used >= 0 && r->free_then >= 0 && free_now >= 0 &&
	       room_is_near(&room, r->free_then - free_now);
}

void counts_look(struct services *sv)
{
	int64_t now_ms = clock_now_ms(), free_now = free_space(sv);
	struct resource *first = NULL;

	if (sv->count)
		return;
	/* Whoever has waited longest. */
	for (size_t i = 0; i < sv->n; i++)
		if (is_due(sv->list[i], now_ms, free_now) &&
		    (!first || sv->list[i]->count_at_ms < first->count_at_ms))
			first = sv->list[i];
	if (first)
		start(first, free_now);
}

void count_begin(struct resource *r)
{
	r->counted = true;
}

void count_soon(struct resource *r)
{
	r->count_at_ms = clock_now_ms() + SOON_MS;
}
