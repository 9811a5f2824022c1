/* SPDX-License-Identifier: Apache-2.0 */
/* When a review app is stale; see stale.h. */
#include "model/stale.h"

#define DAY_MS (24 * 60 * 60 * INT64_C(1000))

int64_t stale_due_ms(const struct stale_facts *f)
{
	int64_t last_ms = f->created_ms;

	if (f->build_ms > last_ms)
		last_ms = f->build_ms;
	if (f->release_ms > last_ms)
		last_ms = f->release_ms;
	if (f->put_back_ms > last_ms)
		last_ms = f->put_back_ms;
	return last_ms + f->days * DAY_MS;
}
