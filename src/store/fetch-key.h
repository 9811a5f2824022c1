/* SPDX-License-Identifier: Apache-2.0 */
/* The key with which an app's builds fetch from git repositories over SSH: one per app, until it is
 * deleted. */
#pragma once

#include "store/store.h"

struct fetch_key {
	char *public_key;  /* a line, as authorized_keys has it */
	char *private_key; /* as OpenSSH has it; sealed on disk */
	int64_t created_ms;
};
void fetch_key_done(struct fetch_key *k);

/* 1, 0 when the app has none, or -1. */
int store_fetch_key_get(struct store *s, const char *app_id, struct fetch_key *ret,
			struct error *err);
/* Fills created_ms. */
int store_fetch_key_put(struct store *s, const char *app_id, struct fetch_key *k,
			struct error *err);
/* None there is success. */
int store_fetch_key_delete(struct store *s, const char *app_id, struct error *err);
