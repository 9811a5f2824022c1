/* SPDX-License-Identifier: Apache-2.0 */
/* The table of routes, and how a path is matched; see api.h. */
#include "daemon/api.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "daemon/api-priv.h"

const struct api_route api_routes[] = {
	{ "GET", "/account", api_account_get, 0, "who is asking" },
	{ "GET", "/users/~", api_account_get, 0, "who is asking" },
	{ "GET", "/account/rate-limits", api_rate_limits, 0, "requests left; there is no limit" },
	{ "GET", "/account/keys", api_keys_list, 0, "SSH keys that may push" },
	{ "POST", "/account/keys", api_keys_create, 0, "add a key: {public_key}" },
	{ "DELETE", "/account/keys/:key", api_keys_delete, 0, "remove a key by id or fingerprint" },
	{ "GET", "/oauth/authorizations", api_tokens_list, 0, "tokens" },
	{ "POST", "/oauth/authorizations", api_tokens_create, 0, "make a token: {description, expires_in}; shown once" },
	{ "DELETE", "/oauth/authorizations/:token", api_tokens_delete, 0, "revoke a token" },
	{ "GET", "/oauth/authorizations/:token", api_tokens_get, 0, "one token" },
	{ "DELETE", "/oauth/sessions/:session", api_no_session, 0, "sessions; there are none" },

	{ "GET", "/apps", api_apps_list, 0, "all apps" },
	{ "GET", "/users/~/apps", api_apps_list, 0, "all apps" },
	{ "POST", "/apps", api_apps_create, 0, "create an app: {name}; a name is made up when there is none" },
	{ "GET", "/apps/:app", api_apps_get, 0, "one app" },
	{ "PATCH", "/apps/:app", api_apps_update, 0, "rename, turn maintenance on or off, choose the stack: {name, maintenance, build_stack}" },
	{ "DELETE", "/apps/:app", api_apps_delete, 0, "destroy an app and all that belongs to it" },
	{ "GET", "/apps/:app/collaborators", api_collaborators, 0, "the owner" },
	{ "GET", "/addons", api_addons_list, 0, "add-ons of all apps" },
	{ "GET", "/users/~/addons", api_addons_list, 0, "add-ons of all apps" },
	{ "GET", "/addons/:addon", api_addons_get, 0, "one add-on" },
	{ "GET", "/addons/:addon/addon-attachments", api_addons_attachments, 0, "who is attached to an add-on" },
	{ "GET", "/apps/:app/addons", api_addons_of_app, 0, "add-ons that an app owns or is attached to" },
	{ "POST", "/apps/:app/addons", api_addons_create, 0, "make an add-on: {plan, name, attachment: {name}, config: {url, from_backup}}" },
	{ "GET", "/apps/:app/addons/:addon", api_addons_get, 0, "one add-on" },
	{ "PATCH", "/apps/:app/addons/:addon", api_addons_update, 0, "another plan or name: {plan, name}" },
	{ "DELETE", "/apps/:app/addons/:addon", api_addons_delete, 0, "destroy an add-on; a last backup is kept: {force}" },
	{ "POST", "/actions/addons/resolve", api_addons_resolve, 0, "find add-ons by name: {addon, app, addon_service}" },
	{ "GET", "/addon-attachments", api_attachments_list, 0, "all attachments" },
	{ "POST", "/addon-attachments", api_attachments_create, 0, "attach an add-on to an app: {addon, app, name, namespace}" },
	{ "GET", "/addon-attachments/:attachment", api_attachments_get, 0, "one attachment" },
	{ "DELETE", "/addon-attachments/:attachment", api_attachments_delete, 0, "detach" },
	{ "GET", "/apps/:app/addon-attachments", api_attachments_of_app, 0, "attachments of an app" },
	{ "GET", "/apps/:app/addon-attachments/:attachment", api_attachments_get, 0, "one attachment by its name" },
	{ "POST", "/actions/addon-attachments/resolve", api_attachments_resolve, 0, "find attachments by name: {addon_attachment, app, addon_service}" },
	{ "POST", "/apps/:app/addon-attachments/:attachment/actions/swap", api_attachments_swap, 0, "the same name, another add-on: {addon}" },
	{ "POST", "/apps/:app/addon-attachments/:attachment/actions/rotate", api_attachments_rotate, 0, "a new credential, make before break" },
	{ "POST", "/apps/:app/addon-attachments/:attachment/dynos", api_attachments_client, 0, "run the service's client: {args, env, force_no_tty}" },
	{ "GET", "/addon-services", api_services_list, 0, "services that there are" },
	{ "GET", "/addon-services/:service", api_services_get, 0, "one service, with its documentation" },
	{ "GET", "/addon-services/:service/plans", api_plans_list, 0, "plans of a service" },
	{ "GET", "/addon-services/:service/plans/:plan", api_plans_get, 0, "one plan" },
	{ "POST", "/addon-services", api_providers_create, 0, "add a provider of services: {manifest}" },
	{ "DELETE", "/addon-services/:service", api_providers_delete, 0, "remove a provider" },
	{ "GET", "/addons/:addon/config", api_addon_config_get, API_PUBLIC, "for its provider: config vars" },
	{ "PATCH", "/addons/:addon/config", api_addon_config_update, API_PUBLIC, "for its provider: {config: [{name, value}]}" },
	{ "PUT", "/addons/:addon/config", api_addon_config_update, API_PUBLIC, "for its provider: {config: [{name, value}]}" },
	{ "POST", "/addons/:addon/actions/provision", api_addon_provisioned, API_PUBLIC, "for its provider: it is ready" },
	{ "POST", "/addons/:addon/actions/deprovision", api_addon_not_provisioned, API_PUBLIC, "for its provider: it can't be made" },
	{ "POST", "/oauth/token", api_oauth_token, API_PUBLIC | API_FORM, "for providers: a token for a grant" },
	{ "GET", "/addons/:addon/backups", api_backups_of_addon, 0, "backups of an add-on" },
	{ "POST", "/addons/:addon/backups", api_backups_create, 0, "take a backup" },
	{ "GET", "/apps/:app/backups", api_backups_of_app, 0, "backups of an app's add-ons, destroyed ones too" },
	{ "GET", "/backups/:backup", api_backups_get, 0, "one backup, by id, or by name with ?addon= or ?app=" },
	{ "DELETE", "/backups/:backup", api_backups_delete, 0, "delete a backup" },
	{ "GET", "/backups/:backup/content", api_backups_content, 0, "the file of a backup" },
	{ "POST", "/backups/:backup/actions/verify", api_backups_verify, 0, "restore it into a scratch service" },
	{ "POST", "/backups/:backup/actions/restore", api_backups_restore, 0, "put it in the place of what is there: {addon}" },
	{ "GET", "/addons/:addon/backup-schedule", api_schedule_get, 0, "when backups are taken" },
	{ "PUT", "/addons/:addon/backup-schedule", api_schedule_put, 0, "take backups daily: {at, keep}" },
	{ "DELETE", "/addons/:addon/backup-schedule", api_schedule_delete, 0, "take no more backups by schedule" },
	{ "GET", "/apps/:app/pipeline-couplings", api_no_pipeline, 0, "the pipeline; there are none yet" },

	{ "GET", "/apps/:app/config-vars", api_config_get, 0, "config vars" },
	{ "PATCH", "/apps/:app/config-vars", api_config_update, 0, "set (strings) and unset (null) config vars: a new release" },
	{ "GET", "/apps/:app/releases/:version/config-vars", api_config_of_release, 0, "config vars of a release" },

	{ "GET", "/apps/:app/releases", api_releases_list, 0, "releases" },
	{ "POST", "/apps/:app/releases", api_releases_create, 0, "roll back: {release} is an id or a version" },
	{ "GET", "/apps/:app/releases/:version", api_releases_get, 0, "one release, with its proof" },

	{ "GET", "/apps/:app/formation", api_formation_list, 0, "process types, quantities, sizes" },
	{ "PATCH", "/apps/:app/formation", api_formation_batch, 0, "scale several: {updates: [{type, quantity, size}]}" },
	{ "GET", "/apps/:app/formation/:type", api_formation_get, 0, "one process type" },
	{ "PATCH", "/apps/:app/formation/:type", api_formation_update, 0, "scale one: {quantity, size}" },

	{ "GET", "/apps/:app/dynos", api_dynos_list, 0, "what runs" },
	{ "POST", "/apps/:app/dynos", api_dynos_create, 0, "run a one-off dyno: {command, attach, env, size, type, force_no_tty}" },
	{ "DELETE", "/apps/:app/dynos", api_dynos_restart_all, 0, "restart all dynos, make before break" },
	{ "GET", "/apps/:app/dynos/:dyno", api_dynos_get, 0, "one dyno" },
	{ "DELETE", "/apps/:app/dynos/:dyno", api_dynos_restart, 0, "restart one dyno" },
	{ "GET", "/apps/:app/dynos/:dyno/attach", api_dynos_attach_session, 0, "upgrade to a session with a one-off dyno" },
	{ "POST", "/apps/:app/dynos/:dyno/actions/stop", api_dynos_stop_one, 0, "stop one dyno" },
	{ "DELETE", "/apps/:app/formations/:type", api_dynos_restart_type, 0, "restart the dynos of a type" },
	{ "POST", "/apps/:app/formations/:type/actions/stop", api_dynos_stop_type, 0, "stop the dynos of a type" },

	{ "POST", "/sources", api_sources_create, 0, "a place to upload a source archive to" },
	{ "POST", "/apps/:app/sources", api_sources_create, 0, "a place to upload a source archive to" },
	{ "PUT", "/sources/:source", api_sources_put, API_UPLOAD, "upload a source archive" },
	{ "GET", "/apps/:app/builds", api_builds_list, 0, "builds" },
	{ "POST", "/apps/:app/builds", api_builds_create, 0, "build and release: {source_blob: {url, version}}" },
	{ "GET", "/apps/:app/builds/:build", api_builds_get, 0, "one build" },
	{ "DELETE", "/apps/:app/builds/:build", api_builds_delete, 0, "cancel a build" },
	{ "GET", "/streams/:stream", api_stream_get, API_PUBLIC, "the output of a build or a release command, as it grows" },

	{ "POST", "/apps/:app/log-sessions", api_log_sessions_create, 0, "a URL to read log lines from: {lines, tail, dyno, source}" },
	{ "GET", "/apps/:app/log-drains", api_drains_list, 0, "log drains, with how they are" },
	{ "POST", "/apps/:app/log-drains", api_drains_create, 0, "add a log drain: {url, format, on_full, ca}" },
	{ "GET", "/apps/:app/log-drains/:drain", api_drains_get, 0, "one log drain, by id, token or URL" },
	{ "PUT", "/apps/:app/log-drains/:drain", api_drains_update, 0, "change a log drain: {url, format, on_full, ca}" },
	{ "DELETE", "/apps/:app/log-drains/:drain", api_drains_delete, 0, "remove a log drain" },
	{ "POST", "/apps/:app/log-drains/:drain/actions/test", api_drains_test, 0, "send one marked line and tell what came back" },
	{ "GET", "/log-streams/:session", api_log_stream, API_PUBLIC, "log lines, as server-sent events or plain text" },

	{ "GET", "/apps/:app/buildpack-installations", api_buildpacks_get, 0, "buildpacks" },
	{ "PUT", "/apps/:app/buildpack-installations", api_buildpacks_put, 0, "set the buildpacks: {updates: [{buildpack}]}" },
	{ "GET", "/apps/:app/domains", api_domains_list, 0, "domains" },
	{ "POST", "/apps/:app/domains", api_domains_create, 0, "add a domain: {hostname}" },
	{ "GET", "/apps/:app/domains/:domain", api_domains_get, 0, "one domain" },
	{ "DELETE", "/apps/:app/domains/:domain", api_domains_delete, 0, "remove a domain" },

	{ "GET", "/stacks", api_stacks, 0, "stacks" },
	{ "GET", "/regions", api_regions, 0, "regions: this machine" },
	{ "GET", "/dyno-sizes", api_dyno_sizes, 0, "sizes and their limits" },
	{ "GET", "/teams", api_no_rows, 0, "teams; none" },
	{ "GET", "/twelve/status", api_status, 0, "how the platform is" },
	{ "POST", "/twelve/gc", api_gc, 0, "remove slugs and stacks that no release uses" },
};

