/* SPDX-License-Identifier: Apache-2.0 */
/* Services and their plans. */
#include <string.h>

#include "addon/partner.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/str.h"
#include "daemon/api/addon/shapes.h"
#include "daemon/api/addon/services.h"
#include "daemon/services/services.h"
#include "daemon/api/table.h"
#include "model/names.h"

#define DOCS_MAX_BYTES (256 << 10)

static json_t *strings(char *const *v)
{
	json_t *list = json_array();

	for (; v && *v; v++)
		json_array_append_new(list, json_string(*v));
	return list;
}

static json_t *shape(struct request *r, const char *name, const char *human_name,
		     json_t *take_extra)
{
	char id[UUID_SIZE];
	int64_t since = request_parts(r)->platform.started_ms;

	return json_pack("{s:s, s:s, s:s, s:s, s:b, s:b, s:n, s:[], s:o, s:o, s:o}", "id",
			 name_uuid("service", name, id), "name", name, "human_name", human_name,
			 "state", "ga", "supports_sharing", 1, "supports_multiple_installations", 1,
			 "cli_plugin_name", "supported_generations", "created_at", json_time(since),
			 "updated_at", json_time(since), "twelve", take_extra);
}

static json_t *service_json(struct request *r, const struct service *s)
{
	json_t *extra = json_pack("{s:s, s:s, s:s, s:s?, s:b, s:s, s:o}", "description",
				  s->description, "version", s->version, "kind", "server", "client",
				  s->client, "backups", (int)(s->backup != NULL), "attachment",
				  s->attachment, "aliases", strings(s->aliases));

	json_object_set_new(extra, "heroku", strings(s->heroku));
	return shape(r, s->name, s->human_name, extra);
}

static json_t *external_json(struct request *r)
{
	json_t *extra = json_pack("{s:s, s:n, s:s, s:n, s:b, s:s, s:[]}", "description",
				  "A service elsewhere, by its URL", "version", "kind", "external",
				  "client", "backups", 0, "attachment", "EXTERNAL", "aliases");

	return shape(r, SERVICE_EXTERNAL, "A service elsewhere", extra);
}

json_t *api_provider_json(struct request *r, const struct partner *p)
{
	json_t *extra = json_pack("{s:s, s:n, s:s, s:n, s:b, s:s, s:[]}", "description",
				  "A service that others run", "version", "kind", "provider",
				  "client", "backups", 0, "attachment", p->prefix, "aliases");

	return shape(r, p->id, p->name, extra);
}

static int add_providers(struct request *r, json_t *list, struct error *err)
{
	struct provider *rows = NULL;
	size_t n = 0;

	if (store_provider_list(request_store(r), &rows, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct error ignored = ERROR_INIT;
		struct partner p = { 0 };

		if (partner_parse(rows[i].manifest, &p, &ignored) == 0)
			json_array_append_new(list, api_provider_json(r, &p));
		partner_done(&p);
	}
	provider_free_array(rows, n);
	return 0;
}

/* The provider named in the path: 1, or 0 when it is none. */
static bool find_provider(struct request *r, json_t **ret_manifest, struct partner *ret)
{
	struct error ignored = ERROR_INIT;

	return services_partner(request_parts(r)->services, request_param(r, "service"),
				ret_manifest, ret, &ignored) == 0;
}

static int api_services_list(struct request *r, struct error *err)
{
	const struct service_set *set = services_catalog(request_parts(r)->services);
	json_t *list = json_array();

	if (add_providers(r, list, err) < 0) {
		json_decref(list);
		return -1;
	}
	json_array_append_new(list, external_json(r));
	for (size_t i = 0; i < set->n; i++)
		json_array_append_new(list, service_json(r, &set->list[i]));
	return request_answer_list(r, list);
}

static bool names_external(struct request *r)
{
	const char *which = request_param(r, "service");
	char id[UUID_SIZE];

	return streq(which, SERVICE_EXTERNAL) ||
	       streq(which, name_uuid("service", SERVICE_EXTERNAL, id));
}

/* By name, alias or id; "external" is not among them. */
static const struct service *find(struct request *r, struct error *err)
{
	const struct service_set *set = services_catalog(request_parts(r)->services);
	const char *name = request_param(r, "service");
	char id[UUID_SIZE];

	for (size_t i = 0; i < set->n; i++)
		if (streq(name_uuid("service", set->list[i].name, id), name))
			return &set->list[i];
	return service_set_find(set, name, err);
}

static int api_services_get(struct request *r, struct error *err)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_buf_ struct buf docs = BUF_INIT;
	const struct service *s;
	json_t *manifest = NULL, *j;
	struct partner p = { 0 };

	if (names_external(r))
		return request_answer(r, 200, external_json(r));
	if (find_provider(r, &manifest, &p)) {
		j = api_provider_json(r, &p);
		partner_done(&p);
		json_decref(manifest);
		return request_answer(r, 200, j);
	}
	s = find(r, err);
	if (!s)
		return -1;
	j = service_json(r, s);
	path = xasprintf("%s/docs.md", s->dir);
	if (fs_read_file(path, DOCS_MAX_BYTES, &docs) == 0)
		json_object_set_new(json_object_get(j, "twelve"), "docs", json_text(docs.data));
	return request_answer(r, 200, j);
}

