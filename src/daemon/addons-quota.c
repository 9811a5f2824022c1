/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The disk that volumes take, against what their plans give. du(1) counts in a process of
 * its own, now and then. On the way up the add-on's stream is told; at the quota the
 * service is asked to refuse writes (bin/full on), and when there is room again to take them
 * (bin/full off): refusing early keeps a server whole, which a full disk would not.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/str.h"
#include "daemon/addons-priv.h"

#define EVERY_MS 10000
/* A volume that was just made is small, and its server writes a moment longer. */
#define SOON_MS 1000
/* Percent of the quota. */
#define FULL 100
#define ROOM_AGAIN 90

static const int warn_at[] = { 80, 90, 95 };

const char *quota_word(const struct resource *r, const struct addon *a)
{
	(void)r;
	return a->full ? "off" : "on";
}

/* The highest step that is reached: 0 for none. */
static int step_of(int64_t percent)
{
	int step = 0;

	for (size_t i = 0; i < ARRAY_SIZE(warn_at); i++)
		if (percent >= warn_at[i])
			step = (int)i + 1;
	return step;
}

static void judge(struct resource *r, const struct addon *a, const struct service_plan *p)
{
	int64_t percent = r->disk_used * 100 / (int64_t)p->disk_bytes;
	int step = step_of(percent);

	if (step > r->warned)
		addon_say(r->owner, a,
			  "Warning: %s uses %lld %% of its disk (%lld of %lld MB); at 100 %% it refuses writes. "
			  "A larger plan: twelve addons:upgrade",
			  a->name, (long long)percent, (long long)r->disk_used >> 20,
			  (long long)p->disk_bytes >> 20);
	r->warned = step;
	if ((!a->full && percent >= FULL) || (a->full && percent < ROOM_AGAIN)) {
		addon_say(r->owner, a, a->full ? "%s has room again and takes writes" :
						 "Error: %s has used up its disk and refuses writes",
			  a->name);
		r->limit_due = true;
		resource_turn_soon(r);
	}
}

static void counted(struct resource *r)
{
	struct error err = ERROR_INIT;
	const struct service_plan *p = NULL;
	const struct service *s;
	struct addon a = { 0 };

	r->disk_used = strtoll(r->du_text.data, NULL, 10);
	if (store_addon_get(r->owner->d->store, r->id, &a, &err) < 0)
		return;
	s = addons_service_of(r->owner, &a);
	p = s ? service_plan(s, a.plan) : NULL;
	if (p && !r->limit_due && a.state == ADDON_PROVISIONED)
		judge(r, &a, p);
	addon_done(&a);
}

static void on_readable(void *userdata)
{
	struct resource *r = userdata;
	ssize_t n = fd_read(r->du_fd, buf_reserve(&r->du_text, 256), 256);

	if (n > 0) {
		buf_added(&r->du_text, (size_t)n);
		return;
	}
	if (n == -EAGAIN)
		return;
	watch_free(steal_ptr(r->du_readable));
	r->du_fd = fd_close(r->du_fd);
	if (r->du_text.len)
		counted(r);
	watch_arm(r->du_timer, EVERY_MS);
}

static void on_child(int status, void *userdata)
{
	/* Its pipe tells; this only reaps. A file that vanishes while it counts is no failure. */
	(void)status;
	(void)userdata;
}

static void on_timer(void *userdata)
{
	struct resource *r = userdata;
	struct daemon *d = r->owner->d;
	_cleanup_free_ char *volume = addon_volume(r->owner, r->id);
	const char *const argv[] = { "du", "-s", "--block-size=1", "--", volume, NULL };
	_cleanup_fd_ int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct proc_options o = { .argv = argv, .stderr_fd = null };
	struct error err = ERROR_INIT;
	int fds[2];
	pid_t pid;

	watch_arm(r->du_timer, EVERY_MS);
	if (pipe2(fds, O_CLOEXEC) < 0)
		return;
	o.stdout_fd = fds[1];
	if (proc_spawn(&o, &pid, &err) < 0) {
		log_warn("counting the disk of %s: %s", volume, err.message);
		fd_close(fds[0]);
	} else {
		watch_child(d->loop, pid, on_child, NULL, NULL);
		watch_arm(r->du_timer, -1);
		fd_set_nonblock(fds[0], true);
		buf_clear(&r->du_text);
		r->du_fd = fds[0];
		r->du_readable = watch_readable(d->loop, r->du_fd, on_readable, r);
	}
	fd_close(fds[1]);
}

void quota_start(struct resource *r)
{
	if (r->du_timer)
		return;
	r->du_timer = watch_timer(r->owner->d->loop, on_timer, r);
	watch_arm(r->du_timer, 0);
}

void quota_soon(struct resource *r)
{
	if (r->du_timer && !r->du_readable)
		watch_arm(r->du_timer, SOON_MS);
}

void quota_stop(struct resource *r)
{
	watch_free(steal_ptr(r->du_timer));
	watch_free(steal_ptr(r->du_readable));
	r->du_fd = fd_close(r->du_fd);
	buf_done(&r->du_text);
}
