/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON shapes of Heroku's schema that several resources share. What the schema
 * asks for and we have nothing of is null; what we have besides stands in a member "twelve".
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/str.h"
#include "base/utf8.h"
#include "model/names.h"
#include "model/size.h"
#include "store/slug.h"
#include "daemon/dynos/dynos.h"
#include "build/build.h"
#include "daemon/api/authz.h"
#include "daemon/api/find.h"
#include "daemon/api/shapes.h"
#include "daemon/edge/certs.h"
#include "daemon/git/git.h"
#include "daemon/build/slug-sizes.h"
#include "stack/names.h"

/* ---- values ---- */

json_t *api_shared(struct request *r, const char *kind, const char *name,
		   json_t *(*make)(struct request *r, const char *name))
{
	struct call *c = request_call(r);
	_cleanup_free_ char *key = xasprintf("%s %s", kind, name);
	json_t *j;

	if (!c->shared)
		c->shared = json_object();
	j = json_object_get(c->shared, key);
	if (j)
		return json_incref(j);
	j = make(r, name);
	json_object_set_nocheck(c->shared, key, j);
	return j;
}

/* One of a list by name, in any case, or id. Takes the list. */
int api_answer_one(struct request *r, json_t *take, const char *what, struct error *err)
{
	const char *which = request_param(r, what);
	json_t *item, *found = NULL;
	size_t i;

	json_array_foreach (take, i, item)
		if (strcasecmp(json_string_value(json_object_get(item, "name")), which) == 0 ||
		    streq(json_string_value(json_object_get(item, "id")), which))
			found = json_incref(item);
	json_decref(take);
	return found ? request_answer(r, 200, found)
		     : error_set(err, ERROR_NOT_FOUND, "There is no %s \"%.50s\" here", what,
				 which);
}

/* ---- references ---- */

const char *const region_names[] = { API_REGION, "eu", NULL };

static const char *find_region(const char *given)
{
	char id[UUID_SIZE];

	for (const char *const *n = region_names; *n; n++)
		if (strcasecmp(given, *n) == 0 || streq(given, name_uuid("region", *n, id)))
			return *n;
	return NULL;
}

int api_read_region(const char *given, const char **ret, struct error *err)
{
	const char *name = given ? find_region(given) : API_REGION;
	char excerpt[NAME_EXCERPT_SIZE];

	if (!name)
		return error_set(err, ERROR_INVALID,
				 "There is no region \"%s\": this platform is one machine, for "
				 "which \"" API_REGION "\" and \"eu\" both stand",
				 name_excerpt(excerpt, given));
	*ret = name;
	return 0;
}

json_t *api_stack_ref(const char *name)
{
	char id[UUID_SIZE];

	return json_pack("{s:s, s:s}", "id", name_uuid("stack", name, id), "name", name);
}

json_t *api_region_ref(const char *name)
{
	char id[UUID_SIZE];

	return json_pack("{s:s, s:s}", "id", name_uuid("region", name, id), "name", name);
}

static json_t *make_user_ref(struct request *r, const char *name)
{
	struct error ignored = ERROR_INIT;
	_cleanup_free_ char *email = NULL;
	struct user u = { 0 };
	char id[UUID_SIZE];
	json_t *j;

	if (store_user_get(request_store(r), name, &u, &ignored) == 0) {
		j = json_pack("{s:s, s:s}", "id", u.id, "email", u.email);
	} else {
		/* Who is gone, or the comment of a key: the schema wants an address. */
		email = strchr(name, '@') ? xstrdup(name) : xasprintf("%s@localhost", name);
		for (char *p = email; *p; p++)
			*p = *p == ' ' ? '-' : *p;
		j = json_pack("{s:s, s:o}", "id", name_uuid("user", email, id), "email",
			      json_text(email));
	}
	user_done(&u);
	return j;
}

json_t *api_user_ref(struct request *r, const char *name)
{
	return api_shared(r, "user", name && name[0] ? name : "platform", make_user_ref);
}

json_t *api_slug_of(struct request *r, const char *app_id, const char *digest)
{
	char id[UUID_SIZE];

	if (!digest)
		return json_null();
	if (!store_slug_of_digest(request_store(r), app_id, digest, id))
		name_uuid("slug", digest, id);
	return json_pack("{s:s}", "id", id);
}

/* ---- apps ---- */

json_t *api_app_ref(const struct app *a)
{
	return json_pack("{s:s, s:s}", "id", a->id, "name", a->name);
}

char *api_app_url(struct parts *parts, const char *app_name)
{
	const char *port = strrchr(parts->platform.settings.http_address, ':');

	return xasprintf("http://%s.%s%s/", app_name, parts->platform.settings.apps_domain,
			 port && !streq(port, ":80") ? port : "");
}