/* ---- plans ---- */

static json_t *plan_shape(struct request *r, const char *service, const char *plan,
			  const char *description, bool is_default, json_t *take_extra)
{
	_cleanup_free_ char *name = xasprintf("%s:%s", service, plan);
	int64_t since = request_parts(r)->platform.started_ms;
	char id[UUID_SIZE], service_id[UUID_SIZE];
	json_t *j;

	j = json_pack("{s:s, s:s, s:s, s:s, s:b, s:s, s:b, s:n, s:b, s:b, s:b}", "id",
		      name_uuid("plan", name, id), "name", name, "human_name", plan, "description",
		      description, "default", (int)is_default, "state", "ga", "visible", 1,
		      "compliance", "space_default", 0, "installable_inside_private_network", 0,
		      "installable_outside_private_network", 1);
	json_object_update_new(j, json_pack("{s:{s:s, s:s}, s:o, s:o, s:o, s:o}", "addon_service",
					    "id", name_uuid("service", service, service_id), "name",
					    service, "price", api_price(), "created_at",
					    json_time(since), "updated_at", json_time(since),
					    "twelve", take_extra));
	return j;
}

static json_t *plan_json(struct request *r, const struct service *s, const struct service_plan *p)
{
	json_t *extra = json_pack("{s:I, s:I, s:f}", "memory_bytes", (json_int_t)p->memory_bytes,
				  "disk_bytes", (json_int_t)p->disk_bytes, "cpus", p->cpus);

	return plan_shape(r, s->name, p->name, p->description, p == &s->plans[0], extra);
}

static json_t *external_plan(struct request *r)
{
	return plan_shape(r, SERVICE_EXTERNAL, SERVICE_EXTERNAL, "What runs elsewhere", true,
			  json_object());
}

static void add_provided_plans(struct request *r, const struct partner *p, json_t *list)
{
	json_t *plan;
	size_t i;

	json_array_foreach (p->plans, i, plan) {
		const char *about = json_string_value(json_object_get(plan, "description"));

		json_array_append_new(
			list, plan_shape(r, p->id, json_string_value(json_object_get(plan, "name")),
					 about ? about : "", i == 0, json_object()));
	}
}

/* Of the service in the path; NULL with an error when there is no such. */
static json_t *list_plans(struct request *r, struct error *err)
{
	json_t *list = json_array(), *manifest = NULL;
	struct partner p = { 0 };
	const struct service *s;

	if (find_provider(r, &manifest, &p)) {
		add_provided_plans(r, &p, list);
		partner_done(&p);
		json_decref(manifest);
		return list;
	}

	if (names_external(r)) {
		json_array_append_new(list, external_plan(r));
		return list;
	}
	s = find(r, err);
	if (!s) {
		json_decref(list);
		return NULL;
	}
	for (size_t i = 0; i < s->n_plans; i++)
		json_array_append_new(list, plan_json(r, s, &s->plans[i]));
	return list;
}

static int api_plans_list(struct request *r, struct error *err)
{
	json_t *list = list_plans(r, err);

	return list ? request_answer_list(r, list) : -1;
}

/* By id, as SERVICE:PLAN or as PLAN. */
static bool is_plan(json_t *plan, const char *which)
{
	const char *name = json_string_value(json_object_get(plan, "name")),
		   *colon = strchr(name, ':');

	return streq(which, name) || (colon && streq(which, colon + 1)) ||
	       streq(which, json_string_value(json_object_get(plan, "id")));
}

/* One of ours by a name that it has at Heroku. */
static json_t *plan_by_alias(struct request *r, const char *which)
{
	struct error ignored = ERROR_INIT;
	const struct service *s = find(r, &ignored);
	const char *colon = strchr(which, ':');
	const struct service_plan *p = s ? service_plan(s, colon ? colon + 1 : which) : NULL;

	return p ? plan_json(r, s, p) : NULL;
}

static int api_plans_get(struct request *r, struct error *err)
{
	json_t *list = list_plans(r, err), *plan, *found = NULL;
	const char *which = request_param(r, "plan");
	char excerpt[NAME_EXCERPT_SIZE];
	size_t i;

	if (!list)
		return -1;
	json_array_foreach (list, i, plan)
		if (!found && is_plan(plan, which))
			found = json_incref(plan);
	json_decref(list);
	if (!found)
		found = plan_by_alias(r, which);
	return found ? request_answer(r, 200, found)
		     : error_set(err, ERROR_NOT_FOUND, "There is no plan %s of %s",
				 name_excerpt(excerpt, which), request_param(r, "service"));
}

const struct api_route services_routes[] = {
	{ "GET", "/addon-services", NEED_USER, api_services_list, "available services",
	  .answer = "[add-on-service]" },
	{ "GET", "/addon-services/:service", NEED_USER, api_services_get,
	  "one service, with its documentation", .answer = "add-on-service" },
	{ "GET", "/addon-services/:service/plans", NEED_USER, api_plans_list, "plans of a service",
	  .answer = "[plan]" },
	{ "GET", "/addon-services/:service/plans/:plan", NEED_USER, api_plans_get, "one plan",
	  .answer = "plan" },
	{ 0 },
};
