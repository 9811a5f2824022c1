/* SPDX-License-Identifier: Apache-2.0 */
/* Removing trees; see remove.h. */
#include "daemon/core/remove.h"

#include <string.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/str.h"

/* Removals load the disk, and who makes large trees shall not make many of these. */
#define MAX_REMOVING 2

static void remove_next(struct daemon *d);

static void on_removed(int status, void *userdata)
{
	struct daemon *d = userdata;

	if (status != 0)
		log_warn("a directory could not be removed; it is tried again at the next start");
	d->n_removing--;
	remove_next(d);
}

static int start_removal(struct daemon *d, const char *path, struct error *err)
{
	const char *const argv[] = { "nice", "-n", "19", "rm", "-rf", "--one-file-system",
				     "--",   path, NULL };
	const struct proc_options o = { .argv = argv };
	pid_t pid;
	int r;

	if (proc_spawn(&o, &pid, err) < 0)
		return -1;
	r = watch_child(d->loop, pid, on_removed, d, NULL);
	return r < 0 ? error_set_errno(err, r, "watching rm") : 0;
}

static void remove_next(struct daemon *d)
{
	while (d->n_removing < MAX_REMOVING && d->to_remove && d->to_remove[0]) {
		_cleanup_free_ char *path = d->to_remove[0];
		struct error err = ERROR_INIT;

		memmove(d->to_remove, d->to_remove + 1, strv_len(d->to_remove) * sizeof(char *));
		if (start_removal(d, path, &err) < 0)
			log_warn("removing %s: %s", path, err.message);
		else
			d->n_removing++;
	}
}

void remove_tree_later(struct daemon *d, const char *path)
{
	if (!fs_exists(path))
		return;
	strv_push(&d->to_remove, path);
	remove_next(d);
}
