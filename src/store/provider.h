/* SPDX-License-Identifier: Apache-2.0 */
/* Providers of add-ons. Conventions: store/store.h. */
#pragma once

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct store;

/* A third-party service, with its manifest (Heroku's addon-manifest.json, sealed because it has a
 * password). */
struct provider {
	char *name;
	json_t *manifest;
	int64_t created_ms;
};
void provider_done(struct provider *p);
void provider_free_array(struct provider *p, size_t n);
/* Replaces one of the same name. */
int store_provider_put(struct store *s, const struct provider *p, struct error *err);
int store_provider_list(struct store *s, struct provider **ret, size_t *ret_n, struct error *err);
int store_provider_delete(struct store *s, const char *name, struct error *err);
