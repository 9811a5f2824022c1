/* SPDX-License-Identifier: Apache-2.0 */
/* Which OCI runtime, and which cgroup layout; see sandbox.h. */
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/proc.h"
#include "base/str.h"
#include "sandbox/sandbox.h"

#define MOUNTINFO_MAX (4 << 20)

enum sandbox_cgroup sandbox_cgroup_detect(const char *root)
{
	_cleanup_free_ char *path = xasprintf("%s/proc/self/mountinfo", root);
	_cleanup_buf_ struct buf text = BUF_INIT;
	bool v1 = false, v2 = false;
	char *save = NULL;

	if (fs_read_file(path, MOUNTINFO_MAX, &text) < 0)
		return SANDBOX_CGROUP_NONE;
	for (char *line = strtok_r(text.data, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		/* proc(5): after the separator stand file system type, source, super options. */
		const char *type = strstr(line, " - ");

		if (!type || !strstr(line, "/sys/fs/cgroup"))
			continue;
		if (str_starts(type, " - cgroup2 "))
			v2 = true;
		else if (str_starts(type, " - cgroup ") && strstr(type, "memory"))
			v1 = true;
	}
	if (v1)
		return v2 ? SANDBOX_CGROUP_HYBRID : SANDBOX_CGROUP_V1;
	return v2 ? SANDBOX_CGROUP_V2 : SANDBOX_CGROUP_NONE;
}

static char *version_of(const char *path)
{
	const char *const argv[] = { path, "--version", NULL };
	struct proc_options o = { .argv = argv, .timeout_ms = 10000 };
	_cleanup_buf_ struct buf out = BUF_INIT;
	struct error err = ERROR_INIT;
	int status;

	if (proc_run(&o, &out, &status, &err) < 0 || status != 0)
		return xstrdup("");
	out.data[strcspn(out.data, "\n")] = '\0';
	return xstrdup(out.data);
}

void sandbox_runtime_done(struct sandbox_runtime *r)
{
	free(r->path);
	free(r->name);
	free(r->version);
	free(r->why);
	*r = (struct sandbox_runtime){ 0 };
}

static int choose(struct sandbox_runtime *r, const char *name, const char *why, struct error *err)
{
	const char *slash = strrchr(name, '/');

	if (!fs_find_program(name, &r->path))
		return error_set(err, ERROR_UNAVAILABLE,
				 "The OCI runtime %s is not installed: apt-get install %s (%s)",
				 name, slash ? slash + 1 : name, why);
	r->name = xstrdup(slash ? slash + 1 : name);
	r->version = version_of(r->path);
	r->why = xstrdup(why);
	return 0;
}

int sandbox_runtime_detect(struct sandbox_runtime *ret, struct error *err)
{
	const char *wanted = getenv("TWELVE_RUNTIME");
	struct sandbox_runtime r = { .cgroup = sandbox_cgroup_detect("") };
	int result;

	if (wanted && wanted[0])
		result = choose(&r, wanted, "TWELVE_RUNTIME asks for it", err);
	else if (r.cgroup == SANDBOX_CGROUP_HYBRID)
		result = choose(
			&r, "runc",
			"cgroup versions 1 and 2 are mounted side by side, which crun refuses",
			err);
	else if (fs_find_program("crun", NULL))
		result = choose(&r, "crun", "it starts fastest", err);
	else
		result = choose(&r, "runc", "crun, which starts faster, is not installed", err);
	if (result < 0) {
		sandbox_runtime_done(&r);
		return -1;
	}
	*ret = r;
	return 0;
}
