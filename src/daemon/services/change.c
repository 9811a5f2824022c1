/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of attachments that need credentials first: attach, swap, rotate, and a rollback to
 * a release whose credentials have been revoked. Each makes its credentials' rows, waits until
 * the services know them, and then makes one release. What is under way is in memory only: after a
 * kill nothing refers to its credentials, and they are revoked.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/services/services-priv.h"
#include "daemon/wanted/base.h"
#include "daemon/wanted/releases.h"

/* ---- the list ---- */

static void change_free(struct change *c)
{
	for (size_t i = 0; i < c->n_steps; i++)
		free(c->steps[i].name);
	free(c->steps);
	free(c->description);
	free(c);
}

static void unlist(struct change *c)
{
	struct services *sv = c->owner;

	for (size_t i = 0; i < sv->n_changes; i++)
		if (sv->changes[i] == c) {
			sv->changes[i] = sv->changes[--sv->n_changes];
			return;
		}
}

void changes_free(struct services *sv)
{
	while (sv->n_changes)
		change_free(sv->changes[--sv->n_changes]);
	free(sv->changes);
}

bool change_holds(const struct services *sv, const char *credential_id)
{
	for (size_t i = 0; i < sv->n_changes; i++)
		for (size_t k = 0; k < sv->changes[i]->n_steps; k++)
			if (streq(sv->changes[i]->steps[k].credential_id, credential_id))
				return true;
	return false;
}

void services_abandon(struct services *sv, void *userdata)
{
	for (size_t i = 0; i < sv->n_changes; i++)
		if (sv->changes[i]->userdata == userdata)
			sv->changes[i]->fn = NULL;
}

/* It is off the list before anybody is told: they may begin another. */
static void finish(struct change *c, struct error *err, int64_t version)
{
	struct services *sv = c->owner;

	unlist(c);
	if (err)
		log_info("a change of the attachments of app %s was given up: %s", c->app_id,
			 err->message);
	if (c->fn)
		c->fn(err,
		      c->kind == CHANGE_ROLLBACK || !c->n_steps ? NULL : c->steps[0].attachment_id,
		      version, c->userdata);
	change_free(c);
	services_kick(sv);
}

/* ---- the release ---- */

static json_t *item_of(struct services *sv, const struct change_step *s, struct error *err)
{
	json_t *vars = addon_vars(sv, s->addon_id, s->credential_id, s->name, err), *item;

	if (!vars)
		return NULL;
	item = attach_make(s->attachment_id, s->name, s->addon_id, s->credential_id, s->shared,
			   s->created_ms, vars);
	json_decref(vars);
	return item;
}

/* The list as it will be: that of the base, or of the release that is gone back to, with the steps
 * put in. */
static json_t *list_of(const struct change *c, const struct app *app, struct error *err)
{
	json_t *list = NULL;

	if (c->version ? store_release_attachments(c->owner->platform->store, app->id, c->version,
						   &list, err)
		       : services_attachments(c->owner, app, &list, err))
		return NULL;
	for (size_t i = 0; i < c->n_steps; i++) {
		json_t *item = item_of(c->owner, &c->steps[i], err), *next;

		next = item ? attach_put(list, item) : NULL;
		json_decref(list);
		if (!next)
			return NULL;
		list = next;
	}
	return list;
}

static int make_release(const struct change *c, int64_t *ret_version, struct error *err)
{
	struct release release = { 0 };
	struct app app = { 0 };
	json_t *list = NULL, *vars = NULL;
	int r = store_app_get(c->owner->platform->store, c->app_id, &app, err);

	if (r == 0) {
		list = list_of(c, &app, err);
		r = list ? services_vars(c->owner, list, &vars, err) : -1;
	}
	if (r == 0)
		r = releases_set_attachments(c->owner->wanted, &app, c->version, list, vars,
					     c->description, &c->who, &release, err);
	*ret_version = release.version;
	json_decref(list);
	json_decref(vars);
	release_done(&release);
	app_done(&app);
	return r;
}

