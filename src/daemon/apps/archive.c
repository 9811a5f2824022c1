/* SPDX-License-Identifier: Apache-2.0 */
/* What a backup of the platform holds, file by file; see archive.h. */
#include "daemon/apps/archive.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/fd.h"
#include "base/fs.h"
#include "base/str.h"

#define CHUNK 65536
#define LINK_MAX_BYTES 4096

static int digest_file(const char *path, char hex[static DIGEST_HEX_SIZE])
{
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	_cleanup_free_ char *chunk = xcalloc(1, CHUNK);
	struct digest *d;
	ssize_t n;

	if (fd < 0)
		return -errno;
	d = digest_new();
	while ((n = fd_read(fd, chunk, CHUNK)) > 0)
		digest_update(d, chunk, (size_t)n);
	digest_finish(d, hex);
	digest_free(d);
	return (int)n;
}

static int digest_link(const char *path, char hex[static DIGEST_HEX_SIZE])
{
	char target[LINK_MAX_BYTES];
	ssize_t n = readlink(path, target, sizeof(target));

	if (n < 0)
		return -errno;
	digest_bytes(target, (size_t)n, hex);
	return 0;
}

static int add_children(json_t *files, const char *root, const char *path, struct error *err)
{
	_cleanup_free_ char *dir = xasprintf("%s/%s", root, path);
	_cleanup_strv_ char **names = NULL;
	int r = fs_list(dir, &names);

	if (r < 0)
		return error_set_errno(err, r, "reading %s", dir);
	for (char **n = names; n && *n; n++) {
		_cleanup_free_ char *child = path[0] ? xasprintf("%s/%s", path, *n) : xstrdup(*n);

		if (archive_add(files, root, child, err) < 0)
			return -1;
	}
	return 0;
}

int archive_add(json_t *files, const char *root, const char *path, struct error *err)
{
	_cleanup_free_ char *full = xasprintf("%s/%s", root, path);
	char hex[DIGEST_HEX_SIZE];
	struct stat st;
	int r = lstat(full, &st) < 0 ? -errno : 0;

	if (r == 0 && S_ISDIR(st.st_mode))
		return add_children(files, root, path, err);
	if (r == 0 && S_ISREG(st.st_mode))
		r = digest_file(full, hex);
	else if (r == 0 && S_ISLNK(st.st_mode))
		r = digest_link(full, hex);
	else if (r == 0)
		return 0; /* a socket, a device: nothing that lasts */
	if (r < 0)
		return error_set_errno(err, r, "reading %s", full);
	if (json_object_set_new(files, path, json_string(hex)) < 0)
		return error_set(err, ERROR_SYSTEM, "%s has a name that is not UTF-8", full);
	return 0;
}

static int read_manifest(const char *root, json_t **ret, struct error *err)
{
	_cleanup_free_ char *path = xasprintf("%s/" ARCHIVE_MANIFEST, root);
	json_t *m = json_load_file(path, 0, NULL);

	if (json_integer_value(json_object_get(m, "format")) == ARCHIVE_FORMAT &&
	    json_is_object(json_object_get(m, "files"))) {
		*ret = m;
		return 0;
	}
	if (json_is_integer(json_object_get(m, "format")))
		error_set(err, ERROR_INVALID,
			  "The backup has format %lld, and this program knows %d: restore it with "
			  "the version that made it",
			  (long long)json_integer_value(json_object_get(m, "format")),
			  ARCHIVE_FORMAT);
	else
		error_set(err, ERROR_INVALID,
			  "This is no backup of a platform: it has no " ARCHIVE_MANIFEST
			  " that says so");
	json_decref(m);
	return -1;
}

static int compare(json_t *listed, json_t *found, struct error *err)
{
	const char *path;
	json_t *digest;

	json_object_del(found, ARCHIVE_MANIFEST);
	json_object_foreach (listed, path, digest)
		if (!json_equal(digest, json_object_get(found, path)))
			return error_set(err, ERROR_INVALID, "The backup is damaged: %.200s %s",
					 path,
					 json_object_get(found, path) ? "is not what was saved"
								      : "is missing");
	json_object_foreach (found, path, digest)
		if (!json_object_get(listed, path))
			return error_set(
				err, ERROR_INVALID,
				"The backup is damaged: it has %.200s, which it does not list",
				path);
	return 0;
}

int archive_check(const char *root, json_t **ret_manifest, struct error *err)
{
	json_t *found = json_object(), *manifest = NULL;
	int r = read_manifest(root, &manifest, err);

	if (r == 0)
		r = add_children(found, root, "", err);
	if (r == 0)
		r = compare(json_object_get(manifest, "files"), found, err);
	if (r == 0 && ret_manifest)
		*ret_manifest = json_incref(manifest);
	json_decref(found);
	json_decref(manifest);
	return r;
}
