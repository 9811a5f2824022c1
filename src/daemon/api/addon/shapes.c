/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/api/addon/shapes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "addon/room.h"
#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/api/call.h"
#include "daemon/api/shapes.h"
#include "daemon/services/services.h"
#include "model/names.h"

const char *api_plan_of(struct request *r)
{
	json_t *plan = json_object_get(request_body(r), "plan");
	const char *name = json_string_value(json_object_get(plan, "name"));

	return name ? name
		    : json_string_value(json_is_string(plan) ? plan : json_object_get(plan, "id"));
}

/* Everything here is free of charge. */
json_t *api_price(void)
{
	return json_pack("{s:i, s:b, s:b, s:s}", "cents", 0, "contract", 0, "metered", 0, "unit",
			 "month");
}

/* ---- add-ons ---- */

json_t *api_addon_ref(const struct addon *a)
{
	return json_pack("{s:s, s:s, s:{s:s, s:s}}", "id", a->id, "name", a->name, "app", "id",
			 a->app_id, "name", a->app_name);
}

static json_t *schedule_json(const struct addon *a)
{
	char at[8];

	if (a->schedule_minute < 0)
		return json_null();
	snprintf(at, sizeof(at), "%02d:%02d", (int)(a->schedule_minute / 60),
		 (int)(a->schedule_minute % 60));
	return json_pack("{s:s, s:I}", "at", at, "keep", (json_int_t)a->schedule_keep);
}

static const char *kind_of(const struct addon *a)
{
	if (addon_is_server(a))
		return "server";
	return json_object_get(a->secret, "provider") ? "provider" : "external";
}

static json_t *extra(struct sight *sight, const struct addon *a)
{
	struct services *services = request_parts(sight->r)->services;
	const struct service *s = addon_is_server(a) ? services_service_of(services, a) : NULL;
	const struct service_plan *p = s ? service_plan(s, a->plan) : NULL;
	const char *url = json_string_value(json_object_get(a->secret, "url"));
	_cleanup_free_ char *shown = url ? addon_shown_url(url) : NULL;
	struct addon_status now;
	json_t *j;

	services_status(services, a, &now);
	j = json_pack("{s:s, s:s, s:b, s:o, s:s?, s:I, s:b, s:b, s:b, s:o, s:s?}", "kind",
		      kind_of(a), "status", now.word, "healthy", (int)now.healthy, "reason",
		      json_text(a->reason), "version", s ? s->version : NULL, "port",
		      (json_int_t)a->first_port, "full", a->full != ROOM_FREE, "restoring",
		      (int)(a->restoring != NULL), "backing_up", (int)now.backing_up, "schedule",
		      schedule_json(a), "shown_url", shown);
	json_object_set_new(j, "changing", json_boolean(now.changing));
	json_object_set_new(j, "room", json_string(room_word((enum room_level)a->full)));
	json_object_update_new(j, json_pack("{s:b, s:b}", "last_backup_due", (int)a->keep_last,
					    "has_backups", (int)(s && s->backup)));
	json_object_update_new(
		j,
		json_pack("{s:I, s:I, s:o, s:I, s:I}", "memory_bytes",
			  (json_int_t)(p ? p->memory_bytes : 0), "disk_quota_bytes",
			  (json_int_t)(p ? p->disk_bytes : 0), "disk_used_bytes",
			  now.disk_used_bytes < 0 ? json_null() : json_integer(now.disk_used_bytes),
			  "backups", (json_int_t)sight_count_backups(sight, a->id), "attachments",
			  (json_int_t)sight_count_attachments(sight, a->id)));
	return j;
}

static json_t *service_ref(struct request *r, const struct addon *a)
{
	const struct service *s = services_service_of(request_parts(r)->services, a);
	char id[UUID_SIZE];

	return json_pack("{s:s, s:s, s:s}", "id", name_uuid("service", a->service, id), "name",
			 a->service, "human_name", s ? s->human_name : a->service);
}

