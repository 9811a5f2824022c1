/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON shapes of Heroku's schema that several resources share. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"
#include "build/build.h"
#include "daemon/api-priv.h"
#include "daemon/git.h"

/* Fixed ids of what there is only one of: this owner, this region. */
#define OWNER_ID "01234567-89ab-4def-8123-456789abcdef"
#define OWNER_EMAIL "owner@localhost"
#define REGION_ID "01234567-89ab-4def-8123-456789abcde0"
#define STACK_ID "01234567-89ab-4def-8123-456789abcde1"

int api_app(struct request *r, struct app *ret, struct error *err)
{
	return store_app_get(request_daemon(r)->store, request_param(r, "app"), ret, err);
}

json_t *api_time(int64_t wall_ms)
{
	char buf[CLOCK_ISO_SIZE];

	return wall_ms ? json_string(clock_iso(wall_ms, buf)) : json_null();
}

json_t *api_user_ref(const char *name)
{
	return json_pack("{s:s, s:s}", "id", OWNER_ID, "email", name && name[0] ? name : OWNER_EMAIL);
}

json_t *api_account(struct daemon *d)
{
	return json_pack("{s:s, s:s, s:s, s:b, s:b, s:o, s:o, s:b, s:o, s:o, s:b, s:o}", "id", OWNER_ID, "email", OWNER_EMAIL, "name",
			 "owner", "verified", 1, "allow_tracking", 0, "created_at", api_time(d->started_ms), "updated_at",
			 api_time(d->started_ms), "two_factor_authentication", 0, "last_login", json_null(), "default_team",
			 json_null(), "beta", 0, "sms_number", json_null());
}

json_t *api_app_ref(const struct app *a)
{
	return json_pack("{s:s, s:s}", "id", a->id, "name", a->name);
}

char *api_app_url(struct daemon *d, const char *app_name)
{
	const char *port = strrchr(d->settings.http_address, ':');

	return xasprintf("http://%s.%s%s/", app_name, d->settings.apps_domain, port && !streq(port, ":80") ? port : "");
}

static json_t *slug_size(struct daemon *d, const struct app *a)
{
	struct release r = { 0 };
	struct build_result slug = { 0 };
	struct error err = ERROR_INIT;
	json_t *size = json_null();

	if (a->current_version && store_release_get(d->store, a->id, a->current_version, &r, &err) == 0 && r.slug &&
	    build_open_slug(d->settings.state_dir, r.slug, &slug, &err) == 0) {
		json_decref(size);
		size = json_integer((json_int_t)slug.size_bytes);
	}
	build_result_done(&slug);
	release_done(&r);
	return size;
}

json_t *api_app_json(struct daemon *d, const struct app *a)
{
	_cleanup_free_ char *url = api_app_url(d, a->name), *git = git_path(d, a->name);
	json_t *stack = json_pack("{s:s, s:s}", "id", STACK_ID, "name", a->stack);

	return json_pack("{s:s, s:s, s:b, s:n, s:n, s:o, s:o, s:o, s:s, s:s, s:b, s:o, s:n, s:n, s:o, s:o, s:o, s:n, s:n, s:n, "
			 "s:s, s:s, s:{s:s, s:s, s:I, s:I}}",
			 "id", a->id, "name", a->name, "acm", 0, "archived_at", "buildpack_provided_description", "build_stack",
			 stack, "created_at", api_time(a->created_ms), "updated_at", api_time(a->updated_ms), "git_url", git,
			 "web_url", url, "maintenance", (int)a->maintenance, "owner", api_user_ref(NULL), "organization", "team",
			 "region", json_pack("{s:s, s:s}", "id", REGION_ID, "name", "us"), "released_at",
			 api_time(a->released_ms), "slug_size", slug_size(d, a), "repo_size", "space", "internal_routing", "create_status",
			 "complete", "generation", "cedar", "twelve", "git_path", git, "branch", a->branch, "current_version",
			 (json_int_t)a->current_version, "last_version", (json_int_t)a->last_version);
}

json_t *api_release_json(struct daemon *d, const struct app *a, const struct release *rel)
{
	_cleanup_free_ char *output = rel->output_id ? xasprintf("/streams/%s", rel->output_id) : NULL;
	json_t *slug = rel->slug ? json_pack("{s:s}", "id", rel->slug) : json_null();
	json_t *types = json_object();
	size_t i;

	(void)d;
	for (i = 0; i < rel->processes.n_types; i++)
		json_object_set_new(types, rel->processes.types[i].name, json_string(rel->processes.types[i].command));
	return json_pack("{s:s, s:I, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:[], s:b, s:s?, s:n, s:b, s:{s:s?, s:O?, s:s?, s:o, s:b}}", "id",
			 rel->id, "version", (json_int_t)rel->version, "status", release_status_names[rel->status],
			 "description", rel->description, "user", api_user_ref(rel->user), "app", api_app_ref(a), "slug", slug,
			 "created_at", api_time(rel->created_ms), "updated_at", api_time(rel->updated_ms),
			 "addon_plan_names", "current", (int)(rel->version == a->current_version), "output_stream_url", output,
			 "oci_image", "eligible_for_rollback", (int)(rel->slug && rel->status == RELEASE_SUCCEEDED), "twelve",
			 "reason", rel->reason, "proof", rel->proof, "commit", rel->commit, "processes", types, "phase_done",
			 (int)rel->phase_done);
}

void api_size_display(const char *size, char buf[static 32])
{
	bool start = true;
	size_t i;

	for (i = 0; size[i] && i < 31; i++) {
		buf[i] = start || size[i] == 'x' ? (char)toupper((unsigned char)size[i]) : size[i];
		start = size[i] == '-';
	}
	buf[i] = '\0';
}

json_t *api_dyno_json(struct daemon *d, const struct app *a, const struct dyno *dyno)
{
	_cleanup_free_ char *attach = dyno->attached ? xasprintf("/apps/%s/dynos/%s/attach", a->id, dyno->id) : NULL;
	const char *why = dyno->reason[0] ? dyno->reason : dyno->health;
	char size[32];

	(void)d;
	api_size_display(dyno->size, size);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s?, s:o, s:o, s:o, s:{s:s, s:I}, s:{s:s, s:I, s:i, s:i, s:I, s:I, s:b, s:b, s:I}}",
			 "id", dyno->id, "name", dyno->name, "type", dyno->type, "state", dyno_state_word(dyno), "command",
			 dyno->command, "size", size, "attach_url", attach, "app", api_app_ref(a), "created_at",
			 api_time(dyno->created_ms), "updated_at", api_time(dyno->since_ms), "release", "id", dyno->release_id,
			 "version", (json_int_t)dyno->release, "twelve", "reason", why, "restarts", (json_int_t)dyno->restarts,
			 "exit_code", dyno->exit_code, "port", (int)dyno->port, "pid", (json_int_t)dyno->pid, "since_ms",
			 (json_int_t)dyno->since_ms, "routed", (int)dyno->routed, "draining", (int)dyno->draining, "ready_ms",
			 (json_int_t)dyno->ready_ms);
}
