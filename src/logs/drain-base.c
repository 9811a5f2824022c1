/* SPDX-License-Identifier: Apache-2.0 */
/* What the kinds of drains use of a drain, and so knows none of them; see drain.h. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "logs/drain.h"

#define BACKOFF_FIRST_MS 1000
#define BACKOFF_MAX_MS 30000
#define BACKOFF_MIN_MS 100

const char *drain_option(const struct drain_target *t, const char *name)
{
	const char *o = t->options;

	while (o && *o) {
		const char *value = o + strlen(o) + 1;

		if (streq(o, name))
			return value;
		o = value + strlen(value) + 1;
	}
	return NULL;
}

int64_t drain_backoff_ms(unsigned n, uint32_t random)
{
	int64_t most = n > 5 ? BACKOFF_MAX_MS : (int64_t)BACKOFF_FIRST_MS << (n ? n - 1 : 0);

	if (most > BACKOFF_MAX_MS)
		most = BACKOFF_MAX_MS;
	return BACKOFF_MIN_MS + random % (most - BACKOFF_MIN_MS + 1);
}

void drain_notice(uint64_t n, int64_t since_ns, char text[static DRAIN_NOTICE_MAX])
{
	char when[CLOCK_ISO_SIZE];

	snprintf(text, DRAIN_NOTICE_MAX,
		 "Error L10 (output buffer overflow): %" PRIu64 " messages dropped since %s.", n,
		 clock_iso_us(since_ns, when));
}
