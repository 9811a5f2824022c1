/* SPDX-License-Identifier: Apache-2.0 */
/* What a request sees of add-ons; see sight.h. */
#include "daemon/api/sight.h"

#include <string.h>

#include "base/str.h"
#include "daemon/api/authz.h"
#include "daemon/services/services.h"

static json_t *count_backups(struct request *r, const char *addon_id, struct error *err)
{
	json_t *counts = json_object();
	struct backup *list = NULL;
	size_t n = 0;

	if (store_backup_list(request_store(r), addon_id, NULL, &list, &n, err) < 0) {
		json_decref(counts);
		return NULL;
	}
	for (size_t i = 0; i < n; i++) {
		json_int_t before = json_integer_value(json_object_get(counts, list[i].addon_id));

		json_object_set_new(counts, list[i].addon_id, json_integer(before + 1));
	}
	backup_free_array(list, n);
	return counts;
}

int sight_open(struct request *r, const char *addon_id, struct sight *ret, struct error *err)
{
	struct sight s = { .r = r, .sees = json_object() };

	s.backups = count_backups(r, addon_id, err);
	if (!s.backups || services_links_read(request_parts(r)->services, &s.links, err) < 0) {
		sight_done(&s);
		return -1;
	}
	*ret = s;
	return 0;
}

void sight_done(struct sight *s)
{
	services_links_free(s->links);
	json_decref(s->sees);
	json_decref(s->backups);
	*s = (struct sight){ 0 };
}

static bool sees_app(struct sight *s, const struct app *app)
{
	json_t *known = json_object_get(s->sees, app->id);

	if (!known) {
		known = json_boolean(authz_sees(s->r, app));
		json_object_set_new(s->sees, app->id, known);
	}
	return json_is_true(known);
}

size_t sight_count_attachments(struct sight *s, const char *addon_id)
{
	size_t n, seen = 0;
	const struct services_link *link = services_links_of(s->links, addon_id, &n);

	for (size_t i = 0; i < n; i++)
		seen += sees_app(s, link[i].app);
	return seen;
}

bool sight_sees_addon(struct sight *s, const struct addon *a)
{
	const struct app *owner = services_links_app(s->links, a->app_id);
	struct error ignored = ERROR_INIT;

	if (owner ? sees_app(s, owner)
		  : authz_allow_former(s->r, a->app_id, a->owner_id, NEED_VIEW, &ignored) == 0)
		return true;
	return sight_count_attachments(s, a->id) > 0;
}

int64_t sight_count_backups(const struct sight *s, const char *addon_id)
{
	return json_integer_value(json_object_get(s->backups, addon_id));
}

json_t *sight_config_vars(const struct sight *s, const struct addon *a)
{
	size_t n, k;
	const struct services_link *link = services_links_of(s->links, a->id, &n);
	json_t *names = json_array(), *var;

	for (size_t i = 0; i < n; i++)
		if (streq(link[i].app->id, a->app_id))
			json_array_foreach (link[i].at.vars, k, var)
				json_array_append(names, var);
	return names;
}
