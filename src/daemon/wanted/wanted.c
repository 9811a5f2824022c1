/* SPDX-License-Identifier: Apache-2.0 */
/* What is wanted; see wanted.h. */
#include "daemon/wanted/wanted.h"

#include <stdlib.h>

#include "base/str.h"
#include "daemon/wanted/wanted-priv.h"

struct wanted *wanted_new(const struct wanted_options *o)
{
	struct wanted *w = xcalloc(1, sizeof(*w));

	w->o = *o;
	w->store = o->platform->store;
	return w;
}

void wanted_free(struct wanted *w)
{
	if (!w)
		return;
	free(w->failing);
	free(w);
}

void wanted_changed(const struct wanted *w, const char *app_id)
{
	w->o.changed(app_id, w->o.userdata);
}
