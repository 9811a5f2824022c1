/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request that comes with an e-mail address and a password: whether it may be looked at
 * (model/guess.h), the wait for the thread that looks (passwords.h), and what follows. And a new
 * password, which the same thread hashes.
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

/* ---- a new password ---- */

struct changing {
	struct request *request;
	struct password_check *check; /* NULL: it has ended */
	char *password, *before, *hash;
	struct error err;
	password_changed_fn then;
};

static void changing_free(void *userdata)
{
	struct changing *c = userdata;

	if (c->check)
		password_check_cancel(c->check);
	explicit_bzero(c->password, strlen(c->password));
	free(c->password);
	free(c->before);
	free(c->hash);
	free(c);
}

static int end_change(struct request *r, struct error *err)
{
	struct changing *c = request_steal_work(r);
	int result;

	if (c->hash) {
		result = c->then(
			r, &(struct password_changed){ .hash = c->hash, .before = c->before }, err);
	} else {
		*err = c->err;
		result = -1;
	}
	changing_free(c);
	return result;
}

static void on_hashed(const char *hash, void *userdata)
{
	struct changing *c = userdata;

	c->check = NULL;
	if (hash)
		c->hash = xstrdup(hash);
	else
		error_set(&c->err, ERROR_SYSTEM, "Out of memory while hashing a password");
	request_resume(c->request);
}

static int make_hash(struct changing *c, struct error *err)
{
	return passwords_make(request_call(c->request)->api->passwords, c->password,
			      address_of(c->request), on_hashed, c, &c->check, err);
}

static void on_compared(bool right, void *userdata)
{
	struct changing *c = userdata;

	c->check = NULL;
	if (!right)
		error_set(&c->err, ERROR_FORBIDDEN, "\"password\" must be the present one");
	if (!right || make_hash(c, &c->err) < 0)
		request_resume(c->request);
}

static int compare(struct changing *c, const char *old, struct error *err)
{
	const struct password_question q = {
		.hash = c->before, .password = old, .address = address_of(c->request), .known = true
	};

	return passwords_check(request_call(c->request)->api->passwords, &q, on_compared, c,
			       &c->check, err);
}

int password_change(struct request *r, const struct password_change *o, password_changed_fn then,
		    struct error *err)
{
	struct changing *c;
	int result;

	if (o->hash && !o->old)
		return error_set(err, ERROR_FORBIDDEN, "\"password\" must be the present one");
	c = xcalloc(1, sizeof(*c));
	*c = (struct changing){ .request = r,
				.password = xstrdup(o->password),
				.before = o->hash ? xstrdup(o->hash) : NULL,
				.err = ERROR_INIT,
				.then = then };
	result = o->hash ? compare(c, o->old, err) : make_hash(c, err);
	if (result < 0)
		changing_free(c);
	else
		request_defer(r, end_change, c, changing_free);
	return result;
}
