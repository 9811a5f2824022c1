/* SPDX-License-Identifier: Apache-2.0 */
/* Egress of apps; see egress.h. */
#include "store/egress.h"

#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "store/store-priv.h"

/* Destinations hold no blanks. */
const char store_schema_egress[] =
	"CREATE TABLE egress ("
	"  app_id TEXT PRIMARY KEY NOT NULL REFERENCES app (id) ON DELETE CASCADE,"
	"  closed INTEGER NOT NULL,"
	"  allowed TEXT NOT NULL"
	") STRICT;";

void egress_done(struct egress *e)
{
	strv_free(e->allowed);
	*e = (struct egress){ 0 };
}

void egress_free_array(struct egress *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		egress_done(&list[i]);
	free(list);
}

static int read_egress(struct query *q, void *record, struct error *err)
{
	struct egress *e = record;
	_cleanup_free_ char *words = NULL;
	char *save = NULL;

	(void)err;
	query_id(q, e->app_id);
	e->closed = query_int(q);
	words = query_text(q);
	for (char *w = strtok_r(words, " ", &save); w; w = strtok_r(NULL, " ", &save))
		strv_push(&e->allowed, w);
	return 0;
}

static void done_egress(void *record)
{
	egress_done(record);
}

int store_egress_get(struct store *s, const char *app_id, struct egress *ret, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_EGRESS_GET);
	struct egress e = { 0 };
	int r;

	query_bind_text(&q, app_id);
	r = query_row(&q, err);
	if (r == 1)
		r = read_egress(&q, &e, err);
	snprintf(e.app_id, sizeof(e.app_id), "%s", app_id);
	if (r == 0)
		*ret = e;
	return r;
}

int store_egress_put(struct store *s, const struct egress *e, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_EGRESS_PUT);
	_cleanup_buf_ struct buf words = BUF_INIT;

	for (char *const *w = e->allowed; w && *w; w++)
		buf_printf(&words, "%s%s", words.len ? " " : "", *w);
	query_bind_text(&q, e->app_id);
	query_bind_int(&q, e->closed);
	query_bind_text(&q, words.len ? words.data : "");
	return query_run(&q, err);
}

int store_egress_list(struct store *s, struct egress **ret, size_t *ret_n, struct error *err)
{
	static const struct record_type type = { sizeof(struct egress), read_egress, done_egress };
	_cleanup_query_ struct query q = query_make(s, STATEMENT_EGRESS_LIST);

	return query_all(&q, &type, ret, ret_n, err);
}
