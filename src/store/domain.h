/* SPDX-License-Identifier: Apache-2.0 */
/* Domains of apps. Conventions: store/store.h. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/error.h"

struct store;

struct domain {
	char id[UUID_SIZE];
	char app_id[UUID_SIZE];
	char sni_id[UUID_SIZE]; /* the SNI endpoint that it is served with; "": none */
	char *hostname;
	int64_t created_ms;
};
void domain_done(struct domain *d);
int store_domain_create(struct store *s, struct domain *d, struct error *err);
/* Of an app, or of all apps when app_id is NULL. */
int store_domain_list(struct store *s, const char *app_id, struct domain **ret, size_t *ret_n,
		      struct error *err);
/* By hostname or id. */
int store_domain_get(struct store *s, const char *app_id, const char *host_or_id,
		     struct domain *ret, struct error *err);
int store_domain_delete(struct store *s, const char *id, struct error *err);
/* sni_id NULL: none. */
int store_domain_set_sni(struct store *s, const char *id, const char *sni_id, struct error *err);
