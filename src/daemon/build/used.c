/* SPDX-License-Identifier: Apache-2.0 */
/* Which slugs and stacks are needed; see used.h. */
#include "daemon/build/used.h"

#include <stdlib.h>

#include "base/str.h"
#include "build/build.h"
#include "daemon/dynos/dynos.h"
#include "store/gone.h"

void used_done(struct used *u)
{
	strv_free(u->slugs);
	strv_free(u->stacks);
	strv_free(u->known);
	*u = (struct used){ 0 };
}

/* A supervisor of before slugs were noted tells its release. */
static int add_release_of(const struct platform *p, const struct dyno *dyno, struct used *u,
			  struct error *err)
{
	struct release r = { 0 };
	struct error own = ERROR_INIT;

	if (store_release_by_id(p->store, dyno->release_id, &r, &own) < 0) {
		if (own.kind == ERROR_NOT_FOUND)
			return 0;
		*err = own;
		return -1;
	}
	if (r.slug)
		strv_push(&u->slugs, r.slug);
	if (r.stack)
		strv_push(&u->stacks, r.stack);
	release_done(&r);
	return 0;
}

/* What runs may be of an older release than those that are kept, or of an app that the database has
 * lost. */
static int add_dynos(const struct platform *p, struct dynos *ds, struct used *u, struct error *err)
{
	_cleanup_free_ struct dyno **dynos = NULL;
	size_t n = dynos_list(ds, NULL, &dynos);

	for (size_t i = 0; i < n; i++) {
		if (dynos[i]->slug[0])
			strv_push(&u->slugs, dynos[i]->slug);
		else if (!dynos[i]->addon && add_release_of(p, dynos[i], u, err) < 0)
			return -1;
		if (dynos[i]->stack[0])
			strv_push(&u->stacks, dynos[i]->stack);
	}
	return 0;
}

int used_read(const struct platform *p, struct dynos *dynos, struct used *ret, struct error *err)
{
	struct used u = { 0 };

	if (store_slugs_in_use(p->store, p->settings.keep_releases, &u.slugs, err) < 0 ||
	    store_stacks_in_use(p->store, p->settings.keep_releases, &u.stacks, err) < 0 ||
	    store_slugs_known(p->store, &u.known, err) < 0 || add_dynos(p, dynos, &u, err) < 0 ||
	    build_add_stacks(p->settings.state_dir, u.slugs, &u.stacks, err) < 0) {
		used_done(&u);
		return -1;
	}
	*ret = u;
	return 0;
}
