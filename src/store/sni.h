/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates of apps. Conventions: store/store.h. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/error.h"

struct store;

/* A certificate with its chain. The key is read separately, as few callers need it. */
struct sni_endpoint {
	char id[UUID_SIZE];
	char app_id[UUID_SIZE];
	char *name;
	char *chain;  /* PEM */
	bool acm;     /* obtained by ACME for one domain; deleted when the domain no longer uses
			 it */
	bool trusted; /* was trusted by this machine when it was added */
	int64_t created_ms, updated_ms;
};
void sni_endpoint_done(struct sni_endpoint *e);
void sni_endpoint_free_array(struct sni_endpoint *e, size_t n);
/* Fills id and times. The key (PEM) is sealed. */
int store_sni_create(struct store *s, struct sni_endpoint *e, const char *key, struct error *err);
/* Another chain and key. */
int store_sni_update(struct store *s, struct sni_endpoint *e, const char *key, struct error *err);
/* Of an app, or of all when app_id is NULL; the oldest first. */
int store_sni_list(struct store *s, const char *app_id, struct sni_endpoint **ret, size_t *ret_n,
		   struct error *err);
/* By name or id; of any app when app_id is NULL. */
int store_sni_get(struct store *s, const char *app_id, const char *which, struct sni_endpoint *ret,
		  struct error *err);
/* A heap string that the caller wipes and frees. */
int store_sni_key(struct store *s, const char *id, char **ret, struct error *err);
int store_sni_delete(struct store *s, const char *id, struct error *err);
/* Deletes those that came by ACME and that no domain uses. */
int store_sni_delete_orphans(struct store *s, struct error *err);
