/* SPDX-License-Identifier: Apache-2.0 */
/* backups:restore. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/str.h"
#include "cli/addon/addon.h"

#define POLL_MS 150

static int wait_restored(struct cli *c, const char *id, struct error *err)
{
	for (;;) {
		_cleanup_json_ json_t *a = NULL;

		if (api_get(c->api, &a, err, "/addons/%s", id) < 0)
			return -1;
		if (!json_bool(a, "twelve.restoring")) {
			progress_clear(c);
			if (json_str(a, "twelve.reason", NULL))
				return error_set(err, ERROR_UNAVAILABLE, "%s: %s",
						 json_str(a, "name", ""),
						 json_str(a, "twelve.reason", ""));
			note(c, "%s is restored", json_str(a, "name", ""));
			return 0;
		}
		progress(c, "%s is being restored", json_str(a, "name", ""));
		pause_ms(POLL_MS);
	}
}

/* What was its owner's is the app's for which it is made again; what was another's is that one's.
 */
static const char *app_of_name(const json_t *b, const json_t *at, const char *app)
{
	return streq(json_str(at, "app", ""), json_str(b, "app.id", "-"))
		       ? app
		       : json_str(at, "app_name", "");
}

/* One release for each further name. One that can't be given is told: the data are there. */
static void attach_others(struct cli *c, const json_t *b, const char *app, const char *first,
			  const char *addon)
{
	const json_t *at;
	size_t i;

	json_array_foreach (json_object_get(b, "attachments"), i, at) {
		const char *name = json_str(at, "name", ""), *to = app_of_name(b, at, app);
		struct error err = ERROR_INIT;

		if (streq(to, app) && streq(name, first))
			continue;
		if (api_request(c->api, "POST",
				json_pack("{s:s, s:s, s:s, s:s}", "addon", addon, "app", to, "name",
					  name, "confirm", to),
				NULL, &err, "/addon-attachments") < 0)
			note(c, "It is not attached to %s as %s again: %s", to, name, err.message);
		else
			note(c, "Attached to %s as %s", to, name);
	}
}

/* The name that it is made with: the one that was noted, if the owner had it so at the end. */
static const char *first_name(const json_t *b)
{
	const char *name = json_str(b, "attachment", ""), *any = name;
	const json_t *at;
	size_t i;

	json_array_foreach (json_object_get(b, "attachments"), i, at) {
		if (!streq(json_str(at, "app", ""), json_str(b, "app.id", "-")))
			continue;
		if (streq(json_str(at, "name", ""), name))
			return name;
		any = json_str(at, "name", "");
	}
	return any;
}

/* The add-on was destroyed: another one like it, under the same names. */
static int restore_as_new(struct cli *c, const json_t *b, struct error *err)
{
	_cleanup_free_ char *plan = xasprintf("%s:%s", json_str(b, "service", ""),
					      json_str(b, "plan", "")),
			    *made = NULL;
	const char *app = cli_app(c, err), *name = first_name(b);

	if (!app)
		return -1;
	note(c, "%s was destroyed: creating a new add-on from its backup",
	     json_str(b, "addon.name", ""));
	if (addon_create_named(c, app,
			       json_pack("{s:{s:s}, s:{s:s*}, s:{s:s}}", "plan", "name", plan,
					 "attachment", "name", name[0] ? name : NULL, "config",
					 "from_backup", json_str(b, "id", "")),
			       true, &made, err) < 0)
		return -1;
	attach_others(c, b, app, name, made);
	return 0;
}

static int check_restore(struct cli *c, const json_t *a, struct error *err)
{
	const char *owner = json_str(a, "app.name", "");
	int confirmed = cli_confirmed(c, owner, err);

	if (confirmed)
		return confirmed < 0 ? -1 : 0;
	return error_set(err, ERROR_INVALID,
			 "This replaces all data of %s. To confirm: --confirm %s",
			 json_str(a, "name", ""), owner);
}

/*
 * An add-on of the app, or of a destroyed one of its name, whose last backup is still to be taken,
 * or is being taken; NULL: none. Of those of a destroyed app only its owner and administrators are
 * told.
 */
static const json_t *on_its_way_out(const json_t *addons, const char *app)
{
	const json_t *a;
	size_t i;

	json_array_foreach (addons, i, a)
		if (json_bool(a, "twelve.last_backup_due") &&
		    (streq(json_str(a, "app.name", ""), app) ||
		     streq(json_str(a, "app.id", ""), app)))
			return a;
	return NULL;
}

/*
 * What was just destroyed, or is being saved: its last backup is the one that is meant, and older
 * ones are less than that. *ret_addon gets the id of an add-on that was waited for, or NULL.
 */
