/* SPDX-License-Identifier: Apache-2.0 */
/* See awaited.h. */
#include "daemon/build/awaited.h"

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/str.h"
#include "base/digest.h"

#define OF_ONE_USER 20

static bool is_of(const char *dir, const char *name, const char *user_id)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", dir, name);
	_cleanup_buf_ struct buf who = BUF_INIT;

	/* One that a build takes just now is nobody's. */
	return str_ends(name, ".awaited") && fs_read_file(path, UUID_SIZE, &who) == 0 &&
	       streq(who.data, user_id);
}

int awaited_check(const char *sources_dir, const char *user_id, struct error *err)
{
	_cleanup_strv_ char **names = NULL;
	int r = user_id[0] ? fs_list(sources_dir, &names) : 0, n = 0;

	if (r < 0)
		return error_set_errno(err, r, "reading %s", sources_dir);
	for (char **name = names; name && *name; name++)
		n += is_of(sources_dir, *name, user_id);
	if (n < OF_ONE_USER)
		return 0;
	return error_set(err, ERROR_RATE_LIMIT,
			 "You have %d unused uploads, the maximum: build them (POST "
			 "/apps/APP/builds), or wait a day until they expire",
			 OF_ONE_USER);
}
