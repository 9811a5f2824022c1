/* SPDX-License-Identifier: Apache-2.0 */
/* The lines of an add-on in the streams of apps, see link.c. */
#pragma once

#include "logsd/app.h"

/* The set of apps, by ids with blanks between, that get this one's lines too. */
void links_set(struct app *from, const char *ids);
/* Before an app is freed. */
void links_forget(struct app *a);
extern const struct follower links_follow;
