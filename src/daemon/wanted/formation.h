/* SPDX-License-Identifier: Apache-2.0 */
/* The number and size of an app's dynos. People and autoscaling change them by the same function.
 */
#pragma once

#include "daemon/wanted/wanted.h"

/* The formation of one process type: its row, or the default if it was never scaled. */
int formation_find(struct wanted *w, const struct app *app, const char *type, struct formation *ret,
		   struct error *err);

/* Sets all rows or none, writes "Scaled to web@3:Standard-1X by BY" to the app's stream, and
 * reports the app as changed. ERROR_INVALID when it is more than the owner may have
 * (wanted/owner.h). *ret_text ("web@3:Standard-1X") is for the audit trail; heap. */
int formation_set(struct wanted *w, const struct app *app, const struct formation *rows, size_t n,
		  const char *by, char **ret_text, struct error *err);
