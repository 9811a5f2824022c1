/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The actions of an add-on's life that are scripts of its service, each a job (services/job.h), and
 * what the end of each means. What an action changes in the row is written when it has succeeded;
 * one that a kill cuts off is taken again from the beginning.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/build/collect.h"
#include "daemon/services/services-priv.h"
#include "daemon/walls/walls.h"

#define PREPARE_TIMEOUT_MS 600000
/* RabbitMQ takes a minute and a half on a busy machine. */
#define HEALTH_TIMEOUT_S 180
#define RESTORE_TIMEOUT_MS (4 * 3600 * 1000)
/* An action that fails so often in a row while an add-on is made fails it. */
#define GIVE_UP_PAUSE_MS 8000

/* Until it answers; then its last words are the reason. */
static const char health_script[] =
	"end=$((SECONDS + $1)); until /app/bin/health >/tmp/health 2>&1; do "
	"((SECONDS < end)) || { tail -n 3 /tmp/health; exit 1; }; sleep 0.1; done";

static void on_job(const struct addon_job_result *result, void *userdata);

static void start_job(struct resource *r, const struct addon *a, const struct addon_job_order *o,
		      enum life_action action)
{
	struct error err = ERROR_INIT;

	r->doing = action;
	if (addon_job_start(r->owner->platform, o, on_job, r, &r->job, &err) == 0)
		return;
	log_error("add-on %s: %s", a->name, err.message);
	resource_retry(r);
}

static void prepare(struct resource *r, const struct addon *a, const struct service *s)
{
	static const char *const argv[] = { "/app/bin/provision", NULL };
	_cleanup_free_ char *volume = NULL;
	json_t *env = addon_env(r->owner, a, s);
	struct addon_job_order o;
	int e;

	addon_order(r->owner, a, s, &volume, &o);
	/* What no row refers to yet is being removed: a stack that is made now might be, too. */
	if (collect_is_running(r->owner->collect)) {
		json_decref(env);
		resource_retry(r);
		return;
	}
	e = fs_mkdirs(volume, 0700);
	if (e == 0 && chown(volume, SANDBOX_UID, SANDBOX_GID) < 0)
		e = -errno;
	if (e < 0) {
		log_error("add-on %s: %s: %s", a->name, volume, strerror(-e));
		resource_retry(r);
	} else {
		o.argv = argv;
		o.env = env;
		o.timeout_ms = PREPARE_TIMEOUT_MS;
		start_job(r, a, &o, LIFE_PREPARE);
	}
	json_decref(env);
}

static void run_script(struct resource *r, const struct addon *a, const struct service *s,
		       const char *const *argv, json_t *take_env, enum life_action action)
{
	_cleanup_free_ char *volume = NULL;
	struct addon_job_order o;

	addon_order(r->owner, a, s, &volume, &o);
	o.argv = argv;
	o.env = take_env;
	/* It ends by itself, and says why. */
	if (action == LIFE_CHECK_HEALTH)
		o.timeout_ms = (HEALTH_TIMEOUT_S + 30) * 1000;
	start_job(r, a, &o, action);
	json_decref(take_env);
}

static bool has_script(const struct service *s, const char *name)
{
	_cleanup_free_ char *path = xasprintf("%s/bin/%s", s->dir, name);

	return fs_exists(path);
}

static void upgrade(struct resource *r, struct addon *a, const struct service *s)
{
	static const char *const argv[] = { "/app/bin/upgrade", NULL };
	const char *blank = strchr(a->applied, ' ');
	json_t *env;

	if (!has_script(s, "upgrade")) {
		free(a->applied);
		a->applied = addon_use(a, s);
		addon_save(r->owner, a);
		resource_succeeded(r);
		return;
	}
	env = addon_env(r->owner, a, s);
	json_object_set_new(env, "OLD_VERSION",
			    json_stringn(a->applied, (size_t)(blank - a->applied)));
	json_object_set_new(env, "OLD_PLAN", json_string(blank + 1));
	run_script(r, a, s, argv, env, LIFE_UPGRADE);
}

static void check_health(struct resource *r, const struct addon *a, const struct service *s)
{
	char limit[16];
	const char *const argv[] = { "/bin/bash", "-c", health_script, "health", limit, NULL };

	snprintf(limit, sizeof(limit), "%d", HEALTH_TIMEOUT_S);
	run_script(r, a, s, argv, addon_env(r->owner, a, s), LIFE_CHECK_HEALTH);
}

