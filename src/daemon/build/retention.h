/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which slugs are let go: those of releases beyond the
 * newest TWELVE_KEEP_RELEASES of their app that ran, which are nobody's current or pending release
 * and no dyno runs from. The release stays, and says that its slug is gone.
 */
#pragma once

#include "daemon/core/platform.h"

struct dynos;
struct builds;
struct collect;

struct retention;
struct retention *retention_new(const struct platform *p, struct dynos *dynos,
				struct builds *builds, const struct collect *collect);
void retention_free(struct retention *r);
/* A release is live and what ran before it has ended: soon, when no build runs, slugs are let go.
 */
void retention_kick(struct retention *r);
