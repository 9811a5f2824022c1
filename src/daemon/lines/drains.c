/* SPDX-License-Identifier: Apache-2.0 */
/* Log drains between the store and twelve-logs; see drains.h. */
#include "daemon/lines/drains.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/core/state.h"
#include "daemon/lines/lines.h"

static json_t *drain_json(const struct drain *dr)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s?, s:I}", "id", dr->id, "token", dr->token,
			 "url", dr->url, "format", dr->format, "on_full", dr->on_full, "ca", dr->ca,
			 "created_ns", (json_int_t)dr->created_ms * 1000000);
}

#define SUFFIX ".drain"

static char *status_path(const struct platform *p, const char *drain_id)
{
	return xasprintf("%s/logs/%s" SUFFIX, p->settings.run_dir, drain_id);
}

/* ret_ids, when it is there, gets the ids added. */
static int tell(const struct platform *p, struct logs_client *c, const struct app *app,
		char ***ret_ids, struct error *err)
{
	struct release release = { 0 };
	struct drain *list = NULL;
	json_t *drains = json_array();
	char *text = NULL;
	size_t n = 0;
	int r = store_drain_list(p->store, app->id, &list, &n, err);

	if (r == 0 && n && app->last_version)
		r = store_release_get(p->store, app->id, app->last_version, &release, err);
	for (size_t i = 0; i < n; i++) {
		json_array_append_new(drains, drain_json(&list[i]));
		if (ret_ids)
			strv_push(ret_ids, list[i].id);
	}
	text = json_dumps(drains, JSON_COMPACT);
	if (r == 0)
		logs_drains(c, &(struct logs_drains){ .app_id = app->id,
						      .app_name = app->name,
						      .release = release.version,
						      .commit = release.commit,
						      .drains = text });
	drain_free_array(list, n);
	release_done(&release);
	json_decref(drains);
	free(text);
	return r;
}

void drains_tell(const struct platform *p, struct logs_client *c, const char *app_id)
{
	struct error err = ERROR_INIT;
	struct app app = { 0 };

	if (store_app_get(p->store, app_id, &app, &err) < 0 || tell(p, c, &app, NULL, &err) < 0)
		log_error("the drains of app %s: %s", app_id, err.message);
	app_done(&app);
}

void drains_forget(const struct platform *p, const char *drain_id)
{
	_cleanup_free_ char *path = status_path(p, drain_id);

	if (unlink(path) < 0 && errno != ENOENT)
		log_error("removing %s: %s", path, strerror(errno));
}

/* Of drains that were removed, with their app or alone, and we were killed before it was said, or
 * nobody was there to hear it. */
static void forget_others(const struct platform *p, char **ids)
{
	_cleanup_free_ char *dir = xasprintf("%s/logs", p->settings.run_dir);
	_cleanup_strv_ char **names = NULL;
	int r = fs_list(dir, &names);

	if (r < 0 && r != -ENOENT)
		log_error("listing %s: %s", dir, strerror(-r));
	for (size_t i = 0; names && names[i]; i++) {
		if (!str_ends(names[i], SUFFIX))
			continue;
		names[i][strlen(names[i]) - strlen(SUFFIX)] = '\0';
		if (uuid_is_valid(names[i]) && !strv_has(ids, names[i]) &&
		    state_is_gone(p->store, "drain", names[i]))
			drains_forget(p, names[i]);
	}
}

void drains_tell_all(const struct platform *p, struct logs_client *c)
{
	_cleanup_strv_ char **ids = NULL;
	struct error err = ERROR_INIT;
	struct app *list = NULL;
	bool is_all = true;
	size_t n = 0;

	if (store_app_list(p->store, &list, &n, &err) < 0) {
		log_error("the drains of all apps: %s", err.message);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		if (tell(p, c, &list[i], &ids, &err) < 0) {
			log_error("the drains of app %s: %s", list[i].name, err.message);
			is_all = false;
		}
		app_done(&list[i]);
	}
	free(list);
	if (is_all)
		forget_others(p, ids);
}

int drains_status(const struct platform *p, const char *drain_id, struct drain_status *ret)
{
	_cleanup_free_ char *path = status_path(p, drain_id);
	int r = drain_status_read(path, ret);

	if (r == 0)
		return 1;
	if (r != -ENOENT)
		log_warn("reading %s: %s", path, strerror(-r));
	*ret = (struct drain_status){ 0 };
	return 0;
}
