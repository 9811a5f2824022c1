/* SPDX-License-Identifier: Apache-2.0 */
/* See git-refs.h. */
#include "cli/git-refs.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/proc.h"
#include "base/str.h"

#define NAME_MAX_CHARS 250
#define LEVELS_MAX 12
/* A line of for-each-ref for each. */
#define OUTPUT_MAX (GIT_REFS_MAX * 2 + 4096)

const char *ref_is_refused(const char *ref)
{
	size_t levels = 0;

	if (strlen(ref) > NAME_MAX_CHARS)
		return "its name has more than 250 characters";
	for (const char *p = ref; *p; p++)
		levels += *p == '/';
	return levels > LEVELS_MAX ? "its name has more than 12 levels" : NULL;
}

int refs_check_room(size_t made, struct error *err)
{
	static const char *const argv[] = { "git", "for-each-ref", "--format=x", NULL };
	const struct proc_options o = { .argv = argv, .max_output = OUTPUT_MAX };
	_cleanup_buf_ struct buf lines = BUF_INIT;
	size_t there;
	int status;

	if (!made)
		return 0;
	if (made <= GIT_REFS_MAX && proc_run(&o, &lines, &status, err) < 0)
		return -1;
	there = lines.len / strlen("x\n");
	if (made + there <= GIT_REFS_MAX)
		return 0;
	return error_set(err, ERROR_TOO_LARGE,
			 "a repository has %d branches and tags at most, and this would make it "
			 "%zu: delete some, or push what is to run alone",
			 GIT_REFS_MAX, made + there);
}
