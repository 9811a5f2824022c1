/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/build/upload.h"

#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/fs.h"
#include "base/str.h"
#include "daemon/build/awaited.h"

#define SOURCE_LIFE_S 86400

char *upload_path(const struct settings *s, const char *id)
{
	return xasprintf("%s/sources/%s.tar", s->state_dir, id);
}

/* Holds the id of who asked for it. */
static char *awaited_path(const struct settings *s, const char *id)
{
	return xasprintf("%s/sources/%s.awaited", s->state_dir, id);
}

int upload_expected(const struct settings *s, const char *id, struct error *err)
{
	_cleanup_free_ char *path = awaited_path(s, id);

	if (uuid_is_valid(id) && fs_exists(path))
		return 0;
	return error_set(err, ERROR_NOT_FOUND,
			 "There is no such source: ask for one with POST /sources");
}

static void remove_old_sources(const struct settings *s)
{
	_cleanup_free_ char *dir = xasprintf("%s/sources", s->state_dir);
	_cleanup_strv_ char **names = NULL;
	struct stat st;

	if (fs_list(dir, &names) < 0)
		return;
	for (char **n = names; n && *n; n++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", dir, *n);

		if (stat(path, &st) == 0 && st.st_mtime < time(NULL) - SOURCE_LIFE_S)
			unlink(path);
	}
}

int upload_check(const struct settings *s, const struct caller *who, struct error *err)
{
	_cleanup_free_ char *dir = xasprintf("%s/sources", s->state_dir);

	remove_old_sources(s);
	return who->admin ? 0 : awaited_check(dir, who->user_id, err);
}

int upload_announce(const struct settings *s, const char *id, const struct caller *who,
		    struct error *err)
{
	_cleanup_free_ char *awaited = awaited_path(s, id);
	int e = fs_write_fleeting(awaited, 0600, who->user_id, strlen(who->user_id));

	return e < 0 ? error_set_errno(err, e, "making %s", awaited) : 0;
}

void upload_taken(const struct settings *s, const char *id)
{
	_cleanup_free_ char *awaited = awaited_path(s, id);

	unlink(awaited);
}
