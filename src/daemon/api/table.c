/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All endpoints, in the order of the documents: the router, the authorization, the checks of
 * bodies, docs/api.md, docs/openapi.json and their tests are made from these; see api/route.h for
 * what the columns say.
 */
#include "daemon/api/table.h"

#include <stddef.h>

const struct api_route *const api_tables[] = {
	users_routes,
	user_limits_routes,
	all_keys_routes,
	audit_routes,
	rate_limits_routes,
	access_routes,
	no_oauth_routes,
	login_routes,
	apps_routes,
	collaborators_routes,
	addons_routes,
	addon_make_routes,
	addons_of_app_routes,
	attachments_routes,
	attach_routes,
	services_routes,
	providers_routes,
	backups_routes,
	pipelines_routes,
	couplings_of_pipeline_routes,
	pipeline_releases_routes,
	couplings_routes,
	promotions_routes,
	reviews_routes,
	review_config_routes,
	review_of_app_routes,
	setups_routes,
	app_transfers_routes,
	egress_routes,
	features_routes,
	absent_routes,
	webhooks_routes,
	releases_routes,
	sbom_routes,
	formation_routes,
	monitors_routes,
	dynos_routes,
	slugs_routes,
	builds_routes,
	log_sessions_routes,
	drains_routes,
	log_streams_routes,
	buildpacks_routes,
	buildpacks_known_routes,
	buildpack_key_routes,
	buildpack_known_routes,
	domains_routes,
	git_routes,
	sni_routes,
	acm_routes,
	places_routes,
	dyno_sizes_routes,
	no_teams_routes,
	ca_routes,
	status_routes,
	backup_routes,
	stack_updates_routes,
	lost_routes,
	gc_routes,
	data_databases_routes,
	data_work_routes,
	data_transfers_routes,
	data_credentials_routes,
	NULL,
};

const struct api_route *api_route_at(size_t i)
{
	for (const struct api_route *const *table = api_tables; *table; table++)
		for (const struct api_route *route = *table; route->method; route++)
			if (i-- == 0)
				return route;
	return NULL;
}
