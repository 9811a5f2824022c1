/* SPDX-License-Identifier: Apache-2.0 */
/* What the scripts of a service are given (docs/addons.md), and the ports that an add-on has. */
#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/log.h"
#include "base/str.h"
#include "daemon/core/free-port.h"
#include "daemon/services/services-priv.h"
#include "daemon/walls/walls.h"

#define JOB_TIMEOUT_MS 120000

char *addon_volume(struct services *sv, const char *id)
{
	return xasprintf("%s/volumes/%s", sv->platform->settings.state_dir, id);
}

char *addon_use(const struct addon *a, const struct service *s)
{
	return xasprintf("%s %s", s->version, a->plan);
}

static void put_number(json_t *env, const char *key, int64_t n)
{
	json_object_set_new(env, key, json_sprintf("%lld", (long long)n));
}

static void put_setting(json_t *env, const char *key, json_t *value)
{
	_cleanup_free_ char *name = xasprintf("PLAN_%s", key);

	for (char *p = name; *p; p++)
		*p = (char)toupper((unsigned char)*p);
	if (json_is_integer(value))
		put_number(env, name, json_integer_value(value));
	else
		json_object_set(env, name, value);
}

static void put_plan(json_t *env, const struct service_plan *p)
{
	const char *key;
	json_t *value;

	put_number(env, "PLAN_MEMORY", (int64_t)p->memory_bytes);
	put_number(env, "PLAN_DISK", (int64_t)p->disk_bytes);
	json_object_foreach (p->settings, key, value)
		put_setting(env, key, value);
}

char *addon_host(struct services *sv, const struct addon *a)
{
	struct in_addr address = { 0 };
	struct error err = ERROR_INIT;
	char text[INET_ADDRSTRLEN];

	/* At 0.0.0.0 nobody answers; what comes of it is tried again. */
	if (walls_server_address(sv->walls, a->id, &address, &err) < 0)
		log_error("add-on %s: %s", a->name, err.message);
	return xstrdup(inet_ntop(AF_INET, &address, text, sizeof(text)));
}

json_t *addon_env(struct services *sv, const struct addon *a, const struct service *s)
{
	_cleanup_free_ char *host = addon_host(sv, a);
	const struct service_plan *p = service_plan(s, a->plan);
	const char *password = json_string_value(json_object_get(a->secret, "admin_password"));
	json_t *env = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "SERVICE", s->name,
				"VERSION", s->version, "ADDON_ID", a->id, "ADDON_NAME", a->name,
				"PLAN", a->plan, "HOST", host, "DATA", SANDBOX_VOLUME_PATH,
				"ADMIN_PASSWORD", password ? password : "");

	put_number(env, "PORT", a->first_port);
	for (int64_t i = 1; i < s->ports; i++) {
		_cleanup_free_ char *key = xasprintf("PORT%lld", (long long)i + 1);

		put_number(env, key, a->first_port + i);
	}
	/* A plan that its service does not have any more: the first one's limits. */
	put_plan(env, p ? p : &s->plans[0]);
	return env;
}

void addon_order(struct services *sv, const struct addon *a, const struct service *s, char **volume,
		 struct addon_job_order *ret)
{
	*volume = addon_volume(sv, a->id);
	*ret = (struct addon_job_order){ .packages = s->packages,
					 .stack = a->stack,
					 .lower = s->dir,
					 .volume = *volume,
					 .walls = sv->walls,
					 .owner_id = a->id,
					 .timeout_ms = JOB_TIMEOUT_MS };
}

/* ---- ports ---- */

static bool block_is_free(int64_t first)
{
	for (int64_t i = 0; i < ADDON_PORTS_EACH; i++)
		if (!port_is_free(INADDR_LOOPBACK, (uint16_t)(first + i)))
			return false;
	return true;
}

static bool block_is_given(const struct addon *list, size_t n, int64_t first)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].first_port == first)
			return true;
	return false;
}

int64_t addon_pick_ports(struct services *sv)
{
	const struct settings *s = &sv->platform->settings;
	struct addon *list = NULL;
	struct error err = ERROR_INIT;
	int64_t found = 0;
	size_t n = 0;

	if (store_addon_list(sv->platform->store, NULL, &list, &n, &err) < 0)
		return 0;
	for (int64_t first = s->addon_port_first;
	     !found && first + ADDON_PORTS_EACH - 1 <= s->addon_port_last;
	     first += ADDON_PORTS_EACH)
		if (!block_is_given(list, n, first) && block_is_free(first))
			found = first;
	addon_free_array(list, n);
	return found;
}
