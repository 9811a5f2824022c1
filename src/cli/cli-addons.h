/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands about add-ons and backups share. */
#pragma once

#include "cli/cli.h"

/* By name, id, or within the app the name of an attachment. A new reference, or NULL with *err. */
json_t *addon_find(struct cli *c, const char *name, struct error *err);
/* POST /apps/:app/addons, and waits as addons:create does. */
int addon_create(struct cli *c, const char *app, json_t *take_body, bool wait, struct error *err);
