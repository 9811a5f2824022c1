/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Letting slugs go; see retention.h. A slug goes into STATE/slugs/trash by one rename, on our
 * thread, so that nobody meets half of one; a child removes it there, and what a kill leaves is
 * removed at the next start. A build may find a slug by its key and need it: so nothing is let go
 * while one runs.
 */
#include "daemon/build/retention.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "build/build.h"
#include "daemon/build/builds.h"
#include "daemon/build/collect.h"
#include "daemon/build/used.h"
#include "daemon/core/remove.h"

#define SOON_MS 200
#define LATER_MS 5000

struct retention {
	const struct platform *platform;
	struct dynos *dynos;
	struct builds *builds;
	const struct collect *collect;
	struct watch *timer;
};

static char *trash_dir(const struct platform *p)
{
	return xasprintf("%s/slugs/" SLUGS_TRASH, p->settings.state_dir);
}

static void let_go(const struct platform *p, const char *digest)
{
	_cleanup_free_ char *slug = xasprintf("%s/slugs/%s", p->settings.state_dir, digest),
			    *dir = trash_dir(p);
	_cleanup_free_ char *aside = xasprintf("%s/%s", dir, digest);
	int r;

	if (!fs_exists(slug))
		return;
	r = fs_mkdirs(dir, 0700);
	if (r == 0 && rename(slug, aside) < 0)
		r = -errno;
	if (r < 0) {
		log_error("letting the slug %.12s go: %s", digest, strerror(-r));
		return;
	}
	log_info("the slug %.12s is let go: no release that is kept has it", digest);
	remove_tree_later(p, aside);
}

static void on_timer(void *userdata)
{
	struct retention *r = userdata;
	_cleanup_strv_ char **released = NULL;
	struct used used = { 0 };
	struct error err = ERROR_INIT;

	if (builds_any_running(r->builds) || collect_is_running(r->collect)) {
		watch_arm(r->timer, LATER_MS);
		return;
	}
	if (store_slugs_released(r->platform->store, &released, &err) < 0 ||
	    used_read(r->platform, r->dynos, &used, &err) < 0)
		log_error("looking for slugs that can go: %s", err.message);
	else
		for (char **s = released; s && *s; s++)
			if (!strv_has(used.slugs, *s))
				let_go(r->platform, *s);
	used_done(&used);
}

void retention_kick(struct retention *r)
{
	if (r)
		watch_arm(r->timer, SOON_MS);
}

struct retention *retention_new(const struct platform *p, struct dynos *dynos,
				struct builds *builds, const struct collect *collect)
{
	_cleanup_free_ char *trash = trash_dir(p);
	struct retention *r = xcalloc(1, sizeof(*r));

	*r = (struct retention){ .platform = p,
				 .dynos = dynos,
				 .builds = builds,
				 .collect = collect,
				 .timer = watch_timer(p->loop, on_timer, r) };
	remove_tree_later(p, trash);
	/* With another number of releases to keep, or after a kill. */
	watch_arm(r->timer, LATER_MS);
	return r;
}

void retention_free(struct retention *r)
{
	if (!r)
		return;
	watch_free(r->timer);
	free(r);
}