static int wait_for_last(struct cli *c, const char *app, char **ret_addon, struct error *err)
{
	for (;;) {
		_cleanup_json_ json_t *list = NULL, *addons = NULL;
		const json_t *going;

		/* The add-ons first: when none is on its way out any more, its backup is in the
		 * list. */
		if (api_get(c->api, &addons, err, "/addons") < 0 ||
		    api_get(c->api, &list, err, "/apps/%s/backups", app) < 0)
			return -1;
		going = on_its_way_out(addons, app);
		if (going && json_str(going, "twelve.reason", NULL))
			return error_set(err, ERROR_UNAVAILABLE,
					 "%s: %s. An older backup can be restored by its name "
					 "(twelve backups -a %s)",
					 json_str(going, "name", ""),
					 json_str(going, "twelve.reason", ""), app);
		if (!going && !streq(json_str(json_array_get(list, 0), "status", ""), "running"))
			return 0;
		if (going && !*ret_addon)
			note(c, "Waiting for the last backup of %s", json_str(going, "name", ""));
		if (going && !*ret_addon)
			*ret_addon = xstrdup(json_str(going, "id", ""));
		progress(c, "Waiting for %s",
			 going ? "the last backup" : json_str(json_array_get(list, 0), "name", ""));
		pause_ms(POLL_MS);
	}
}

/* The add-on that has the name of a backup's add-on now, if that one was destroyed; NULL: it is there,
 * or none has the name. */
static const char *replaced_by(const json_t *b, const json_t *addons, const json_t *attachments)
{
	const char *id = json_str(b, "addon.id", ""), *name = first_name(b);
	const json_t *a;
	size_t i;

	json_array_foreach (addons, i, a)
		if (streq(json_str(a, "id", ""), id) &&
		    !str_starts(json_str(a, "state", ""), "deprovision"))
			return NULL;
	json_array_foreach (attachments, i, a)
		if (streq(json_str(a, "name", ""), name) && !streq(json_str(a, "addon.id", ""), id))
			return json_str(a, "addon.name", "");
	return NULL;
}

static int all_replaced(const json_t *b, const char *by, const char *app, struct error *err)
{
	return error_set(
		err, ERROR_NOT_FOUND,
		"%s is a backup of %s, which was destroyed; %s of %s is %s now, which has no "
		"backup yet. To create another add-on from %s: twelve addons:create %s:%s "
		"--from-backup %s -a %s",
		json_str(b, "name", ""), json_str(b, "addon.name", ""), first_name(b), app, by,
		json_str(b, "name", ""), json_str(b, "service", ""), json_str(b, "plan", ""),
		json_str(b, "id", ""), app);
}

/* The newest of an add-on that is there, or was destroyed and not replaced since. */
static json_t *newest_to_restore(struct cli *c, const char *app, struct error *err)
{
	_cleanup_json_ json_t *list = NULL, *addons = NULL, *attachments = NULL;
	const json_t *replaced = NULL;
	const char *by, *first_by = NULL;
	json_t *b;
	size_t i;

	if (api_get(c->api, &list, err, "/apps/%s/backups", app) < 0 ||
	    api_get(c->api, &addons, err, "/apps/%s/addons", app) < 0 ||
	    api_get(c->api, &attachments, err, "/apps/%s/addon-attachments", app) < 0)
		return NULL;
	json_array_foreach (list, i, b) {
		if (!backup_is_own(b))
			continue;
		by = replaced_by(b, addons, attachments);
		if (!by)
			return json_incref(b);
		first_by = replaced ? first_by : by;
		replaced = replaced ? replaced : b;
	}
	if (replaced)
		all_replaced(replaced, first_by, app, err);
	else
		backup_none(app, err);
	return NULL;
}

/* The newest, after what is under way; of the add-on that was waited for, if there was one. */
static json_t *last_backup(struct cli *c, struct error *err)
{
	const char *app = cli_app(c, err);
	_cleanup_free_ char *addon = NULL;
	_cleanup_json_ json_t *list = NULL;
	json_t *b;
	size_t i;

	if (!app || !cli_api(c, err) || wait_for_last(c, app, &addon, err) < 0)
		return NULL;
	progress_clear(c);
	if (!addon)
		return newest_to_restore(c, app, err);
	if (api_get(c->api, &list, err, "/apps/%s/backups", app) < 0)
		return NULL;
	json_array_foreach (list, i, b)
		if (streq(json_str(b, "addon.id", ""), addon) &&
		    streq(json_str(b, "status", ""), "succeeded"))
			return json_incref(b);
	error_set(err, ERROR_NOT_FOUND,
		  "There is no backup of what was destroyed: twelve backups -a %s lists what there "
		  "is",
		  app);
	return NULL;
}

