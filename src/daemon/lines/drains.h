/* SPDX-License-Identifier: Apache-2.0 */
/* Log drains: desired state in the store, told to twelve-logs, whose status files tell how they
 * are. */
#pragma once

#include "daemon/core/platform.h"
#include "logs/drain-status.h"

struct logs_client;

/* Tells twelve-logs an app's drains, its name and its newest release; costs little when nothing has
 * changed. */
void drains_tell(const struct platform *p, struct logs_client *c, const char *app_id);
/* One that was removed: its status goes, be twelve-logs there or not. */
void drains_forget(const struct platform *p, const char *drain_id);
/* Of all apps, at start; statuses of drains that are no more are removed. */
void drains_tell_all(const struct platform *p, struct logs_client *c);
/* How a drain is: 1, or 0 when twelve-logs has not begun it (*ret is all zero then). */
int drains_status(const struct platform *p, const char *drain_id, struct drain_status *ret);
