/* SPDX-License-Identifier: Apache-2.0 */
/*
 * edge/door.h: haproxy's user is looked up once, at the start. The machine's user database may be
 * on another machine, and each change of a certificate or a route asks for the user.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <pwd.h>

#include "base/fd.h"
#include "base/fs.h"
#include "base/str.h"
#include "daemon/edge/door.h"

static int n_lookups;
static struct passwd *entry;

/* In place of the C library's. */
struct passwd *getpwnam(const char *name)
{
	n_lookups++;
	return streq(name, "haproxy") ? entry : NULL;
}

uid_t geteuid(void)
{
	return 0;
}

struct fixture {
	char dir[32];
	struct platform p;
};

static int setup(void **state)
{
	static struct passwd haproxy;
	struct fixture *f = xcalloc(1, sizeof(*f));

	snprintf(f->dir, sizeof(f->dir), "/tmp/test-door-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	f->p.settings = (struct settings){ .state_dir = f->dir,
					   .run_dir = f->dir,
					   .https_address = f->dir,
					   .api_address = f->dir };
	f->p.settings.apps_domain = xstrdup("example.com");
	haproxy = (struct passwd){ .pw_uid = getuid(), .pw_gid = getgid() };
	entry = &haproxy;
	n_lookups = 0;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	fs_remove_tree(f->dir);
	free(f->p.settings.apps_domain);
	free(f->p.door_dir);
	free(f);
	return 0;
}

static void check_user(const struct platform *p, const char *expected)
{
	struct route_config c = { 0 };

	door_fill(p, &c);
	if (expected)
		assert_string_equal(c.user, expected);
	else
		assert_null(c.user);
	route_config_done(&c);
}

static void test_the_user_is_looked_up_once(void **state)
{
	struct fixture *f = *state;
	struct error err = ERROR_INIT;
	int fd;

	if (door_prepare(&f->p, &err) < 0)
		fail_msg("%s", err.message);
	fd = door_listen(&f->p, "api", &err);
	if (fd < 0)
		fail_msg("%s", err.message);
	fd_close(fd);
	for (int i = 0; i < 3; i++)
		check_user(&f->p, "haproxy");
	assert_int_equal(n_lookups, 1);
}

static void test_a_machine_without_the_user(void **state)
{
	struct fixture *f = *state;

	entry = NULL;
	door_find_user(&f->p);
	for (int i = 0; i < 3; i++)
		check_user(&f->p, NULL);
	assert_int_equal(n_lookups, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_the_user_is_looked_up_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_machine_without_the_user, setup, teardown),
	};

	return cmocka_run_group_tests_name("door", tests, NULL, NULL);
}
