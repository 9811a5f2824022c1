/* SPDX-License-Identifier: Apache-2.0 */
/* How many dynos of what size an app is to have, changed in one way whoever wants it: a person or
 * autoscaling. */
#pragma once

#include "daemon/wanted/wanted.h"

/* One process type as it is wanted: its row, or what is taken for granted of one that nobody has
 * scaled yet. */
int formation_find(struct wanted *w, const struct app *app, const char *type, struct formation *ret,
		   struct error *err);

/*
 * Sets type, quantity and size of all rows or of none, says so in the app's stream ("Scaled to
 * web@3:Standard-1X by BY") and tells that the app has changed. *ret_text ("web@3:Standard-1X") is
 * for the audit trail; heap.
 */
int formation_set(struct wanted *w, const struct app *app, const struct formation *rows, size_t n,
		  const char *by, char **ret_text, struct error *err);
