/* SPDX-License-Identifier: Apache-2.0 */
/* Who may do what with a pipeline, and its shapes; see pipeline-shapes.h. */
#include "daemon/api/team/pipeline-shapes.h"

#include "base/json.h"
#include "base/str.h"
#include "daemon/api/authz.h"
#include "model/names.h"

static bool owns(struct request *r, const struct pipeline *p)
{
	const struct caller *c = request_caller(r);

	return c->admin || (p->owner_id[0] && streq(p->owner_id, c->user_id));
}

/* Whether the caller may do this to an app that is in it. */
static bool has_app(struct request *r, const struct pipeline *p, enum need need)
{
	struct error ignored = ERROR_INIT;
	struct coupling *rows = NULL;
	bool found = false;
	size_t n = 0;

	if (store_coupling_list(request_store(r), p->id, &rows, &n, &ignored) < 0)
		return false;
	for (size_t i = 0; i < n && !found; i++)
		found = authz_allow_id(r, rows[i].app_id, need, &ignored) == 0;
	coupling_free_array(rows, n);
	return found;
}

bool pipeline_is_seen(struct request *r, const struct pipeline *p)
{
	return owns(r, p) || has_app(r, p, NEED_VIEW);
}

int pipeline_named(struct request *r, const char *name, struct pipeline *ret, struct error *err)
{
	char excerpt[NAME_EXCERPT_SIZE];
	struct pipeline p = { 0 };

	if (store_pipeline_get(request_store(r), name, &p, err) < 0)
		return -1;
	if (!pipeline_is_seen(r, &p)) {
		pipeline_done(&p);
		return error_set(err, ERROR_NOT_FOUND, "Couldn't find that pipeline: %s",
				 name_excerpt(excerpt, name));
	}
	*ret = p;
	return 0;
}

int pipeline_in_path(struct request *r, struct pipeline *ret, struct error *err)
{
	return pipeline_named(r, request_param(r, "pipeline"), ret, err);
}

int pipeline_may_change(struct request *r, const struct pipeline *p, struct error *err)
{
	if (owns(r, p))
		return 0;
	return error_set(err, ERROR_FORBIDDEN, "Only the owner of the pipeline %s may do this.",
			 p->name);
}

int pipeline_may_add(struct request *r, const struct pipeline *p, struct error *err)
{
	if (owns(r, p) || has_app(r, p, NEED_MANAGE))
		return 0;
	return error_set(
		err, ERROR_FORBIDDEN,
		"Only the owner of the pipeline %s, or who may manage an app in it, may do this.",
		p->name);
}

json_t *pipeline_json(const struct pipeline *p)
{
	json_t *j = json_pack("{s:s, s:s, s:o, s:o}", "id", p->id, "name", p->name, "created_at",
			      json_time(p->created_ms), "updated_at", json_time(p->updated_ms));
	char id[UUID_SIZE];

	json_object_set_new(j, "generation",
			    json_pack("{s:s, s:s}", "id", name_uuid("generation", "cedar", id),
				      "name", "cedar"));
	json_object_set_new(j, "owner",
			    p->owner_id[0]
				    ? json_pack("{s:s, s:s}", "id", p->owner_id, "type", "user")
				    : json_null());
	return j;
}

json_t *coupling_json(const struct coupling *c)
{
	return json_pack("{s:s, s:{s:s, s:s}, s:{s:s, s:s}, s:s, s:o, s:o}", "id", c->id, "app",
			 "id", c->app_id, "name", c->app_name, "pipeline", "id", c->pipeline_id,
			 "name", c->pipeline_name, "stage", stage_names[c->stage], "created_at",
			 json_time(c->created_ms), "updated_at", json_time(c->updated_ms));
}
