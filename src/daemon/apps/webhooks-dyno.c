/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events of dynos: they are in no table, so no trigger tells of them. Of what changed while no
 * twelved was there the next one tells that a dyno is crashed or gone; that one has come up, or
 * crashed and come up again, it does not.
 */
#include <jansson.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "model/size.h"
#include "daemon/apps/webhooks.h"
#include "store/webhook.h"

/* Who did it: as the triggers have it for what nobody asked for. */
#define PLATFORM \
	"{\"id\":\"00000000-0000-4000-8000-000000000000\",\"email\":\"platform@localhost\"}"

static const char gone[] = "gone";

static json_t *dyno_data(const struct app *app, const struct dyno *dyno, const char *state)
{
	char size[32];
	json_t *j =
		json_pack("{s:s, s:s, s:s, s:s, s:o}", "id", dyno->id, "name", dyno->name, "type",
			  dyno->type, "state", state, "command", json_text(dyno->command));

	size_display(dyno->size, size);
	json_object_update_new(j, json_pack("{s:s, s:{s:s, s:s}, s:{s:s, s:I}, s:n}", "size", size,
					    "app", "id", app->id, "name", app->name, "release",
					    "id", dyno->release_id, "version",
					    (json_int_t)dyno->release, "attach_url"));
	json_object_update_new(j, json_pack("{s:o, s:o, s:{s:o, s:i}}", "created_at",
					    json_time(dyno->created_ms), "updated_at",
					    json_time(dyno->since_ms), "twelve", "reason",
					    json_text(dyno->reason), "exit_code", dyno->exit_code));
	return j;
}

static int tell(struct platform *p, const struct dyno *dyno, const char *action, const char *state,
		struct error *err)
{
	_cleanup_free_ char *data = NULL, *previous = NULL;
	struct webhook_news news = { .include = "api:dyno",
				     .resource = "dyno",
				     .action = action,
				     .actor = PLATFORM,
				     .previous = "{}" };
	struct app app = { 0 };
	json_t *j;

	/* Of an app that is being destroyed there is nobody to tell. */
	if (store_app_get(p->store, dyno->app_id, &app, err) < 0)
		return err->kind == ERROR_NOT_FOUND ? 0 : -1;
	j = dyno_data(&app, dyno, state);
	news.data = data = json_dumps(j, JSON_COMPACT);
	if (dyno->told) {
		json_object_set_new(j, "state", json_string(dyno->told));
		news.previous = previous = json_dumps(j, JSON_COMPACT);
	}
	json_decref(j);
	app_done(&app);
	return store_webhook_tell(p->store, dyno->app_id, &news, err);
}

void webhooks_dyno_changed(struct platform *p, struct dyno *dyno)
{
	const char *state = dyno_state_word(dyno),
		   *action = dyno->told || dyno->adopted ? "update" : "create";
	struct error err = ERROR_INIT;
	bool wanted = false;

	/* Its end is told once: by its supervisor's last word, and not by the end of that. */
	if (dyno->told == gone ||
	    (dyno->state != DYNO_EXITED && dyno->told && streq(dyno->told, state)))
		return;
	if (dyno->state == DYNO_EXITED)
		action = "destroy";
	/* Its process runs: whether it is ready is found out anew. */
	if (!dyno->told && dyno->adopted &&
	    (dyno->state == DYNO_UP || dyno->state == DYNO_STARTING)) {
		if (streq(state, "up") || dyno->state == DYNO_STARTING)
			dyno->told = state;
		return;
	}
	if (store_webhook_wanted(p->store, dyno->app_id, "api:dyno", &wanted, &err) < 0 ||
	    (wanted && tell(p, dyno, action, state, &err) < 0))
		log_error("telling webhooks of %s: %s", dyno->name, err.message);
	dyno->told = dyno->state == DYNO_EXITED ? gone : state;
}
