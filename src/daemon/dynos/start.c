/* SPDX-License-Identifier: Apache-2.0 */
/* A dyno that is to start: what it is called, its port, and what may keep it from starting. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "build/build.h"
#include "daemon/core/free-port.h"
#include "daemon/core/remove.h"
#include "daemon/dynos/dyno-priv.h"
#include "daemon/walls/walls.h"
#include "daemon/lines/drains.h"

/* A supervisor that has not opened its socket by then is dead, or was never started. */
#define CONNECT_TIMEOUT_MS 10000

/* Of what it is made. */
static void name_files(struct dyno *dyno, const struct dyno_start *o)
{
	const char *slug = o->program ? NULL : o->release->slug,
		   *stack = o->program ? o->program->stack : o->release->stack;

	snprintf(dyno->slug, sizeof(dyno->slug), "%s", slug ? slug : "");
	snprintf(dyno->stack, sizeof(dyno->stack), "%s", stack ? stack : "");
}

static void name_dyno(struct dyno *dyno, const struct dyno_start *o)
{
	snprintf(dyno->app_id, sizeof(dyno->app_id), "%s", o->app->id);
	snprintf(dyno->type, sizeof(dyno->type), "%s", o->type);
	/* An add-on has one server, by its name. */
	if (o->program && o->program->addon)
		snprintf(dyno->name, sizeof(dyno->name), "%s", o->app->name);
	else
		snprintf(dyno->name, sizeof(dyno->name), "%s.%lld", o->type, (long long)o->number);
	snprintf(dyno->release_id, sizeof(dyno->release_id), "%s", o->release->id);
	snprintf(dyno->size, sizeof(dyno->size), "%s", o->size);
	name_files(dyno, o);
	dyno->number = o->number;
	dyno->release = o->release->version;
	dyno->one_off = o->one_off;
	dyno->attached = o->attach;
	dyno->terminal = o->terminal;
	snprintf(dyno->rendezvous, sizeof(dyno->rendezvous), "%s",
		 o->rendezvous ? o->rendezvous : "");
	snprintf(dyno->inside, sizeof(dyno->inside), "%s", o->inside ? o->inside->id : "");
	dyno->addon = o->program && o->program->addon;
	dyno->state = DYNO_STARTING;
	dyno->created_ms = dyno->since_ms = dyno->starting_since_ms = clock_wall_ms();
}

static int check_start(const struct platform *p, const struct dyno_start *o, const char *command,
		       struct error *err)
{
	if (o->program)
		return 0;
	if (!command)
		return error_set(err, ERROR_NOT_FOUND, "v%lld has no process type \"%s\"",
				 (long long)o->release->version, o->type);
	if (!o->release->slug)
		return error_set(err, ERROR_INVALID,
				 "Nothing is deployed to %s yet: push a commit first",
				 o->app->name);
	if (!build_slug_is_there(p->settings.state_dir, o->release->slug))
		return error_set(err, ERROR_NOT_FOUND,
				 "v%lld of %s can't run: its slug is gone. Push its commit again: "
				 "git push -f twelve %.40s:main",
				 (long long)o->release->version, o->app->name,
				 o->release->commit && o->release->commit[0] ? o->release->commit
									     : "COMMIT");
	return 0;
}

static bool port_is_given(struct dynos *ds, uint16_t port)
{
	for (size_t i = 0; i < ds->n; i++)
		if (ds->list[i]->port == port && !ds->list[i]->link.host_name[0])
			return true;
	return false;
}

static uint16_t pick_port(struct dynos *ds)
{
	const struct settings *s = &ds->platform->settings;
	int64_t n = s->port_last - s->port_first + 1;

	/* Round and round, so that a port rests before it is given again. */
	for (int64_t i = 0; i < n; i++) {
		if (ds->last_port < s->port_first || ds->last_port >= s->port_last)
			ds->last_port = (uint16_t)s->port_first;
		else
			ds->last_port++;
		if (!port_is_given(ds, ds->last_port) && port_is_free(INADDR_ANY, ds->last_port))
			return ds->last_port;
	}
	return 0;
}

/* Who goes into the sandbox of another has its network. */
static int give_network(struct dyno *dyno, const struct dyno_start *o, struct error *err)
{
	struct walls *w = dyno->priv->owner->walls;

	if (o->inside) {
		dyno->link = o->inside->link;
		return 0;
	}
	return dyno->addon ? walls_take_server(w, dyno->app_id, &dyno->link, err)
			   : walls_take(w, dyno->app_id, &dyno->link, err);
}

/* A web dyno of the formation gets a port: the same one each, or one of the machine's. */
static int give_port(struct dyno *dyno, const struct dyno_start *o, struct error *err)
{
	struct dyno_private *p = dyno->priv;
	const struct settings *s = &p->owner->platform->settings;
	const char *check_path =
		json_string_value(json_object_get(o->release->config, "TWELVE_CHECK_PATH"));
	const char *check = json_string_value(json_object_get(o->release->config, "TWELVE_CHECK"));

	if (!streq(o->type, "web") || o->one_off || o->program)
		return 0;
	dyno->port = dyno->link.host_name[0] ? (uint16_t)s->port_first : pick_port(p->owner);
	p->app_name = xstrdup(o->app->name);
	p->check_path = check_path ? xstrdup(check_path) : NULL;
	p->check_port_only = check && streq(check, "port");
	p->start_ms = dyno_config_ms(o->release, "TWELVE_START_TIMEOUT", DYNO_START_TIMEOUT_MS);
	if (dyno->port)
		return 0;
	return error_set(err, ERROR_UNAVAILABLE, "No port is free for %s: widen TWELVE_PORTS",
			 dyno->name);
}

int dynos_start(struct dynos *ds, const struct dyno_start *o, struct dyno **ret, struct error *err)
{
	const char *command =
		o->command ? o->command : procfile_get(&o->release->processes, o->type);
	char id[UUID_SIZE];
	struct dyno *dyno;

	if (check_start(ds->platform, o, command, err) < 0)
		return -1;
	/* Its lines go to drains with the commit of its release. */
	if (!o->program)
		drains_tell(ds->platform, ds->logs, o->app->id);
	dyno = dyno_new(ds, uuid_make(id));
	name_dyno(dyno, o);
	free(dyno->command);
	dyno->command = xstrdup(command);
	if (give_network(dyno, o, err) < 0 || give_port(dyno, o, err) < 0 ||
	    dyno_launch(dyno, o, err) < 0) {
		dyno_unlist(dyno);
		remove_tree_later(ds->platform, dyno->priv->dir);
		dyno_free(dyno);
		return -1;
	}
	dyno_connect(dyno, CONNECT_TIMEOUT_MS);
	if (ret)
		*ret = dyno;
	return 0;
}
