/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first attachment of a new add-on, to the app that it was made for; with it the add-on is
 * provisioned.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/str.h"
#include "daemon/core/state.h"
#include "daemon/services/services-priv.h"

static void on_attached(struct error *err, const char *attachment_id, int64_t version,
			void *userdata)
{
	struct resource *r = userdata;
	struct error own = ERROR_INIT;
	struct addon a = { 0 };

	(void)attachment_id;
	(void)version;
	r->attaching = false;
	if (err && store_addon_get(r->owner->platform->store, r->id, &a, &own) == 0) {
		r->failed = true;
		addon_set_reason(&a, xstrdup(err->message));
		addon_save(r->owner, &a);
		addon_done(&a);
	}
	resource_turn_soon(r);
}

static void provisioned(struct resource *r, struct addon *a, json_t *list)
{
	struct attachment at;

	/* For its backups: a restore after it was destroyed attaches by this name again. */
	for (size_t i = 0; attach_at(list, i, &at); i++)
		if (streq(at.addon, a->id)) {
			free(a->attachment);
			a->attachment = xstrdup(at.name);
		}
	a->state = ADDON_PROVISIONED;
	addon_set_reason(a, NULL);
	addon_save(r->owner, a);
	addon_say(r->owner, a, "%s is ready", a->name);
	resource_succeeded(r);
}

/* The owner's first attachment; it may be there since before a kill. */
void addon_attach_first(struct resource *r, struct addon *a)
{
	struct services *sv = r->owner;
	struct addon_change c = { .fn = on_attached, .userdata = r };
	struct error err = ERROR_INIT;
	struct caller who = { 0 };
	struct app app = { 0 };
	json_t *list = NULL;

	if (r->attaching)
		return;
	if (store_app_get(sv->platform->store, a->app_id, &app, &err) < 0 ||
	    services_attachments(sv, &app, &list, &err) < 0) {
		/* Its app was destroyed meanwhile: nobody wants it. Not so when it just can't be
		 * read. */
		if (err.kind != ERROR_NOT_FOUND ||
		    !state_is_gone(sv->platform->store, "app", a->app_id)) {
			log_error("add-on %s: %s", a->name, err.message);
			resource_retry(r);
			app_done(&app);
			return;
		}
		a->state = ADDON_DEPROVISIONING;
		a->keep_last = false;
		addon_save(sv, a);
		resource_turn_soon(r);
	} else if (attach_has_addon(list, a->id)) {
		provisioned(r, a, list);
	} else {
		snprintf(who.name, sizeof(who.name), "%s",
			 json_string_value(json_object_get(a->secret, "made_by"))
				 ? json_string_value(json_object_get(a->secret, "made_by"))
				 : "twelve");
		c.app = &app;
		c.who = &who;
		r->attaching = true;
		services_attach(sv, &c, a, a->attachment, false);
	}
	json_decref(list);
	app_done(&app);
}