static void credentials(struct resource *r, const struct addon *a, const struct service *s,
			const struct credential *c, const char *verb, enum life_action action)
{
	const char *const argv[] = { "/app/bin/credentials", verb, NULL };
	json_t *env = addon_env(r->owner, a, s);

	snprintf(r->credential, sizeof(r->credential), "%s", c->id);
	json_object_set_new(env, "USERNAME", json_string(c->username));
	json_object_set_new(env, "PASSWORD", json_string(c->password));
	json_object_set_new(env, "DATABASE", json_string(c->database));
	run_script(r, a, s, argv, env, action);
}

/* The first that is to be made, or that nothing refers to. */
static void next_credential(struct resource *r, const struct addon *a, const struct service *s,
			    enum life_action action)
{
	struct services *sv = r->owner;
	bool make = action == LIFE_CREATE_CREDENTIAL;
	struct credential *list = NULL;
	struct error err = ERROR_INIT;
	size_t n = 0, i;

	if (store_credential_list(sv->platform->store, a->id, &list, &n, &err) < 0)
		log_error("add-on %s: %s", a->name, err.message);
	for (i = 0; i < n; i++) {
		bool wanted = reference_has(sv, list[i].id) || change_holds(sv, list[i].id);

		if (wanted == make && !(make && list[i].made))
			break;
	}
	if (i < n)
		credentials(r, a, s, &list[i], make ? "create" : "revoke", action);
	else
		resource_retry(r);
	credential_free_array(list, n);
}

static void told_level(struct resource *r, struct addon *a)
{
	a->full = r->doing_level;
	r->level_told = true;
}

static void limit(struct resource *r, struct addon *a, const struct service *s)
{
	enum room_level level = quota_level(r, a);
	/* "on" alone is what each service knows; what is beyond stands behind it. */
	const char *const argv[] = { "/app/bin/full", level == ROOM_FREE ? "off" : "on",
				     level > ROOM_FULL ? room_word(level) : NULL, NULL };

	r->doing_level = level;
	if (has_script(s, "full")) {
		run_script(r, a, s, argv, addon_env(r->owner, a, s), LIFE_LIMIT);
		return;
	}
	told_level(r, a);
	addon_save(r->owner, a);
}

static void certify(struct resource *r, const struct addon *a, const struct service *s)
{
	static const char *const argv[] = { "/app/bin/tls", NULL };
	const struct dyno *server = addon_server(r->owner, a);
	struct error err = ERROR_INIT;
	json_t *env = tls_env(r, a, s, server && server->state == DYNO_UP, &err);

	if (env) {
		run_script(r, a, s, argv, env, LIFE_CERTIFY);
		return;
	}
	tls_failed(r, a, err.message);
	resource_turn_soon(r);
}

static void destroy(struct resource *r, const struct addon *a, const struct service *s)
{
	static const char *const argv[] = { "/app/bin/destroy", NULL };

	if (has_script(s, "destroy")) {
		run_script(r, a, s, argv, addon_env(r->owner, a, s), LIFE_DESTROY);
		return;
	}
	r->destroyed = true;
	resource_turn_soon(r);
}

static void restore(struct resource *r, struct addon *a, const struct service *s)
{
	static const char *const argv[] = { "/app/bin/restore", NULL };
	_cleanup_free_ char *volume = NULL, *dir = backup_dir(r->owner, a->restoring);
	struct backup b = { 0 };
	struct error err = ERROR_INIT;
	struct addon_job_order o;
	json_t *env;

	if (store_backup_get(r->owner->platform->store, a->restoring, &b, &err) < 0) {
		addon_set_reason(a, xasprintf("The restore failed: %s", err.message));
		free(steal_ptr(a->restoring));
		addon_save(r->owner, a);
		resource_turn_soon(r);
		return;
	}
	env = addon_env(r->owner, a, s);
	addon_order(r->owner, a, s, &volume, &o);
	o.argv = argv;
	o.env = env;
	o.exchange = dir;
	o.timeout_ms = RESTORE_TIMEOUT_MS;
	json_object_set_new(env, "BACKUP",
			    json_sprintf("/app/backup/%s-b%lld.%s", b.addon_name,
					 (long long)b.number, b.extension));
	start_job(r, a, &o, LIFE_RESTORE);
	json_decref(env);
	backup_done(&b);
}

/* ---- what a job's end means ---- */

