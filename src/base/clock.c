/* SPDX-License-Identifier: Apache-2.0 */
/* Time; see clock.h. */
#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int64_t clock_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t clock_wall_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

char *clock_iso(int64_t wall_ms, char buf[static CLOCK_ISO_SIZE])
{
	time_t t = (time_t)(wall_ms / 1000);
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(buf, CLOCK_ISO_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return buf;
}

char *clock_iso_us(int64_t wall_ns, char buf[static CLOCK_ISO_SIZE])
{
	time_t t = (time_t)(wall_ns / 1000000000);
	struct tm tm;
	size_t n;

	gmtime_r(&t, &tm);
	n = strftime(buf, CLOCK_ISO_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buf + n, CLOCK_ISO_SIZE - n, ".%06d+00:00", (int)(wall_ns % 1000000000 / 1000));
	return buf;
}

bool clock_parse(const char *s, int64_t *ret_ms)
{
	struct tm tm = { 0 };
	const char *rest = strptime(s, "%Y-%m-%dT%H:%M:%S", &tm);
	int64_t ms = 0, offset_s = 0;
	int hours, minutes;
	char sign, more;

	if (!rest)
		return false;
	if (*rest == '.') {
		ms = (int64_t)(strtod(rest, NULL) * 1000);
		rest += 1 + strspn(rest + 1, "0123456789");
	}
	if (sscanf(rest, "%c%2d:%2d%c", &sign, &hours, &minutes, &more) == 3 &&
	    (sign == '+' || sign == '-'))
		offset_s = (hours * 60 + minutes) * 60 * (sign == '-' ? -1 : 1);
	else if (strcmp(rest, "Z") != 0 && strcmp(rest, "z") != 0)
		return false;
	*ret_ms = ((int64_t)timegm(&tm) - offset_s) * 1000 + ms;
	return true;
}
