/* SPDX-License-Identifier: Apache-2.0 */
/* Password checks for requests that carry an e-mail address and a password. */
#pragma once

#include "daemon/api/call.h"

/* Counts one attempt to guess the password of this account. ERROR_RATE_LIMIT if the account or the
 * client's address has made too many. */
int password_take_guess(struct request *r, const char *email, struct error *err);
/*
 * Checks the password, then calls `then` like a handler in a later turn of the event loop. If the
 * password was right, the request's caller is filled by then. Returns -1 at once after too many
 * wrong passwords.
 */
int password_ask(struct request *r, const char *email, const char *password, request_fn then,
		 struct error *err);

/* Changes a user's password. Strings are borrowed for the call. */
struct password_change {
	const char *password; /* the new one; the caller has checked its length */
	/* The current hash. `old` must match it, else ERROR_FORBIDDEN. NULL: no check. */
	const char *hash;
	const char *old; /* the old password; NULL never matches */
};
struct password_changed {
	const char *hash;   /* of the new password */
	const char *before; /* the hash that `old` was compared with, or NULL. The row may have
			       changed since. */
};
typedef int (*password_changed_fn)(struct request *r, const struct password_changed *c,
				   struct error *err);
/* Checks the old password, hashes the new one, then calls `then` like a handler in a later turn of
 * the event loop. */
int password_change(struct request *r, const struct password_change *o, password_changed_fn then,
		    struct error *err);
