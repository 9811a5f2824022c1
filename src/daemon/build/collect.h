/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Garbage collection: slugs and stacks that no release uses are deleted, and what the folders of
 * the state hold is measured. Deleting a hundred thousand files takes seconds, so a child does it,
 * `twelved collect`. Builds make slugs and stacks that no release refers to yet: whoever starts a
 * collection makes sure that nothing is being built, and whoever builds asks collect_is_running().
 *
 *     order   {"state_dir", "slugs": [DIGEST...], "known": [...], "stacks": [...], "put_back_ms"}
 *     result  {"slugs": n, "stacks": n, "unknown_slugs": n, "held_bytes": {FOLDER: bytes...}},
 *             or {"error": sentence, "kind": n}
 *
 * The folder STATE/stacks may be a link to one that several platforms share: stacks are not deleted
 * then, since another platform may use them.
 */
#pragma once

#include <jansson.h>

#include "daemon/core/platform.h"

struct collect;
struct dynos;

struct collect *collect_new(const struct platform *p, struct dynos *dynos);
/* Ends the child, without a call. */
void collect_free(struct collect *c);

/* The result without "error", and "freed_bytes"; or NULL with *err. Both are borrowed. */
typedef void (*collect_fn)(const json_t *result, const struct error *err, void *userdata);
/* ERROR_CONFLICT while one is under way. fn is called once, from the loop. */
int collect_start(struct collect *c, collect_fn fn, void *userdata, struct error *err);
/* No call for this userdata; the collection goes on. */
void collect_forget(struct collect *c, const void *userdata);
bool collect_is_running(const struct collect *c);
/* STATE/stacks is a link, and stacks stay. */
bool collect_spares_stacks(const struct collect *c);

/* main() of `twelved collect`. */
int collect_worker_main(void);
