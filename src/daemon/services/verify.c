/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a backup restores: a whole life of the service in one sandbox, a scratch service with a
 * volume of its own that nobody else sees.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "addon/summary.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/core/remove.h"
#include "daemon/services/services-priv.h"

/* A whole life in one sandbox: the server's own words only when it fails. */
static const char verify_script[] =
	"set -e\n"
	"fail() { tail -n 5 /tmp/server.log; echo \"$1\"; exit 1; }\n"
	"/app/bin/provision >/tmp/provision.log 2>&1 || { tail -n 5 /tmp/provision.log; exit 1; }\n"
	"/app/bin/server >/tmp/server.log 2>&1 & server=$!\n"
	"trap 'kill $server; wait $server || :' EXIT\n"
	"until /app/bin/health >/tmp/health 2>&1; do\n"
	"  kill -0 $server 2>/dev/null || fail 'The scratch server does not stay up'\n"
	"  ((SECONDS < 90)) || fail 'The scratch server does not answer'\n"
	"  sleep 0.1\n"
	"done\n"
	"/app/bin/restore\n"
	"/app/bin/summary\n";

static void judge(struct backup *b, const struct addon_job_result *result)
{
	_cleanup_free_ char *found = backup_last_line(result->output);

	free(b->verified_text);
	b->verified_ms = clock_wall_ms();
	b->verified_ok = false;
	if (!result->ok)
		b->verified_text =
			xasprintf("It can't be restored: %s",
				  result->reason ? result->reason : "no reason was given");
	else if (b->sha256 && result->sha256 && !streq(b->sha256, result->sha256))
		b->verified_text = xstrdup("Its file is not what was written: the digests differ");
	else if (b->summary && !summary_same(b->summary, found))
		b->verified_text = xasprintf("It restores to something else: %s instead of %s",
					     found, b->summary);
	else
		b->verified_ok = true;
	if (b->verified_ok && !b->sha256)
		b->sha256 = xstrdup(result->sha256);
	if (b->verified_ok)
		b->verified_text = xasprintf("Restored into a scratch service: %s", found);
}

static char *scratch_volume(struct services *sv, const char *backup_id)
{
	return xasprintf("%s/volumes/" VOLUME_SCRATCH "%s", sv->platform->settings.state_dir,
			 backup_id);
}

static void on_verified(const struct addon_job_result *result, void *userdata)
{
	struct resource *r = userdata;
	_cleanup_free_ char *volume = scratch_volume(r->owner, r->verify_id);
	struct error err = ERROR_INIT;
	struct backup b = { 0 };

	r->verify_job = NULL;
	remove_tree_later(r->owner->platform, volume);
	if (store_backup_get(r->owner->platform->store, r->verify_id, &b, &err) == 0) {
		judge(&b, result);
		backup_save(r->owner, &b);
		log_info("backup b%lld of %s: %s", (long long)b.number, b.addon_name,
			 b.verified_text);
	} else if (err.kind != ERROR_NOT_FOUND) {
		log_error("backup %s was verified in vain: %s", r->verify_id, err.message);
	}
	backup_done(&b);
}

/* The add-on as the scratch service sees itself: other ports, another password. */
static json_t *scratch_env(struct services *sv, const struct addon *a, const struct service *s,
			   const struct backup *b)
{
	_cleanup_free_ char *name = backup_file_name(b), *databases = backup_databases(sv, a);
	char password[41];
	struct addon copy = *a;
	json_t *env;

	random_hex(password, 20);
	copy.first_port = addon_pick_ports(sv);
	copy.secret = json_pack("{s:s}", "admin_password", password);
	env = addon_env(sv, &copy, s);
	json_decref(copy.secret);
	/* Where nobody else is, whatever address the add-on has. */
	json_object_set_new(env, "HOST", json_string("127.0.0.1"));
	json_object_set_new(env, "BACKUP", json_sprintf("/app/backup/%s", name));
	json_object_set_new(env, "DATABASES", json_string(databases));
	return env;
}

static int start_verify(struct resource *r, const struct addon *a, const struct service *s,
			const struct backup *b, struct error *err)
{
	struct services *sv = r->owner;
	static const char *const argv[] = { "/bin/bash", "-c", verify_script, NULL };
	_cleanup_free_ char *dir = backup_dir(sv, b->id), *path = services_backup_path(sv, b);
	_cleanup_free_ char *volume = scratch_volume(sv, b->id);
	const struct service_plan *plan = service_plan(s, a->plan);
	json_t *env = scratch_env(sv, a, s, b);
	struct addon_job_order o = { .packages = s->packages,
				     .stack = a->stack,
				     .lower = s->dir,
				     .volume = volume,
				     .exchange = dir,
				     .argv = argv,
				     .env = env,
				     .walls = sv->walls,
				     .owner_id = "",
				     .memory_bytes = plan ? 2 * plan->memory_bytes : 0,
				     .timeout_ms = BACKUP_TIMEOUT_MS,
				     .measure = path };
	int e = fs_mkdirs(volume, 0700), result = -1;

	if (e == 0 && chown(volume, SANDBOX_UID, SANDBOX_GID) < 0)
		e = -errno;
	snprintf(r->verify_id, sizeof(r->verify_id), "%s", b->id);
	if (e < 0)
		error_set_errno(err, e, "making %s", volume);
	else
		result = addon_job_start(sv->platform, &o, on_verified, r, &r->verify_job, err);
	json_decref(env);
	return result;
}

int services_verify(struct services *sv, const struct backup *b, struct error *err)
{
	struct addon a = { 0 };
	struct resource *r;
	int result = -1;

	if (!streq(b->status, "succeeded"))
		return error_set(err, ERROR_CONFLICT, "b%lld is not there to be verified: it is %s",
				 (long long)b->number, b->status);
	if (store_addon_get(sv->platform->store, b->addon_id, &a, err) < 0)
		return error_set(
			err, ERROR_CONFLICT,
			"The add-on of b%lld was destroyed: restore it, then verify its backups",
			(long long)b->number);
	r = resource_find(sv, a.id);
	if (!r || !services_service_of(sv, &a) || !a.stack)
		error_set(err, ERROR_CONFLICT, "%s is not ready", a.name);
	else if (r->verify_job)
		error_set(err, ERROR_CONFLICT, "A backup of %s is already being verified", a.name);
	else
		result = start_verify(r, &a, services_service_of(sv, &a), b, err);
	addon_done(&a);
	return result;
}