static void job_failed(struct resource *r, struct addon *a, const char *reason)
{
	log_warn("add-on %s: %s", a->name, reason);
	if (r->doing == LIFE_CREATE_CREDENTIAL)
		changes_credential(r->owner, r->credential, reason);
	if (r->doing == LIFE_CERTIFY) {
		tls_failed(r, a, reason);
		resource_succeeded(r);
		return;
	}
	if (r->doing == LIFE_RESTORE) {
		free(steal_ptr(a->restoring));
		addon_set_reason(
			a, xasprintf("The restore failed and the data is unchanged: %s", reason));
		addon_save(r->owner, a);
		resource_succeeded(r);
		return;
	}
	addon_set_reason(a, xstrdup(reason));
	addon_save(r->owner, a);
	/* A volume that can't be prepared and a server that does not answer are no matter of time.
	 */
	if (a->state == ADDON_PROVISIONING &&
	    (r->doing == LIFE_PREPARE || r->doing == LIFE_CHECK_HEALTH ||
	     r->pause_ms >= GIVE_UP_PAUSE_MS))
		r->failed = true;
	resource_retry(r);
	if (r->failed) {
		r->not_before_ms = 0;
		resource_turn_soon(r);
	}
}

static void restored(struct resource *r, struct addon *a)
{
	struct error err = ERROR_INIT;

	/* Users are not in a backup. If we are killed before this, it is restored once more. */
	if (store_credential_unmake(r->owner->platform->store, a->id, &err) < 0) {
		log_error("add-on %s: %s", a->name, err.message);
		return;
	}
	free(steal_ptr(a->restoring));
	addon_set_reason(a, NULL);
	addon_say(r->owner, a, "%s was restored", a->name);
}

static void credential_done_with(struct resource *r, const struct addon *a)
{
	struct store *s = r->owner->platform->store;
	struct error err = ERROR_INIT;

	walls_change(r->owner->walls);
	if (r->doing == LIFE_CREATE_CREDENTIAL
		    ? store_credential_set_made(s, r->credential, true, &err)
		    : store_credential_delete(s, r->credential, &err))
		log_error("add-on %s: %s", a->name, err.message);
	else if (r->doing == LIFE_CREATE_CREDENTIAL)
		changes_credential(r->owner, r->credential, NULL);
}

static void job_done(struct resource *r, struct addon *a, const struct service *s,
		     const struct addon_job_result *result)
{
	addon_set_reason(a, NULL);
	if (r->doing == LIFE_PREPARE) {
		free(a->stack);
		free(a->applied);
		a->stack = xstrdup(result->stack);
		a->applied = addon_use(a, s);
		count_soon(r);
	} else if (r->doing == LIFE_UPGRADE) {
		free(a->applied);
		a->applied = addon_use(a, s);
	} else if (r->doing == LIFE_CHECK_HEALTH) {
		r->healthy = true;
		r->healthy_since_ms = clock_now_ms();
	} else if (r->doing == LIFE_RESTORE) {
		restored(r, a);
		count_soon(r);
		r->level_told = false;
	} else if (r->doing == LIFE_CERTIFY) {
		tls_taken(r, a);
	} else if (r->doing == LIFE_LIMIT) {
		told_level(r, a);
	} else if (r->doing == LIFE_DESTROY) {
		r->destroyed = true;
	}
	addon_save(r->owner, a);
	/* A new login is one more that has to be told. */
	if (r->doing == LIFE_CREATE_CREDENTIAL)
		r->level_told = false;
	if (r->doing == LIFE_CREATE_CREDENTIAL || r->doing == LIFE_REVOKE_CREDENTIAL)
		credential_done_with(r, a);
	resource_succeeded(r);
}

static void on_job(const struct addon_job_result *result, void *userdata)
{
	struct resource *r = userdata;
	struct error err = ERROR_INIT;
	const struct service *s;
	struct addon a = { 0 };

	r->job = NULL;
	if (store_addon_get(r->owner->platform->store, r->id, &a, &err) < 0) {
		resource_turn_soon(r);
		return;
	}
	s = services_service_of(r->owner, &a);
	if (result->ok && s)
		job_done(r, &a, s, result);
	else
		job_failed(r, &a, result->reason ? result->reason : "It failed without a word");
	addon_done(&a);
}

/* ---- the table ---- */

void addon_script(struct resource *r, struct addon *a, const struct service *s,
		  enum life_action action)
{
	switch (action) {
	case LIFE_PREPARE:
		prepare(r, a, s);
		break;
	case LIFE_UPGRADE:
		upgrade(r, a, s);
		break;
	case LIFE_CERTIFY:
		certify(r, a, s);
		break;
	case LIFE_CHECK_HEALTH:
		check_health(r, a, s);
		break;
	case LIFE_RESTORE:
		restore(r, a, s);
		break;
	case LIFE_CREATE_CREDENTIAL:
	case LIFE_REVOKE_CREDENTIAL:
		next_credential(r, a, s, action);
		break;
	case LIFE_LIMIT:
		limit(r, a, s);
		break;
	case LIFE_DESTROY:
		destroy(r, a, s);
		break;
	default:
		break;
	}
}
