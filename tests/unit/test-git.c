/* SPDX-License-Identifier: Apache-2.0 */
/* Repositories and keys, with the real git and ssh-keygen in a directory of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/fs.h"
#include "base/proc.h"
#include "base/str.h"
#include "daemon/core/remove.h"
#include "daemon/git/git.h"

#define ID "11111111-1111-4111-8111-111111111111"

static const char key[] =
	"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f "
	"ada@example.com";

static char dir[] = "/tmp/test-git-XXXXXX";
static struct platform d;
static char group[] = "no-such-group", odd_program[] = "/opt/it's \"here\"/twelve",
	    api_socket[] = "/run/x/twelved.sock";
static char libexec[] = "/nonexistent", shop[] = "shop", market[] = "market";
static struct app app = { .id = ID, .name = shop };

static void run(const char *const *argv)
{
	struct error err = ERROR_INIT;

	if (proc_run_simple(argv, &err) < 0)
		fail_msg("%s", err.message);
}

#define RUN(...) run((const char *const[]){ __VA_ARGS__, NULL })

static char *read_file(const char *name)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", dir, name);
	_cleanup_buf_ struct buf text = BUF_INIT;

	if (fs_read_file(path, 1 << 20, &text) < 0)
		fail_msg("%s can't be read", path);
	return buf_steal(&text);
}

static int set_up(void **state)
{
	struct error err = ERROR_INIT;
	_cleanup_free_ char *git = NULL, *ssh = NULL;

	(void)state;
	if (!mkdtemp(dir))
		return -1;
	git = xasprintf("%s/git", dir);
	ssh = xasprintf("%s/ssh", dir);
	d.settings.state_dir = dir;
	d.settings.group = group;
	d.settings.cli_path = odd_program;
	d.settings.libexec_dir = libexec;
	d.settings.max_upload_bytes = 1 << 20;
	d.api_socket = api_socket;
	d.loop = loop_new();
	d.remover = remover_new(d.loop);
	if (fs_mkdirs(git, 0755) < 0 || fs_mkdirs(ssh, 0755) < 0 ||
	    store_open(dir, &d.store, &err) < 0)
		return -1;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	store_close(d.store);
	remover_free(d.remover);
	loop_free(d.loop);
	return fs_remove_tree(dir);
}

/* What the hook is called with comes out of a stand-in for the program. */
static void install_program(const char *script)
{
	_cleanup_free_ char *bin = xasprintf("%s/it's \"here\"", dir);
	static char path[256];

	snprintf(path, sizeof(path), "%s/twelve", bin);
	assert_int_equal(fs_mkdirs(bin, 0755), 0);
	assert_int_equal(fs_write_atomic(path, 0755, script, strlen(script)), 0);
	d.settings.cli_path = path;
}

/* What is made here is what git makes, but for what equip() adds. */
static void test_the_layout_is_as_git_has_it(void **state)
{
	static char twin[] = "twin";
	struct app other = { .id = ID, .name = twin };
	_cleanup_free_ char *theirs = xasprintf("%s/theirs", dir), *ours = git_path(&d, twin),
			    *left = xasprintf("%s/left", dir), *right = xasprintf("%s/right", dir),
			    *list = xasprintf("cd \"$1\" && find . -path ./hooks -prune -o "
					      "-path ./info -prune -o ! -name '*config' "
					      "-printf '%%y %%m %%P\\n' | sort > \"$2\"; "
					      "grep -v -e include -e twelve.config config >> "
					      "\"$2\"; cat HEAD >> \"$2\""),
			    *a = NULL, *b = NULL;

	(void)state;
	assert_int_equal(git_create(&d, &other, NULL), 0);
	RUN("git", "init", "-q", "--bare", "--shared=group", "--initial-branch=main",
	    "--template=", theirs);
	RUN("sh", "-c", list, "sh", theirs, left);
	RUN("sh", "-c", list, "sh", ours, right);
	a = read_file("left");
	b = read_file("right");
	assert_string_equal(a, b);
	assert_non_null(strstr(a, "objects/pack"));
	RUN("git", "-C", ours, "fsck", "--strict");
	assert_int_equal(git_delete(&d, twin, NULL), 0);
}

