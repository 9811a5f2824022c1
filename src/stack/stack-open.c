/* SPDX-License-Identifier: Apache-2.0 */
/* A stack that is there: its layers, from the topmost to the base. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/str.h"
#include "stack/stack-priv.h"

void stack_done(struct stack *s)
{
	strv_free(s->layers);
	*s = (struct stack){ 0 };
}

int stack_read_below(const char *state_dir, const char *digest, char below[static DIGEST_HEX_SIZE])
{
	_cleanup_free_ char *path = xasprintf("%s/stacks/%s/below", state_dir, digest);
	_cleanup_buf_ struct buf text = BUF_INIT;
	int r = fs_read_file(path, DIGEST_HEX_SIZE, &text);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (strspn(text.data, "0123456789abcdef") != DIGEST_HEX_SIZE - 1)
		return -EBADMSG;
	snprintf(below, DIGEST_HEX_SIZE, "%.64s", text.data);
	return 1;
}

static int open_layers(const char *state_dir, const char *digest, char ***ret)
{
	char at[DIGEST_HEX_SIZE];
	int more = 1;

	snprintf(at, sizeof(at), "%s", digest);
	for (size_t i = 0; more > 0; i++) {
		_cleanup_free_ char *dir = xasprintf("%s/stacks/%s", state_dir, at), *path = NULL;
		char *real;

		more = i < STACK_MAX_LAYERS ? stack_read_below(state_dir, at, at) : -ELOOP;
		path = xasprintf("%s/%s", dir, more ? "layer" : "rootfs");
		/* OCI runtimes refuse a root that is reached through a symbolic link, and stacks/
		 * may be one. */
		real = more < 0 ? NULL : realpath(path, NULL);
		if (!real)
			return more < 0 ? more : -errno;
		strv_push_take(ret, real);
	}
	return 0;
}

int stack_open(const char *state_dir, const char *digest, struct stack *ret, struct error *err)
{
	_cleanup_strv_ char **layers = NULL;
	int r = open_layers(state_dir, digest, &layers);

	if (r == -ENOENT)
		return error_set(err, ERROR_UNAVAILABLE,
				 "The stack %.12s is gone: push again to make it", digest);
	if (r < 0)
		return error_set_errno(err, r, "opening the stack %.12s", digest);
	snprintf(ret->digest, sizeof(ret->digest), "%s", digest);
	ret->layers = steal_ptr(layers);
	return 0;
}

bool stack_is_whole(const char *state_dir, const char *digest)
{
	_cleanup_strv_ char **layers = NULL;

	return open_layers(state_dir, digest, &layers) == 0;
}
