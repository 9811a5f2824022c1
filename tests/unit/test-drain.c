/* SPDX-License-Identifier: Apache-2.0 */
/* drains, without I/O: URLs, secrets, strings, frames, batches, the forward handshake, answers. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "base/utf8.h"
#include "logs/drain-status.h"
#include "logs/forward.h"

static void test_urls(void **state)
{
	static const struct {
		const char *url;
		const struct drain_driver *driver;
		bool tls;
		const char *host;
		uint16_t port;
		const char *http;
	} table[] = {
		{ "syslog://logs.example.com", &drain_syslog, false, "logs.example.com", 514,
		  NULL },
		{ "syslog+tls://logs.example.com", &drain_syslog, true, "logs.example.com", 6514,
		  NULL },
		{ "syslog://[::1]:99", &drain_syslog, false, "[::1]", 99, NULL },
		{ "https://u:p@example.com/a?b=c", &drain_logplex, true, "example.com", 443,
		  "https://example.com:443/a?b=c" },
		{ "SYSLOG://10.0.0.1:", &drain_syslog, false, "10.0.0.1", 514, NULL },
		{ "https://u:p@w@example.com?x=y#z", &drain_logplex, true, "example.com", 443,
		  "https://example.com:443/?x=y" },
		{ "http://example.com#z", &drain_logplex, false, "example.com", 80,
		  "http://example.com:80/" },
		{ "syslog://m\xc3\xbcnchen.example", &drain_syslog, false, "m\xc3\xbcnchen.example",
		  514, NULL },
		{ "fluent+tls://example.com/tag", &drain_fluent, true, "example.com", 24224, NULL },
		{ "elasticsearch+https://example.com", &drain_elastic, true, "example.com", 9200,
		  "https://example.com:9200/"
		  "_bulk?filter_path=errors,items.*.status,items.*.error.type,items.*.error.reason,"
		  "items.*.error.caused_by.reason" },
		{ "splunk+https://:t@example.com?ack=true", &drain_splunk, true, "example.com",
		  8088, "https://example.com:8088/services/collector/event" },
		{ "loki+http://example.com:80/x/push", &drain_loki, false, "example.com", 80,
		  "http://example.com:80/x/push" },
		{ "otlp+https://example.com?encoding=json", &drain_otlp, true, "example.com", 4318,
		  "https://example.com:4318/v1/logs" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct error err = ERROR_INIT;
		struct drain_target t = { 0 };
		_cleanup_free_ char *http = NULL;

		if (drain_target_parse(table[i].url, &t, &err) < 0)
			fail_msg("%s: %s", table[i].url, err.message);
		assert_ptr_equal(t.driver, table[i].driver);
		assert_int_equal(t.tls, table[i].tls);
		assert_string_equal(t.host, table[i].host);
		assert_int_equal(t.port, table[i].port);
		http = drain_http_url(&t);
		if (table[i].http)
			assert_string_equal(http, table[i].http);
		drain_target_done(&t);
	}
}

static void test_bad_urls(void **state)
{
	static const char *const table[][2] = {
		{ "", "can't be read" },
		{ "example.com", "can't be read" },
		{ "syslog://", "can't be read" },
		{ "syslog+https://x", "begins with" },
		{ "loki://x", "begins with" },
		{ "loki+tls://x", "begins with" },
		{ "fluent+http://x", "begins with" },
		{ "ftp://x", "begins with" },
		{ "syslog://x:0", "port" },
		{ "syslog://x:70000", "port" },
		{ "syslog://x:1x", "port" },
		{ "syslog://a b", "can't be read" },
		{ "syslog://a%20b", "can't be read" },
		{ "syslog://user@:1", "can't be read" },
		{ "syslog://[::1", "can't be read" },
		{ "syslog://[fe80::1%25eth0]", "can't be read" },
		{ "syslog://a_b/\x7f", "can't be read" },
		{ "syslog://x?a=b", "they know none" },
		{ "fluent://x?sharedkey=sesame", "they know shared_key" },
		{ "loki+https://x?tenant=a%0ab", "control character" },
		{ "loki+https://u%0d:x@x", "control character" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct error err = ERROR_INIT;
		struct drain_target t = { 0 };

		if (drain_target_parse(table[i][0], &t, &err) == 0)
			fail_msg("%s was taken", table[i][0]);
		if (!strstr(err.message, table[i][1]) || strstr(err.message, "sesame"))
			fail_msg("%s: %s", table[i][0], err.message);
	}
}

static void test_users(void **state)
{
	static const struct {
		const char *url, *user, *password;
	} table[] = {
		{ "http://x", NULL, NULL },
		{ "http://a@x", "a", NULL },
		{ "http://:b@x", "", "b" },
		{ "http://a:@x", "a", "" },
		{ "http://a%40:b%3ac@x", "a@", "b:c" },
		{ "http://a:b@c@x", "a", "b@c" },
		{ "http://100%:5%zz@x", "100%", "5%zz" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct error err = ERROR_INIT;
		struct drain_target t = { 0 };

		assert_int_equal(drain_target_parse(table[i].url, &t, &err), 0);
		assert_string_equal(t.user ? t.user : "(none)",
				    table[i].user ? table[i].user : "(none)");
		assert_string_equal(t.password ? t.password : "(none)",
				    table[i].password ? table[i].password : "(none)");
		drain_target_done(&t);
	}
}

static void test_masks(void **state)
{
	static const char *const table[][2] = {
		{ "syslog://x:1", "syslog://x:1" },
		{ "https://user:pw@x/p@q?r=s", "https://user:***@x/p@q?r=s" },
		{ "https://token@x", "https://***@x" },
		{ "splunk+https://:token@x", "splunk+https://:***@x" },
		{ "fluent://u:p@x?a=b&shared_key=k&c=d",
		  "fluent://u:***@x?a=b&shared_key=***&c=d" },
		{ "elasticsearch+https://x?API_KEY=k", "elasticsearch+https://x?API_KEY=***" },
		{ "nonsense", "***" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		_cleanup_free_ char *masked = drain_mask_url(table[i][0]);

		assert_string_equal(masked, table[i][1]);
	}
}

static void test_strings(void **state)
{
	static const struct {
		const char *s;
		size_t n;
		const char *json, *utf8;
	} table[] = {
		{ "", 0, "\"\"", "" },
		{ "plain text of some length", 25, "\"plain text of some length\"",
		  "plain text of some length" },
		{ "a\"b\\c\n\x01\x7f", 8, "\"a\\\"b\\\\c\\n\\u0001\x7f\"", NULL },
		{ "12345678\"", 9, "\"12345678\\\"\"", NULL },
		{ "\x0b", 1, "\"\\u000b\"", NULL },
		{ "h\xc3\xa9llo", 6, "\"h\xc3\xa9llo\"", "h\xc3\xa9llo" },
		{ "\xff", 1, "\"\xef\xbf\xbd\"", "\xef\xbf\xbd" },
		{ "\xc0\x80", 2, "\"\xef\xbf\xbd\xef\xbf\xbd\"", "\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xed\xa0\x80", 3, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"", NULL },
		{ "\xf0\x9f\x90\xb8", 4, "\"\xf0\x9f\x90\xb8\"", "\xf0\x9f\x90\xb8" },
		{ "cut \xf0\x9f\x90", 7, "\"cut \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		_cleanup_buf_ struct buf json = BUF_INIT, utf8 = BUF_INIT;

		text_put_json(&json, table[i].s, table[i].n);
		assert_string_equal(json.data, table[i].json);
		utf8_put(&utf8, table[i].s, table[i].n);
		if (table[i].utf8)
			assert_string_equal(utf8.data, table[i].utf8);
	}
}

/* Bytes of all kinds, at each place of a word and over its ends: what jansson reads is what went
 * in. */
