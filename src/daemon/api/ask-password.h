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

/* A new password of a user. Strings are borrowed for the call. */
struct password_change {
	const char *password; /* of the right length */
	/* What `old` has to be right for, or ERROR_FORBIDDEN; NULL: nothing. */
	const char *hash;
	const char *old; /* NULL: none was given, which is wrong */
};
struct password_changed {
	const char *hash;   /* of the new one */
	const char *before; /* the hash that the old one was compared with, or NULL: the row may
			       have another one now */
};
typedef int (*password_changed_fn)(struct request *r, const struct password_changed *c,
				   struct error *err);
/* Looks at the old one, hashes the new one, and then calls `then` as it would a handler, in a later
 * turn. */
int password_change(struct request *r, const struct password_change *o, password_changed_fn then,
		    struct error *err);
