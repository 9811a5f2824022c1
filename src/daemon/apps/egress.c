/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/apps/egress.h"

#include "base/log.h"
#include "daemon/walls/walls.h"
#include "store/egress.h"

static int collect_one(struct walls *w, const struct egress *e, struct error *err)
{
	if (e->closed && walls_close(w, e->app_id, err) < 0)
		return -1;
	for (char *const *word = e->allowed; word && *word; word++) {
		struct net_egress to = { 0 };
		struct error bad = ERROR_INIT;

		/* It was checked when it was written: of a later twelved, or by hand. */
		if (net_egress_parse(*word, &to, &bad) < 0)
			log_warn("egress of app %s: %s", e->app_id, bad.message);
		else if (walls_allow(w, e->app_id, &to, err) < 0)
			return -1;
	}
	return 0;
}

int egress_collect(const struct platform *p, struct walls *w, struct error *err)
{
	struct egress *list = NULL;
	size_t n = 0;
	int r = store_egress_list(p->store, &list, &n, err);

	for (size_t i = 0; r == 0 && i < n; i++)
		r = collect_one(w, &list[i], err);
	egress_free_array(list, n);
	return r;
}
