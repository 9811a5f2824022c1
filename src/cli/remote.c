/* SPDX-License-Identifier: Apache-2.0 */
/* Git remotes name apps: what they say, and what to make of an app. See cli.h. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/proc.h"
#include "base/str.h"
#include "cli/cli.h"

#define SSH_USER "twelve"

char *app_from_url(const char *url)
{
	size_t len = strlen(url);
	const char *base;

	while (len && url[len - 1] == '/')
		len--;
	if (len > 4 && strncmp(url + len - 4, ".git", 4) == 0)
		len -= 4;
	base = url + len;
	while (base > url && base[-1] != '/' && base[-1] != ':')
		base--;
	if (base == url + len || base[0] == '.')
		return NULL;
	for (const char *p = base; p < url + len; p++)
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789-", *p))
			return NULL;
	return xstrndup(base, (size_t)(url + len - base));
}

char *git_output(const char *dir, const char *const *argv)
{
	_cleanup_fd_ int null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	_cleanup_buf_ struct buf out = BUF_INIT;
	struct proc_options o = { .argv = argv, .dir = dir, .stderr_fd = null_fd };
	struct error err = ERROR_INIT;
	int status = 0;

	/* Outside of a repository git says so and fails: that is an answer, not an error. */
	if (null_fd < 0 || proc_run(&o, &out, &status, &err) < 0 || status != 0)
		return NULL;
	return xstrdup(str_trim(out.data));
}

char *git_config(const char *key)
{
	char *value =
		git_output(NULL, (const char *const[]){ "git", "config", "--get", key, NULL });

	if (value && *value)
		return value;
	free(value);
	return NULL;
}

bool git_in_work_tree(const char *dir)
{
	_cleanup_free_ char *s = git_output(
		dir, (const char *const[]){ "git", "rev-parse", "--is-inside-work-tree", NULL });

	return s && streq(s, "true");
}

char *git_url_of(struct cli *c, const json_t *app)
{
	const struct host *h = c->api ? api_host(c->api) : NULL;
	const char *name = json_str(app, "name", "");

	if (h && h->kind == HOST_SSH)
		return xasprintf("ssh://" SSH_USER "@%s%s%s/%s.git", h->machine, h->port ? ":" : "",
				 h->port ? h->port : "", name);
	if (h && h->kind == HOST_UNIX)
		return xstrdup(json_str(app, "twelve.git_path", json_str(app, "git_url", "")));
	if (h && h->kind == HOST_HTTP)
		return xstrdup(json_str(app, "git_url", ""));
	return xasprintf("ssh://" SSH_USER "@localhost/%s.git", name);
}
