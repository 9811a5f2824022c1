/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of endpoints. Each file of handlers ends with its table, and a row without a method
 * ends the table. table.c lists the tables in the order of the documents; if two paths match, the
 * first one wins.
 */
#pragma once

#include "daemon/api/route.h"

extern const struct api_route users_routes[];
extern const struct api_route user_limits_routes[];
extern const struct api_route all_keys_routes[];
extern const struct api_route audit_routes[];
extern const struct api_route rate_limits_routes[];
extern const struct api_route access_routes[];
extern const struct api_route no_oauth_routes[];
extern const struct api_route login_routes[];
extern const struct api_route apps_routes[];
extern const struct api_route collaborators_routes[];
extern const struct api_route addons_routes[];
extern const struct api_route addon_make_routes[];
extern const struct api_route addons_of_app_routes[];
extern const struct api_route attachments_routes[];
extern const struct api_route attach_routes[];
extern const struct api_route services_routes[];
extern const struct api_route providers_routes[];
extern const struct api_route backups_routes[];
extern const struct api_route pipelines_routes[];
extern const struct api_route couplings_of_pipeline_routes[];
extern const struct api_route pipeline_releases_routes[];
extern const struct api_route couplings_routes[];
extern const struct api_route promotions_routes[];
extern const struct api_route reviews_routes[];
extern const struct api_route review_config_routes[];
extern const struct api_route review_of_app_routes[];
extern const struct api_route setups_routes[];
extern const struct api_route app_transfers_routes[];
extern const struct api_route egress_routes[];
extern const struct api_route features_routes[];
extern const struct api_route absent_routes[];
extern const struct api_route webhooks_routes[];
extern const struct api_route releases_routes[];
extern const struct api_route sbom_routes[];
extern const struct api_route formation_routes[];
extern const struct api_route monitors_routes[];
extern const struct api_route dynos_routes[];
extern const struct api_route slugs_routes[];
extern const struct api_route builds_routes[];
extern const struct api_route log_sessions_routes[];
extern const struct api_route drains_routes[];
extern const struct api_route log_streams_routes[];
extern const struct api_route buildpacks_routes[];
extern const struct api_route buildpacks_known_routes[];
extern const struct api_route buildpack_key_routes[];
extern const struct api_route buildpack_known_routes[];
extern const struct api_route domains_routes[];
extern const struct api_route git_routes[];
extern const struct api_route sni_routes[];
extern const struct api_route acm_routes[];
extern const struct api_route places_routes[];
extern const struct api_route dyno_sizes_routes[];
extern const struct api_route no_teams_routes[];
extern const struct api_route ca_routes[];
extern const struct api_route status_routes[];
extern const struct api_route backup_routes[];
extern const struct api_route stack_updates_routes[];
extern const struct api_route lost_routes[];
extern const struct api_route gc_routes[];
extern const struct api_route data_databases_routes[];
extern const struct api_route data_work_routes[];
extern const struct api_route data_transfers_routes[];
extern const struct api_route data_credentials_routes[];
