/* SPDX-License-Identifier: Apache-2.0 */
/* The release that a change starts from; see base.h. */
#include "daemon/wanted/base.h"

#include <string.h>

#include "base/str.h"
#include "daemon/wanted/wanted-priv.h"

static struct failing *find(const struct wanted *w, const char *app_id)
{
	for (size_t i = 0; i < w->n_failing; i++)
		if (streq(w->failing[i].app_id, app_id))
			return &w->failing[i];
	return NULL;
}

static bool is_failing(const struct wanted *w, const char *app_id, int64_t version)
{
	const struct failing *f = find(w, app_id);

	return f && f->version == version;
}

void wanted_mark_failing(struct wanted *w, const char *app_id, int64_t version)
{
	struct failing *f = find(w, app_id);

	if (!f) {
		w->failing = xrealloc(w->failing, (w->n_failing + 1) * sizeof(*w->failing));
		f = &w->failing[w->n_failing++];
		snprintf(f->app_id, sizeof(f->app_id), "%s", app_id);
	}
	f->version = version;
}

void wanted_forget_failing(struct wanted *w, const char *app_id)
{
	struct failing *f = find(w, app_id);

	if (f)
		*f = w->failing[--w->n_failing];
}

int64_t releases_base_version(const struct wanted *w, const struct app *app,
			      enum release_status newest)
{
	if (newest == RELEASE_PENDING && !is_failing(w, app->id, app->last_version))
		return app->last_version;
	return app->current_version;
}

int releases_base(const struct wanted *w, const struct app *app, struct release *ret,
		  struct error *err)
{
	struct release newest = { 0 };

	if (!app->last_version)
		return error_set(err, ERROR_NOT_FOUND, "%s has no release", app->name);
	if (store_release_get(w->store, app->id, app->last_version, &newest, err) < 0)
		return -1;
	if (newest.version == releases_base_version(w, app, newest.status)) {
		*ret = newest;
		return 0;
	}
	release_done(&newest);
	return store_release_get(w->store, app->id, app->current_version, ret, err);
}

int releases_follow(const struct wanted *w, struct release *r, struct error *err)
{
	while (r->status == RELEASE_EXPIRED) {
		struct release next = { 0 };

		if (store_release_get(w->store, r->app_id, r->version + 1, &next, err) < 0)
			return -1;
		if (!next.slug || !r->slug || !streq(next.slug, r->slug) ||
		    !streq(next.commit, r->commit)) {
			release_done(&next);
			return 0;
		}
		release_done(r);
		*r = next;
	}
	return 0;
}
