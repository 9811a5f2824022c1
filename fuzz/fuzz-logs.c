/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes of a dyno, of HAProxy, and of a ring file that something has damaged:
 * the splitter gives back each byte but line ends, whatever is committed is read
 * back, and a ring that opens can be read to its end.
 */
#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "logs/latency.h"
#include "logs/line.h"
#include "logs/ring.h"
#include "logs/router-line.h"
#include "route/route.h"

/* What HAProxy says of a request, and whether it is a measure of the app. */
static void measure(const char *text, size_t n)
{
	_cleanup_buf_ struct buf line = BUF_INIT;
	struct latency l = { 0 };
	struct route_measure m;

	route_log_line(text, n, &line);
	if (!route_log_measure(line.data, line.len, &m))
		return;
	assert(m.service_ms >= 0);
	latency_add(&l, m.service_ms, m.failed);
	assert(latency_p95(&l) >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void split(const char *data, size_t n)
{
	struct log_piece p;

	while (log_line_next(data, n, true, &p)) {
		size_t end = p.taken - p.len;

		assert(p.text == data && p.len <= LOG_LINE_MAX && p.taken > 0 && p.taken <= n);
		assert(end == 0 || (end == 1 && data[p.len] == '\n') ||
		       (end == 2 && memcmp(data + p.len, "\r\n", 2) == 0));
		assert(!memchr(p.text, '\n', p.len));
		data += p.taken;
		n -= p.taken;
	}
	assert(n == 0);
}

static void read_all(const struct ring *r)
{
	struct log_formatter f = { 0 };
	struct log_record what;
	uint64_t at = ring_head(r);

	while (at < ring_tail(r)) {
		_cleanup_buf_ struct buf out = BUF_INIT;

		at = ring_read(r, at, &what);
		log_format(&f, &what, &out);
	}
	assert(at == ring_tail(r));
}

static void put(struct ring *r, const char *data, size_t n)
{
	struct log_record what = {
		.source = "app", .source_len = 3, .dyno = "web.1", .dyno_len = 5
	};
	struct log_piece p;
	uint64_t head;

	if (ring_room(r, &head) < 0)
		return;
	ring_evict(r, head);
	while (log_line_next(data, n, true, &p)) {
		what.text = p.text;
		what.text_len = p.len;
		if (!ring_put(r, &what, 1))
			break;
		data += p.taken;
		n -= p.taken;
	}
	ring_prepare(r);
	ring_commit(r);
}

/* The input lies over the header and the first records of a sound ring. */
static void damaged_ring(const char *data, size_t n)
{
	_cleanup_free_ char *path = xasprintf("/dev/shm/fuzz-logs-%d", getpid());
	_cleanup_fd_ int fd = -1;
	struct ring *r = NULL;

	unlink(path);
	assert(ring_open(path, RING_SIZE_MIN, &r) >= 0);
	put(r, "one\ntwo\nthree\n", 14);
	ring_free(r);
	r = NULL;
	if (n < 2)
		return;
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert(fd >= 0);
	assert(pwrite(fd, data + 1, n - 1, (unsigned char)data[0] * 8) == (ssize_t)n - 1);
	if (ring_open(path, RING_SIZE_MIN, &r) >= 0) {
		read_all(r);
		put(r, data, n);
		read_all(r);
		ring_free(r);
	}
	unlink(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	const char *data = (const char *)bytes, *text;
	char app[UUID_SIZE];
	size_t n;

	if (size < 2)
		return 0;
	split(data + 1, size - 1);
	if (router_line_parse(data + 1, size - 1, app, &text, &n) != ROUTER_LINE_BAD) {
		assert(text >= data + 1 && text + n <= data + size);
		measure(text, n);
	}
	if (data[0] & 1)
		damaged_ring(data + 1, size - 1);
	return 0;
}