json_t *api_addon_json_in(struct sight *sight, const struct addon *a)
{
	_cleanup_free_ char *plan = xasprintf("%s:%s", a->service, a->plan);
	char plan_id[UUID_SIZE];
	json_t *j = json_pack("{s:s, s:s, s:s, s:{s:s, s:s}, s:o, s:{s:s, s:s, s:o}}", "id", a->id,
			      "name", a->name, "state", addon_state_names[a->state], "app", "id",
			      a->app_id, "name", a->app_name, "addon_service",
			      service_ref(sight->r, a), "plan", "id",
			      name_uuid("plan", plan, plan_id), "name", plan, "price", api_price());

	json_object_update_new(j, json_pack("{s:o, s:{s:s, s:s, s:s}, s:o, s:s, s:s, s:n, s:[]}",
					    "billed_price", api_price(), "billing_entity", "id",
					    a->app_id, "name", a->app_name, "type", "app",
					    "config_vars", sight_config_vars(sight, a),
					    "provider_id", a->provider_id ? a->provider_id : a->id,
					    "provision_message", "", "web_url", "actions"));
	json_object_update_new(j, json_pack("{s:o, s:o, s:o}", "created_at",
					    json_time(a->created_ms), "updated_at",
					    json_time(a->updated_ms), "twelve", extra(sight, a)));
	return j;
}

json_t *api_addon_json(struct request *r, const struct addon *a)
{
	struct error err = ERROR_INIT;
	struct sight sight = { .r = r };
	json_t *j;

	/* What was done is answered all the same, without its counts. */
	if (sight_open(r, a->id, &sight, &err) < 0)
		log_error("add-on %s: %s", a->name, err.message);
	j = api_addon_json_in(&sight, a);
	sight_done(&sight);
	return j;
}

/* ---- attachments ---- */

static json_t *attachment_extra(struct request *r, const struct addon *addon,
				const struct attachment *a)
{
	struct parts *parts = request_parts(r);
	struct error ignored = ERROR_INIT;
	struct credential c = { 0 };
	json_t *j;

	if (a->credential[0])
		store_credential_get(parts->platform.store, a->credential, &c, &ignored);
	j = json_pack("{s:s?, s:s, s:s?, s:s?, s:o}", "service", addon->service, "kind",
		      addon_is_server(addon) ? "server" : "external", "user", c.username,
		      "database", c.database && c.database[0] ? c.database : NULL,
		      "credential_created_at", json_time(c.created_ms));
	credential_done(&c);
	return j;
}

json_t *api_attachment_json(struct request *r, const struct app *app, const struct attachment *a)
{
	struct error ignored = ERROR_INIT;
	struct addon addon = { 0 };
	json_t *j;

	if (store_addon_get(request_store(r), a->addon, &addon, &ignored) < 0) {
		/* Destroyed; what is left of it is in the releases before. */
		addon = (struct addon){ .name = xstrdup("destroyed"),
					.app_name = xstrdup(app->name) };
		snprintf(addon.id, sizeof(addon.id), "%s", a->addon);
		memcpy(addon.app_id, app->id, sizeof(addon.app_id));
	}
	j = json_pack("{s:s, s:s, s:o, s:o, s:s?, s:O?}", "id", a->id, "name", a->name, "addon",
		      api_addon_ref(&addon), "app", api_app_ref(app), "namespace",
		      a->shared ? "shared" : NULL, "config_vars", a->vars);
	json_object_update_new(j, json_pack("{s:o, s:o, s:n, s:n, s:o}", "created_at",
					    json_time(a->created_ms), "updated_at",
					    json_time(a->created_ms), "web_url", "log_input_url",
					    "twelve", attachment_extra(r, &addon, a)));
	if (addon.plan) {
		_cleanup_free_ char *plan = xasprintf("%s:%s", addon.service, addon.plan);
		char id[UUID_SIZE];

		json_object_set_new(
			json_object_get(j, "addon"), "plan",
			json_pack("{s:s, s:s}", "id", name_uuid("plan", plan, id), "name", plan));
	}
	addon_done(&addon);
	return j;
}
