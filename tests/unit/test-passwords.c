/* SPDX-License-Identifier: Apache-2.0 */
/* passwords: hashes and comparisons are made by the other thread, one call each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <pthread.h>
#include <sodium.h>

#include "base/str.h"
#include "daemon/api/passwords.h"
#include "event/loop.h"
#include "store/user.h"

static pthread_t ours;
static int n_here, n_elsewhere;
/* Held: the other thread is busy. */
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

/* In place of libsodium's: as quick as can be, and they say where they run. */
static void note(void)
{
	if (pthread_equal(pthread_self(), ours)) {
		n_here++;
		return;
	}
	pthread_mutex_lock(&gate);
	n_elsewhere++;
	pthread_mutex_unlock(&gate);
}

int crypto_pwhash_str(char out[static crypto_pwhash_STRBYTES], const char *const passwd,
		      unsigned long long passwdlen, unsigned long long opslimit, size_t memlimit)
{
	(void)passwdlen, (void)opslimit, (void)memlimit;
	note();
	snprintf(out, crypto_pwhash_STRBYTES, "hash of %s", passwd);
	return streq(passwd, "out of memory") ? -1 : 0;
}

int crypto_pwhash_str_verify(const char str[static crypto_pwhash_STRBYTES],
			     const char *const passwd, unsigned long long passwdlen)
{
	char *expected = xasprintf("hash of %s", passwd);
	bool right = streq(str, expected);

	(void)passwdlen;
	note();
	free(expected);
	return right ? 0 : -1;
}

struct fixture {
	struct loop *loop;
	struct passwords *passwords;
	struct password_check *check;
	int n_calls, n_expected;
	bool right;
	char *hash;
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	struct error err = ERROR_INIT;

	f->loop = loop_new();
	ours = pthread_self();
	assert_int_equal(passwords_new(f->loop, &f->passwords, &err), 0);
	/* That of nobody is made at the start, when nothing waits. */
	n_here = n_elsewhere = 0;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	passwords_free(f->passwords);
	loop_free(f->loop);
	free(f->hash);
	free(f);
	return 0;
}

static void called(struct fixture *f)
{
	if (++f->n_calls == f->n_expected)
		loop_stop(f->loop);
}

static void on_made(const char *hash, void *userdata)
{
	struct fixture *f = userdata;

	free(f->hash);
	f->hash = hash ? xstrdup(hash) : NULL;
	called(f);
}

static void on_compared(bool right, void *userdata)
{
	struct fixture *f = userdata;

	f->right = right;
	called(f);
}

static void make(struct fixture *f, const char *password)
{
	struct error err = ERROR_INIT;

	assert_int_equal(
		passwords_make(f->passwords, password, "local", on_made, f, &f->check, &err), 0);
}

static void compare(struct fixture *f, const char *hash, const char *password)
{
	const struct password_question q = { .hash = hash,
					     .password = password,
					     .address = "local" };
	struct error err = ERROR_INIT;

	assert_int_equal(passwords_check(f->passwords, &q, on_compared, f, &f->check, &err), 0);
}

static void run(struct fixture *f, int n_expected)
{
	f->n_calls = 0;
	f->n_expected = n_expected;
	loop_run(f->loop);
	assert_int_equal(f->n_calls, n_expected);
}

static void test_both_are_made_by_the_thread(void **state)
{
	struct fixture *f = *state;

	make(f, "a password");
	run(f, 1);
	assert_string_equal(f->hash, "hash of a password");
	compare(f, f->hash, "a password");
	run(f, 1);
	assert_true(f->right);
	compare(f, f->hash, "another password");
	run(f, 1);
	assert_false(f->right);
	compare(f, NULL, "a password");
	run(f, 1);
	assert_false(f->right);
	assert_int_equal(n_here, 0);
	assert_int_equal(n_elsewhere, 4);
}

static void test_memory_that_is_gone(void **state)
{
	struct fixture *f = *state;

	make(f, "out of memory");
	run(f, 1);
	assert_null(f->hash);
}

static void test_what_is_cancelled_is_not_called(void **state)
{
	struct fixture *f = *state;

	make(f, "a first password");
	password_check_cancel(f->check);
	make(f, "a second password");
	run(f, 1);
	assert_string_equal(f->hash, "hash of a second password");
}

static void test_a_bounded_number_waits(void **state)
{
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	int n = 0;

	pthread_mutex_lock(&gate);
	while (n < 1000 && passwords_make(f->passwords, "a password", "local", on_made, f,
					  &f->check, &err) == 0)
		n++;
	pthread_mutex_unlock(&gate);
	/* One may be with the thread. */
	assert_in_range(n, 64, 65);
	assert_int_equal(err.kind, ERROR_UNAVAILABLE);
	run(f, n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_both_are_made_by_the_thread, setup, teardown),
		cmocka_unit_test_setup_teardown(test_memory_that_is_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_is_cancelled_is_not_called, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_a_bounded_number_waits, setup, teardown),
	};

	return cmocka_run_group_tests_name("passwords", tests, NULL, NULL);
}