static void test_a_push_runs_the_hook(void **state)
{
	_cleanup_free_ char *work = xasprintf("%s/work", dir), *repo = git_path(&d, "shop"),
			    *seen = NULL, *want = NULL;
	_cleanup_free_ char *script =
		xasprintf("#!/bin/sh\n"
			  "if [ $2 = proc-receive ]; then\n"
			  "  printf '000eversion=1\\n00000017ok refs/heads/main\\n0018option "
			  "fall-through\\n0000'\n"
			  "  exec cat >/dev/null\n"
			  "fi\n"
			  "printf '%%s\\n' \"$*\" > %s/seen\ncat >> %s/seen\n",
			  dir, dir);

	(void)state;
	install_program(script);
	assert_int_equal(git_create(&d, &app, NULL), 0);
	RUN("git", "init", "-q", "-b", "main", work);
	RUN("git", "-C", work, "-c", "user.name=a", "-c", "user.email=a@example.com", "commit",
	    "-q", "--allow-empty", "-m", "x");
	RUN("git", "-C", work, "push", "-q", repo, "main");
	seen = read_file("seen");
	want = xasprintf("git-hook pre-receive --socket %s --app %s\n%040d ", d.api_socket, ID, 0);
	assert_true(str_starts(seen, want));
	assert_non_null(strstr(seen, " refs/heads/main\n"));
	/* A hook that refuses keeps the commit out. */
	install_program("#!/bin/sh\nexit 1\n");
	RUN("git", "-C", work, "-c", "user.name=a", "-c", "user.email=a@example.com", "commit",
	    "-q", "--allow-empty", "-m", "y");
	assert_int_equal(proc_run_simple((const char *const[]){ "git", "-C", work, "push", "-q",
								repo, "main", NULL },
					 NULL),
			 -1);
}

static void test_create_rename_delete_are_idempotent(void **state)
{
	struct app renamed = { .id = ID, .name = market };
	_cleanup_free_ char *old = git_path(&d, "shop"), *new = git_path(&d, "market"),
			    *half = NULL;

	(void)state;
	/* A twelved that was killed left half of one. */
	half = xasprintf("%s/git/.shop.new/hooks", dir);
	assert_int_equal(fs_mkdirs(half, 0755), 0);
	assert_int_equal(git_create(&d, &app, NULL), 0);
	assert_int_equal(git_create(&d, &app, NULL), 0);
	assert_int_equal(git_rename(&d, "shop", &renamed, NULL), 0);
	assert_false(fs_exists(old));
	assert_int_equal(git_rename(&d, "shop", &renamed, NULL), 0);
	RUN("git", "-C", new, "rev-parse", "--is-bare-repository");
	assert_int_equal(git_delete(&d, "market", NULL), 0);
	assert_false(fs_exists(new));
	assert_int_equal(git_delete(&d, "market", NULL), 0);
}

static void on_look(void *userdata)
{
	_cleanup_free_ char *git = xasprintf("%s/git", dir);
	_cleanup_strv_ char **names = NULL;

	assert_int_equal(fs_list(git, &names), 0);
	if (!strv_len(names))
		loop_stop(d.loop);
	else
		watch_arm(*(struct watch **)userdata, 10);
}

