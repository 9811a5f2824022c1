/* SPDX-License-Identifier: Apache-2.0 */
/* Deliveries to webhooks; see delivery.h. */
#include "model/delivery.h"

const char *const delivery_fate_names[_DELIVERY_FATE_MAX] = {
	[DELIVERY_SUCCEEDED] = "succeeded",
	[DELIVERY_RETRYING] = "retrying",
	[DELIVERY_FAILED] = "failed",
};

enum delivery_fate delivery_after(const struct delivery_attempt *a, int64_t *ret_pause_ms)
{
	*ret_pause_ms = 0;
	if (a->status / 100 == 2)
		return DELIVERY_SUCCEEDED;
	if (!a->sync || a->number >= DELIVERY_ATTEMPTS)
		return DELIVERY_FAILED;
	*ret_pause_ms = DELIVERY_FIRST_PAUSE_MS;
	for (int64_t n = 1; n < a->number; n++)
		*ret_pause_ms *= 3;
	return DELIVERY_RETRYING;
}
