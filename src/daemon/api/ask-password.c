/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request that comes with an e-mail address and a password: whether it may be looked at
 * (model/guess.h), the wait for the thread that looks (passwords.h), and what follows.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "daemon/api/api-state.h"
#include "daemon/api/ask-password.h"
#include "daemon/api/caller.h"

struct asking {
	struct request *request;
	struct password_check *check; /* NULL: it has ended */
	char *email, *hash;	      /* what was looked at; NULL: nobody's */
	bool right;
	request_fn then;
};

static void asking_free(void *userdata)
{
	struct asking *a = userdata;

	if (a->check)
		password_check_cancel(a->check);
	free(a->email);
	free(a->hash);
	free(a);
}

/* haproxy's word: what a client says of it is taken away (route/door.c). */
static const char *address_of(struct request *r)
{
	const char *from = request_header(r, "X-Forwarded-For");

	return request_is_local(r) || !from ? "local" : from;
}

int password_take_guess(struct request *r, const char *email, struct error *err)
{
	int64_t wait_ms;

	if (guesses_take(request_call(r)->api->guesses, email, address_of(r), clock_now_ms(),
			 &wait_ms))
		return 0;
	return error_set(err, ERROR_RATE_LIMIT,
			 "There were too many wrong passwords for this address or from yours: try "
			 "again in %lld s",
			 (long long)(wait_ms + 999) / 1000);
}

static void on_looked_at(bool right, void *userdata)
{
	struct asking *a = userdata;

	a->check = NULL;
	a->right = right;
	request_resume(a->request);
}

/* The row as it is now: it may have changed meanwhile. That the time can't be noted is no reason to
 * keep anybody out. */
static int log_in(struct request *r, const struct asking *a, struct error *err)
{
	struct error ignored = ERROR_INIT, own = ERROR_INIT;
	struct user u = { 0 };

	if (store_user_get(request_store(r), a->email, &u, &own) < 0 &&
	    own.kind != ERROR_NOT_FOUND) {
		*err = own;
		return -1;
	}
	if (u.password_hash && a->hash && streq(u.password_hash, a->hash)) {
		guesses_right(request_call(r)->api->guesses, a->email, address_of(r),
			      clock_now_ms());
		caller_take_user(r, &u);
		u.login_ms = clock_wall_ms();
		store_user_update(request_store(r), &u, &ignored);
	}
	user_done(&u);
	return 0;
}

static int go_on(struct request *r, struct error *err)
{
	struct asking *a = request_steal_work(r);
	request_fn then = a->then;
	int result = a->right ? log_in(r, a, err) : 0;

	asking_free(a);
	return result < 0 ? result : then(r, err);
}

int password_ask(struct request *r, const char *email, const char *password, request_fn then,
		 struct error *err)
{
	struct error own = ERROR_INIT;
	struct asking *a;
	struct user u = { 0 };
	int result;

	if (password_take_guess(r, email, err) < 0)
		return -1;
	if (store_user_get(request_store(r), email, &u, &own) < 0 && own.kind != ERROR_NOT_FOUND) {
		*err = own;
		return -1;
	}
	a = xcalloc(1, sizeof(*a));
	*a = (struct asking){ .request = r,
			      .email = xstrdup(email),
			      .hash = steal_ptr(u.password_hash),
			      .then = then };
	user_done(&u);
	result = passwords_check(
		request_call(r)->api->passwords,
		&(struct password_question){ .hash = a->hash,
					     .password = password,
					     .address = address_of(r),
					     .known = guesses_is_good(request_call(r)->api->guesses,
								      email, address_of(r),
								      clock_now_ms()) },
		on_looked_at, a, &a->check, err);
	if (result < 0)
		asking_free(a);
	else
		request_defer(r, go_on, a, asking_free);
	return result;
}
