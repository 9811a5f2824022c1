/* SPDX-License-Identifier: Apache-2.0 */
/* SSH public keys, beside what ssh-keygen(1) says of the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/proc.h"
#include "base/str.h"
#include "model/ssh-key.h"

#define ED25519 "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"

static void test_the_parts(void **state)
{
	static const struct {
		const char *line, *comment;
	} cases[] = {
		{ ED25519 " ada@example.com", "ada@example.com" },
		{ ED25519 "  Ada's (new) laptop", "Ada's (new) laptop" },
		{ ED25519, "" },
		{ ED25519 " ", "" },
	};
	char fingerprint[SSH_FINGERPRINT_SIZE];
	const char *comment;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_true(ssh_key_parse(cases[i].line, fingerprint, &comment));
		assert_string_equal(fingerprint,
				    "SHA256:ZkAslGjFiUHdGf/WUL8rQvkib4PTvQatUV0OUQSncCA");
		assert_string_equal(comment, cases[i].comment);
	}
}

static void test_what_is_none(void **state)
{
	static const char *const bad[] = {
		"",
		"hello",
		"ssh-ed25519",
		"ssh-ed25519 ",
		"ssh-ed25519 AAAA",
		"ssh-ed25519 ====",
		" " ED25519,
		"ssh-dss AAAAB3NzaC1kc3MAAAABAQAAAAEBAAAAAQEAAAABAQ==",
		"command=\"sh\" " ED25519 " a",
		ED25519 " a\nssh-rsa AAAA b",
		ED25519 " a\x1b[2J",
		/* Another type than its bytes say; a byte less, a byte more, a length beyond the end. */
		"ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f",
		"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4=",
		"ssh-ed25519 "
		"AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fIA==",
		"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5/////wABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f",
		"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4",
		"ssh-ed25519 AAAAC3Nz!C1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f",
		/* A modulus of 8 bits. */
		"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAAgD7",
	};
	char fingerprint[SSH_FINGERPRINT_SIZE];
	const char *comment;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (ssh_key_parse(bad[i], fingerprint, &comment))
			fail_msg("a key: %s", bad[i]);
}

static void test_too_long(void **state)
{
	_cleanup_free_ char *line = xasprintf("%s %0*d", ED25519, SSH_KEY_MAX_BYTES, 0);
	char fingerprint[SSH_FINGERPRINT_SIZE];
	const char *comment;

	(void)state;
	assert_false(ssh_key_parse(line, fingerprint, &comment));
}

/* A new key of each kind that can be made without a device. */
static void compare(const char *dir, const char *type, const char *bits)
{
	_cleanup_free_ char *path = xasprintf("%s/%s-%s", dir, type, bits),
			    *pub = xasprintf("%s.pub", path);
	const char *const make[] = { "ssh-keygen", "-q", "-t",	type, "-b", bits, "-N",
				     "",	   "-C", "a b", "-f", path, NULL };
	const char *const show[] = { "ssh-keygen", "-l", "-E", "sha256", "-f", pub, NULL };
	const struct proc_options o = { .argv = show };
	_cleanup_buf_ struct buf text = BUF_INIT, out = BUF_INIT;
	char fingerprint[SSH_FINGERPRINT_SIZE];
	struct error err = ERROR_INIT;
	const char *comment;
	int status = -1;

	if (proc_run_simple(make, &err) < 0 || proc_run(&o, &out, &status, &err) < 0)
		fail_msg("%s", err.message);
	assert_int_equal(status, 0);
	assert_int_equal(fs_read_file(pub, 16384, &text), 0);
	text.data[strcspn(text.data, "\n")] = '\0';
	assert_true(ssh_key_parse(text.data, fingerprint, &comment));
	assert_string_equal(comment, "a b");
	if (!strstr(out.data, fingerprint))
		fail_msg("%s, and ssh-keygen says %s", fingerprint, out.data);
}

static void test_as_ssh_keygen(void **state)
{
	char dir[] = "/tmp/test-ssh-key-XXXXXX";

	(void)state;
	assert_non_null(mkdtemp(dir));
	compare(dir, "ed25519", "256");
	compare(dir, "rsa", "1024");
	compare(dir, "rsa", "3072");
	compare(dir, "ecdsa", "256");
	compare(dir, "ecdsa", "384");
	compare(dir, "ecdsa", "521");
	assert_int_equal(fs_remove_tree(dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_parts),
		cmocka_unit_test(test_what_is_none),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_as_ssh_keygen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
