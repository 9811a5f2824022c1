/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time. Durations and deadlines are milliseconds of CLOCK_BOOTTIME, which also
 * counts while a laptop sleeps and is the same for all processes of a boot;
 * stamps that people see are wall-clock nanoseconds since 1970, UTC.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int64_t clock_now_ms(void);
int64_t clock_wall_ns(void);
static inline int64_t clock_wall_ms(void)
{
	return clock_wall_ns() / 1000000;
}

#define CLOCK_ISO_SIZE 40

/* RFC 3339 in UTC, whole seconds: 2026-11-23T10:00:01Z, as Heroku's API has it. Returns buf. */
char *clock_iso(int64_t wall_ms, char buf[static CLOCK_ISO_SIZE]);
/* Parses an RFC 3339 time to wall-clock milliseconds; false if s is not one. */
bool clock_parse(const char *s, int64_t *ret_ms);
/* RFC 3339 with microseconds and +00:00, as Heroku's log lines have it. Returns buf. */
char *clock_iso_us(int64_t wall_ns, char buf[static CLOCK_ISO_SIZE]);
