/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Autoscaling of web dynos: once a period (TWELVE_AUTOSCALE_PERIOD) twelve-logs is asked how fast
 * each app with an active monitor (store/monitor.h) was, autoscale_decide() (model/autoscale.h)
 * says how many dynos there should be, and the formation is changed as a person would change it
 * (formation.h).
 *
 * What was measured is kept in memory and begins anew with each release, each size of dyno and each
 * start of twelved: what is forgotten costs a try (model/autoscale.h). All that has to last is in
 * the database: the monitor, and with the formation when it was changed last. When twelve-logs does
 * not answer, nothing is decided.
 */
#pragma once

#include "daemon/core/platform.h"
#include "model/autoscale.h"

struct autoscaler;

struct autoscaler_options {
	struct platform *platform;
	struct logs_client *logs;
	struct dynos *dynos;
	struct wanted *wanted;
};
struct autoscaler *autoscaler_new(const struct autoscaler_options *o);
void autoscaler_free(struct autoscaler *a);
/* The last measurement of an app, and its time (wall clock). False: none yet. */
bool autoscaler_last(struct autoscaler *a, const char *app_id, struct autoscale_period *ret,
		     int64_t *ret_at_ms);
