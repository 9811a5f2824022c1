/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a user's apps have and want, counted from the rows of apps, releases, formations and add-ons
 * at each call: nothing is kept that could differ from them. Conventions: store/store.h.
 *
 * A scope is all apps of a user or one app: the other of the two is NULL.
 */
#pragma once

#include "store/store.h"

struct owned_scope {
	const char *owner_id, *app_id;
};

int store_owned_apps(struct store *s, const struct owned_scope *scope, int64_t *ret,
		     struct error *err);

/* Dynos of one size that formations want. During a rollout the process types of both releases
 * count, since either may be what runs at the end. */
struct owned_dynos {
	char *size;
	int64_t n;
};
void owned_dynos_free_array(struct owned_dynos *d, size_t n);
int store_owned_dynos(struct store *s, const struct owned_scope *scope, struct owned_dynos **ret,
		      size_t *ret_n, struct error *err);

/* Add-ons of one plan. One that is being destroyed counts until it is gone, also when its app is
 * gone already: then it is its last owner's. */
struct owned_addons {
	char *service, *plan;
	int64_t n;
};
void owned_addons_free_array(struct owned_addons *a, size_t n);
int store_owned_addons(struct store *s, const struct owned_scope *scope, struct owned_addons **ret,
		       size_t *ret_n, struct error *err);
