/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates of services: a server that speaks TLS (a manifest's "tls") has one of the local
 * authority for the names by which it is reached. bin/tls takes it into the volume, before the
 * first start, and while the server runs when it is due again. When that is stands in the row:
 * which authority signed it, and until when it is good. A kill in between makes another one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/services/services-priv.h"
#include "daemon/edge/ca.h"

#define AUTHORITY_MAX_BYTES 65536
#define AGAIN_MS 600000

void tls_note_authority(struct services *sv)
{
	_cleanup_free_ char *path = ca_path(sv->platform->settings.state_dir);
	_cleanup_buf_ struct buf pem = BUF_INIT;

	sv->authority[0] = '\0';
	if (fs_read_file(path, AUTHORITY_MAX_BYTES, &pem) == 0)
		digest_bytes(pem.data, pem.len, sv->authority);
}

static const char *secret_of(const struct addon *a, const char *key)
{
	const char *s = json_string_value(json_object_get(a->secret, key));

	return s ? s : "";
}

bool tls_due(const struct resource *r, const struct addon *a, const struct service *s)
{
	struct services *sv = r->owner;
	_cleanup_free_ char *host = addon_host(sv, a);
	int64_t until_ms = 0;

	if (!s->tls || !sv->authority[0] || clock_now_ms() < r->tls_not_before_ms)
		return false;
	if (!streq(secret_of(a, "tls_by"), sv->authority) ||
	    !streq(secret_of(a, "tls_host"), host) ||
	    !str_to_i64(secret_of(a, "tls_until"), 0, INT64_MAX, &until_ms))
		return true;
	return clock_wall_ms() >= ca_renew_ms(until_ms);
}

json_t *tls_env(struct resource *r, const struct addon *a, const struct service *s, bool running,
		struct error *err)
{
	_cleanup_free_ char *host = addon_host(r->owner, a);
	char *const names[] = { (char[]){ "localhost" }, (char[]){ "127.0.0.1" }, (char[]){ "::1" },
				host, NULL };
	char *chain = NULL, *key = NULL;
	json_t *env;

	if (ca_issue(r->owner->platform->settings.state_dir, names, &chain, &key, &r->tls_until_ms,
		     err) < 0)
		return NULL;
	env = addon_env(r->owner, a, s);
	json_object_set_new(env, "TLS_CERTIFICATE", json_string(chain));
	json_object_set_new(env, "TLS_KEY", json_string(key));
	if (running)
		json_object_set_new(env, "RUNNING", json_string("yes"));
	snprintf(r->tls_host, sizeof(r->tls_host), "%s", host);
	memcpy(r->tls_by, r->owner->authority, sizeof(r->tls_by));
	explicit_bzero(key, strlen(key));
	free(key);
	free(chain);
	return env;
}

void tls_taken(const struct resource *r, struct addon *a)
{
	json_object_set_new(a->secret, "tls_by", json_string(r->tls_by));
	json_object_set_new(a->secret, "tls_host", json_string(r->tls_host));
	json_object_set_new(a->secret, "tls_until",
			    json_sprintf("%lld", (long long)r->tls_until_ms));
}

void tls_failed(struct resource *r, const struct addon *a, const char *reason)
{
	log_warn("add-on %s: its certificate: %s", a->name, reason);
	addon_say(r->owner, a,
		  "Warning: %s did not take a new certificate, and it is tried again in 10 "
		  "minutes: %s",
		  a->name, reason);
	r->tls_not_before_ms = clock_now_ms() + AGAIN_MS;
}
