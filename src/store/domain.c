/* SPDX-License-Identifier: Apache-2.0 */
/* Host names of apps; see store.h. A host name belongs to one app, whatever its case. */
#include <ctype.h>
#include <stdlib.h>

#include "base/clock.h"
#include "model/names.h"
#include "store/store-priv.h"

void domain_done(struct domain *d)
{
	free(d->hostname);
	*d = (struct domain){ 0 };
}

static int read_domain(struct query *q, void *record, struct error *err)
{
	struct domain *d = record;

	(void)err;
	query_id(q, d->id);
	query_id(q, d->app_id);
	query_id(q, d->sni_id);
	d->hostname = query_text(q);
	d->created_ms = query_int(q);
	return 0;
}

static void done_domain(void *record)
{
	domain_done(record);
}

static const struct record_type domain_type = { sizeof(struct domain), read_domain, done_domain };

static int not_found(const char *host, struct error *err)
{
	char excerpt[NAME_EXCERPT_SIZE];

	return error_set(err, ERROR_NOT_FOUND, "Couldn't find that domain name: %s",
			 name_excerpt(excerpt, host));
}

static int is_taken(struct store *s, const char *hostname, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_DOMAIN_OWNER);
	_cleanup_free_ char *app = NULL;

	query_bind_text(&q, hostname);
	if (query_row(&q, err) < 0)
		return -1;
	app = query_text(&q);
	return error_set(err, ERROR_INVALID, "%s is already a domain of the app %s", hostname,
			 app ? app : "that was just deleted");
}

int store_domain_create(struct store *s, struct domain *d, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_DOMAIN_INSERT);

	uuid_make(d->id);
	d->created_ms = clock_wall_ms();
	for (char *p = d->hostname; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	query_bind_text(&q, d->id);
	query_bind_text(&q, d->app_id);
	query_bind_text(&q, d->sni_id[0] ? d->sni_id : NULL);
	query_bind_text(&q, d->hostname);
	query_bind_int(&q, d->created_ms);
	if (query_run(&q, err) == 0)
		return 0;
	return query_is_duplicate(&q) ? is_taken(s, d->hostname, err) : -1;
}

int store_domain_list(struct store *s, const char *app_id, struct domain **ret, size_t *ret_n,
		      struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_DOMAIN_LIST);

	query_bind_text(&q, app_id);
	return query_all(&q, &domain_type, ret, ret_n, err);
}

int store_domain_get(struct store *s, const char *app_id, const char *host_or_id,
		     struct domain *ret, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_DOMAIN_GET);
	int r;

	query_bind_text(&q, app_id);
	query_bind_text(&q, host_or_id);
	r = query_one(&q, &domain_type, ret, err);
	if (r == 0)
		return not_found(host_or_id, err);
	return r < 0 ? -1 : 0;
}

int store_domain_delete(struct store *s, const char *id, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_DOMAIN_DELETE);

	query_bind_text(&q, id);
	if (query_run(&q, err) < 0)
		return -1;
	return query_n_changed(&q) ? 0 : not_found(id, err);
}

int store_domain_set_sni(struct store *s, const char *id, const char *sni_id, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_DOMAIN_SET_SNI);

	query_bind_text(&q, sni_id);
	query_bind_text(&q, id);
	if (query_run(&q, err) < 0)
		return -1;
	return query_n_changed(&q) ? 0 : not_found(id, err);
}