const size_t n_api_routes = ARRAY_SIZE(api_routes);

/* One segment of the path against one of the pattern. */
static bool segment_matches(const char *pattern, size_t pattern_n, const char *path, size_t path_n)
{
	if (pattern_n && pattern[0] == ':')
		return path_n > 0;
	return pattern_n == path_n && strncmp(pattern, path, path_n) == 0;
}

static bool path_matches(const char *pattern, const char *path, const char **values, size_t *lengths, size_t max,
			 size_t *ret_n)
{
	size_t n = 0;

	while (*pattern == '/' && *path == '/') {
		size_t a = strcspn(++pattern, "/"), b = strcspn(++path, "/");

		if (!segment_matches(pattern, a, path, b))
			return false;
		if (pattern[0] == ':' && n < max) {
			values[n] = path;
			lengths[n++] = b;
		}
		pattern += a;
		path += b;
	}
	*ret_n = n;
	return !*pattern && (!*path || streq(path, "/"));
}

const struct api_route *api_match(const char *method, const char *path, const char **values, size_t *lengths,
				  size_t max, size_t *ret_n, bool *ret_path_known)
{
	*ret_path_known = false;
	for (size_t i = 0; i < n_api_routes; i++) {
		if (!path_matches(api_routes[i].path, path, values, lengths, max, ret_n))
			continue;
		if (streq(api_routes[i].method, method))
			return &api_routes[i];
		*ret_path_known = true;
	}
	return NULL;
}
