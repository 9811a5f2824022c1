/* SPDX-License-Identifier: Apache-2.0 */
/* Directories; see places.h. */
#include "daemon/core/places.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fs.h"
#include "base/str.h"
#include "daemon/core/settings.h"

struct place {
	bool run; /* below RUN, and not STATE */
	const char *name;
	mode_t mode;
	bool group; /* TWELVE_GROUP gets the group's rights */
};

/* Parents before what is in them. Those that are passed through need no more than x. */
static const struct place places[] = {
	{ .name = "", .mode = 0711 }, /* to git, ssh and the authority's certificate */
	{ .name = "/git",
	  .mode = 0710,
	  .group = true }, /* members push over a local path, the user of SSH as well */
	{ .name = "/ssh",
	  .mode = 0710,
	  .group = true }, /* sshd reads authorized_keys as the user who comes */
	{ .name = "/ca",
	  .mode = 0755 }, /* who trusts the authority reads its certificate; its key is 0600 */
	{ .name = "/slugs", .mode = 0700 },
	{ .name = "/stacks", .mode = 0700 }, /* roots of a Debian have setuid programs */
	{ .name = "/sources", .mode = 0700 },
	{ .name = "/builds", .mode = 0700 },
	{ .name = "/cache", .mode = 0700 },
	{ .name = "/known-hosts", .mode = 0700 },
	{ .name = "/streams", .mode = 0700 },
	{ .name = "/jobs", .mode = 0700 },
	{ .name = "/volumes", .mode = 0700 },
	{ .name = "/backups", .mode = 0700 },
	{ .run = true,
	  .name = "",
	  .mode = 0711 }, /* to the API's socket, and haproxy's user to the door */
	{ .run = true, .name = "/dynos", .mode = 0700 },
	{ .run = true, .name = "/oci", .mode = 0700 },
};

/* The last part is opened without following a link: a place that is one is somebody else's to look
 * after. */
static int settle(const struct place *p, const char *path, const struct group *gr)
{
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return lstat(path, &st) == 0 && S_ISLNK(st.st_mode) ? 0 : -errno;
	if (p->group && gr && fchown(fd, geteuid(), gr->gr_gid) < 0)
		return -errno;
	return fchmod(fd, p->mode) < 0 ? -errno : 0;
}

int places_make(const struct settings *s, struct error *err)
{
	const struct group *gr = getgrnam(s->group);

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		const struct place *p = &places[i];
		_cleanup_free_ char *path =
			xasprintf("%s%s", p->run ? s->run_dir : s->state_dir, p->name);
		int r = fs_mkdirs(path, p->mode);

		if (r == 0)
			r = settle(p, path, gr);
		if (r < 0)
			return error_set_errno(err, r, "making the directory %s", path);
	}
	return 0;
}
