/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client says around its body: Range, and a walk along Next-Range that has to lead to each
 * item of a list once; Accept, If-None-Match, paths, and bodies in gzip; and bodies against what
 * the table of endpoints says.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "daemon/api/route.h"
#include "daemon/git/gunzip.h"
#include "daemon/http/range.h"
#include "daemon/http/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Items whose names are pieces of the input. */
static json_t *items(const char *data, size_t n)
{
	json_t *list = json_array();

	for (int i = 0; i < 12; i++) {
		size_t at = n * (size_t)i / 12, end = n * (size_t)(i + 1) / 12;
		_cleanup_free_ char *name = xstrndup(data + at, end - at);
		json_t *text = json_string(name);

		json_array_append_new(
			list,
			json_pack("{s:o, s:o}", "id",
				  json_sprintf("%08d-0000-4000-8000-000000000000", i * 7 % 12),
				  "name", text ? text : json_string("")));
	}
	return list;
}

static void check_header(const char *s)
{
	assert(strlen(s) < 3000);
	for (; *s; s++)
		assert(*s >= ' ' && *s <= '~');
}

static void walk(const char *data, size_t n, const char *first)
{
	_cleanup_free_ char *next = xstrdup(first);
	json_t *list = items(data, n);
	size_t seen = 0;

	while (next) {
		_cleanup_free_ char *this = steal_ptr(next);
		struct range range;
		struct range_page page;

		assert(range_parse(this, &range, NULL) == 0);
		assert(range_page(&range, list, &page, NULL) == 0);
		seen += json_array_size(page.items);
		assert(seen <= json_array_size(list));
		check_header(page.content);
		next = steal_ptr(page.next);
		check_header(next ? next : "");
		range_page_done(&page);
	}
	assert(seen == json_array_size(list));
	json_decref(list);
}

static void odd_range(const char *text, const char *data, size_t n)
{
	struct error err = ERROR_INIT;
	json_t *list = items(data, n);
	struct range_page page = { 0 };
	struct range range;

	if (range_parse(text, &range, &err) == 0) {
		assert(range.max >= 1 && range.max <= RANGE_MAX);
		if (range_page(&range, list, &page, &err) == 0)
			assert(json_array_size(page.items) <= json_array_size(list));
		check_header(page.next ? page.next : "");
		check_header(page.content ? page.content : "");
		range_page_done(&page);
	}
	assert(err.kind == ERROR_NONE || (err.kind == ERROR_RANGE && err.message[0]));
	json_decref(list);
}

static void unzip(const char *data, size_t n)
{
	struct gunzip *g = gunzip_new();
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i += 16) {
		_cleanup_buf_ struct buf out = BUF_INIT;
		size_t piece = n - i < 16 ? n - i : 16;

		r = gunzip_feed(g, data + i, piece, &out);
		assert(out.len <= piece * GUNZIP_RATIO_MAX + 65536);
	}
	gunzip_is_whole(g);
	gunzip_free(g);
}

static void path(const char *text)
{
	const char *values[API_MAX_PARAMS];
	size_t lengths[API_MAX_PARAMS], n = 0;
	bool known;

	if (!api_match("GET", text, values, lengths, API_MAX_PARAMS, &n, &known))
		return;
	for (size_t i = 0; i < n; i++) {
		_cleanup_free_ char *value = wire_decode(values[i], lengths[i]);

		assert(strlen(value) <= lengths[i]);
	}
}

static void body(const char *data, size_t n, bool strict)
{
	json_t *object = json_loadb(data, n, JSON_REJECT_DUPLICATES, NULL);

	for (size_t i = 0; json_is_object(object) && api_route_at(i); i++) {
		struct error err = ERROR_INIT;
		int r = api_check_body(api_route_at(i)->body, strict, object, &err);

		assert(r == 0 || (err.kind == ERROR_INVALID && err.message[0] == '"'));
	}
	json_decref(object);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	const char *data = (const char *)bytes;
	_cleanup_free_ char *text = xstrndup(data, size);
	char etag[WIRE_ETAG_SIZE];

	walk(data, size, "name ..; max=1");
	walk(data, size, "name ..; max=5, order=desc");
	odd_range(text, data, size);
	wire_accepts_json(text);
	assert(!wire_etag_matches("x", wire_etag(data, size, etag)));
	wire_etag_matches(text, etag);
	unzip(data, size);
	path(text);
	body(data, size, false);
	body(data, size, true);
	return 0;
}
