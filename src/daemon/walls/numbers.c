/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The number of an app or add-on, by which the kernel knows its sandboxes (store/number.h). Rows of
 * numbers outlive what they are of, and are looked through when all are given: one that is nobody's
 * any more, and that no link has, is given again.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"
#include "daemon/walls/walls-priv.h"

#define INTERFACES "/sys/class/net"
/* What is started with a number has its link by then, or has failed. */
#define SETTLE_MS 60000

static bool is_gone(struct store *s, const char *id)
{
	struct error app_err = ERROR_INIT, addon_err = ERROR_INIT;
	struct addon addon = { 0 };
	struct app app = { 0 };

	store_app_get(s, id, &app, &app_err);
	store_addon_get(s, id, &addon, &addon_err);
	app_done(&app);
	addon_done(&addon);
	return app_err.kind == ERROR_NOT_FOUND && addon_err.kind == ERROR_NOT_FOUND;
}

/* Which numbers the kernel has. */
static void note_links(const struct walls *w, bool *is_used)
{
	_cleanup_strv_ char **names = NULL;
	char prefix[NET_PREFIX_MAX];

	net_range_prefix(&w->range, prefix);
	fs_list(INTERFACES, &names);
	for (char **n = names; n && *n; n++) {
		_cleanup_free_ char *path = xasprintf(INTERFACES "/%s/netdev_group", *n);
		_cleanup_buf_ struct buf text = BUF_INIT;
		int64_t number;

		if (str_starts(*n, prefix) && fs_read_file(path, 32, &text) == 0 &&
		    str_to_i64(str_trim(text.data), 0, STORE_NUMBER_MAX, &number))
			is_used[number] = true;
	}
}

static int forget_dead(struct walls *w, struct error *err)
{
	struct store *s = w->platform->store;
	_cleanup_free_ bool *is_used = xcalloc(STORE_NUMBER_MAX + 1, sizeof(*is_used));
	_cleanup_free_ struct number *list = NULL;
	int64_t now_ms = clock_now_ms();
	size_t n = 0;

	if (store_number_list(s, &list, &n, err) < 0)
		return -1;
	note_links(w, is_used);
	for (size_t i = 0; i < n; i++) {
		int64_t number = list[i].number, given_ms = w->given_ms[number];

		if (is_used[number] || (given_ms && now_ms - given_ms < SETTLE_MS) ||
		    !is_gone(s, list[i].id))
			continue;
		if (store_number_forget(s, number, err) < 0)
			return -1;
	}
	return 0;
}

static int give(struct walls *w, const char *id, int64_t *ret, struct error *err)
{
	struct error full = ERROR_INIT;

	if (store_number_give(w->platform->store, id, ret, &full) == 0)
		return 0;
	if (full.kind != ERROR_CONFLICT) {
		*err = full;
		return -1;
	}
	return forget_dead(w, err) < 0 ? -1 : store_number_give(w->platform->store, id, ret, err);
}

int numbers_of(struct walls *w, const char *id, uint32_t *ret, struct error *err)
{
	int64_t number = 0;

	if (id[0] && give(w, id, &number, err) < 0)
		return -1;
	w->given_ms[number] = clock_now_ms();
	*ret = (uint32_t)number;
	return 0;
}
