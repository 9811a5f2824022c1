/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /twelve/backup: a child writes the archive into STATE/builds/ID, which every start sweeps,
 * and the answer is that file, which has no name any more by then.
 */
#include "daemon/apps/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/api/table.h"
#include "daemon/build/used.h"
#include "daemon/core/disk.h"
#include "daemon/core/child.h"
#include "daemon/core/remove.h"

#define SAID_MAX 2000

struct making {
	struct request *request; /* NULL: whoever asked has gone away */
	struct parts *parts;
	char *dir, *file;
	struct child *child; /* NULL: it has ended */
	struct buf said;
	bool ok;
};

static void making_free(struct making *m)
{
	remove_tree_later(&m->parts->platform, m->dir);
	buf_done(&m->said);
	free(m->dir);
	free(m->file);
	free(m);
}

/* The request ends, perhaps before the child: then it is ended, and what it left goes when it has.
 */
static void let_go(void *work)
{
	struct making *m = work;

	m->request = NULL;
	if (m->child)
		child_cancel(m->child, 0);
	else
		making_free(m);
}

static int answer(struct request *r, struct error *err)
{
	struct making *m = request_work(r);
	_cleanup_fd_ int fd = -1;
	struct stat st;

	if (!m->ok)
		return error_set(err, ERROR_UNAVAILABLE, "The backup could not be made: %s",
				 m->said.len ? str_trim(m->said.data) : "its process was ended");
	fd = open(m->file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_set_errno(err, errno, "reading the backup");
	request_note(r, "backup of the platform, %lld bytes", (long long)st.st_size);
	return request_answer_file(r, fd_steal(&fd), (uint64_t)st.st_size, "twelve-backup.tar");
}

static void on_end(const struct child_end *end, void *userdata)
{
	struct making *m = userdata;

	m->child = NULL;
	m->ok = end->status == 0;
	buf_puts(&m->said, end->output);
	if (m->request)
		request_resume(m->request);
	else
		making_free(m);
}

static json_t *strv_json(char *const *v)
{
	json_t *list = json_array();

	for (; v && *v; v++)
		json_array_append_new(list, json_string(*v));
	return list;
}

/* The newest good one of each add-on. */
static int newest_backups(struct parts *parts, json_t *ret, struct error *err)
{
	_cleanup_strv_ char **seen = NULL;
	struct backup *rows = NULL;
	size_t n = 0;
	int r = store_backup_list(parts->platform.store, NULL, NULL, &rows, &n, err);

	for (size_t i = 0; i < n; i++)
		if (streq(rows[i].status, "succeeded") && !strv_has(seen, rows[i].addon_id)) {
			strv_push(&seen, rows[i].addon_id);
			json_array_append_new(ret, json_string(rows[i].id));
		}
	backup_free_array(rows, n);
	return r;
}

static int make_order(struct parts *parts, const struct making *m, bool slugs, bool volumes,
		      json_t **ret, struct error *err)
{
	json_t *order = json_pack("{s:s, s:s, s:s, s:s, s:[]}", "state",
				  parts->platform.settings.state_dir, "dir", m->dir, "to", m->file,
				  "identity", store_identity(parts->platform.store), "backups");
	struct used used = { 0 };
	int r = slugs ? used_read(&parts->platform, parts->dynos, &used, err) : 0;

	if (r == 0 && slugs) {
		json_object_set_new(order, "slugs", strv_json(used.slugs));
		json_object_set_new(order, "stacks", strv_json(used.stacks));
	}
	if (r == 0 && volumes)
		r = newest_backups(parts, json_object_get(order, "backups"), err);
	used_done(&used);
	if (r == 0)
		*ret = order;
	else
		json_decref(order);
	return r;
}

static int spawn(struct making *m, const json_t *order, struct error *err)
{
	static const char *const argv[] = { "/proc/self/exe", "state-backup", NULL };
	const struct child_options o = { .argv = argv,
					 .order = order,
					 .max_output = SAID_MAX,
					 .on_end = on_end,
					 .userdata = m };

	return child_start(m->parts->platform.loop, &o, &m->child, err);
}

static int api_platform_backup(struct request *r, struct error *err)
{
	struct parts *parts = request_parts(r);
	bool slugs, volumes;
	json_t *order = NULL;
	struct making *m;
	char id[UUID_SIZE];
	int result, e;

	if (request_bool(r, "slugs", false, &slugs, err) < 0 ||
	    request_bool(r, "volumes", false, &volumes, err) < 0 ||
	    disk_check(&parts->platform.settings, 0, err) < 0)
		return -1;
	m = xcalloc(1, sizeof(*m));
	*m = (struct making){ .request = r, .parts = parts, .said = BUF_INIT };
	m->dir = xasprintf("%s/builds/%s", parts->platform.settings.state_dir, uuid_make(id));
	m->file = xasprintf("%s/backup.tar", m->dir);
	e = fs_mkdirs(m->dir, 0700);
	result = e < 0 ? error_set_errno(err, e, "making %s", m->dir)
		       : make_order(parts, m, slugs, volumes, &order, err);
	if (result == 0)
		result = spawn(m, order, err);
	json_decref(order);
	if (result < 0) {
		making_free(m);
		return -1;
	}
	request_defer(r, answer, m, let_go);
	return 0;
}

const struct api_route backup_routes[] = {
	{ "POST", "/twelve/backup", NEED_ADMIN, api_platform_backup,
	  "backup of the platform's state, including its keys, as an archive",
	  "slugs?:bool volumes?:bool", .answer = "file" },
	{ 0 },
};
