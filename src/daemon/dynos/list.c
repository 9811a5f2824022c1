/* SPDX-License-Identifier: Apache-2.0 */
/* The list of what runs: a dyno is in it from its start, or its adoption, until its supervisor's
 * connection ends. */
#include <stdio.h>
#include <stdlib.h>

#include "base/fd.h"
#include "base/str.h"
#include "daemon/core/remove.h"
#include "daemon/dynos/dyno-priv.h"

struct dyno *dyno_new(struct dynos *ds, const char *id)
{
	struct dyno *dyno = xcalloc(1, sizeof(*dyno));

	snprintf(dyno->id, sizeof(dyno->id), "%s", id);
	dyno->exit_code = -1;
	dyno->reason = xstrdup("");
	dyno->health = xstrdup("");
	dyno->command = xstrdup("");
	dyno->priv = xcalloc(1, sizeof(*dyno->priv));
	*dyno->priv = (struct dyno_private){
		.owner = ds,
		.dyno = dyno,
		.dir = xasprintf("%s/dynos/%s", ds->platform->settings.run_dir, id),
		.control_fd = -1,
		.pid_fd = -1,
		.pending_attach_fd = -1,
	};
	ds->list = xrealloc(ds->list, (ds->n + 1) * sizeof(*ds->list));
	ds->list[ds->n++] = dyno;
	return dyno;
}

void dyno_disconnect(struct dyno *dyno)
{
	struct dyno_private *p = dyno->priv;

	watch_free(steal_ptr(p->readable));
	watch_free(steal_ptr(p->connect_timer));
	p->control_fd = fd_close(p->control_fd);
}

void dyno_free(struct dyno *dyno)
{
	dyno_disconnect(dyno);
	ready_free(dyno->priv->ready);
	remover_forget(dyno->priv->owner->platform->remover, dyno);
	fd_close(dyno->priv->pending_attach_fd);
	fd_close(dyno->priv->pid_fd);
	free(dyno->priv->dir);
	free(dyno->priv->app_name);
	free(dyno->priv->check_path);
	free(dyno->priv);
	free(dyno->command);
	free(dyno->reason);
	free(dyno->health);
	free(dyno);
}

void dyno_unlist(struct dyno *dyno)
{
	struct dynos *ds = dyno->priv->owner;

	for (size_t i = 0; i < ds->n; i++)
		if (ds->list[i] == dyno) {
			ds->list[i] = ds->list[--ds->n];
			return;
		}
}

void dyno_changed(struct dyno *dyno)
{
	struct dynos *ds = dyno->priv->owner;

	if (ds->changed)
		ds->changed(dyno, ds->userdata);
}

void dynos_on_change(struct dynos *ds, dynos_changed_fn fn, void *userdata)
{
	ds->changed = fn;
	ds->userdata = userdata;
}

void dynos_free(struct dynos *ds)
{
	if (!ds)
		return;
	while (ds->n)
		dyno_free(ds->list[--ds->n]);
	free(ds->list);
	free(ds);
}

size_t dynos_list(struct dynos *ds, const char *app_id, struct dyno ***ret)
{
	struct dyno **found = xcalloc(ds->n + 1, sizeof(*found));
	size_t n = 0;

	for (size_t i = 0; i < ds->n; i++)
		if (!app_id || streq(ds->list[i]->app_id, app_id))
			found[n++] = ds->list[i];
	*ret = found;
	return n;
}

struct dyno *dynos_find(struct dynos *ds, const char *app_id, const char *name_or_id)
{
	struct dyno *best = NULL;

	for (size_t i = 0; i < ds->n; i++) {
		struct dyno *dyno = ds->list[i];

		if ((app_id && !streq(dyno->app_id, app_id)) ||
		    (!streq(dyno->id, name_or_id) && !streq(dyno->name, name_or_id)))
			continue;
		if (!best || dyno->created_ms > best->created_ms)
			best = dyno;
	}
	return best;
}
