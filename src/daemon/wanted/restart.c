/* SPDX-License-Identifier: Apache-2.0 */
/* Restarts; see restart.h. */
#include "daemon/wanted/restart.h"

#include "base/clock.h"
#include "daemon/lines/lines.h"
#include "daemon/wanted/wanted-priv.h"

int restart_ask(struct wanted *w, const struct app *app, const char *type, int64_t number,
		const char *by, struct error *err)
{
	if (store_restart_set(w->store, app->id, type, number, clock_wall_ms(), err) < 0)
		return -1;
	logs_append(w->o.logs, app->id, "app", "api", "Restarting %s by user %s",
		    type[0] ? type : "all dynos", by);
	wanted_changed(w, app->id);
	return 0;
}
