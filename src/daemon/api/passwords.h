/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks and hashes passwords on a separate thread, because hashing takes 15 ms by design and must
 * not block the event loop. Client addresses take turns, so a flood from a few addresses slows down
 * only those. The queue is bounded.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"

struct loop;
struct passwords;
struct password_check;

struct password_question {
	const char *hash; /* NULL: no such account; takes as long and is always wrong */
	const char *password;
	const char *address;
	bool known; /* the address is a good one of the account (model/guess.h); it goes before
		       others */
};

typedef void (*password_fn)(bool right, void *userdata);

int passwords_new(struct loop *l, struct passwords **ret, struct error *err);
/* Callbacks are not called after this. */
void passwords_free(struct passwords *p);

/*
 * Hashes a new password of 8 to 1,024 bytes; the caller has checked the length. Calls fn once, in a
 * later turn of the loop. The hash is borrowed, and NULL if memory ran out. The request is queued
 * like a check from a good address.
 */
typedef void (*password_made_fn)(const char *hash, void *userdata);
int passwords_make(struct passwords *p, const char *password, const char *address,
		   password_made_fn fn, void *userdata, struct password_check **ret,
		   struct error *err);
/* Checks a password. Calls fn once, in a later turn of the loop. ERROR_UNAVAILABLE if the queue is
 * full. */
int passwords_check(struct passwords *p, const struct password_question *q, password_fn fn,
		    void *userdata, struct password_check **ret, struct error *err);
/* Cancels a check, so that fn is not called. Must not be used after fn was called. */
void password_check_cancel(struct password_check *c);
