/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What people ask of a database besides its life: to end its sessions, to make it anew and empty.
 * Scripts of the service (bin/maintain), as jobs beside the add-on's own; each comes to the same
 * end when it is run again, by whoever asks again.
 */
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/str.h"
#include "daemon/services/services-priv.h"

#define MAINTAIN_TIMEOUT_MS 120000

struct maintenance {
	struct services *owner;
	char addon_id[UUID_SIZE];
	addon_check_fn fn;
	void *userdata;
};

static void on_maintained(const struct addon_job_result *result, void *userdata)
{
	struct maintenance *m = userdata;
	struct resource *r = resource_find(m->owner, m->addon_id);

	/* A database that was made anew has to be told how much room there is. */
	if (r) {
		r->level_told = false;
		resource_turn_soon(r);
	}
	m->fn(result->ok       ? NULL
	      : result->reason ? result->reason
			       : "It failed without a word",
	      m->userdata);
	free(m);
}

static const struct service *able(struct services *sv, const struct addon *a, struct error *err)
{
	const struct service *s = addon_is_server(a) ? services_service_of(sv, a) : NULL;
	const struct resource *r = resource_find(sv, a->id);
	_cleanup_free_ char *script = s ? xasprintf("%s/bin/maintain", s->dir) : NULL;

	if (!script || !fs_exists(script)) {
		error_set(err, ERROR_INVALID,
			  "%s can't do that: the service %s has no script for it", a->name,
			  a->service);
		return NULL;
	}
	if (a->state != ADDON_PROVISIONED || !r || !r->healthy || a->restoring || r->job) {
		error_set(err, ERROR_CONFLICT, "%s is busy or not up: try again in a moment",
			  a->name);
		return NULL;
	}
	return s;
}

struct addon_job *services_maintain(struct services *sv, const struct addon *a,
				    const struct addon_maintenance *o, addon_check_fn fn,
				    void *userdata, struct error *err)
{
	const char *const argv[] = { "/app/bin/maintain", o->verb, NULL };
	_cleanup_free_ char *volume = NULL, *database = NULL;
	const struct service *s = able(sv, a, err);
	struct addon_job_order order;
	struct addon_job *job = NULL;
	struct maintenance *m;

	if (!s || store_database_get(sv->platform->store, a->id, a->app_id, &database, err) < 0)
		return NULL;
	addon_order(sv, a, s, &volume, &order);
	order.argv = argv;
	order.timeout_ms = MAINTAIN_TIMEOUT_MS;
	order.env = addon_env(sv, a, s);
	json_object_set_new(order.env, "DATABASE", json_string(database));
	json_object_set_new(order.env, "EXTENSIONS",
			    json_string(o->extensions ? o->extensions : ""));
	m = xcalloc(1, sizeof(*m));
	*m = (struct maintenance){ .owner = sv, .fn = fn, .userdata = userdata };
	memcpy(m->addon_id, a->id, sizeof(m->addon_id));
	if (addon_job_start(sv->platform, &order, on_maintained, m, &job, err) < 0)
		free(m);
	json_decref(order.env);
	return job;
}
