/* SPDX-License-Identifier: Apache-2.0 */
/* Slugs built elsewhere, as rows; see slug.h. */
#include "store/slug.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "model/names.h"
#include "store/store-priv.h"

void slug_row_done(struct slug *s)
{
	free(s->stack);
	free(s->types);
	free(s->commit);
	free(s->commit_description);
	free(s->checksum);
	free(s->description);
	free(s->digest);
	free(s->run_stack);
	*s = (struct slug){ 0 };
}

static int read_slug(struct query *q, void *record, struct error *err)
{
	struct slug *s = record;

	(void)err;
	query_id(q, s->id);
	query_id(q, s->app_id);
	query_id(q, s->upload_id);
	s->stack = query_text(q);
	s->types = query_text(q);
	s->commit = query_text(q);
	s->commit_description = query_text(q);
	s->checksum = query_text(q);
	s->description = query_text(q);
	s->digest = query_text(q);
	s->run_stack = query_text(q);
	s->size_bytes = query_int(q);
	s->created_ms = query_int(q);
	s->updated_ms = query_int(q);
	return 0;
}

static void done_slug(void *record)
{
	slug_row_done(record);
}

static const struct record_type slug_type = { sizeof(struct slug), read_slug, done_slug };

int store_slug_create(struct store *s, struct slug *row, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_SLUG_INSERT);

	uuid_make(row->id);
	uuid_make(row->upload_id);
	row->created_ms = row->updated_ms = clock_wall_ms();
	query_bind_text(&q, row->id);
	query_bind_text(&q, row->app_id);
	query_bind_text(&q, row->upload_id);
	query_bind_text(&q, row->stack);
	query_bind_text(&q, row->types);
	query_bind_text(&q, row->commit);
	query_bind_text(&q, row->commit_description);
	query_bind_text(&q, row->checksum);
	query_bind_text(&q, row->description);
	query_bind_text(&q, row->digest);
	query_bind_text(&q, row->run_stack);
	query_bind_int(&q, row->size_bytes);
	query_bind_int(&q, row->created_ms);
	query_bind_int(&q, row->updated_ms);
	return query_run(&q, err);
}

int store_slug_get(struct store *s, const char *id, struct slug *ret, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_SLUG_GET);
	char excerpt[NAME_EXCERPT_SIZE];
	int r;

	query_bind_text(&q, id);
	r = query_one(&q, &slug_type, ret, err);
	if (r == 0)
		return error_set(err, ERROR_NOT_FOUND, "Couldn't find that slug: %s",
				 name_excerpt(excerpt, id));
	return r < 0 ? -1 : 0;
}

int store_slug_update(struct store *s, struct slug *row, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_SLUG_UPDATE);

	row->updated_ms = clock_wall_ms();
	query_bind_text(&q, row->digest);
	query_bind_text(&q, row->run_stack);
	query_bind_int(&q, row->size_bytes);
	query_bind_int(&q, row->updated_ms);
	query_bind_text(&q, row->id);
	return query_run(&q, err);
}

bool store_slug_of_digest(struct store *s, const char *app_id, const char *digest,
			  char ret_id[static UUID_SIZE])
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_SLUG_OF_DIGEST);

	query_bind_text(&q, digest);
	query_bind_text(&q, app_id);
	if (query_row(&q, NULL) != 1)
		return false;
	query_id(&q, ret_id);
	return true;
}

int store_slug_uploads(struct store *s, char ***ret, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_SLUG_UPLOADS);

	return query_strv(&q, ret, err);
}
