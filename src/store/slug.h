/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of slugs that were built elsewhere: announced (POST /apps/:app/slugs), uploaded, and
 * unpacked into the slug store (build/build.h) at their first release. Slugs of our own builds have
 * no row. */
#pragma once

#include "store/store.h"

struct slug {
	char id[UUID_SIZE];
	char app_id[UUID_SIZE];
	char upload_id[UUID_SIZE]; /* names the upload; who knows it may bring it */
	char *stack;		   /* "debian-12" */
	char *types;		   /* JSON object: process type to command */
	char *commit, *commit_description;
	char *checksum;	    /* "SHA256:HEX", or NULL */
	char *description;  /* of the buildpack, or NULL */
	char *digest;	    /* of the tree in the slug store; NULL: not unpacked yet */
	char *run_stack;    /* digest of the stack that it runs in; NULL with digest */
	int64_t size_bytes; /* 0: unknown */
	int64_t created_ms, updated_ms;
};
void slug_row_done(struct slug *s);
/* Fills id, upload_id and times. */
int store_slug_create(struct store *s, struct slug *row, struct error *err);
int store_slug_get(struct store *s, const char *id, struct slug *ret, struct error *err);
/* Upload ids of slugs that are not unpacked yet; a strv. */
int store_slug_uploads(struct store *s, char ***ret, struct error *err);
/* Writes digest, run_stack, size_bytes. */
int store_slug_update(struct store *s, struct slug *row, struct error *err);
/* The row of an imported tree, preferably this app's; false if it came from a build. */
bool store_slug_of_digest(struct store *s, const char *app_id, const char *digest,
			  char ret_id[static UUID_SIZE]);
