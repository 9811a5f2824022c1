/* SPDX-License-Identifier: Apache-2.0 */
/* App setups: the turns; see apps/setups.h. What each step does is in apps/setups-steps.c, how
 * app.json is found in apps/setups-reader.c, and what all of these use in apps/setup-work.c. */
#include "daemon/apps/setups.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/apps/apps.h"
#include "daemon/apps/setups-priv.h"
#include "daemon/build/upload.h"

/* How soon what others do (a build, an add-on, a release) is seen. Only while there is a setup to
 * look at. */
#define TURN_MS 200

static const struct {
	const char *name;
	setup_step_fn fn;
} steps[] = {
	{ "preparing", setup_prepare }, { "addons", setup_addons }, { "building", setup_build },
	{ "releasing", setup_release }, { "running", setup_run },
};

/* What is not needed any more: an archive that no build took; and what is in the row for its steps
 * alone. */
static void end(struct setups *ss, struct setup *s, const char *how)
{
	_cleanup_free_ char *path = upload_path(&ss->o.platform->settings, s->source_id);

	unlink(path);
	json_object_del(s->data, "overrides");
	json_object_del(s->data, "url");
	json_object_del(json_object_get(s->data, "plan"), "env");
	setup_go_to(ss, s, how);
}

/* ---- turns ---- */

/* Made by the request that was cut off, if its name, owner and date say so. */
static void turn_making(struct setups *ss, struct setup *s)
{
	struct error err = ERROR_INIT;
	struct app app = { 0 };

	if (store_app_get(ss->o.platform->store, s->app_name, &app, &err) == 0 &&
	    streq(app.owner_id, s->user_id) && app.created_ms >= s->created_ms &&
	    app.last_version == 1) {
		memcpy(s->app_id, app.id, sizeof(s->app_id));
		setup_go_to(ss, s, "reading");
	} else {
		setup_fail(ss, s,
			   "twelved was restarted before the app was created: create it again");
	}
	app_done(&app);
}

static void turn_reading(struct setups *ss, struct setup *s)
{
	struct error err = ERROR_INIT;

	if (!setup_work_find(ss, s->id) && setup_reader_start(ss, s, setup_manifest_read, &err) < 0)
		setup_fail(ss, s, err.message);
}

static void turn_removing(struct setups *ss, struct setup *s)
{
	struct error err = ERROR_INIT;
	struct app app = { 0 };

	if (s->app_id[0] && store_app_get(ss->o.platform->store, s->app_id, &app, &err) == 0 &&
	    apps_destroy(ss->o.apps, &app, "a setup that failed", &err) < 0) {
		_cleanup_free_ char *why =
			xasprintf("%s (the app is still there: %s)", s->failure, err.message);

		free(s->failure);
		s->failure = steal_ptr(why);
	}
	app_done(&app);
	end(ss, s, "failed");
}

static void turn_step(struct setups *ss, struct setup *s, setup_step_fn fn)
{
	struct error err = ERROR_INIT;
	const char *next = NULL;
	struct app app = { 0 };

	if (store_app_get(ss->o.platform->store, s->app_id, &app, &err) < 0)
		setup_fail(ss, s, "The app was destroyed while it was being set up");
	else if (fn(ss, s, &app, &next, &err) < 0)
		setup_fail(ss, s, err.message);
	else if (next && streq(next, "succeeded"))
		end(ss, s, next);
	else if (next)
		setup_go_to(ss, s, next);
	app_done(&app);
}

static void turn(struct setups *ss, struct setup *s)
{
	if (streq(s->step, "making"))
		turn_making(ss, s);
	else if (streq(s->step, "reading"))
		turn_reading(ss, s);
	else if (streq(s->step, "removing"))
		turn_removing(ss, s);
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		if (streq(s->step, steps[i].name)) {
			turn_step(ss, s, steps[i].fn);
			return;
		}
}

static void on_turn(void *userdata)
{
	struct setups *ss = userdata;
	struct error err = ERROR_INIT;
	struct setup *rows = NULL;
	size_t n = 0;

	if (store_setup_list_pending(ss->o.platform->store, &rows, &n, &err) < 0)
		log_error("app setups: %s", err.message);
	for (size_t i = 0; i < n; i++)
		turn(ss, &rows[i]);
	setup_free_array(rows, n);
	if (n || err.kind != ERROR_NONE)
		watch_arm(ss->timer, TURN_MS);
}

/* ---- what others call ---- */

static void note_end(struct setups *ss, struct setup *s, const struct dyno *dyno)
{
	json_object_set_new(s->data, "exit_code", json_integer(dyno->exit_code));
	json_object_set_new(s->data, "reason", json_text(dyno->reason));
	setup_save(ss, s);
	setups_kick(ss);
}

void setups_dyno_ended(struct setups *ss, const struct dyno *dyno)
{
	struct error err = ERROR_INIT;
	struct setup *rows = NULL;
	size_t n = 0;

	if (!ss)
		return;
	if (store_setup_list_pending(ss->o.platform->store, &rows, &n, &err) < 0)
		log_error("app setups: %s", err.message);
	for (size_t i = 0; i < n; i++)
		if (streq(rows[i].step, "running") && streq(rows[i].app_id, dyno->app_id))
			note_end(ss, &rows[i], dyno);
	setup_free_array(rows, n);
}

struct setups *setups_new(const struct setups_options *o)
{
	struct setups *ss = xcalloc(1, sizeof(*ss));

	ss->o = *o;
	ss->timer = watch_timer(o->platform->loop, on_turn, ss);
	watch_arm(ss->timer, 0);
	return ss;
}

void setups_free(struct setups *ss)
{
	if (!ss)
		return;
	while (ss->works)
		setup_work_free(ss->works);
	watch_free(ss->timer);
	free(ss);
}