static void tell_which(struct cli *c, const json_t *b)
{
	char since[SINCE_SIZE];

	note(c, "Using %s of %s (%s), taken %s", json_str(b, "name", ""),
	     json_str(b, "addon.name", ""), json_str(b, "kind", ""),
	     since_text(json_time(b, "created_at"), clock_wall_ms(), since));
}

/* The file becomes a backup of the add-on: by way of a source, as what is built does. */
static json_t *bring(struct cli *c, const json_t *a, const char *file, struct error *err)
{
	_cleanup_json_ json_t *source = NULL;
	_cleanup_fd_ int fd = open(file, O_RDONLY | O_CLOEXEC);
	json_t *b = NULL;
	const char *put;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0) {
		error_set_errno(err, errno, "opening %s", file);
		return NULL;
	}
	if (api_request(c->api, "POST", NULL, &source, err, "/sources") < 0)
		return NULL;
	put = json_str(source, "source_blob.put_url", "/");
	progress(c, "Uploading %s", file);
	if (api_upload(c->api, put, fd, st.st_size, err) == 0)
		api_request(c->api, "POST", json_pack("{s:s}", "source", strrchr(put, '/') + 1), &b,
			    err, "/addons/%s/backups", json_str(a, "id", ""));
	progress_clear(c);
	return b;
}

static int restore_file(struct cli *c, const char *file, struct error *err)
{
	_cleanup_json_ json_t *a = addon_with_backups(c, cli_rest(c, 0), err), *b = NULL;

	if (!a || check_restore(c, a, err) < 0)
		return -1;
	b = bring(c, a, file, err);
	if (!b || backup_verify(c, &b, err) < 0)
		return -1;
	note(c, "%s is good. %s", file, json_str(b, "verified.message", ""));
	if (api_request(c->api, "POST", json_pack("{s:s}", "addon", json_str(a, "id", "")), NULL,
			err, "/backups/%s/actions/restore", json_str(b, "id", "")) < 0)
		return -1;
	return wait_restored(c, json_str(a, "id", ""), err);
}

static int restore_into(struct cli *c, const json_t *b, const json_t *a, struct error *err)
{
	if (check_restore(c, a, err) < 0 ||
	    api_request(c->api, "POST", json_pack("{s:s}", "addon", json_str(a, "id", "")), NULL,
			err, "/backups/%s/actions/restore", json_str(b, "id", "")) < 0)
		return -1;
	return wait_restored(c, json_str(a, "id", ""), err);
}

/* True if the add-on of a backup is gone, or about to be. */
static bool is_gone(const json_t *a, const struct error *err)
{
	return a ? !streq(json_str(a, "state", ""), "provisioned") : err->kind == ERROR_NOT_FOUND;
}

static int restore_run(struct cli *c, struct error *err)
{
	const char *which = cli_rest(c, 0), *given = cli_rest(c, 1), *file = cli_get(c, "file");
	_cleanup_json_ json_t *b = NULL, *a = NULL;

	if (file && given)
		return error_set(err, ERROR_INVALID,
				 "--file FILE is the backup: name the add-on alone");
	if (file)
		return restore_file(c, file, err);
	b = which ? backup_find(c, which, err) : last_backup(c, err);
	if (!b)
		return -1;
	tell_which(c, b);
	a = addon_find(c, given ? given : json_str(b, "addon.id", ""), err);
	if (!given && is_gone(a, err)) {
		*err = ERROR_INIT;
		return restore_as_new(c, b, err);
	}
	return a ? restore_into(c, b, a, err) : -1;
}

static const struct arg_option restore_options[] = {
	{ "file", "FILE",
	  "a file from backups:download or from the service's own tools; the only argument is then "
	  "[ADDON]",
	  0 },
	{ "confirm", "APP", "the app that owns the add-on", 'c' },
	{ "addon", "ADDON", "the add-on, if several have a backup of this name", 0 },
	{ 0 },
};

static const struct command cmd_backups_restore = {
	.name = "backups:restore",
	.aliases = { "pg:backups:restore" },
	.usage = "[BACKUP] [ADDON]",
	.max_args = 2,
	.summary = "replace the data of an add-on with a backup",
	.flags = CMD_APP | CMD_WAIT,
	.options = restore_options,
	.run = restore_run,
	.details =
		"If the backup can't be restored, the data stays as it is. If the add-on was "
		"destroyed, a new one is made from the backup and attached under the same names. "
		"Default: the newest backup; if an add-on was just destroyed, waits for its last "
		"backup. Backups of an add-on that another one has replaced must be named. A FILE "
		"is restored into a scratch server before it replaces anything.",
	.examples = "twelve backups:restore b3 -a shop --confirm shop\n"
		    "twelve backups:restore --file shop.dump DATABASE -a shop --confirm shop",
};

const struct command *const restore_commands[] = {
	&cmd_backups_restore,
	NULL,
};
