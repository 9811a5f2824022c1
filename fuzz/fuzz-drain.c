/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of apps through every encoder, and bytes of receivers through every parser of
 * answers: nothing reads beyond its end, JSON bodies stay JSON, a batch keeps its items.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "logs/forward.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const urls[] = {
	"syslog://x",
	"http://x",
	"fluent://x?shared_key=k",
	"fluent://x",
	"elasticsearch+http://x",
	"splunk+http://x?ack=true",
	"loki+http://x",
	"otlp+http://x",
	"otlp+http://x?encoding=json",
};

static void check_json(const struct drain_target *t, const struct buf *raw)
{
	size_t flags = JSON_DISABLE_EOF_CHECK | JSON_ALLOW_NUL;
	json_t *j;

	if (t->driver != &drain_loki &&
	    !(t->driver == &drain_otlp && drain_option(t, "encoding")) &&
	    t->driver != &drain_splunk && t->driver != &drain_elastic)
		return;
	j = json_loadb(raw->data, raw->len, flags, NULL);
	assert(j);
	json_decref(j);
}

static void encode_and_judge(const struct drain_target *t, const char *data, size_t n, long status)
{
	struct batch_app app = { "shop", "0b0e8b1c-1c1e-4b3b-9b0a-0123456789ab", "id", "d.token",
				 "host" };
	struct log_record r = { .time_ns = 1795341601000042999,
				.source = "app",
				.source_len = 3,
				.dyno = "web.1",
				.dyno_len = 5,
				.release = 7,
				.seq = 1 };
	struct drain_judgement j = { .verdict = DRAIN_RETRY };
	struct drain_reply reply = { status, data, n };
	struct batch b;

	batch_init(&b, t, &app, true);
	batch_begin(&b, 1);
	batch_put_notice(&b, 3, 1, 2);
	r.text = data;
	r.text_len = n < 10000 ? n : 10000;
	batch_put(&b, &r, "commit");
	r.seq = 2;
	r.text_len /= 2;
	r.flags = 1;
	batch_put(&b, &r, "");
	assert(batch_end(&b) == 0);
	check_json(t, &b.raw);
	if (t->driver->judge) {
		t->driver->judge(&b, &reply, &j);
		assert(memchr(j.message, '\0', sizeof(j.message)));
		check_json(t, &b.raw);
	}
	batch_done(&b);
}

static void answer(const struct drain_target *t, const char *data, size_t n)
{
	struct forward_session *s = forward_session_new(t, "me");
	char id[FORWARD_CHUNK_MAX];
	struct error err = ERROR_INIT;
	enum forward_event e = FORWARD_MORE;

	for (size_t i = 0; i < n && e != FORWARD_BAD; i += 7) {
		forward_session_feed(s, data + i, n - i < 7 ? n - i : 7);
		do {
			_cleanup_buf_ struct buf out = BUF_INIT;

			e = forward_session_next(s, &out, id, &err);
		} while (e != FORWARD_MORE && e != FORWARD_BAD);
	}
	forward_session_free(s);
}

static void parse_url(const char *data, size_t n)
{
	_cleanup_free_ char *url = xstrndup(data, n), *masked = drain_mask_url(url);
	struct error err = ERROR_INIT;
	struct drain_target t = { 0 };

	assert(strlen(masked) <= strlen(url) + 3 * strlen("***") * (strlen(url) + 1));
	if (drain_target_parse(url, &t, &err) == 0) {
		_cleanup_free_ char *http = drain_http_url(&t), *name = drain_target_name(&t);

		assert(http && name && t.port);
	}
	drain_target_done(&t);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	const char *data = (const char *)bytes;
	struct error err = ERROR_INIT;
	struct drain_target t = { 0 };

	if (size < 2)
		return 0;
	parse_url(data + 1, size - 1);
	assert(drain_target_parse(urls[bytes[0] % ARRAY_SIZE(urls)], &t, &err) == 0);
	encode_and_judge(&t, data + 1, size - 1, bytes[0] & 0x80 ? 400 : 200);
	if (t.driver == &drain_fluent)
		answer(&t, data + 1, size - 1);
	drain_target_done(&t);
	return 0;
}
