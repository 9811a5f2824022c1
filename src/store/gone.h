/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records what was deleted on purpose. A file, dyno or certificate that no row names was either
 * deleted, and then a row in "gone" says so; or the database is older than it (a restored copy, a
 * lost WAL), and then only a person may remove it. So a missing row never means "remove"; a row in
 * "gone" does.
 *
 * Kinds: "app", "addon", "backup", "drain", "sni" by their ids, "slug" by its digest. Triggers
 * write the rows.
 */
#pragma once

#include "store/store.h"

/* How long these rows are kept: far longer than a file waits for its removal. */
#define GONE_KEEP_MS (INT64_C(90) * 86400000)

int store_gone(struct store *s, const char *kind, const char *id, bool *ret, struct error *err);
int store_gone_forget(struct store *s, int64_t before_ms, struct error *err);
/* Digests of slugs that a row names: of a release, a build, an imported slug, or a deleted one. A
 * strv. */
int store_slugs_known(struct store *s, char ***ret, struct error *err);
