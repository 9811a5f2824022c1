/* SPDX-License-Identifier: Apache-2.0 */
/* All apps. */
#pragma once

#include <stdbool.h>

struct app;
struct logsd;

/* Registers the followers of apps' lines; call before the first app. */
void apps_init(struct logsd *l);
/* apps_init(), and opens the rings that an earlier twelve-logs left. */
void apps_load(struct logsd *l);
/* With all that it has. `forget`: its files go, too. */
void app_free(struct app *a, bool forget);
