/* SPDX-License-Identifier: Apache-2.0 */
/* Removing trees; see remove.h. */
#include "daemon/remove.h"

#include "base/fs.h"
#include "base/log.h"
#include "base/proc.h"

static void on_removed(int status, void *userdata)
{
	(void)userdata;
	if (status != 0)
		log_warn("a directory could not be removed; it is tried again at the next start");
}

void remove_tree_later(struct daemon *d, const char *path)
{
	const char *const argv[] = { "rm", "-rf", "--one-file-system", "--", path, NULL };
	const struct proc_options o = { .argv = argv };
	struct error err = ERROR_INIT;
	pid_t pid;

	if (!fs_exists(path))
		return;
	if (proc_spawn(&o, &pid, &err) < 0)
		log_warn("removing %s: %s", path, err.message);
	else
		watch_child(d->loop, pid, on_removed, NULL, NULL);
}
