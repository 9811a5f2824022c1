/* SPDX-License-Identifier: Apache-2.0 */
/* The formation, read and changed; see formation.h. */
#include "daemon/wanted/formation.h"

#include "base/str.h"
#include "daemon/lines/lines.h"
#include "daemon/wanted/owner.h"
#include "daemon/wanted/wanted-priv.h"
#include "model/names.h"
#include "model/size.h"

int formation_find(struct wanted *w, const struct app *app, const char *type, struct formation *ret,
		   struct error *err)
{
	struct formation *rows = NULL;
	size_t n = 0;

	if (store_formation_list(w->store, app->id, &rows, &n, err) < 0)
		return -1;
	*ret = (struct formation){ 0 };
	for (size_t i = 0; i < n; i++)
		if (streq(rows[i].type, type)) {
			*ret = rows[i];
			rows[i] = (struct formation){ 0 };
		}
	formation_free_array(rows, n);
	if (ret->type)
		return 0;
	/* A stable id for a type that nobody has scaled yet. */
	name_uuid(app->id, type, ret->id);
	ret->type = xstrdup(type);
	ret->quantity = streq(type, "web");
	ret->size = xstrdup(DYNO_SIZE_DEFAULT);
	ret->created_ms = ret->updated_ms = app->created_ms;
	return 0;
}

/* All of them in one transaction: a mistake in one changes nothing. */
static int write_all(struct wanted *w, const struct app *app, const struct formation *rows,
		     size_t n, struct error *err)
{
	struct store *s = w->store;
	struct owner_watch owner;

	if (owner_begin(w, app->owner_id, &owner, err) < 0 || store_begin(s, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (store_formation_set(s, app->id, rows[i].id, rows[i].type, rows[i].quantity,
					rows[i].size, err) < 0)
			goto undo;
	if (owner_end(w, &owner, err) == 0 && store_commit(s, err) == 0)
		return 0;
undo:
	store_rollback(s);
	return -1;
}

int formation_set(struct wanted *w, const struct app *app, const struct formation *rows, size_t n,
		  const char *by, char **ret_text, struct error *err)
{
	struct buf text = BUF_INIT;

	if (write_all(w, app, rows, n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		char size[32];

		size_display(rows[i].size, size);
		buf_printf(&text, "%s%s@%lld:%s", i ? " " : "", rows[i].type,
			   (long long)rows[i].quantity, size);
	}
	logs_append(w->o.logs, app->id, "app", "api", "Scaled to %s by %s", text.data, by);
	wanted_changed(w, app->id);
	*ret_text = buf_steal(&text);
	return 0;
}
