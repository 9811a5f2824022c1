/* SPDX-License-Identifier: Apache-2.0 */
/* Doors: a client of an add-on's service, in a one-off dyno with an app's credential. */
#include <string.h>

#include "base/str.h"
#include "daemon/services/services-priv.h"
#include "model/size.h"

#define CLIENT_LIMIT_MS (24 * 3600 * 1000)

/* The service whose client opens an attachment: its add-on's, or the one that knows the URL's
 * scheme. */
static const struct service *client_service(struct services *sv, const struct addon *a,
					    const char *url, struct error *err)
{
	const struct service *s = addon_is_server(a) ? services_service_of(sv, a)
						     : service_set_by_url(&sv->catalog, url);

	if (s && s->client)
		return s;
	error_set(err, ERROR_INVALID, "%s has no client: no service here knows how to speak to it",
		  a->name);
	return NULL;
}

static int start_client(struct services *sv, const struct addon_client *o, const struct service *s,
			const char *stack, const char *url, struct dyno **ret, struct error *err)
{
	const struct dyno_size *size = dyno_size_find(DYNO_SIZE_DEFAULT);
	struct dyno_program program = { .stack = stack,
					.lower = s->dir,
					.limits = { .memory_bytes = size->memory_bytes,
						    .cpu_shares = size->cpu_shares,
						    .pids = size->pids },
					.stop_ms = 5000 };
	_cleanup_strv_ char **argv = NULL;
	struct dyno_start start = { .app = o->app,
				    .release = o->release,
				    .type = "run",
				    .size = DYNO_SIZE_DEFAULT,
				    .command = s->client,
				    .one_off = true,
				    .attach = true,
				    .terminal = o->terminal,
				    .columns = o->columns,
				    .rows = o->rows,
				    .time_limit_ms = CLIENT_LIMIT_MS,
				    .program = &program };
	int r;

	strv_push(&argv, "/app/bin/client");
	for (char *const *a = o->args; a && *a; a++)
		strv_push(&argv, *a);
	program.argv = argv;
	start.env = json_pack("{s:s, s:s*}", "URL", url, "TERM", o->term);
	r = store_next_number(sv->platform->store, o->app->id, "run", &start.number, err);
	if (r == 0)
		r = dynos_start(sv->dynos, &start, ret, err);
	json_decref(start.env);
	return r;
}

/* The first var of an attachment is its URL. */
static const char *url_of(const struct addon_client *o)
{
	const char *var = json_string_value(json_array_get(o->attachment->vars, 0));

	return var ? json_string_value(json_object_get(o->release->config, var)) : NULL;
}

/*
 * A volume that is full lets people in by a login of its own, which may still delete (bin/full):
 * *ret is its URL, heap. NULL: as always.
 */
static int rescue_url(struct services *sv, const struct addon_client *o, const struct addon *a,
		      const struct service *s, char **ret, struct error *err)
{
	_cleanup_free_ char *user = NULL, *password = NULL, *host = NULL;
	struct service_values v = { 0 };
	struct credential c = { 0 };
	int r;

	*ret = NULL;
	if (a->full == ROOM_FREE || !addon_is_server(a))
		return 0;
	if (a->full == ROOM_CLOSED)
		return error_set(err, ERROR_CONFLICT,
				 "%s is far beyond the hard limit of its disk, and refuses logins: "
				 "take a larger plan (twelve addons:upgrade), or restore a backup",
				 a->name);
	r = store_credential_get(sv->platform->store, o->attachment->credential, &c, err);
	if (r == 0) {
		v.host = host = addon_host(sv, a);
		v.user = user = quota_rescue_name(c.database);
		v.password = password = quota_rescue_password(a, c.database);
		v.database = c.database;
		for (size_t i = 0; i < SERVICE_MAX_PORTS; i++)
			v.ports[i] = (uint16_t)(a->first_port + (int64_t)i);
		*ret = service_fill(
			json_string_value(json_object_iter_value(json_object_iter(s->config))), &v);
	}
	credential_done(&c);
	return r;
}

/* The stack of a service that has run here: of the add-on itself, or of another of the same
 * service. */
static char *find_stack(struct services *sv, const struct addon *a, const struct service *s,
			struct error *err)
{
	struct addon *list = NULL;
	char *stack = a->stack ? xstrdup(a->stack) : NULL;
	size_t n = 0;

	if (!stack && store_addon_list(sv->platform->store, NULL, &list, &n, err) < 0)
		return NULL;
	for (size_t i = 0; !stack && i < n; i++)
		if (list[i].stack && streq(list[i].service, s->name))
			stack = xstrdup(list[i].stack);
	addon_free_array(list, n);
	if (!stack)
		error_set(err, ERROR_CONFLICT,
			  "The tools of %s are not prepared on this machine: make any add-on of it "
			  "first",
			  s->name);
	return stack;
}

int services_start_client(struct services *sv, const struct addon_client *o, struct dyno **ret,
			  struct error *err)
{
	_cleanup_free_ char *stack = NULL, *rescue = NULL;
	const char *url = url_of(o);
	const struct service *s;
	struct addon a = { 0 };
	int r = -1;

	if (store_addon_get(sv->platform->store, o->attachment->addon, &a, err) < 0)
		return -1;
	s = url ? client_service(sv, &a, url, err) : NULL;
	if (!url)
		error_set(err, ERROR_CONFLICT, "The release with %s is not there yet",
			  o->attachment->name);
	else if (s && rescue_url(sv, o, &a, s, &rescue, err) == 0)
		stack = find_stack(sv, &a, s, err);
	if (stack)
		r = start_client(sv, o, s, stack, rescue ? rescue : url, ret, err);
	addon_done(&a);
	return r;
}
