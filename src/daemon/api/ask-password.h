/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that come with an e-mail address and a password. */
#pragma once

#include "daemon/api/call.h"

/* Counts what costs as much as guessing a password, and may be that; ERROR_RATE_LIMIT when there
 * were too many. */
int password_take_guess(struct request *r, const char *email, struct error *err);
/*
 * Looks whether the password is right, and then calls `then` as it would a handler, in a later
 * turn, with the caller filled if it is. Returns -1 at once when there were too many wrong ones.
 */
int password_ask(struct request *r, const char *email, const char *password, request_fn then,
		 struct error *err);
