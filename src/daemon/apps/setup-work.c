/* SPDX-License-Identifier: Apache-2.0 */
/* What the turns, the steps and the reader of setups stand on; see apps/setups-priv.h. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "daemon/apps/setups-priv.h"

/* ---- what is waited for ---- */

struct setup_work *setup_work_find(struct setups *ss, const char *setup_id)
{
	struct setup_work *w = ss->works;

	while (w && !streq(w->id, setup_id))
		w = w->next;
	return w;
}

struct setup_work *setup_work_new(struct setups *ss, const char *setup_id)
{
	struct setup_work *w = xcalloc(1, sizeof(*w));

	*w = (struct setup_work){ .owner = ss, .next = ss->works };
	memcpy(w->id, setup_id, sizeof(w->id));
	ss->works = w;
	return w;
}

void setup_work_free(struct setup_work *w)
{
	struct setup_work **at = &w->owner->works;

	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	child_abandon(w->reader);
	last_lines_cancel(w->lines);
	free(w);
}

/* ---- the row ---- */

void setups_kick(struct setups *ss)
{
	if (ss)
		watch_arm(ss->timer, 0);
}

int setup_save(struct setups *ss, struct setup *s)
{
	struct error err = ERROR_INIT;

	if (store_setup_update(ss->o.platform->store, s, &err) == 0)
		return 0;
	log_error("app setup %s: %s", s->id, err.message);
	return -1;
}

int setup_go_to(struct setups *ss, struct setup *s, const char *step)
{
	free(s->step);
	s->step = xstrdup(step);
	return setup_save(ss, s);
}

void setup_fail(struct setups *ss, struct setup *s, const char *why)
{
	log_info("app setup of %s failed: %s", s->app_name, why);
	free(s->failure);
	s->failure = xstrdup(why);
	setup_go_to(ss, s, "removing");
	setups_kick(ss);
}
