/* SPDX-License-Identifier: Apache-2.0 */
/* The interface between twelved and `twelved build`: options as JSON on stdin (a sealed memory
 * file, because they contain config vars), the result as JSON on descriptor 3. */
#pragma once

#include "build/build.h"
#include "daemon/build/builds-priv.h"
#include "daemon/core/platform.h"
#include "net/link.h"

struct worker_order {
	const struct platform *platform;
	const struct app *app;
	json_t *config;
	const char *build_id, *source, *commit;
	const char *sha256; /* of the source; NULL: whatever it is */
	const char *url;    /* where it is fetched from; NULL: it is there */
	char *const *submodules;
	const char *ssh_key;  /* the private key by which the app fetches; NULL: it has none */
	struct net_link link; /* of its sandboxes; host_name "": they have the machine's network */
	const char *resolv_conf; /* of its sandboxes */
	bool strip_top, unwrap, no_cache;
	const struct job *import; /* build/builds-priv.h; NULL: it is a build */
};

/* The options, for its stdin. */
json_t *worker_options(const struct worker_order *order);
/* The result, or the error that the worker reported. */
int worker_parse_result(const char *text, const char *state_dir, const char *app_id,
			struct build_result *ret, struct error *err);
