/* SPDX-License-Identifier: Apache-2.0 */
/* Security updates of stacks: starting them, and what came of it. */
#include "base/str.h"
#include "stack/names.h"
#include "daemon/api/table.h"
#include "daemon/build/stack-updates.h"

static int api_stack_updates_get(struct request *r, struct error *err)
{
	(void)err;
	return request_answer(r, 200, stack_updates_report(request_parts(r)->stack_updates));
}

static int api_stack_updates_create(struct request *r, struct error *err)
{
	struct stack_updates *u = request_parts(r)->stack_updates;
	const char *stack = NULL;
	bool check, apply;

	if (request_bool(r, "check", false, &check, err) < 0 ||
	    request_bool(r, "apply", false, &apply, err) < 0 ||
	    request_ref(r, "stack", false, &stack, err) < 0 ||
	    (stack && stack_read_name(stack, &stack, err) < 0))
		return -1;
	if (check && apply)
		return error_set(err, ERROR_INVALID,
				 "Either \"check\", which changes nothing, or \"apply\", not both");
	request_note(r, "%s%s%s",
		     check   ? "check"
		     : apply ? "apply"
			     : "make",
		     stack ? " " : "", stack ? stack : "");
	if (stack_updates_start(u, request_caller(r),
				check	? STACK_UPDATE_CHECK
				: apply ? STACK_UPDATE_APPLY
					: STACK_UPDATE_MAKE,
				stack, err) < 0)
		return -1;
	return request_answer(r, 202, stack_updates_report(u));
}

const struct api_route stack_updates_routes[] = {
	{ "GET", "/twelve/stacks/updates", NEED_ADMIN, api_stack_updates_get,
	  "the last or running check for newer packages: packages, affected apps, and releases "
	  "that it made",
	  .answer = "stack-updates" },
	{ "POST", "/twelve/stacks/updates", NEED_ADMIN, api_stack_updates_create,
	  "look for newer packages of the stacks in use, and make these anew, which the next "
	  "builds use; `check` only tells, `apply` releases each app on its new one",
	  "stack?:ref check?:bool apply?:bool", .answer = "stack-updates" },
	{ 0 },
};
