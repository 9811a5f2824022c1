/* SPDX-License-Identifier: Apache-2.0 */
/* Loads the module with libcurl when it is needed; see curl.h. */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/proc.h"
#include "base/str.h"
#include "logsd/curl-load.h"
#include "logsd/curl.h"

#define MODULE "twelve-logs-curl.so"

/* It stands beside this program, in a build tree and where both are installed. */
static char *module_path(void)
{
	_cleanup_free_ char *dir = proc_exe_dir();

	return dir ? xasprintf("%s/" MODULE, dir) : NULL;
}

const struct drain_curl *drain_curl_load(struct logsd *l, struct error *err)
{
	_cleanup_free_ char *path = NULL;
	const struct drain_curl *c;
	void *module;

	if (l->curl)
		return l->curl;
	path = module_path();
	/*
	 * Debian's libcurl speaks TLS by OpenSSL, and brings GnuTLS along for RTMP and LDAP, which
	 * nobody uses here: its constructor would set up all of it (gnutls_global_init(3)), half a
	 * megabyte of memory.
	 */
	setenv("GNUTLS_NO_IMPLICIT_INIT", "1", 0);
	/* It stays: libraries in it may have threads and handlers of their own. */
	module = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE) : NULL;
	c = module ? dlsym(module, DRAIN_CURL_SYMBOL) : NULL;
	if (!c) {
		const char *why = dlerror();

		error_set(err, ERROR_SYSTEM, "loading %s, which drains over HTTP and TLS need: %s",
			  MODULE, why ? why : "it can't be found");
		return NULL;
	}
	l->curl_deadline_ms = INT64_MAX;
	if (c->prepare(l) < 0) {
		error_set(err, ERROR_SYSTEM, "out of memory for connections");
		return NULL;
	}
	l->curl = c;
	return c;
}

const struct drain_mover *drains_http_mover(struct logsd *l, struct error *err)
{
	const struct drain_curl *c = drain_curl_load(l, err);

	return c ? c->http : NULL;
}

int64_t drains_curl_next_ms(const struct logsd *l)
{
	return l->curl ? l->curl_deadline_ms : INT64_MAX;
}

void drains_curl_tick(struct logsd *l, int64_t now_ms)
{
	if (l->curl && now_ms >= l->curl_deadline_ms)
		l->curl->tick(l, now_ms);
}

void drains_curl_done(struct logsd *l)
{
	if (l->curl)
		l->curl->done(l);
	l->curl = NULL;
}