/* However much is in it, the caller does not wait: it is aside, and another process removes it. */
static void test_a_deleted_one_is_removed_by_another_process(void **state)
{
	struct watch *timer = watch_timer(d.loop, on_look, &timer);
	_cleanup_free_ char *repo = git_path(&d, "shop");

	(void)state;
	assert_int_equal(git_create(&d, &app, NULL), 0);
	assert_int_equal(git_delete(&d, "shop", NULL), 0);
	assert_false(fs_exists(repo));
	/* One of its name can be made and deleted meanwhile. */
	assert_int_equal(git_create(&d, &app, NULL), 0);
	assert_int_equal(git_delete(&d, "shop", NULL), 0);
	watch_arm(timer, 0);
	loop_run(d.loop);
	watch_free(timer);
}

static void test_a_push_that_is_too_large(void **state)
{
	_cleanup_free_ char *work = xasprintf("%s/large", dir), *repo = git_path(&d, "shop"),
			    *file = NULL;
	struct error err = ERROR_INIT;

	(void)state;
	install_program("#!/bin/sh\nexit 0\n");
	assert_int_equal(git_create(&d, &app, NULL), 0);
	RUN("git", "init", "-q", "-b", "large", work);
	file = xasprintf("of=%s/file", work);
	RUN("dd", "if=/dev/urandom", file, "bs=1M", "count=2", "status=none");
	RUN("git", "-C", work, "add", "file");
	RUN("git", "-C", work, "-c", "user.name=a", "-c", "user.email=a@example.com", "commit",
	    "-q", "-m", "x");
	assert_int_equal(proc_run_simple((const char *const[]){ "git", "-C", work, "push", "-q",
								repo, "large", NULL },
					 &err),
			 -1);
}

static void test_keys(void **state)
{
	_cleanup_free_ char *fingerprint = NULL, *comment = NULL;
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(git_check_key(key, &fingerprint, &comment, &err), 0);
	assert_true(str_starts(fingerprint, "SHA256:"));
	assert_string_equal(comment, "ada@example.com");
}

static void test_what_is_no_key(void **state)
{
	static const char *const bad[] = {
		"",
		"hello",
		"ssh-ed25519",
		"ssh-ed25519 AAAA",
		"-----BEGIN OPENSSH PRIVATE KEY-----",
		"command=\"sh\" ssh-ed25519 "
		"AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f a",
		"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f "
		"a\nssh-rsa AAAA b",
		"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f "
		"a\x1b[2J",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct error err = ERROR_INIT;
		char *fingerprint, *comment;

		assert_int_equal(git_check_key(bad[i], &fingerprint, &comment, &err), -1);
		assert_int_equal(err.kind, ERROR_INVALID);
	}
}

static void test_authorized_keys(void **state)
{
	struct ssh_key k = { .public_key = xstrdup(key),
			     .fingerprint = xstrdup("SHA256:abc"),
			     .comment = xstrdup("ada") };
	_cleanup_free_ char *text = NULL, *want = NULL, *none = NULL;

	(void)state;
	d.settings.cli_path = odd_program;
	assert_int_equal(store_key_create(d.store, &k, NULL), 0);
	assert_int_equal(git_write_authorized_keys(&d, NULL), 0);
	text = read_file("ssh/authorized_keys");
	want = xasprintf("restrict,command=\"'/opt/it'\\''s \\\"here\\\"/twelve' git-shell "
			 "--socket '/run/x/twelved.sock' SHA256:abc\" %s\n",
			 key);
	assert_string_equal(text, want);
	assert_int_equal(store_key_delete(d.store, NULL, "SHA256:abc", NULL), 0);
	assert_int_equal(git_write_authorized_keys(&d, NULL), 0);
	none = read_file("ssh/authorized_keys");
	assert_string_equal(none, "");
	ssh_key_done(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_layout_is_as_git_has_it),
		cmocka_unit_test(test_a_push_runs_the_hook),
		cmocka_unit_test(test_a_deleted_one_is_removed_by_another_process),
		cmocka_unit_test(test_a_push_that_is_too_large),
		cmocka_unit_test(test_create_rename_delete_are_idempotent),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_what_is_no_key),
		cmocka_unit_test(test_authorized_keys),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
