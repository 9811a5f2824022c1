/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Review apps: app setups (setup.h) that belong to a pipeline. How one is follows from its setup and its app; stored is
 * what it is of, and that somebody took it away. A row goes with its pipeline, whose apps stay.
 */
#pragma once

#include "store/store.h"

struct review {
	char id[UUID_SIZE];
	char pipeline_id[UUID_SIZE], setup_id[UUID_SIZE];
	char *branch;
	int64_t pr_number; /* 0: none */
	bool deleted;
	int64_t created_ms, updated_ms;
};
void review_done(struct review *v);
void review_free_array(struct review *v, size_t n);
/* Fills id and times. */
int store_review_create(struct store *s, struct review *v, struct error *err);
/* By its id, or the id of its app. */
int store_review_get(struct store *s, const char *id_or_app_id, struct review *ret, struct error *err);
/* Those of a pipeline that were not taken away, oldest first. */
int store_review_list(struct store *s, const char *pipeline_id, struct review **ret, size_t *ret_n, struct error *err);
int store_review_set_deleted(struct store *s, struct review *v, struct error *err);