/* When all credentials are there. */
static void maybe_release(struct change *c)
{
	struct error err = ERROR_INIT;
	int64_t version = 0;

	for (size_t i = 0; i < c->n_steps; i++) {
		struct credential cred = { 0 };
		bool made;

		if (!c->steps[i].credential_id[0])
			continue;
		if (store_credential_get(c->owner->platform->store, c->steps[i].credential_id,
					 &cred, &err) < 0) {
			finish(c, &err, 0);
			return;
		}
		made = cred.made;
		credential_done(&cred);
		if (!made)
			return;
	}
	if (make_release(c, &version, &err) < 0)
		finish(c, &err, 0);
	else
		finish(c, NULL, version);
}

static bool has_addon(const struct change *c, const char *addon_id)
{
	for (size_t i = 0; i < c->n_steps; i++)
		if (streq(c->steps[i].addon_id, addon_id))
			return true;
	return false;
}

void changes_addon_gone(struct services *sv, const char *addon_id)
{
	size_t i = 0;

	/* Whoever is told may begin or end another: the list is looked at anew each time. */
	while (i < sv->n_changes) {
		struct error err = ERROR_INIT;

		if (!has_addon(sv->changes[i], addon_id)) {
			i++;
			continue;
		}
		error_set(&err, ERROR_CONFLICT, "The add-on was destroyed");
		finish(sv->changes[i], &err, 0);
		i = 0;
	}
}

void changes_credential(struct services *sv, const char *credential_id, const char *reason)
{
	for (size_t i = 0; i < sv->n_changes; i++)
		for (size_t k = 0; k < sv->changes[i]->n_steps; k++) {
			struct change *c = sv->changes[i];
			struct error err = ERROR_INIT;

			if (!streq(c->steps[k].credential_id, credential_id))
				continue;
			if (reason) {
				error_set(&err, ERROR_UNAVAILABLE,
					  "The credential could not be made: %s", reason);
				finish(c, &err, 0);
			} else {
				maybe_release(c);
			}
			return;
		}
}

/* ---- the changes ---- */

static struct change *change_new(struct services *sv, enum change_kind kind,
				 const struct addon_change *o)
{
	struct change *c = xcalloc(1, sizeof(*c));

	*c = (struct change){
		.owner = sv, .kind = kind, .who = *o->who, .fn = o->fn, .userdata = o->userdata
	};
	memcpy(c->app_id, o->app->id, sizeof(c->app_id));
	sv->changes = xrealloc(sv->changes, (sv->n_changes + 1) * sizeof(struct change *));
	sv->changes[sv->n_changes++] = c;
	return c;
}

static struct change_step *add_step(struct change *c, const char *attachment_id, const char *name,
				    const char *addon_id, bool shared, int64_t created_ms)
{
	struct change_step *s;

	c->steps = xrealloc(c->steps, (c->n_steps + 1) * sizeof(*c->steps));
	s = &c->steps[c->n_steps++];
	*s = (struct change_step){ .name = xstrdup(name),
				   .shared = shared,
				   .created_ms = created_ms };
	snprintf(s->attachment_id, sizeof(s->attachment_id), "%s", attachment_id);
	snprintf(s->addon_id, sizeof(s->addon_id), "%s", addon_id);
	return s;
}

/* Credentials for all steps; then their add-ons have something to do. */
static void begin(struct change *c, const struct app *app)
{
	struct error err = ERROR_INIT;

	for (size_t i = 0; i < c->n_steps; i++)
		if (change_credential(c->owner, &c->steps[i], app, &err) < 0) {
			finish(c, &err, 0);
			return;
		}
	for (size_t i = 0; i < c->n_steps; i++)
		services_kick_one(c->owner, c->steps[i].addon_id);
	maybe_release(c);
}

static void refuse(struct change *c, struct error *err)
{
	finish(c, err, 0);
}

char *services_pick_name(struct services *sv, const struct app *app, const struct addon *a,
			 const char *wanted, struct error *err)
{
	const struct service *s = addon_is_server(a) ? services_service_of(sv, a) : NULL;
	const char *heroku = addon_heroku_name(a);
	_cleanup_free_ char *usual =
		s ? xstrdup(service_usual_attachment(s, heroku ? heroku : s->name)) : NULL;
	json_t *keys = s ? json_incref(s->config) : addon_elsewhere_keys(sv, a, &usual);
	struct release base = { 0 };
	char *name = NULL;

	if (releases_base(sv->wanted, app, &base, err) == 0)
		name = attach_pick_name(base.attachments, base.config, keys, wanted, usual,
					heroku ? heroku : a->service, err);
	release_done(&base);
	json_decref(keys);
	return name;
}

