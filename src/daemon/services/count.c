/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The disk that volumes take. du(1) counts, in one process at a time. A volume at rest is counted
 * ever more rarely (addon/room.h); one look a second at the file system's free space tells which may
 * have grown since.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/str.h"
#include "daemon/services/services-priv.h"

/* After a count that told nothing. */
#define AGAIN_MS 10000
/* A volume that was just made is small, and its server writes a moment longer. */
#define SOON_MS 1000

struct count {
	struct services *owner;
	char id[UUID_SIZE]; /* of the add-on, which may be gone when it ends */
	int fd;
	struct watch *readable;
	struct buf text;
};

static void count_free(struct count *c)
{
	if (!c)
		return;
	watch_free(c->readable);
	fd_close(c->fd);
	buf_done(&c->text);
	free(c);
}

void counts_stop(struct services *sv)
{
	count_free(steal_ptr(sv->count));
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

static void on_readable(void *userdata)
{
	struct count *c = userdata;
	struct services *sv = c->owner;
	struct resource *r;
	ssize_t n = fd_read(c->fd, buf_reserve(&c->text, 256), 256);

	if (n > 0) {
		buf_added(&c->text, (size_t)n);
		return;
	}
	if (n == -EAGAIN)
		return;
	sv->count = NULL;
	r = resource_find(sv, c->id);
	if (r && c->text.len)
		counted(r, strtoll(c->text.data, NULL, 10));
	count_free(c);
	counts_look(sv);
}

/* ---- counting ---- */

static int64_t free_space(const struct services *sv)
{
	_cleanup_free_ char *dir = xasprintf("%s/volumes", sv->platform->settings.state_dir);
	struct statvfs vfs;

	return statvfs(dir, &vfs) < 0 ? -1 : (int64_t)vfs.f_bfree * (int64_t)vfs.f_frsize;
}

static void on_child(int status, void *userdata)
{
	/* Its pipe tells; this only reaps. A file that vanishes while it counts is no failure. */
	(void)status;
	(void)userdata;
}

static int spawn(struct services *sv, const char *volume, int write_fd, struct error *err)
{
	const char *const argv[] = { "du", "-s", "--block-size=1", "--", volume, NULL };
	_cleanup_fd_ int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct proc_options o = { .argv = argv, .stdout_fd = write_fd, .stderr_fd = null };
	pid_t pid;

	if (proc_spawn(&o, &pid, err) < 0)
		return -1;
	if (watch_child(sv->platform->loop, pid, on_child, NULL, NULL) < 0)
		log_warn("counting %s: its end can't be watched", volume);
	return 0;
}

static void start(struct resource *r, int64_t free_now)
{
	struct services *sv = r->owner;
	_cleanup_free_ char *volume = addon_volume(sv, r->id);
	struct error err = ERROR_INIT;
	struct count *c;
	int fds[2], e;

	r->count_at_ms = clock_now_ms() + AGAIN_MS;
	r->free_then = free_now;
	if (pipe2(fds, O_CLOEXEC) < 0)
		return;
	e = spawn(sv, volume, fds[1], &err);
	fd_close(fds[1]);
	if (e < 0) {
		log_warn("counting the disk of %s: %s", volume, err.message);
		fd_close(fds[0]);
		return;
	}
	fd_set_nonblock(fds[0], true);
	c = xcalloc(1, sizeof(*c));
	*c = (struct count){ .owner = sv, .fd = fds[0], .text = BUF_INIT };
	memcpy(c->id, r->id, sizeof(c->id));
	c->readable = watch_readable(sv->platform->loop, c->fd, on_readable, c);
	sv->count = c;
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
