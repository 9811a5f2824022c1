/* SPDX-License-Identifier: Apache-2.0 */
/* Which commit a release was made of. */
#pragma once

#include <stdint.h>

struct app;

/* The commit of a release of the app; "" if it is unknown. */
const char *app_commit(const struct app *a, uint32_t release);
void app_set_commit(struct app *a, uint32_t release, const char *commit);
void app_forget_commits(struct app *a);
