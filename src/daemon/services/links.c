/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which app is attached to which add-on: a picture of the base releases of all apps, in two queries
 * however many apps and add-ons there are.
 */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "daemon/services/services-priv.h"
#include "daemon/wanted/base.h"

static int by_addon(const void *a, const void *b)
{
	const struct services_link *x = a, *y = b;
	int order = strcmp(x->at.addon, y->at.addon);

	return order ? order : (x->place > y->place) - (x->place < y->place);
}

static int by_app(const void *key, const void *item)
{
	const struct release *head = item;

	return strcmp(key, head->app_id);
}

/* The newest of an app's heads. */
static const struct release *heads_of(const struct services_links *l, const char *app_id)
{
	const struct release *h =
		l->n_heads ? bsearch(app_id, l->heads, l->n_heads, sizeof(*l->heads), by_app)
			   : NULL;

	while (h && h > l->heads && streq(h[-1].app_id, app_id))
		h--;
	return h;
}

const struct release *links_head(const struct services_links *l, const struct app *app,
				 int64_t version)
{
	const struct release *h = heads_of(l, app->id), *end = l->heads + l->n_heads;

	for (; h && h < end && streq(h->app_id, app->id); h++)
		if (h->version == version)
			return h;
	return NULL;
}

const struct release *links_base(const struct services *sv, const struct services_links *l,
				 const struct app *app)
{
	const struct release *newest = heads_of(l, app->id);

	if (!newest)
		return NULL;
	return links_head(l, app, releases_base_version(sv->wanted, app, newest->status));
}

static void add(struct services_links *l, const struct app *app, json_t *list)
{
	struct attachment at;

	for (size_t i = 0; attach_at(list, i, &at); i++) {
		l->list = xrealloc(l->list, (l->n + 1) * sizeof(*l->list));
		l->list[l->n] = (struct services_link){ .app = app, .at = at, .place = l->n };
		l->n++;
	}
}

int services_links_read(struct services *sv, struct services_links **ret, struct error *err)
{
	struct services_links *l = xcalloc(1, sizeof(*l));

	if (store_app_list(sv->platform->store, &l->apps, &l->n_apps, err) < 0 ||
	    store_release_heads(sv->platform->store, NULL, &l->heads, &l->n_heads, err) < 0) {
		services_links_free(l);
		return -1;
	}
	for (size_t i = 0; i < l->n_apps; i++) {
		const struct release *base = links_base(sv, l, &l->apps[i]);

		if (base)
			add(l, &l->apps[i], base->attachments);
	}
	if (l->n)
		qsort(l->list, l->n, sizeof(*l->list), by_addon);
	*ret = l;
	return 0;
}

void services_links_free(struct services_links *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->n_apps; i++)
		app_done(&l->apps[i]);
	free(l->apps);
	release_free_array(l->heads, l->n_heads);
	free(l->list);
	free(l);
}

const struct services_link *services_links_of(const struct services_links *l, const char *addon_id,
					      size_t *ret_n)
{
	size_t low = 0, high = l ? l->n : 0, n = 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(l->list[middle].at.addon, addon_id) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	while (l && low + n < l->n && streq(l->list[low + n].at.addon, addon_id))
		n++;
	*ret_n = n;
	return n ? &l->list[low] : NULL;
}

const struct app *services_links_app(const struct services_links *l, const char *app_id)
{
	for (size_t i = 0; i < l->n_apps; i++)
		if (streq(l->apps[i].id, app_id))
			return &l->apps[i];
	return NULL;
}
