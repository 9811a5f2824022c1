/* SPDX-License-Identifier: Apache-2.0 */
/* Builds, as rows; see store.h. */
#include <stdlib.h>

#include "base/clock.h"
#include "model/names.h"
#include "store/store-priv.h"

void build_row_done(struct build *b)
{
	free(b->status);
	free(b->commit);
	free(b->user);
	free(b->slug);
	free(b->stack);
	free(b->buildpacks);
	free(b->error);
	*b = (struct build){ 0 };
}

static int read_build(struct query *q, void *record, struct error *err)
{
	struct build *b = record;

	(void)err;
	query_id(q, b->id);
	query_id(q, b->app_id);
	b->status = query_text(q);
	b->commit = query_text(q);
	b->user = query_text(q);
	b->slug = query_text(q);
	b->stack = query_text(q);
	b->buildpacks = query_text(q);
	b->error = query_text(q);
	b->release_version = query_int(q);
	b->created_ms = query_int(q);
	b->updated_ms = query_int(q);
	return 0;
}

static void done_build(void *record)
{
	build_row_done(record);
}

static const struct record_type build_type = { sizeof(struct build), read_build, done_build };

static int not_found(const char *id, struct error *err)
{
	char excerpt[NAME_EXCERPT_SIZE];

	return error_set(err, ERROR_NOT_FOUND, "Couldn't find that build: %s",
			 name_excerpt(excerpt, id));
}

static int forget_oldest(struct store *s, const char *app_id, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_BUILD_FORGET);

	query_bind_text(&q, app_id);
	return query_run(&q, err);
}

int store_build_create(struct store *s, struct build *b, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_BUILD_INSERT);

	if (forget_oldest(s, b->app_id, err) < 0)
		return -1;
	uuid_make(b->id);
	b->created_ms = b->updated_ms = clock_wall_ms();
	query_bind_text(&q, b->id);
	query_bind_text(&q, b->app_id);
	query_bind_text(&q, b->status ? b->status : "pending");
	query_bind_text(&q, b->commit ? b->commit : "");
	query_bind_text(&q, b->user);
	query_bind_text(&q, b->slug);
	query_bind_text(&q, b->stack);
	query_bind_text(&q, b->buildpacks);
	query_bind_text(&q, b->error);
	query_bind_int(&q, b->release_version);
	query_bind_int(&q, b->created_ms);
	query_bind_int(&q, b->updated_ms);
	return query_run(&q, err);
}

int store_build_get(struct store *s, const char *app_id, const char *id, struct build *ret,
		    struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_BUILD_GET);
	int r;

	query_bind_text(&q, app_id);
	query_bind_text(&q, id);
	r = query_one(&q, &build_type, ret, err);
	if (r == 0)
		return not_found(id, err);
	return r < 0 ? -1 : 0;
}

int store_build_list(struct store *s, const char *app_id, struct build **ret, size_t *ret_n,
		     struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_BUILD_LIST);

	query_bind_text(&q, app_id);
	return query_all(&q, &build_type, ret, ret_n, err);
}

int store_build_update(struct store *s, const struct build *b, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_BUILD_UPDATE);

	query_bind_text(&q, b->status);
	query_bind_text(&q, b->slug);
	query_bind_text(&q, b->stack);
	query_bind_text(&q, b->buildpacks);
	query_bind_text(&q, b->error);
	query_bind_int(&q, b->release_version);
	query_bind_int(&q, clock_wall_ms());
	query_bind_text(&q, b->id);
	if (query_run(&q, err) < 0)
		return -1;
	return query_n_changed(&q) ? 0 : not_found(b->id, err);
}

int store_build_fail_pending(struct store *s, const char *reason, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_BUILD_FAIL_PENDING);

	query_bind_text(&q, reason);
	query_bind_int(&q, clock_wall_ms());
	return query_run(&q, err);
}
