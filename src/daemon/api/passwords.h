/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Passwords are compared and hashed by a thread of their own: hashing takes 15 ms on purpose, and nothing
 * waits on twelved's thread. Turns go round by address, so that a flood from a few addresses slows
 * those; how many may wait is bounded.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"

struct loop;
struct passwords;
struct password_check;

struct password_question {
	const char *hash; /* NULL: of nobody; that takes as long, and is wrong */
	const char *password;
	const char *address;
	bool known; /* the address is a good one of the account (model/guess.h): it goes before
		       those that are not */
};

typedef void (*password_fn)(bool right, void *userdata);

int passwords_new(struct loop *l, struct passwords **ret, struct error *err);
/* No more calls come. */
void passwords_free(struct passwords *p);

/*
 * A new password: of 8 to 1,024 bytes, which the caller has checked. Calls fn once, in a later turn
 * of the loop; hash is NULL when memory is gone, and borrowed. Limits as below, of good addresses.
 */
typedef void (*password_made_fn)(const char *hash, void *userdata);
int passwords_make(struct passwords *p, const char *password, const char *address,
		   password_made_fn fn, void *userdata, struct password_check **ret,
		   struct error *err);
/* Calls fn once, in a later turn of the loop. ERROR_UNAVAILABLE when too many wait. */
int passwords_check(struct passwords *p, const struct password_question *q, password_fn fn,
		    void *userdata, struct password_check **ret, struct error *err);
/* The answer is not wanted any more; not after fn has been called. */
void password_check_cancel(struct password_check *c);
