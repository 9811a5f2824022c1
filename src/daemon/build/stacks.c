/* SPDX-License-Identifier: Apache-2.0 */
/* The stack that is made at the start; see stacks.h. */
#include "daemon/build/stacks.h"

#include <stdlib.h>
#include <sys/resource.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/str.h"
#include "daemon/core/child.h"
#include "stack/stack.h"

#define NICE 10

struct stacks {
	const struct platform *platform;
	struct child *child; /* NULL: none runs */
};

static void on_made(const struct child_end *end, void *userdata)
{
	struct stacks *st = userdata;
	char described[64];

	st->child = NULL;
	/* What went wrong it has logged itself. */
	if (end->status != 0)
		log_debug("the child that makes stacks %s",
			  proc_describe_status(end->status, described, sizeof(described)));
}

static int start(struct stacks *st, struct error *err)
{
	const struct settings *s = &st->platform->settings;
	const char *const argv[] = { "/proc/self/exe", "stacks", s->state_dir, s->data_dir, NULL };
	const struct child_options o = { .argv = argv, .on_end = on_made, .userdata = st };

	return child_start(st->platform->loop, &o, &st->child, err);
}

void stacks_prepare(struct stacks *st)
{
	const struct settings *s = &st->platform->settings;
	struct error err = ERROR_INIT;
	uint64_t free_bytes = 0;

	if (!s->prepare_stacks)
		return;
	if (fs_free_bytes(s->state_dir, &free_bytes) < 0 ||
	    free_bytes < (uint64_t)s->disk_reserve_bytes)
		log_info("the disk is kept in reserve: the first build makes the stacks");
	else if (start(st, &err) < 0)
		log_warn("%s", err.message);
}

bool stacks_are_prepared(const struct stacks *st)
{
	return st->child;
}

struct stacks *stacks_new(const struct platform *p)
{
	struct stacks *st = xcalloc(1, sizeof(*st));

	st->platform = p;
	return st;
}

void stacks_free(struct stacks *st)
{
	if (!st)
		return;
	child_abandon(st->child);
	free(st);
}

static int make(const struct stack_options *o)
{
	struct error err = ERROR_INIT;
	struct stack s = { 0 };
	int r = stack_ensure(o, &s, &err);

	if (r < 0)
		log_warn("the stack %s is not made yet, and the first build will try again: %s",
			 o->name, err.message);
	stack_done(&s);
	return r;
}

int stacks_worker_main(const char *state_dir, const char *data_dir, char *const *packages)
{
	struct stack_options o = { .state_dir = state_dir,
				   .data_dir = data_dir,
				   .name = STACK_DEFAULT,
				   .packages = packages,
				   .output_fd = -1 };
	int r;

	log_init("twelved");
	setpriority(PRIO_PROCESS, 0, NICE);
	r = make(&o);
	o.build = true;
	return r < 0 || (!packages[0] && make(&o) < 0);
}
