/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands about add-ons and backups share, and their tables. */
#pragma once

#include "cli/cli.h"

/* By name, id, or within the app the name of an attachment. A new reference, or NULL with *err. */
json_t *addon_find(struct cli *c, const char *name, struct error *err);
/* POST /apps/:app/addons, and waits as addons:create does. */
int addon_create(struct cli *c, const char *app, json_t *take_body, bool wait, struct error *err);
/* The same. *ret_id, if not NULL, gets the ID, a heap string, as soon as it is known. */
int addon_create_named(struct cli *c, const char *app, json_t *take_body, bool wait, char **ret_id,
		       struct error *err);
/* The add-on that is named, or the only one of the app that has backups. A new reference, or NULL
 * with *err. */
json_t *addon_with_backups(struct cli *c, const char *name, struct error *err);
/* By id; "b3" of --addon or of the app. A new reference, or NULL with *err. */
json_t *backup_find(struct cli *c, const char *which, struct error *err);
/* The same; the newest good one of the app when `which` is NULL. */
json_t *backup_or_newest(struct cli *c, const char *which, struct error *err);
/* True if it succeeded and was taken here, not uploaded. */
bool backup_is_own(const json_t *b);
/* The error of an app that has none: -1. */
int backup_none(const char *app, struct error *err);
/* Restores it into a scratch service and waits; *b becomes what is known of it after. -1 if it does
 * not restore. */
int backup_verify(struct cli *c, json_t **b, struct error *err);
/* --addon, of commands that name a backup. */
extern const struct arg_option backup_options[];

/* The tables of the commands about add-ons, NULL at the end. */
extern const struct command *const addons_commands[];
extern const struct command *const addon_create_commands[];
extern const struct command *const addon_change_commands[];
extern const struct command *const attachments_commands[];
extern const struct command *const backup_file_commands[];
extern const struct command *const backups_commands[];
extern const struct command *const client_commands[];
extern const struct command *const restore_commands[];
extern const struct command *const services_commands[];
