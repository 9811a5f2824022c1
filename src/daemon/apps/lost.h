/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the database does not know of: it was put back from before changes that the state directory
 * has seen. Nothing of that is removed; "twelve doctor" lists it.
 */
#pragma once

#include "daemon/core/platform.h"
#include "daemon/dynos/dynos.h"

/*
 * What is here and in no row, and was not removed on purpose, as an array of {"kind", "id",
 * "path"}: repositories, volumes, backups, slugs, and dynos, which have no path.
 */
json_t *lost_list(struct platform *p, struct dynos *ds);
