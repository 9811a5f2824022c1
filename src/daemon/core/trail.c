/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/core/trail.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"

void trail_release(struct store *store, const struct caller *who, const struct app *app,
		   int64_t version, const char *note)
{
	struct error err = ERROR_INIT;
	struct audit row = { .at_ms = clock_wall_ms(),
			     .user = (char *)who->name,
			     .app_name = app->name,
			     .action = (char *)"release",
			     .note = (char *)note,
			     .status = 201,
			     .version = version };

	memcpy(row.user_id, who->user_id, sizeof(row.user_id));
	memcpy(row.app_id, app->id, sizeof(row.app_id));
	if (store_audit_add(store, &row, &err) < 0)
		log_error("v%lld of %s by %s is not in the audit trail: %s", (long long)version,
			  app->name, who->name, err.message);
}

void trail_platform(struct store *store, const char *who, const struct app *app, const char *action,
		    const char *note)
{
	struct error err = ERROR_INIT;
	struct audit row = { .at_ms = clock_wall_ms(),
			     .user = (char *)who,
			     .app_name = app->name,
			     .action = (char *)action,
			     .note = (char *)note,
			     .status = 200 };

	memcpy(row.app_id, app->id, sizeof(row.app_id));
	if (store_audit_add(store, &row, &err) < 0)
		log_error("%s of %s by %s is not in the audit trail: %s", action, app->name, who,
			  err.message);
}
