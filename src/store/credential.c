/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials and databases of add-ons; see store.h. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/str.h"
#include "store/store-priv.h"

#define USERNAME_BYTES 8
#define PASSWORD_BYTES 20

void credential_done(struct credential *c)
{
	free(c->username);
	free(c->database);
	free(c->password);
	*c = (struct credential){ 0 };
}

void credential_free_array(struct credential *c, size_t n)
{
	for (size_t i = 0; i < n; i++)
		credential_done(&c[i]);
	free(c);
}

static char *context_of(const struct credential *c)
{
	return xasprintf("credential/%s", c->id);
}

static int read_credential(struct query *q, void *record, struct error *err)
{
	struct credential *c = record;
	_cleanup_free_ char *context = NULL;
	const void *sealed;
	size_t n;

	query_id(q, c->id);
	query_id(q, c->addon_id);
	query_id(q, c->app_id);
	c->username = query_text(q);
	c->database = query_text(q);
	c->made = query_int(q);
	c->created_ms = query_int(q);
	context = context_of(c);
	sealed = query_blob(q, &n);
	c->password = seal_unseal(q->s, context, sealed, n, &n);
	if (c->password)
		return 0;
	return error_set(err, ERROR_SYSTEM,
			 "The credential %s in %s can't be read: it is damaged, or was sealed with "
			 "another key than %s",
			 c->username, q->s->path, q->s->key_path);
}

static void done_credential(void *record)
{
	credential_done(record);
}

static const struct record_type credential_type = { sizeof(struct credential), read_credential,
						    done_credential };

static void make_up(struct credential *c)
{
	char user[2 * USERNAME_BYTES + 1], password[2 * PASSWORD_BYTES + 1];

	random_hex(user, USERNAME_BYTES);
	random_hex(password, PASSWORD_BYTES);
	uuid_make(c->id);
	c->username = xasprintf("u%s", user);
	c->password = xstrdup(password);
	c->created_ms = clock_wall_ms();
}

int store_credential_create(struct store *s, struct credential *c, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_CREDENTIAL_INSERT);
	_cleanup_free_ unsigned char *sealed = NULL;
	_cleanup_free_ char *context = NULL;
	size_t n = 0;

	make_up(c);
	context = context_of(c);
	sealed = seal_bytes(s, context, c->password, strlen(c->password), &n);
	query_bind_text(&q, c->id);
	query_bind_text(&q, c->addon_id);
	query_bind_text(&q, c->app_id);
	query_bind_text(&q, c->username);
	query_bind_text(&q, c->database ? c->database : "");
	query_bind_int(&q, c->made);
	query_bind_int(&q, c->created_ms);
	query_bind_blob(&q, sealed, n);
	return query_run(&q, err);
}

int store_credential_get(struct store *s, const char *id, struct credential *ret, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_CREDENTIAL_GET);
	int r;

	query_bind_text(&q, id);
	r = query_one(&q, &credential_type, ret, err);
	if (r == 0)
		return error_set(err, ERROR_NOT_FOUND, "Couldn't find that credential: %.64s", id);
	return r < 0 ? -1 : 0;
}

int store_credential_list(struct store *s, const char *addon_id, struct credential **ret,
			  size_t *ret_n, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_CREDENTIAL_LIST);

	query_bind_text(&q, addon_id);
	return query_all(&q, &credential_type, ret, ret_n, err);
}

int store_credential_set_made(struct store *s, const char *id, bool made, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_CREDENTIAL_SET_MADE);

	query_bind_int(&q, made);
	query_bind_text(&q, id);
	return query_run(&q, err);
}

int store_credential_unmake(struct store *s, const char *addon_id, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_CREDENTIAL_UNMAKE);

	query_bind_text(&q, addon_id);
	return query_run(&q, err);
}

int store_credential_delete(struct store *s, const char *id, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_CREDENTIAL_DELETE);

	query_bind_text(&q, id);
	return query_run(&q, err);
}

/* ---- databases ---- */

int store_database_get(struct store *s, const char *addon_id, const char *app_id, char **ret,
		       struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_DATABASE_GET);
	int r;

	query_bind_text(&q, addon_id);
	query_bind_text(&q, app_id);
	r = query_row(&q, err);
	if (r < 0)
		return -1;
	*ret = r ? query_text(&q) : xstrdup("");
	return 0;
}

int store_database_set(struct store *s, const char *addon_id, const char *app_id, const char *name,
		       struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_DATABASE_SET);

	query_bind_text(&q, addon_id);
	query_bind_text(&q, app_id);
	query_bind_text(&q, name);
	return query_run(&q, err);
}

int store_database_list(struct store *s, const char *addon_id, char ***ret, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_DATABASE_LIST);

	query_bind_text(&q, addon_id);
	return query_strv(&q, ret, err);
}
