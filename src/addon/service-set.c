/* SPDX-License-Identifier: Apache-2.0 */
/* All services that there are; see service.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "addon/service.h"
#include "base/buf.h"
#include "base/fs.h"
#include "base/cleanup.h"
#include "base/str.h"
#include "model/names.h"

#define MANIFEST_MAX_BYTES (256 << 10)

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct service *)a)->name, ((const struct service *)b)->name);
}

static struct service *find_name(const struct service_set *set, const char *name)
{
	for (size_t i = 0; i < set->n; i++)
		if (streq(set->list[i].name, name))
			return &set->list[i];
	return NULL;
}

static void put(struct service_set *set, struct service *take)
{
	struct service *same = find_name(set, take->name);

	if (same) {
		service_done(same);
		*same = *take;
		return;
	}
	set->list = xrealloc(set->list, (set->n + 1) * sizeof(*set->list));
	set->list[set->n++] = *take;
}

static void load_one(struct service_set *set, const char *dir)
{
	_cleanup_free_ char *path = xasprintf("%s/addon.json", dir);
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct error err = ERROR_INIT;
	struct service s = { 0 };
	int r = fs_read_file(path, MANIFEST_MAX_BYTES, &text);

	/* A directory without a manifest is somebody's notes. */
	if (r == -ENOENT || r == -ENOTDIR)
		return;
	if (r < 0)
		error_set_errno(&err, r, "reading %s", path);
	else
		r = service_parse(text.data, path, dir, &s, &err);
	if (r < 0)
		strv_push(&set->problems, err.message);
	else
		put(set, &s);
}

void service_set_load(const char *const *dirs, struct service_set *ret)
{
	struct service_set set = { 0 };

	for (; *dirs; dirs++) {
		_cleanup_strv_ char **names = NULL;

		fs_list(*dirs, &names);
		for (char **n = names; n && *n; n++) {
			_cleanup_free_ char *dir = xasprintf("%s/%s", *dirs, *n);

			load_one(&set, dir);
		}
	}
	if (set.n)
		qsort(set.list, set.n, sizeof(*set.list), by_name);
	*ret = set;
}

void service_set_done(struct service_set *s)
{
	for (size_t i = 0; i < s->n; i++)
		service_done(&s->list[i]);
	free(s->list);
	strv_free(s->problems);
	*s = (struct service_set){ 0 };
}

/* Two names that somebody may have meant: one begins as the other, or they share their first three
 * letters. */
static bool is_near(const char *a, const char *b)
{
	return str_starts(a, b) || str_starts(b, a) || (strlen(a) > 2 && strncmp(a, b, 3) == 0);
}

static int not_found(const struct service_set *set, const char *name, struct error *err)
{
	_cleanup_buf_ struct buf near = BUF_INIT, all = BUF_INIT;
	char excerpt[NAME_EXCERPT_SIZE];

	for (size_t i = 0; i < set->n; i++) {
		buf_printf(&all, "%s%s", all.len ? ", " : "", set->list[i].name);
		if (is_near(set->list[i].name, name))
			buf_printf(&near, "%s%s", near.len ? " or " : "", set->list[i].name);
		/* "heroku-" alone is near to nothing. */
		for (char **h = set->list[i].heroku; h && *h; h++)
			if (str_starts(*h, name) || str_starts(name, *h))
				buf_printf(&near, "%s%s", near.len ? " or " : "", *h);
	}
	if (near.len)
		return error_set(err, ERROR_NOT_FOUND,
				 "There is no service \"%s\": did you mean %s?",
				 name_excerpt(excerpt, name), near.data);
	return error_set(err, ERROR_NOT_FOUND, "There is no service \"%s\"; there are: %s",
			 name_excerpt(excerpt, name), all.len ? all.data : "none");
}

const struct service *service_set_find(const struct service_set *s, const char *name,
				       struct error *err)
{
	const struct service *found = find_name(s, name);

	for (size_t i = 0; !found && i < s->n; i++)
		if (strv_has(s->list[i].aliases, name) || strv_has(s->list[i].heroku, name))
			found = &s->list[i];
	if (!found)
		not_found(s, name, err);
	return found;
}

const struct service *service_set_by_url(const struct service_set *s, const char *url)
{
	_cleanup_free_ char *scheme = xstrndup(url, strcspn(url, ":"));

	for (size_t i = 0; i < s->n; i++)
		if (service_has_scheme(&s->list[i], scheme))
			return &s->list[i];
	return NULL;
}
