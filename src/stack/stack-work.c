/* SPDX-License-Identifier: Apache-2.0 */
/* What all that makes stacks uses: words for people who wait, and the list of a root's packages. */
#include <stdarg.h>

#include "base/fd.h"
#include "base/fs.h"
#include "base/proc.h"
#include "base/str.h"
#include "stack/stack-priv.h"

void stack_say(const struct stack_options *o, const char *fmt, ...)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	va_list ap;

	if (o->output_fd < 0)
		return;
	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	/* Nobody may be listening any more; the stack is of use all the same. */
	if (fd_write_all(o->output_fd, text.data, text.len) < 0)
		return;
}

int stack_list_packages(const char *dir, const char *rootfs, struct error *err)
{
	_cleanup_free_ char *admin = xasprintf("--admindir=%s/var/lib/dpkg", rootfs);
	_cleanup_free_ char *path = xasprintf("%s/packages", dir);
	const char *const argv[] = { "dpkg-query", admin, "-W", "-f", "${Package}=${Version}\n",
				     NULL };
	struct proc_options p = { .argv = argv,
				  .die_with_us = true,
				  .max_output = STACK_PACKAGES_MAX_BYTES };
	_cleanup_buf_ struct buf list = BUF_INIT;
	int status, r;

	if (proc_run(&p, &list, &status, err) < 0)
		return -1;
	if (status != 0)
		return error_set(err, ERROR_SYSTEM,
				 "dpkg-query could not list the packages of the stack");
	r = fs_write_atomic(path, 0644, list.data, list.len);
	return r < 0 ? error_set_errno(err, r, "writing %s", path) : 0;
}
