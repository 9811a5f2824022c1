/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The local certificate authority, made at the first start: what is reached over TLS
 * before there is a certificate that the world knows.
 *
 *     STATE/ca/ca.pem     the authority (0644): `twelve ca` shows how to trust it
 *     STATE/ca/ca.key     its key (0600)
 *     STATE/tls/local.pem certificate, authority and key in one file, as HAProxy's `crt` takes it
 *
 * Keys are P-256. The authority lives ten years and may sign no other authority; a
 * certificate lives 397 days and is made anew 30 days before its end, or when the
 * names change (RFC 5280; the limits are those of the CA/Browser Forum's Baseline Requirements).
 */
#pragma once

#include <stdint.h>

#include "base/error.h"

/* Creates what is missing or about to expire, for these names: host names, also "*.example.com",
 * and addresses. *ret_changed: local.pem has changed. */
int ca_prepare(const char *state_dir, char *const *names, bool *ret_changed, struct error *err);
/* Issues a certificate for a server on this machine, signed by the authority, whose certificate
 * follows it: PEM, heap. The caller wipes the key before freeing it. *ret_until_ms: when it
 * expires, wall clock. */
int ca_issue(const char *state_dir, char *const *names, char **ret_chain, char **ret_key,
	     int64_t *ret_until_ms, struct error *err);
/* When a certificate that ends then is to be made anew. */
int64_t ca_renew_ms(int64_t until_ms);

/* Heap strings. */
char *ca_path(const char *state_dir);
char *ca_local_path(const char *state_dir);
