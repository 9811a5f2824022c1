/* SPDX-License-Identifier: Apache-2.0 */
/* The audit trail. Conventions: store/store.h. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/error.h"

struct store;

struct audit {
	int64_t number; /* grows by one */
	int64_t at_ms;
	char user_id[UUID_SIZE];
	char *user;		/* as it was called then */
	char app_id[UUID_SIZE]; /* "": none */
	char *app_name;		/* "": none */
	char *action;		/* "PATCH /apps/:app/config-vars" */
	char *note;		/* details for people: "set GREETING"; never a secret */
	int64_t status;		/* of the answer */
	int64_t version;	/* of the release that it made, or 0 */
	char request_id[UUID_SIZE];
	char *from; /* "socket", an address, "" */
};
void audit_done(struct audit *a);
void audit_free_array(struct audit *a, size_t n);
int store_audit_add(struct store *s, const struct audit *a, struct error *err);
struct audit_filter {
	const char *app_id, *user_id; /* NULL: of all */
	int64_t version;	      /* what made this release; 0: all */
	size_t max;
};
/* Newest first. */
int store_audit_list(struct store *s, const struct audit_filter *f, struct audit **ret,
		     size_t *ret_n, struct error *err);