static json_t *slug_size(struct parts *parts, const struct app *a)
{
	int64_t bytes = slug_sizes_get(parts->slug_sizes, a);

	return bytes < 0 ? json_null() : json_integer((json_int_t)bytes);
}

/* Where it is best reached: at a host name with a certificate of its own, or plainly at the one
 * that every app has. */
static char *app_web_url(struct parts *parts, const struct app *a)
{
	_cleanup_free_ char *host = parts->platform.settings.https_address[0]
					    ? certs_host_of(&parts->platform, a->id)
					    : NULL;
	const char *port = strrchr(parts->platform.settings.https_address, ':');

	if (!host)
		return api_app_url(parts, a->name);
	return xasprintf("https://%s%s/", host, port && !streq(port, ":443") ? port : "");
}

static bool has_acm(struct parts *parts, const struct app *a)
{
	struct error ignored = ERROR_INIT;
	bool enabled = false;

	return store_acm_get(parts->platform.store, a->id, &enabled, &ignored) == 0 && enabled;
}

static json_t *make_stack(struct request *r, const char *name)
{
	(void)r;
	return api_stack_ref(name);
}

static json_t *make_region(struct request *r, const char *name)
{
	(void)r;
	return api_region_ref(name);
}

static json_t *make_generation(struct request *r, const char *name)
{
	char id[UUID_SIZE];

	(void)r;
	return json_pack("{s:s, s:s}", "id", name_uuid("generation", name, id), "name", name);
}

static json_t *permissions_json(struct request *r, const struct app *a)
{
	unsigned permissions = authz_permissions(r, a);
	json_t *may = json_array();

	for (const struct permission_word *w = permission_words; w->name; w++)
		if (permissions & w->permission)
			json_array_append_new(may, json_string(w->name));
	return may;
}

/* Two names of one stack are no difference that a build would make. */
static const char *runs_on(const struct app *a)
{
	return a->run_stack && !stack_is_same(a->run_stack, a->stack) ? a->run_stack : a->stack;
}

json_t *api_app_json(struct request *r, const struct app *a)
{
	struct parts *parts = request_parts(r);
	_cleanup_free_ char *url = app_web_url(parts, a),
			    *git = git_path(&parts->platform, a->name);
	_cleanup_free_ char *git_url = request_git_url(r, a->name);
	json_t *j = api_app_ref(a), *build_stack = api_shared(r, "stack", a->stack, make_stack),
	       *stack = api_shared(r, "stack", runs_on(a), make_stack);

	json_object_update_new(j,
			       json_pack("{s:o, s:o, s:o}", "created_at", json_time(a->created_ms),
					 "updated_at", json_time(a->updated_ms), "released_at",
					 json_time(a->released_ms)));
	json_object_update_new(j, json_pack("{s:s, s:s, s:b, s:b}", "git_url",
					    git_url ? git_url : git, "web_url", url, "maintenance",
					    (int)a->maintenance, "acm", (int)has_acm(parts, a)));
	json_object_update_new(j, json_pack("{s:o, s:o, s:o, s:o}", "stack", stack, "build_stack",
					    build_stack, "region",
					    api_shared(r, "region", a->region, make_region),
					    "owner", api_user_ref(r, a->owner_id)));
	json_object_update_new(j, json_pack("{s:o, s:o, s:n, s:n}", "generation",
					    api_shared(r, "generation", "cedar", make_generation),
					    "slug_size", slug_size(parts, a), "repo_size",
					    "buildpack_provided_description"));
	json_object_update_new(j, json_pack("{s:n, s:n, s:n, s:n, s:n, s:s}", "archived_at",
					    "organization", "team", "space", "internal_routing",
					    "create_status", "complete"));
	json_object_set_new(j, "twelve",
			    json_pack("{s:o, s:s, s:s, s:I, s:I}", "permissions",
				      permissions_json(r, a), "git_path", git, "branch", a->branch,
				      "current_version", (json_int_t)a->current_version,
				      "last_version", (json_int_t)a->last_version));
	return j;
}

/* ---- releases ---- */

static json_t *release_extra(struct request *r, const struct release *rel)
{
	json_t *types = json_object();

	for (size_t i = 0; i < rel->processes.n_types; i++)
		json_object_set_new(types, rel->processes.types[i].name,
				    json_text(rel->processes.types[i].command));
	return json_pack("{s:o, s:O?, s:o, s:o, s:b, s:s?, s:s?, s:b}", "reason",
			 json_text(rel->reason), "proof", rel->proof, "commit",
			 json_text(rel->commit), "processes", types, "phase_done",
			 (int)rel->phase_done, "slug", rel->slug, "stack", rel->stack, "slug_gone",
			 (int)(rel->slug &&
			       !build_slug_is_there(request_parts(r)->platform.settings.state_dir,
						    rel->slug)));
}

