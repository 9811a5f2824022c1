/* SPDX-License-Identifier: Apache-2.0 */
/* What autoscaling was asked for; see monitor.h. */
#include "store/monitor.h"

#include "base/clock.h"
#include "store/store-priv.h"

static int read_monitor(struct query *q, void *record, struct error *err)
{
	struct monitor *m = record;

	(void)err;
	query_id(q, m->id);
	query_id(q, m->app_id);
	m->active = query_int(q) != 0;
	m->min = query_int(q);
	m->max = query_int(q);
	m->target_ms = query_int(q);
	m->created_ms = query_int(q);
	m->updated_ms = query_int(q);
	return 0;
}

static void done_monitor(void *record)
{
	(void)record;
}

static const struct record_type monitor_type = { sizeof(struct monitor), read_monitor,
						 done_monitor };

int store_monitor_create(struct store *s, struct monitor *m, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_MONITOR_INSERT);

	uuid_make(m->id);
	m->created_ms = m->updated_ms = clock_wall_ms();
	query_bind_text(&q, m->id);
	query_bind_text(&q, m->app_id);
	query_bind_int(&q, m->active);
	query_bind_int(&q, m->min);
	query_bind_int(&q, m->max);
	query_bind_int(&q, m->target_ms);
	query_bind_int(&q, m->created_ms);
	query_bind_int(&q, m->updated_ms);
	if (query_run(&q, err) == 0)
		return 0;
	if (query_is_duplicate(&q))
		return error_set(err, ERROR_CONFLICT,
				 "The app's web dynos have a monitor already: change that one");
	return -1;
}

int store_monitor_update(struct store *s, struct monitor *m, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_MONITOR_UPDATE);

	m->updated_ms = clock_wall_ms();
	query_bind_int(&q, m->active);
	query_bind_int(&q, m->min);
	query_bind_int(&q, m->max);
	query_bind_int(&q, m->target_ms);
	query_bind_int(&q, m->updated_ms);
	query_bind_text(&q, m->id);
	return query_run(&q, err);
}

int store_monitor_get(struct store *s, const char *app_id, struct monitor *ret, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_MONITOR_GET);

	query_bind_text(&q, app_id);
	return query_one(&q, &monitor_type, ret, err);
}

int store_monitor_list(struct store *s, struct monitor **ret, size_t *ret_n, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_MONITOR_LIST);

	return query_all(&q, &monitor_type, ret, ret_n, err);
}
