/* SPDX-License-Identifier: Apache-2.0 */
/* What of the outside apps reach (store/egress.h), for the rules of the network. */
#pragma once

#include "daemon/core/platform.h"

struct walls;

/* Says which apps are closed and what is allowed (walls/walls.h: collect). */
int egress_collect(const struct platform *p, struct walls *w, struct error *err);
