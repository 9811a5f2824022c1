/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of users; see owner-limit.h. A row for each that was set, so that one more kind of limit
 * needs no migration; a name that this program does not know is passed over. */
#include "store/owner-limit.h"

#include "base/str.h"
#include "store/store-priv.h"

const char store_schema_owner_limit[] =
	"CREATE TABLE owner_limit ("
	"  user_id TEXT NOT NULL REFERENCES user (id) ON DELETE CASCADE,"
	"  name TEXT NOT NULL,"
	"  value INTEGER NOT NULL CHECK (value >= -1)," /* -1: no limit */
	"  PRIMARY KEY (user_id, name)"
	") STRICT;";

static void take_row(struct query *q, struct owner_numbers *ret)
{
	_cleanup_free_ char *name = query_text(q);
	int64_t value = query_int(q);

	for (size_t i = 0; name && i < _OWNER_LIMIT_MAX; i++)
		if (streq(name, owner_limit_names[i]))
			ret->of[i] = value;
}

int store_owner_limits_get(struct store *s, const char *user_id, struct owner_numbers *ret,
			   struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_OWNER_LIMIT_LIST);
	struct owner_numbers limits;
	int r;

	for (size_t i = 0; i < _OWNER_LIMIT_MAX; i++)
		limits.of[i] = OWNER_DEFAULT;
	query_bind_text(&q, user_id);
	while ((r = query_row(&q, err)) > 0)
		take_row(&q, &limits);
	if (r == 0)
		*ret = limits;
	return r;
}

static int set_one(struct store *s, const char *user_id, const char *name, int64_t value,
		   struct error *err)
{
	_cleanup_query_ struct query q =
		query_make(s, value == OWNER_DEFAULT ? STATEMENT_OWNER_LIMIT_DELETE
						     : STATEMENT_OWNER_LIMIT_PUT);

	query_bind_text(&q, user_id);
	query_bind_text(&q, name);
	if (value != OWNER_DEFAULT)
		query_bind_int(&q, value);
	return query_run(&q, err);
}

int store_owner_limits_set(struct store *s, const char *user_id, const struct owner_numbers *limits,
			   struct error *err)
{
	if (store_begin(s, err) < 0)
		return -1;
	for (size_t i = 0; i < _OWNER_LIMIT_MAX; i++)
		if (set_one(s, user_id, owner_limit_names[i], limits->of[i], err) < 0)
			goto undo;
	if (store_commit(s, err) == 0)
		return 0;
undo:
	store_rollback(s);
	return -1;
}
