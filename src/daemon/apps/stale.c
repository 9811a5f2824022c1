/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stale review apps; see stale.h. An app's row and the line in the audit trail are one transaction,
 * so a kill leaves both or neither; what of the app is outside of the database goes at the next
 * start then, as after any destruction. That the review app was taken away follows from its app's
 * absence, the mark on its row only keeps lists short.
 */
#include "daemon/apps/stale.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/apps/apps.h"
#include "model/stale.h"
#include "store/review.h"

/* The wall clock may jump. */
#define LOOK_MAX_MS (60 * 60 * 1000)
#define WHO "twelved"

struct stale {
	struct platform *platform;
	struct apps *apps;
	struct watch *timer;
};

static int64_t due_ms(const struct stale *s, const struct review_age *a)
{
	const struct stale_facts f = { .days = a->stale_days,
				       .created_ms = a->created_ms,
				       .build_ms = a->build_ms,
				       .release_ms = a->release_ms,
				       .put_back_ms = store_put_back_ms(s->platform->store) };

	return stale_due_ms(&f);
}

static int destroy(struct stale *s, const struct review_age *a, const struct app *app,
		   struct error *err)
{
	_cleanup_free_ char *note =
		xasprintf("review app of %s in %s: nothing was deployed for %lld day%s", a->branch,
			  a->pipeline_name, (long long)a->stale_days, str_plural(a->stale_days));
	struct audit row = { .at_ms = clock_wall_ms(),
			     .user = (char *)WHO,
			     .app_name = app->name,
			     .action = (char *)"DELETE /review-apps/:review_app",
			     .note = note,
			     .status = 200 };
	struct review v = { 0 };
	int r;

	memcpy(row.app_id, app->id, sizeof(row.app_id));
	if (apps_destroy_noted(s->apps, app, WHO, &row, err) < 0)
		return -1;
	memcpy(v.id, a->id, sizeof(v.id));
	r = store_review_set_deleted(s->platform->store, &v, err);
	review_done(&v);
	return r;
}

/* One that can't be destroyed (others are attached to its add-on, say) stays, and is tried again an
 * hour later. */
static void take_away(struct stale *s, const struct review_age *a)
{
	struct error err = ERROR_INIT;
	struct app app = { 0 };

	if (store_app_get(s->platform->store, a->app_id, &app, &err) < 0 ||
	    destroy(s, a, &app, &err) < 0)
		log_warn("the stale review app %s is not destroyed: %s",
			 app.name ? app.name : a->app_id, err.message);
	app_done(&app);
}

static void on_timer(void *userdata)
{
	struct stale *s = userdata;
	int64_t now_ms = clock_wall_ms(), pause_ms = LOOK_MAX_MS;
	struct error err = ERROR_INIT;
	struct review_age *rows = NULL;
	size_t n = 0;

	if (store_review_ages(s->platform->store, &rows, &n, &err) < 0)
		log_error("stale review apps: %s", err.message);
	for (size_t i = 0; i < n; i++) {
		int64_t left_ms = due_ms(s, &rows[i]) - now_ms;

		if (left_ms <= 0)
			take_away(s, &rows[i]);
		else if (left_ms < pause_ms)
			pause_ms = left_ms;
	}
	review_age_free_array(rows, n);
	watch_arm(s->timer, pause_ms);
}

void stale_look(struct stale *s)
{
	if (s)
		watch_arm(s->timer, 0);
}

struct stale *stale_new(struct platform *p, struct apps *as)
{
	struct stale *s = xcalloc(1, sizeof(*s));

	*s = (struct stale){ .platform = p,
			     .apps = as,
			     .timer = watch_timer(p->loop, on_timer, s) };
	watch_arm(s->timer, 0);
	return s;
}

void stale_free(struct stale *s)
{
	if (!s)
		return;
	watch_free(s->timer);
	free(s);
}
