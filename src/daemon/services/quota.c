/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The disk that volumes take, against what their plans give. du(1) counts in a process of
 * its own, now and then, and each second while a volume may be near its quota (addon/room.h). On
 * the way up the add-on's stream is told; at the quota the service is asked to refuse writes
 * (bin/full on), beyond the hard limit to let its apps in no more (bin/full on hard), and when
 * there is room again to take them (bin/full off): refusing early keeps a server whole, which a
 * full disk would not.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/str.h"
#include "daemon/services/services-priv.h"

#define EVERY_MS 10000
/* A volume that was just made is small, and its server writes a moment longer. */
#define SOON_MS 1000

static const int warn_at[] = { 80, 90, 95 };

enum room_level quota_level(const struct resource *r, const struct addon *a)
{
	return r->level_known ? r->level : (enum room_level)a->full;
}

/* A server that was started anew has forgotten what it was told. */
bool quota_due(const struct resource *r, const struct addon *a)
{
	enum room_level level = quota_level(r, a);

	return level != (enum room_level)a->full || (level != ROOM_FREE && !r->level_told);
}

/* ---- the door that is left to people (bin/full) ---- */

char *quota_rescue_name(const char *database)
{
	return xasprintf("rescue_%s", database);
}

char *quota_rescue_password(const struct addon *a, const char *database)
{
	const char *password = json_string_value(json_object_get(a->secret, "admin_password"));
	_cleanup_free_ char *text = xasprintf("%s:rescue:%s", password ? password : "", database);
	char hex[DIGEST_HEX_SIZE];
	char *secret;

	digest_bytes(text, strlen(text), hex);
	explicit_bzero(text, strlen(text));
	secret = xstrndup(hex, 40);
	explicit_bzero(hex, sizeof(hex));
	return secret;
}

/* ---- judging ---- */

/* The highest step that is reached: 0 for none. */
static int step_of(int64_t percent)
{
	int step = 0;

	for (size_t i = 0; i < ARRAY_SIZE(warn_at); i++)
		if (percent >= warn_at[i])
			step = (int)i + 1;
	return step;
}

static void warn(struct resource *r, const struct addon *a, const struct room *room)
{
	int64_t percent = room->used * 100 / room->quota;
	int step = step_of(percent);

	if (step > r->warned)
		addon_say(r->owner, a,
			  "Warning: %s uses %lld %% of its disk (%lld of %lld MB); at 100 %% it "
			  "refuses writes. "
			  "A larger plan: twelve addons:upgrade",
			  a->name, (long long)percent, (long long)room->used >> 20,
			  (long long)room->quota >> 20);
	r->warned = step;
}

static void say_level(struct resource *r, const struct addon *a, const struct service *s,
		      enum room_level level)
{
	static const char *const said[_ROOM_MAX] = {
		[ROOM_FREE] = "has room again and takes writes",
		[ROOM_FULL] = "has used up its disk and refuses writes",
		[ROOM_HARD] = ("is beyond the hard limit of its disk, and lets its apps in no more "
			       "until there is room. A larger plan: "
			       "twelve addons:upgrade"),
		[ROOM_CLOSED] = "is far beyond the hard limit of its disk, and refuses logins. A "
				"larger plan: twelve addons:upgrade",
	};
	const char *what = level == ROOM_FULL && quota_level(r, a) > level
				   ? "lets its apps in again, to read and to delete"
				   : said[level];

	addon_say(r->owner, a, "%s%s %s",
		  level >= ROOM_FULL && what == said[level] ? "Error: " : "", a->name, what);
	if (level == ROOM_HARD && s->client)
		addon_say(r->owner, a, "To look and to delete: twelve %s", s->client);
}

static void judge(struct resource *r, const struct addon *a, const struct service *s,
		  const struct service_plan *p)
{
	const struct room room = { .used = r->disk_used,
				   .quota = (int64_t)p->disk_bytes,
				   .hard = (int64_t)p->disk_hard_bytes };
	enum room_level before = quota_level(r, a), level = room_level(&room, before);

	warn(r, a, &room);
	/* A jump says all that it passes. */
	for (enum room_level passed = before + 1; passed < level; passed++)
		say_level(r, a, s, passed);
	if (level != before)
		say_level(r, a, s, level);
	r->level = level;
	r->level_known = true;
	if (quota_due(r, a))
		resource_turn_soon(r);
}

/* ---- when to count ---- */

static int64_t free_space(struct services *sv)
{
	_cleanup_free_ char *dir = xasprintf("%s/volumes", sv->platform->settings.state_dir);
	struct statvfs vfs;

	return statvfs(dir, &vfs) < 0 ? -1 : (int64_t)vfs.f_bfree * (int64_t)vfs.f_frsize;
}

static bool may_be_near(struct resource *r, int64_t free_now)
{
	struct error err = ERROR_INIT;
	const struct service_plan *p = NULL;
	const struct service *s;
	struct addon a = { 0 };
	bool near = false;

	if (r->disk_used < 0 || r->free_then < 0 ||
	    store_addon_get(r->owner->platform->store, r->id, &a, &err) < 0)
		return false;
	s = services_service_of(r->owner, &a);
	p = s ? service_plan(s, a.plan) : NULL;
	if (p) {
		const struct room room = { .used = r->disk_used, .quota = (int64_t)p->disk_bytes };

		near = room_is_near(&room, r->free_then - free_now);
	}
	addon_done(&a);
	return near;
}

void quotas_look(struct services *sv)
{
	int64_t free_now = free_space(sv);

	for (size_t i = 0; free_now >= 0 && i < sv->n; i++)
		if (sv->list[i]->du_timer && !sv->list[i]->du_readable &&
		    may_be_near(sv->list[i], free_now))
			watch_arm(sv->list[i]->du_timer, 0);
}

static void counted(struct resource *r)
{
	struct error err = ERROR_INIT;
	const struct service_plan *p = NULL;
	const struct service *s;
	struct addon a = { 0 };

	r->disk_used = strtoll(r->du_text.data, NULL, 10);
	if (store_addon_get(r->owner->platform->store, r->id, &a, &err) < 0)
		return;
	s = services_service_of(r->owner, &a);
	p = s ? service_plan(s, a.plan) : NULL;
	if (p && a.state == ADDON_PROVISIONED)
		judge(r, &a, s, p);
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
	_cleanup_free_ char *volume = addon_volume(r->owner, r->id);
	const char *const argv[] = { "du", "-s", "--block-size=1", "--", volume, NULL };
	_cleanup_fd_ int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct proc_options o = { .argv = argv, .stderr_fd = null };
	struct error err = ERROR_INIT;
	int fds[2];
	pid_t pid;

	watch_arm(r->du_timer, EVERY_MS);
	r->free_then = free_space(r->owner);
	if (pipe2(fds, O_CLOEXEC) < 0)
		return;
	o.stdout_fd = fds[1];
	if (proc_spawn(&o, &pid, &err) < 0) {
		log_warn("counting the disk of %s: %s", volume, err.message);
		fd_close(fds[0]);
	} else {
		watch_child(r->owner->platform->loop, pid, on_child, NULL, NULL);
		watch_arm(r->du_timer, -1);
		fd_set_nonblock(fds[0], true);
		buf_clear(&r->du_text);
		r->du_fd = fds[0];
		r->du_readable = watch_readable(r->owner->platform->loop, r->du_fd, on_readable, r);
	}
	fd_close(fds[1]);
}

void quota_start(struct resource *r)
{
	if (r->du_timer)
		return;
	r->du_timer = watch_timer(r->owner->platform->loop, on_timer, r);
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
