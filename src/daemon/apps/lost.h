/* SPDX-License-Identifier: Apache-2.0 */
/* Files that the database does not know, because it was restored from an older copy. Nothing of
 * that is removed; "twelve doctor" lists it. */
#pragma once

#include "daemon/core/platform.h"
#include "daemon/dynos/dynos.h"

/* Everything without a row that was not deleted on purpose, as an array of {"kind", "id", "path"}:
 * repositories, volumes, backups, slugs, and dynos, which have no path. */
json_t *lost_list(struct platform *p, struct dynos *ds);
