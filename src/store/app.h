/* SPDX-License-Identifier: Apache-2.0 */
/* Apps. Conventions: store/store.h. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/error.h"

struct store;

#define APP_REGION_DEFAULT "us"

struct app {
	char id[UUID_SIZE];
	char *name;
	char *stack;	  /* the stack's name (stack_names[]) that the next build uses */
	char *run_stack;  /* the name of the stack that the running release was built for; NULL:
			    nothing was deployed. Read only */
	char *region;	  /* "us" or "eu", which are both this machine */
	char *buildpacks; /* JSON array of strings; "[]": detect */
	char *branch;	  /* the one that deploys: "main" ("master" is taken for it as well) */
	char owner_id[UUID_SIZE]; /* a user */
	bool maintenance;
	int64_t current_version; /* the release that runs, or last ran well; 0: none */
	int64_t last_version;	 /* the newest release's number */
	int64_t created_ms, updated_ms;
	int64_t released_ms; /* 0: never */
};

void app_done(struct app *a);
/* Fills id and times. ERROR_INVALID if the name is taken: "Name NAME is already taken". */
int store_app_create(struct store *s, struct app *a, struct error *err);
/* By name or id. */
int store_app_get(struct store *s, const char *name_or_id, struct app *ret, struct error *err);
/* All, sorted by name; *ret is an array that the caller frees after app_done() of each. */
int store_app_list(struct store *s, struct app **ret, size_t *ret_n, struct error *err);
/* The number of different owners of apps; apps without an owner count as one owner's. */
int store_app_count_owners(struct store *s, int64_t *ret, struct error *err);
/* Writes name, stack, region, buildpacks, branch, owner_id, maintenance, current_version,
 * released_ms back. */
int store_app_update(struct store *s, const struct app *a, struct error *err);
/* With all that belongs to it. */
int store_app_delete(struct store *s, const char *id, struct error *err);
