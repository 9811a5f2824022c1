/* SPDX-License-Identifier: Apache-2.0 */
/* Why an app has no web; see down.h. */
#include "route/down.h"

enum route_down route_why_down(const struct down_facts *f)
{
	enum route_down why = ROUTE_DOWN_NO_WEB;

	if (!f->released && !f->candidate)
		return ROUTE_DOWN_NO_RELEASE;
	if (f->released && f->slug_gone && !f->candidate)
		why = ROUTE_DOWN_NO_RELEASE;
	else if (f->wants_web)
		why = ROUTE_DOWN_STARTING;
	for (size_t i = 0; i < f->n_dynos; i++) {
		if (f->dynos[i].routed)
			return ROUTE_DOWN_NONE;
		if (f->dynos[i].crashed && !f->dynos[i].ending)
			why = ROUTE_DOWN_CRASHED;
	}
	return why;
}
