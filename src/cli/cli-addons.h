/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands about add-ons and backups share. */
#pragma once

#include "cli/cli.h"

/* By name, id, or within the app the name of an attachment. A new reference, or NULL with *err. */
json_t *addon_find(struct cli *c, const char *name, struct error *err);
/* POST /apps/:app/addons, and waits as addons:create does. */
int addon_create(struct cli *c, const char *app, json_t *take_body, bool wait, struct error *err);
/* The same; *ret_id, if not NULL, gets its id, a heap string, as soon as there is one. */
int addon_create_named(struct cli *c, const char *app, json_t *take_body, bool wait, char **ret_id,
		       struct error *err);
/* "12.3 MB", or in words why there is no size. */
char *addon_size_text(const json_t *a, char buf[static DURATION_SIZE]);
/* The add-on that is named, or the only one of the app that has backups. A new reference, or NULL
 * with *err. */
json_t *addon_with_backups(struct cli *c, const char *name, struct error *err);
/* By id; "b3" of --addon or of the app. A new reference, or NULL with *err. */
json_t *backup_find(struct cli *c, const char *which, struct error *err);
/* The same; the newest good one of the app when `which` is NULL. */
json_t *backup_or_newest(struct cli *c, const char *which, struct error *err);
/* --addon, of commands that name a backup. */
extern const struct arg_option backup_options[];
