/* SPDX-License-Identifier: Apache-2.0 */
/* Apps; see store.h. */
#include <stdlib.h>

#include "base/clock.h"
#include "model/names.h"
#include "store/store-priv.h"

void app_done(struct app *a)
{
	free(a->name);
	free(a->stack);
	free(a->run_stack);
	free(a->region);
	free(a->buildpacks);
	free(a->branch);
	*a = (struct app){ 0 };
}

static int read_app(struct query *q, void *record, struct error *err)
{
	struct app *a = record;

	(void)err;
	query_id(q, a->id);
	a->name = query_text(q);
	a->stack = query_text(q);
	a->buildpacks = query_text(q);
	a->branch = query_text(q);
	query_id(q, a->owner_id);
	a->maintenance = query_int(q);
	a->current_version = query_int(q);
	a->last_version = query_int(q);
	a->created_ms = query_int(q);
	a->updated_ms = query_int(q);
	a->released_ms = query_int(q);
	a->region = query_text(q);
	a->run_stack = query_text(q);
	return 0;
}

static void done_app(void *record)
{
	app_done(record);
}

static const struct record_type app_type = { sizeof(struct app), read_app, done_app };

/* As query_run(), with a sentence for a name that another app has. */
static int run_with_name(struct query *q, const char *name, struct error *err)
{
	if (query_run(q, err) == 0)
		return 0;
	if (query_is_duplicate(q))
		return error_set(err, ERROR_INVALID, "Name %s is already taken", name);
	return -1;
}

static int not_found(const char *name, struct error *err)
{
	char excerpt[NAME_EXCERPT_SIZE];

	return error_set(err, ERROR_NOT_FOUND, "Couldn't find that app: %s",
			 name_excerpt(excerpt, name));
}

int store_app_create(struct store *s, struct app *a, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_APP_INSERT);

	uuid_make(a->id);
	a->created_ms = a->updated_ms = clock_wall_ms();
	query_bind_text(&q, a->id);
	query_bind_text(&q, a->name);
	query_bind_text(&q, a->stack);
	query_bind_text(&q, a->buildpacks);
	query_bind_text(&q, a->branch);
	query_bind_text(&q, a->owner_id[0] ? a->owner_id : NULL);
	query_bind_int(&q, a->maintenance);
	query_bind_int(&q, a->current_version);
	query_bind_int(&q, a->last_version);
	query_bind_int(&q, a->created_ms);
	query_bind_int(&q, a->updated_ms);
	query_bind_int(&q, a->released_ms);
	query_bind_text(&q, a->region ? a->region : APP_REGION_DEFAULT);
	return run_with_name(&q, a->name, err);
}

int store_app_get(struct store *s, const char *name_or_id, struct app *ret, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_APP_GET);
	int r;

	query_bind_text(&q, name_or_id);
	r = query_one(&q, &app_type, ret, err);
	if (r == 0)
		return not_found(name_or_id, err);
	return r < 0 ? -1 : 0;
}

int store_app_list(struct store *s, struct app **ret, size_t *ret_n, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_APP_LIST);

	return query_all(&q, &app_type, ret, ret_n, err);
}

int store_app_count_owners(struct store *s, int64_t *ret, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_APP_COUNT_OWNERS);

	if (query_row(&q, err) < 0)
		return -1;
	*ret = query_int(&q);
	return 0;
}

int store_app_update(struct store *s, const struct app *a, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_APP_UPDATE);

	query_bind_text(&q, a->name);
	query_bind_text(&q, a->stack);
	query_bind_text(&q, a->buildpacks);
	query_bind_text(&q, a->branch);
	query_bind_text(&q, a->owner_id[0] ? a->owner_id : NULL);
	query_bind_int(&q, a->maintenance);
	query_bind_int(&q, a->current_version);
	query_bind_int(&q, a->released_ms);
	query_bind_int(&q, clock_wall_ms());
	query_bind_text(&q, a->region ? a->region : APP_REGION_DEFAULT);
	query_bind_text(&q, a->id);
	if (run_with_name(&q, a->name, err) < 0)
		return -1;
	return query_n_changed(&q) ? 0 : not_found(a->name, err);
}

int store_app_delete(struct store *s, const char *id, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_APP_DELETE);

	query_bind_text(&q, id);
	if (query_run(&q, err) < 0)
		return -1;
	return query_n_changed(&q) ? 0 : not_found(id, err);
}