static void test_strings_of_any_length(void **state)
{
	static const char *const parts[] = { "a",    "\"",   "\\",	 "\n",
					     "\x1f", "\x7f", "\xc3\xa9", "\xf0\x9f\x90\xb8",
					     "\xff", "\xc3", " " };
	uint32_t seed = 1;

	(void)state;
	for (size_t round = 0; round < 20000; round++) {
		_cleanup_buf_ struct buf in = BUF_INIT, json = BUF_INIT, utf8 = BUF_INIT;
		size_t n = round % 70, odd_every = 1 + round % 40;
		json_t *v;

		while (in.len < n) {
			seed = seed * 1664525 + 1013904223;
			buf_puts(&in, (seed >> 8) % odd_every
					      ? "x"
					      : parts[(seed >> 20) % ARRAY_SIZE(parts)]);
		}
		text_put_json(&json, in.data, in.len);
		utf8_put(&utf8, in.data, in.len);
		v = json_loadb(json.data, json.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
		assert_non_null(v);
		assert_int_equal(json_string_length(v), utf8.len);
		assert_memory_equal(json_string_value(v), utf8.data, utf8.len);
		assert_int_equal(utf8_span(in.data, in.len) == in.len,
				 utf8.len == in.len && memcmp(utf8.data, in.data, in.len) == 0);
		json_decref(v);
	}
}

static void test_decimals(void **state)
{
	uint64_t v = 0;

	(void)state;
	for (int i = 0; i < 1000; i++, v = v * 3 + (uint64_t)i) {
		for (int min = 1; min < 12; min++) {
			_cleanup_free_ char *want = xasprintf("%0*" PRIu64, min, v);
			_cleanup_buf_ struct buf got = BUF_INIT;

			text_put_decimal(&got, v, min);
			assert_string_equal(got.data, want);
		}
	}
}

static void test_backoff(void **state)
{
	(void)state;
	for (unsigned n = 1; n < 40; n++)
		for (uint32_t random = 0; random < 100000; random += 997) {
			int64_t ms = drain_backoff_ms(n, random),
				most = n > 5 ? 30000 : 1000 << (n - 1);

			assert_true(ms >= 100 && ms <= (most > 30000 ? 30000 : most));
		}
}

/* A batch of these lines, for this URL. */
struct fixture {
	struct drain_target target;
	struct batch_app app;
	struct batch batch;
};

static void open_batch(struct fixture *f, const char *url, const char *const *lines)
{
	struct error err = ERROR_INIT;
	struct log_record r = { .time_ns = 1795341601000042999,
				.source = "app",
				.source_len = 3,
				.dyno = "web.1",
				.dyno_len = 5,
				.release = 7 };

	assert_int_equal(drain_target_parse(url, &f->target, &err), 0);
	f->app = (struct batch_app){ "shop", "0b0e8b1c-1c1e-4b3b-9b0a-0123456789ab", "id",
				     "d.token", "host" };
	batch_init(&f->batch, &f->target, &f->app, true);
	batch_begin(&f->batch, 12);
	for (; *lines; lines++, r.time_ns++) {
		r.seq = f->batch.end;
		r.text = *lines;
		r.text_len = strlen(*lines);
		batch_put(&f->batch, &r, "1f3870b");
	}
	assert_int_equal(batch_end(&f->batch), 0);
}

static void close_batch(struct fixture *f)
{
	batch_done(&f->batch);
	drain_target_done(&f->target);
}

static const char *const two[] = { "one", "{\"a\":[1,null]}", NULL };

static void test_bodies(void **state)
{
	static const char *const table[][2] = {
		{ "http://x", "61 <190>1 2026-11-22T10:00:01.000042+00:00 host app web.1 - one\n"
			      "72 <190>1 2026-11-22T10:00:01.000043+00:00 host app web.1 - "
			      "{\"a\":[1,null]}\n" },
		{ "syslog://x",
		  "140 <190>1 2026-11-22T10:00:01.000042+00:00 d.token app web.1 - [twelve@32473 "
		  "app=\"shop\" type=\"web\" "
		  "seq=\"12\" release=\"v7\" commit=\"1f3870b\"] one\n"
		  "151 <190>1 2026-11-22T10:00:01.000043+00:00 d.token app web.1 - [twelve@32473 "
		  "app=\"shop\" type=\"web\" "
		  "seq=\"13\" release=\"v7\" commit=\"1f3870b\"] {\"a\":[1,null]}\n" },
		{ "loki+http://x",
		  "{\"streams\":[{\"stream\":{\"app\":\"shop\",\"type\":\"web\"},\"values\":["
		  "[\"1795341601000042999\",\"one\",{\"source\":\"app\",\"dyno\":\"web.1\","
		  "\"release\":\"v7\","
		  "\"commit\":\"1f3870b\",\"seq\":\"12\"}],"
		  "[\"1795341601000043000\",\"{\\\"a\\\":[1,null]}\",{\"source\":\"app\",\"dyno\":"
		  "\"web.1\","
		  "\"release\":\"v7\",\"commit\":\"1f3870b\",\"seq\":\"13\"}]]}]}" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct fixture f = { 0 };

		open_batch(&f, table[i][0], two);
		assert_string_equal(f.batch.raw.data, table[i][1]);
		close_batch(&f);
	}
}

static void test_the_same_lines_make_the_same_batch(void **state)
{
	static const char *const urls[] = { "http://x", "fluent://x", "otlp+http://x",
					    "splunk+http://x", "loki+http://x" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(urls); i++) {
		struct fixture a = { 0 }, b = { 0 };

		open_batch(&a, urls[i], two);
		open_batch(&b, urls[i], two);
		assert_string_equal(a.batch.id, b.batch.id);
		assert_int_equal(a.batch.body.len, b.batch.body.len);
		assert_memory_equal(a.batch.body.data, b.batch.body.data, a.batch.body.len);
		close_batch(&a);
		close_batch(&b);
	}
}

static void test_judgements(void **state)
{
	static const struct {
		const char *url;
		long status;
		const char *text;
		enum drain_verdict want;
		uint64_t n_refused;
		const char *message;
	} table[] = {
		{ "otlp+http://x", 200, "\x0a\x06\x08\x01\x12\x02no", DRAIN_DONE, 1 },
		{ "otlp+http://x", 200, "\x0a\xff\xff", DRAIN_DONE, 0 },
		{ "otlp+http://x", 500, "", DRAIN_REFUSED, 0 },
		{ "otlp+http://x?encoding=json", 200,
		  "{\"partialSuccess\":{\"rejectedLogRecords\":\"2\"}}", DRAIN_DONE, 2 },
		{ "otlp+http://x?encoding=json", 200,
		  "{\"partialSuccess\":{\"rejectedLogRecords\":99}}", DRAIN_DONE, 2 },
		{ "elasticsearch+http://x", 200, "nonsense", DRAIN_RETRY, 0 },
		{ "elasticsearch+http://x", 200, "{\"took\":1,\"errors\":false,\"items\":[]}",
		  DRAIN_DONE, 0 },
		{ "elasticsearch+http://x", 200, "{\"errors\":true,\"items\":[{}]}", DRAIN_RETRY,
		  0 },
		{ "elasticsearch+http://x", 200,
		  "{\"errors\":true,\"items\":[{\"create\":{\"status\":400}},{\"create\":{"
		  "\"status\":409}}]}",
		  DRAIN_DONE, 1 },
		{ "elasticsearch+http://x", 200,
		  "{\"errors\":true,\"items\":[{\"create\":{\"status\":400}},{\"create\":{"
		  "\"status\":429}}]}",
		  DRAIN_AGAIN, 1 },
		{ "elasticsearch+http://x", 200,
		  "{\"errors\":true,\"items\":[{\"create\":{\"status\":400,\"error\":{\"reason\":"
		  "\"failed to parse\","
		  "\"caused_by\":{\"reason\":\"too deep\"}}}},{\"create\":{\"status\":201}}]}",
		  DRAIN_DONE, 1, "item status 400: failed to parse: too deep" },
		{ "elasticsearch+http://x", 200,
		  "{\"errors\":true,\"items\":[{\"create\":{\"status\":201}},{\"create\":{"
		  "\"status\":503}}]}",
		  DRAIN_AGAIN, 0, "item status 503: no reason is given" },
		{ "splunk+http://x", 400, "{\"invalid-event-number\":1}", DRAIN_AGAIN, 1 },
		{ "splunk+http://x", 400, "{\"invalid-event-number\":2}", DRAIN_REFUSED, 0 },
		{ "splunk+http://x", 400, "{\"invalid-event-number\":-1}", DRAIN_REFUSED, 0 },
		{ "loki+http://x", 400, "entry too far behind", DRAIN_REFUSED, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct drain_reply r = { table[i].status, table[i].text, strlen(table[i].text) };
		struct drain_judgement j = { .verdict = DRAIN_RETRY };
		struct fixture f = { 0 };

		open_batch(&f, table[i].url, two);
		f.target.driver->judge(&f.batch, &r, &j);
		if (j.verdict != table[i].want || j.n_refused != table[i].n_refused)
			fail_msg("%s %ld %s: verdict %d, %d refused", table[i].url, r.status,
				 r.text, j.verdict, (int)j.n_refused);
		if (table[i].message)
			assert_string_equal(j.message, table[i].message);
		close_batch(&f);
	}
}

/* Elasticsearch's limit, beyond which it refuses a document; arrays count, since readers of
 * protobuf count them. */
static void test_fields_that_are_nested(void **state)
{
	static const char *const open[] = { "{\"a\":", "[" };
	static const char *const close[] = { "}", "]" };

	(void)state;
	for (size_t kind = 0; kind < ARRAY_SIZE(open); kind++) {
		for (unsigned depth = TEXT_FIELDS_DEPTH; depth <= TEXT_FIELDS_DEPTH + 1; depth++) {
			_cleanup_buf_ struct buf text = BUF_INIT;
			json_t *fields;

			buf_puts(&text, "{\"a\":");
			for (unsigned i = 1; i < depth; i++)
				buf_puts(&text, open[kind]);
			buf_puts(&text, "1");
			for (unsigned i = 1; i < depth; i++)
				buf_puts(&text, close[kind]);
			buf_puts(&text, "}");
			fields = text_fields(text.data, text.len);
			assert_int_equal(fields != NULL, depth <= TEXT_FIELDS_DEPTH);
			json_decref(fields);
		}
	}
}

static void test_forward_sessions(void **state)
{
	struct error err = ERROR_INIT;
	struct drain_target t = { 0 };
	_cleanup_buf_ struct buf out = BUF_INIT;
	char id[FORWARD_CHUNK_MAX];
	struct forward_session *s;

	(void)state;
	assert_int_equal(drain_target_parse("fluent://x?shared_key=k", &t, &err), 0);
	s = forward_session_new(&t, "me");
	assert_int_equal(forward_session_next(s, &out, id, &err), FORWARD_MORE);
	/* ["HELO", {"nonce": "n"}], byte by byte */
	for (const char *p = "\x92\xa4HELO\x81\xa5nonce\xa1n"; *p; p++) {
		assert_int_equal(forward_session_next(s, &out, id, &err), FORWARD_MORE);
		forward_session_feed(s, p, 1);
	}
	assert_int_equal(forward_session_next(s, &out, id, &err), FORWARD_SEND);
	assert_non_null(memmem(out.data, out.len, "PING", 4));
	/* ["PONG", true, "", "you", "wrong"] */
	forward_session_feed(s, "\x95\xa4PONG\xc3\xa0\xa3you\xa5wrong", 18);
	assert_int_equal(forward_session_next(s, &out, id, &err), FORWARD_BAD);
	assert_non_null(strstr(err.message, "shared key"));
	forward_session_free(s);
	drain_target_done(&t);

	assert_int_equal(drain_target_parse("fluent://x", &t, &err), 0);
	s = forward_session_new(&t, "me");
	assert_int_equal(forward_session_next(s, &out, id, &err), FORWARD_READY);
	forward_session_feed(s,
			     "\x81\xa3"
			     "ack\xa2"
			     "c1\x81\xa3"
			     "ack\xa2"
			     "c2",
			     16);
	assert_int_equal(forward_session_next(s, &out, id, &err), FORWARD_ACK);
	assert_string_equal(id, "c1");
	assert_int_equal(forward_session_next(s, &out, id, &err), FORWARD_ACK);
	assert_string_equal(id, "c2");
	assert_int_equal(forward_session_next(s, &out, id, &err), FORWARD_MORE);
	/* A map of 2^28 members is not waited for, nor is memory got for it. */
	forward_session_feed(s, "\xdf\x10\x00\x00\x00", 5);
	assert_int_equal(forward_session_next(s, &out, id, &err), FORWARD_BAD);
	forward_session_free(s);
	drain_target_done(&t);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_urls),
		cmocka_unit_test(test_bad_urls),
		cmocka_unit_test(test_users),
		cmocka_unit_test(test_masks),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_strings_of_any_length),
		cmocka_unit_test(test_decimals),
		cmocka_unit_test(test_backoff),
		cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_the_same_lines_make_the_same_batch),
		cmocka_unit_test(test_judgements),
		cmocka_unit_test(test_fields_that_are_nested),
		cmocka_unit_test(test_forward_sessions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
