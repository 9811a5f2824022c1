/* SPDX-License-Identifier: Apache-2.0 */
/* See config.h. */
#include "cli/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/str.h"

#define HOST_MAX 4096

/* A path below our folder; NULL without a home. Heap. */
static char *path_of(const char *name)
{
	const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

	if (xdg && xdg[0] == '/')
		return xasprintf("%s/twelve/%s", xdg, name);
	return home && *home ? xasprintf("%s/.config/twelve/%s", home, name) : NULL;
}

static int write_file(const char *path, const char *text, struct error *err)
{
	_cleanup_free_ char *dir =
		path ? xstrndup(path, (size_t)(strrchr(path, '/') - path)) : NULL;
	int r;

	if (!path)
		return error_set(err, ERROR_INVALID,
				 "There is neither HOME nor XDG_CONFIG_HOME to keep settings in");
	r = fs_mkdirs(dir, 0700);
	if (r == 0)
		r = fs_write_atomic(path, 0600, text, strlen(text));
	return r < 0 ? error_set_errno(err, r, "writing %s", path) : 0;
}

char *config_host(void)
{
	_cleanup_free_ char *path = path_of("host");
	_cleanup_buf_ struct buf text = BUF_INIT;
	char *line;

	if (!path || fs_read_file(path, HOST_MAX, &text) < 0 || !text.data)
		return NULL;
	line = str_trim(text.data);
	return *line ? xstrdup(line) : NULL;
}

int config_set_host(const char *url, struct error *err)
{
	_cleanup_free_ char *path = path_of("host"), *text = xasprintf("%s\n", url);

	return write_file(path, text, err);
}

int config_forget_host(const char *url, struct error *err)
{
	_cleanup_free_ char *path = path_of("host"), *present = config_host();

	if (!present || !streq(present, url) || unlink(path) == 0 || errno == ENOENT)
		return 0;
	return error_set_errno(err, errno, "removing %s", path);
}

char *config_ca_path(const char *authority)
{
	_cleanup_free_ char *name = xasprintf("ca/%s.pem", authority);

	for (char *p = name + strlen("ca/"); *p; p++)
		if (*p == '/' || *p == ':')
			*p = '_';
	return path_of(name);
}

int config_set_ca(const char *authority, const char *pem, struct error *err)
{
	_cleanup_free_ char *path = config_ca_path(authority);

	return write_file(path, pem, err);
}
