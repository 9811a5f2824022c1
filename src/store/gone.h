/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was removed on purpose. A file, a dyno or a certificate that no row names was either ours
 * and is finished, and then there is a row in "gone" that says so; or the database is not the one
 * that made it (an older copy, a WAL that was lost), and then nobody may remove it but a person. So
 * "no row" never means "remove"; "gone" does.
 *
 * Kinds: "app", "addon", "backup", "drain", "sni" by their ids, "slug" by its digest. The rows are
 * written by triggers.
 */
#pragma once

#include "store/store.h"

/* How long such rows are kept: far longer than a file waits for its removal. */
#define GONE_KEEP_MS (INT64_C(90) * 86400000)

int store_gone(struct store *s, const char *kind, const char *id, bool *ret, struct error *err);
int store_gone_forget(struct store *s, int64_t before_ms, struct error *err);
/* Digests of slugs that a row names: of a release, a build, a slug that was brought, or of one that
 * is gone. A strv. */
int store_slugs_known(struct store *s, char ***ret, struct error *err);
