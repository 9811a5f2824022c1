/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which apps reach which servers: those that have a credential, from before it is made until it is
 * revoked. So who holds an add-on's address can use it, and nobody else can try.
 */
#include "base/str.h"
#include "daemon/services/services-priv.h"
#include "daemon/walls/walls.h"

/* Its own jobs reach all of its ports, apps those that their config vars name. */
static int reach_by(struct services *sv, const struct addon *a, const struct service *s,
		    const char *from_id, struct error *err)
{
	bool own = streq(from_id, a->id);
	int r = 0;

	for (size_t i = 0; r == 0 && i < (size_t)s->ports; i++)
		if (own || service_app_port(s, i))
			r = walls_reach(sv->walls, from_id, a->id,
					(uint16_t)(a->first_port + (int64_t)i), err);
	return r;
}

static int reach_server(struct services *sv, const struct addon *a, const struct service *s,
			struct error *err)
{
	struct credential *list = NULL;
	size_t n = 0;
	int r = store_credential_list(sv->platform->store, a->id, &list, &n, err);

	if (r == 0)
		r = reach_by(sv, a, s, a->id, err);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = reach_by(sv, a, s, list[i].app_id, err);
	credential_free_array(list, n);
	return r;
}

int services_reaches(struct services *sv, struct error *err)
{
	struct addon *list = NULL;
	size_t n = 0;
	int r = store_addon_list(sv->platform->store, NULL, &list, &n, err);

	for (size_t i = 0; r == 0 && i < n; i++) {
		const struct service *s =
			addon_is_server(&list[i]) ? services_service_of(sv, &list[i]) : NULL;

		if (s && list[i].state != ADDON_DEPROVISIONED)
			r = reach_server(sv, &list[i], s, err);
	}
	addon_free_array(list, n);
	return r;
}
