/* SPDX-License-Identifier: Apache-2.0 */
/* The life of an add-on; see life.h. */
#include "addon/life.h"

/* What it takes to have a healthy server: LIFE_WAIT when there is one, or when it is on its way. */
static enum life_action towards_health(const struct life_view *v)
{
	if (!v->prepared)
		return LIFE_PREPARE;
	if (v->server == LIFE_NO_SERVER)
		return v->changed ? LIFE_UPGRADE : v->uncertified ? LIFE_CERTIFY : LIFE_START;
	if (v->server == LIFE_UP && v->stale)
		return LIFE_STOP;
	if (v->server == LIFE_UP && !v->healthy)
		return LIFE_CHECK_HEALTH;
	return LIFE_WAIT;
}

static enum life_action serve(const struct life_view *v)
{
	enum life_action first = towards_health(v);

	if (first != LIFE_WAIT || v->server != LIFE_UP)
		return first;
	if (v->restoring)
		return LIFE_RESTORE;
	if (v->to_create)
		return LIFE_CREATE_CREDENTIAL;
	if (v->limit_due)
		return LIFE_LIMIT;
	if (v->uncertified)
		return LIFE_CERTIFY;
	if (v->state == LIFE_PROVISIONING)
		return LIFE_ATTACH;
	return v->to_revoke ? LIFE_REVOKE_CREDENTIAL : LIFE_WAIT;
}

static enum life_action provision(const struct life_view *v)
{
	if (!v->failed && v->crashes < LIFE_MAX_CRASHES)
		return serve(v);
	if (v->server == LIFE_NO_SERVER)
		return LIFE_FAIL;
	return v->server == LIFE_STOPPING ? LIFE_WAIT : LIFE_STOP;
}

static enum life_action deprovision(const struct life_view *v)
{
	if (v->referenced)
		return serve(v);
	if (v->backup_due) {
		enum life_action first = towards_health(v);

		return first != LIFE_WAIT || v->server != LIFE_UP ? first : LIFE_LAST_BACKUP;
	}
	if (v->server == LIFE_UP && v->healthy && !v->destroyed)
		return LIFE_DESTROY;
	if (v->server == LIFE_NO_SERVER)
		return LIFE_REMOVE;
	return v->server == LIFE_STOPPING ? LIFE_WAIT : LIFE_STOP;
}

enum life_action life_next(const struct life_view *v)
{
	if (v->busy)
		return LIFE_WAIT;
	switch (v->state) {
	case LIFE_PROVISIONING:
		return provision(v);
	case LIFE_DEPROVISIONING:
		return deprovision(v);
	case LIFE_PROVISIONED:
		break;
	}
	return serve(v);
}