json_t *api_release_json(struct request *r, const struct app *a, const struct release *rel)
{
	_cleanup_free_ char *output =
		rel->output_id ? request_url(r, "/streams/%s", rel->output_id) : NULL;
	json_t *j = json_pack("{s:s, s:I, s:s, s:o}", "id", rel->id, "version",
			      (json_int_t)rel->version, "status", release_status_names[rel->status],
			      "description", json_text(rel->description));

	json_object_update_new(j, json_pack("{s:o, s:o, s:o}", "created_at",
					    json_time(rel->created_ms), "updated_at",
					    json_time(rel->updated_ms), "user",
					    api_user_ref(r, rel->user)));
	json_object_update_new(j, json_pack("{s:o, s:o, s:[], s:[], s:n}", "app", api_app_ref(a),
					    "slug", api_slug_of(r, a->id, rel->slug),
					    "addon_plan_names", "artifacts", "oci_image"));
	json_object_update_new(
		j,
		json_pack("{s:b, s:b, s:s?}", "current", (int)(rel->version == a->current_version),
			  "eligible_for_rollback",
			  (int)(rel->status == RELEASE_SUCCEEDED &&
				build_slug_is_there(request_parts(r)->platform.settings.state_dir,
						    rel->slug)),
			  "output_stream_url", output));
	json_object_set_new(j, "twelve", release_extra(r, rel));
	return j;
}

int api_answer_release(struct request *r, int64_t version, struct error *err)
{
	struct release release = { 0 };
	struct app now = { 0 };
	int result = -1;

	if (store_app_get(request_store(r), request_app(r)->id, &now, err) == 0 &&
	    store_release_get(request_store(r), now.id, version, &release, err) == 0)
		result = request_answer(r, 201, api_release_json(r, &now, &release));
	release_done(&release);
	app_done(&now);
	return result;
}

/* ---- dynos ---- */

static json_t *dyno_extra(struct request *r, const struct app *a, const struct dyno *dyno)
{
	_cleanup_free_ char *attach =
		dyno->attached ? request_url(r, "/apps/%s/dynos/%s/attach", a->id, dyno->id) : NULL;
	const struct dyno *around =
		dyno->inside[0] ? dynos_find(request_parts(r)->dynos, a->id, dyno->inside) : NULL;
	const struct route_place place = dyno_place(dyno);
	char address[INET_ADDRSTRLEN];
	json_t *j = json_pack("{s:o, s:I, s:i, s:b}", "reason",
			      json_text(dyno->reason[0] ? dyno->reason : dyno->health), "restarts",
			      (json_int_t)dyno->restarts, "exit_code", dyno->exit_code,
			      "out_of_memory", (int)dyno->oom);

	json_object_update_new(
		j, json_pack("{s:s, s:i, s:I, s:I, s:I}", "address",
			     inet_ntop(AF_INET, &place.address, address, sizeof(address)), "port",
			     (int)dyno->port, "pid", (json_int_t)dyno->pid, "since_ms",
			     (json_int_t)dyno->since_ms, "ready_ms", (json_int_t)dyno->ready_ms));
	json_object_update_new(j, json_pack("{s:b, s:b, s:b}", "ready", (int)dyno->ready, "routed",
					    (int)dyno->routed, "draining", (int)dyno->draining));
	json_object_update_new(j, json_pack("{s:s?, s:b, s:s?}", "attach_url", attach, "terminal",
					    (int)dyno->terminal, "inside",
					    around ? around->name : NULL));
	return j;
}

json_t *api_dyno_json(struct request *r, const struct app *a, const struct dyno *dyno)
{
	json_t *j = json_pack("{s:s, s:s, s:s, s:s}", "id", dyno->id, "name", dyno->name, "type",
			      dyno->type, "state", dyno_state_word(dyno));
	char size[32];

	size_display(dyno->size, size);
	json_object_update_new(j, json_pack("{s:o, s:s, s:n, s:o}", "command",
					    json_text(dyno->command), "size", size, "attach_url",
					    "app", api_app_ref(a)));
	json_object_update_new(
		j, json_pack("{s:o, s:o, s:{s:s, s:I}}", "created_at", json_time(dyno->created_ms),
			     "updated_at", json_time(dyno->since_ms), "release", "id",
			     dyno->release_id, "version", (json_int_t)dyno->release));
	json_object_set_new(j, "twelve", dyno_extra(r, a, dyno));
	return j;
}
