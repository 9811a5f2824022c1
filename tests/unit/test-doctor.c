/* SPDX-License-Identifier: Apache-2.0 */
/* cli/host/doctor-network: what is concluded from DNS, firewalls and sshd, as tables of cases. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/str.h"
#include "cli/host/doctor.h"

static char *list_a[] = { (char *)"198.51.100.7", (char *)"2001:db8::7", NULL };
static char *list_b[] = { (char *)"203.0.113.9", NULL };
static char *list_both[] = { (char *)"203.0.113.9", (char *)"2001:db8::7", NULL };

static void test_dns(void **state)
{
	static const struct {
		char **leads_to, **own;
		enum verdict verdict;
		const char *text;
	} rows[] = {
		{ NULL, list_a, VERDICT_FAIL,
		  "names below a.example lead nowhere: add a DNS record *.a.example with this "
		  "machine's address (198.51.100.7, 2001:db8::7)" },
		{ list_a, list_a, VERDICT_OK, "*.a.example leads to 198.51.100.7, 2001:db8::7" },
		{ list_both, list_a, VERDICT_OK, "*.a.example leads to 203.0.113.9, 2001:db8::7" },
		{ list_b, list_a, VERDICT_WARN,
		  "*.a.example leads to 203.0.113.9, which is not an address of this machine "
		  "(198.51.100.7, 2001:db8::7): right "
		  "behind a router or a load balancer that hands it on, else change the record" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_buf_ struct buf text = BUF_INIT;

		assert_int_equal(
			doctor_judge_dns("a.example", rows[i].leads_to, rows[i].own, &text),
			rows[i].verdict);
		assert_string_equal(text.data, rows[i].text);
	}
}

static void test_loopback(void **state)
{
	(void)state;
	assert_true(doctor_is_loopback("127.0.0.1:5080"));
	assert_true(doctor_is_loopback("127.9.0.1:80"));
	assert_true(doctor_is_loopback("localhost:80"));
	assert_true(doctor_is_loopback("[::1]:80"));
	assert_false(doctor_is_loopback(":80"));
	assert_false(doctor_is_loopback("*:80"));
	assert_false(doctor_is_loopback("[::]:80"));
	assert_false(doctor_is_loopback("localhost.example.com:80"));
}

#define UFW(lines)                                                                                 \
	"Status: active\n\nTo                         Action      From\n--                       " \
	"  ------      ----\n" lines

static void test_firewalls(void **state)
{
	static char *ports[] = { (char *)"80", (char *)"443", NULL };
	static const struct {
		const char *ufw, *iptables, *nft;
		enum verdict verdict;
		const char *part;
	} rows[] = {
		{ NULL, NULL, NULL, VERDICT_OK, "no rule of this machine is in the way" },
		{ "Status: inactive\n", "-P INPUT ACCEPT\n", "", VERDICT_OK, "no rule" },
		{ UFW("22/tcp                     ALLOW       Anywhere\n"), "-P INPUT DROP\n", NULL,
		  VERDICT_WARN,
		  "ufw is active and does not let in port 80, 443: ufw allow 80/tcp" },
		{ UFW("80/tcp                     ALLOW       Anywhere\n4430                       "
		      "ALLOW       Anywhere\n"),
		  NULL, NULL, VERDICT_WARN, "port 443: ufw allow 443/tcp" },
		{ UFW("80,443/tcp                 ALLOW       Anywhere\n"), "-P INPUT DROP\n", NULL,
		  VERDICT_OK, "no rule" },
		{ UFW("80                         DENY        Anywhere\n443                        "
		      "ALLOW       Anywhere\n"),
		  NULL, NULL, VERDICT_WARN, "port 80: ufw allow 80/tcp" },
		{ NULL, "-P INPUT DROP\n-A INPUT -p tcp --dport 80 -j ACCEPT\n", NULL, VERDICT_WARN,
		  "is dropped unless a rule lets it in" },
		{ NULL, NULL,
		  "table inet filter {\n\tchain input {\n\t\ttype filter hook input priority "
		  "filter; policy drop;\n\t}\n}\n",
		  VERDICT_WARN, "is dropped unless a rule" },
		{ NULL, NULL,
		  "chain input { type filter hook input priority filter; policy accept;\n }\nchain "
		  "f { type filter hook forward priority 0; policy drop; }",
		  VERDICT_OK, "no rule" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_buf_ struct buf text = BUF_INIT;
		const struct firewall f = { .ufw = rows[i].ufw,
					    .iptables = rows[i].iptables,
					    .nft = rows[i].nft,
					    .ports = ports };

		assert_int_equal(doctor_judge_firewall(&f, &text), rows[i].verdict);
		assert_non_null(strstr(text.data, rows[i].part));
	}
}

static void test_forward(void **state)
{
	static const struct {
		const char *iptables, *nft;
		enum verdict verdict;
		const char *part;
	} rows[] = {
		{ NULL, NULL, VERDICT_OK, "a network of its own" },
		{ "-P FORWARD ACCEPT\n", "", VERDICT_OK, "a network of its own" },
		{ "-P FORWARD DROP\n-A FORWARD -j DOCKER-USER\n", NULL, VERDICT_WARN,
		  "iptables -I FORWARD -i tw+ -j ACCEPT" },
		{ "-P FORWARD DROP\n-A FORWARD -i tw+ -j ACCEPT\n", NULL, VERDICT_OK,
		  "a network of its own" },
		{ NULL,
		  "\tchain forward {\n\t\ttype filter hook forward priority filter; policy drop;\n",
		  VERDICT_WARN, "dynos can't reach the outside" },
		{ NULL,
		  "\tchain forward {\n\t\ttype filter hook forward priority filter; policy "
		  "accept;\n\t}\n\tchain x {\n\t\ttype filter hook input priority filter; "
		  "policy drop;\n",
		  VERDICT_OK, "a network of its own" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_buf_ struct buf text = BUF_INIT;

		assert_int_equal(doctor_judge_forward(rows[i].iptables, rows[i].nft, &text),
				 rows[i].verdict);
		assert_non_null(strstr(text.data, rows[i].part));
	}
}

static void test_sshd(void **state)
{
	static const struct {
		const char *config;
		bool reads;
	} rows[] = {
		{ "port 22\nauthorizedkeysfile /s/ssh/authorized_keys\nx y\n", true },
		{ "port 22\nauthorizedkeysfile .ssh/authorized_keys /s/ssh/authorized_keys\n",
		  true },
		{ "port 22\nauthorizedkeysfile .ssh/authorized_keys\n", false },
		{ "port 22\nauthorizedkeysfile /s/ssh/authorized_keys2\n", false },
		{ "port 22\nauthorizedkeysfile /other/s/ssh/authorized_keys\n", false },
		{ "banner none\nchrootdirectory /s/ssh/authorized_keys\n", false },
		{ "", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(doctor_sshd_reads(rows[i].config, "/s/ssh/authorized_keys"),
				 rows[i].reads);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dns),	  cmocka_unit_test(test_loopback),
		cmocka_unit_test(test_firewalls), cmocka_unit_test(test_forward),
		cmocka_unit_test(test_sshd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
