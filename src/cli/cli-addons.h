/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands about add-ons and backups share. */
#pragma once

#include "cli/cli.h"

/* By name, id, or within the app the name of an attachment. A new reference, or NULL with *err. */
json_t *addon_find(struct cli *c, const char *name, struct error *err);
/* POST /apps/:app/addons, and waits as addons:create does. */
int addon_create(struct cli *c, const char *app, json_t *take_body, bool wait, struct error *err);
/* By id; "b3" of --addon or of the app. A new reference, or NULL with *err. */
json_t *backup_find(struct cli *c, const char *which, struct error *err);
/* The same; the newest good one of the app when `which` is NULL. */
json_t *backup_or_newest(struct cli *c, const char *which, struct error *err);
/* --addon, of commands that name a backup. */
extern const struct arg_option backup_options[];
