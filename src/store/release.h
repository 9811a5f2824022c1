/* SPDX-License-Identifier: Apache-2.0 */
/* Releases: numbered and immutable, except for their status. Conventions: store/store.h. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/error.h"
#include "model/procfile.h"

struct store;

enum release_status {
	RELEASE_PENDING,   /* its release phase or its rollout is not done */
	RELEASE_SUCCEEDED, /* it ran or runs, or has no slug to run */
	RELEASE_FAILED,	   /* its release phase failed, or its rollout was undone */
	RELEASE_EXPIRED,   /* a newer release came before it was done */
};
extern const char *const release_status_names[]; /* "pending", "succeeded", "failed", "expired" */

struct release {
	char id[UUID_SIZE];
	char app_id[UUID_SIZE];
	int64_t version;
	enum release_status status;
	bool phase_done;   /* the release command ended well, or there is none */
	char *slug;	   /* digest, or NULL */
	char *stack;	   /* digest of the run stack, or NULL */
	char *stack_name;  /* of stack_names[]; NULL with stack */
	char *commit;	   /* "" when unknown */
	char *description; /* "Deploy 3f2a91c", "Set GREETING config vars", "Rollback to v3" */
	char *user;	   /* who: an e-mail address or user name */
	char *output_id;   /* names the output stream, or NULL */
	char *reason;	   /* why it failed, or NULL */
	struct procfile processes;
	json_t *attachments; /* array, see addon/attach.h; NULL stands for an empty one when it is
				created */
	json_t *config; /* object of strings, including the attachments' vars; sealed on disk */
	json_t *proof;	/* or NULL: {"dynos":[...],"requests":N,"failed":N,"drain_ms":N,...} */
	int64_t created_ms, updated_ms;
};

void release_done(struct release *r);
/* Fills id, times and the app's next version, and writes it. Older pending releases of the app
 * become expired. Call in a transaction. */
int store_release_create(struct store *s, struct release *r, struct error *err);
int store_release_get(struct store *s, const char *app_id, int64_t version, struct release *ret,
		      struct error *err);
/* By UUID. */
int store_release_by_id(struct store *s, const char *id, struct release *ret, struct error *err);
/* Newest first, at most max (0: all). Without config (config is NULL). */
int store_release_list(struct store *s, const char *app_id, size_t max, struct release **ret,
		       size_t *ret_n, struct error *err);
/* The newest and the current release of an app, or of each app if app_id is NULL, by one query.
 * Sets only app_id, version, status and attachments. Ordered by app, newest first. */
int store_release_heads(struct store *s, const char *app_id, struct release **ret, size_t *ret_n,
			struct error *err);
void release_free_array(struct release *r, size_t n);
/* Writes status, phase_done, reason and proof; the rest of a release never changes. */
int store_release_update(struct store *s, const struct release *r, struct error *err);

/* The attachments of an app's release, without its config. ERROR_NOT_FOUND if there is no such
 * release. A new reference. */
int store_release_attachments(struct store *s, const char *app_id, int64_t version, json_t **ret,
			      struct error *err);
