/* SPDX-License-Identifier: Apache-2.0 */
/* The disk that holds the state, a part of which stays free (TWELVE_DISK_RESERVE). */
#pragma once

#include "daemon/core/settings.h"

/* What may yet be written there; less than 0 when the reserve is begun. */
int64_t disk_room(const struct settings *s);
/* ERROR_UNAVAILABLE when there is no room for more than these bytes. */
int disk_check(const struct settings *s, int64_t bytes, struct error *err);
