/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Apps that are offered to another owner. An app has one transfer at most, its last; it goes with
 * the app and with either user. See store.h for the rules that hold for all records.
 */
#pragma once

#include "store/store.h"

struct transfer {
	char id[UUID_SIZE];
	char app_id[UUID_SIZE];
	char owner_id[UUID_SIZE], recipient_id[UUID_SIZE];
	char *state; /* "pending", "accepted", "declined" */
	int64_t created_ms, updated_ms;
};
void transfer_done(struct transfer *t);
void transfer_free_array(struct transfer *t, size_t n);
/* Fills id, state and times; takes the place of one that is done. ERROR_CONFLICT while one is
 * pending. */
int store_transfer_create(struct store *s, struct transfer *t, struct error *err);
/* By its id, or its app's id. */
int store_transfer_get(struct store *s, const char *id_or_app_id, struct transfer *ret,
		       struct error *err);
/* Of somebody, who offers or is offered, or all when user_id is NULL. */
int store_transfer_list(struct store *s, const char *user_id, struct transfer **ret, size_t *ret_n,
			struct error *err);
/*
 * All or nothing: the recipient is the owner, and who was is a collaborator with these permissions,
 * so that nobody is locked out of what they look after. ERROR_CONFLICT when it is not pending, or
 * the owner is another by now.
 */
int store_transfer_accept(struct store *s, struct transfer *t, unsigned permissions,
			  struct error *err);
int store_transfer_decline(struct store *s, struct transfer *t, struct error *err);
int store_transfer_delete(struct store *s, const char *id, struct error *err);