void services_attach(struct services *sv, const struct addon_change *o, const struct addon *a,
		     const char *wanted, bool shared)
{
	struct change *c = change_new(sv, CHANGE_ATTACH, o);
	struct error err = ERROR_INIT;
	_cleanup_free_ char *name = services_pick_name(sv, o->app, a, wanted, &err);
	char id[UUID_SIZE];

	if (!name) {
		refuse(c, &err);
		return;
	}
	c->description = xasprintf("Attach %s (@ref:%s)", name, a->name);
	add_step(c, uuid_make(id), name, a->id, shared && !streq(a->app_id, o->app->id),
		 clock_wall_ms());
	begin(c, o->app);
}

static int find_attachment(struct services *sv, const struct app *app, const char *id_or_name,
			   json_t **ret_list, struct attachment *ret, struct error *err)
{
	if (services_attachments(sv, app, ret_list, err) < 0)
		return -1;
	if (attach_find(*ret_list, id_or_name, ret))
		return 0;
	return error_set(err, ERROR_NOT_FOUND, "%s has no attachment %.60s", app->name, id_or_name);
}

/* A change of one attachment: to another add-on, or to another credential of its own. */
static void replace(struct services *sv, const struct addon_change *o, const char *attachment,
		    const struct addon *to, const char *what)
{
	struct change *c = change_new(sv, to ? CHANGE_SWAP : CHANGE_ROTATE, o);
	struct error err = ERROR_INIT;
	struct attachment at;
	json_t *list = NULL;

	if (find_attachment(sv, o->app, attachment, &list, &at, &err) < 0) {
		json_decref(list);
		refuse(c, &err);
		return;
	}
	c->description = to ? xasprintf("Swap %s (@ref:%s)", at.name, to->name)
			    : xasprintf("%s %s", what, at.name);
	add_step(c, at.id, at.name, to ? to->id : at.addon, to ? false : at.shared, at.created_ms);
	json_decref(list);
	begin(c, o->app);
}

void services_swap(struct services *sv, const struct addon_change *c, const char *attachment,
		   const struct addon *to)
{
	replace(sv, c, attachment, to, NULL);
}

void services_rotate(struct services *sv, const struct addon_change *c, const char *attachment)
{
	replace(sv, c, attachment, NULL, "Rotate the credential of");
}

void services_rollback(struct services *sv, const struct addon_change *o, int64_t version)
{
	struct error err = ERROR_INIT;
	struct attachment at;
	json_t *list = NULL;
	struct change *c;

	if (wanted_check_rollback(sv->wanted, o->app, version, &err) < 0) {
		o->fn(&err, NULL, 0, o->userdata);
		return;
	}
	c = change_new(sv, CHANGE_ROLLBACK, o);
	c->version = version;
	c->description = xasprintf("Rollback to v%lld", (long long)version);
	if (store_release_attachments(sv->platform->store, o->app->id, version, &list, &err) < 0) {
		refuse(c, &err);
		return;
	}
	for (size_t i = 0; attach_at(list, i, &at); i++) {
		struct addon a = { 0 };

		if (!at.credential[0] || services_credential_lives(sv, at.credential))
			continue;
		if (store_addon_get(sv->platform->store, at.addon, &a, &err) < 0 ||
		    a.state != ADDON_PROVISIONED) {
			error_set(&err, ERROR_INVALID,
				  "v%lld can't be rolled back to: the add-on that it has as %s was "
				  "destroyed",
				  (long long)version, at.name);
			addon_done(&a);
			json_decref(list);
			refuse(c, &err);
			return;
		}
		add_step(c, at.id, at.name, at.addon, at.shared, at.created_ms);
		addon_done(&a);
	}
	json_decref(list);
	begin(c, o->app);
}

int services_detach(struct services *sv, struct app *app, json_t *left, const char *names,
		    const char *addon, const struct caller *who, struct error *err)
{
	_cleanup_free_ char *description = xasprintf("Detach %s (@ref:%s)", names, addon);
	struct release release = { 0 };
	json_t *vars = NULL;
	int r = services_vars(sv, left, &vars, err);

	if (r == 0)
		r = releases_set_attachments(sv->wanted, app, 0, left, vars, description, who,
					     &release, err);
	release_done(&release);
	json_decref(vars);
	return r;
}
