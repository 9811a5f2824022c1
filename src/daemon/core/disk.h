/* SPDX-License-Identifier: Apache-2.0 */
/* The disk with the state directory, of which TWELVE_DISK_RESERVE stays free. */
#pragma once

#include "daemon/core/settings.h"

/* Bytes that may still be written; negative if the reserve is in use. */
int64_t disk_room(const struct settings *s);
/* ERROR_UNAVAILABLE if there is no room for this many bytes. */
int disk_check(const struct settings *s, int64_t bytes, struct error *err);
