/* SPDX-License-Identifier: Apache-2.0 */
/*
 * logs: lines out of bytes, filters, the ring against a naive model over random
 * histories, and the journal against kill -9 at random instants.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/fs.h"
#include "base/str.h"
#include "logs/journal.h"
#include "logs/latency.h"
#include "logs/line.h"
#include "logs/ring.h"
#include "logs/router-line.h"

static int make_dir(void **state)
{
	char *dir = xstrdup("/tmp/test-logs-XXXXXX");

	assert_non_null(mkdtemp(dir));
	*state = dir;
	return 0;
}

static int remove_dir(void **state)
{
	char *dir = *state;

	assert_int_equal(fs_remove_tree(dir), 0);
	free(dir);
	return 0;
}

/* The pieces as text: "one|two~|", with ~ for LOG_UNENDED and + for LOG_CONTINUES, then what is
 * left over. */
static void split(const char *data, size_t n, bool flush, struct buf *out)
{
	struct log_piece p;

	while (log_line_next(data, n, flush, &p)) {
		buf_append(out, p.text, p.len);
		buf_puts(out, p.flags & LOG_UNENDED ? "~|" : p.flags & LOG_CONTINUES ? "+|" : "|");
		assert_true(p.taken > 0 && p.taken <= n);
		data += p.taken;
		n -= p.taken;
	}
	buf_printf(out, "<%zu", n);
}

static void test_latency(void **state)
{
	struct latency l = { 0 };

	(void)state;
	assert_int_equal(latency_p95(&l), 0);
	latency_add(&l, -1, false);
	assert_int_equal(latency_p95(&l), 0);
	/* One value each: exact where it is small, off by a sixteenth at most elsewhere. */
	for (int64_t ms = 1; ms < 120000; ms += ms / 7 + 1) {
		int64_t p95;

		l = (struct latency){ 0 };
		latency_add(&l, ms, false);
		p95 = latency_p95(&l);
		assert_true(ms < 16 ? p95 == ms : llabs(p95 - ms) <= ms / 16);
	}
	/* Much too long is as long as can be told. */
	l = (struct latency){ 0 };
	latency_add(&l, INT64_MAX, true);
	assert_in_range(latency_p95(&l), 100000, 131072);
	assert_int_equal(l.failed, 1);
}

static void test_latency_of_many(void **state)
{
	struct latency l = { 0 };

	(void)state;
	/* 1 to 1000 ms, once each: 950. */
	for (int64_t ms = 1; ms <= 1000; ms++)
		latency_add(&l, ms, ms % 2);
	assert_in_range(latency_p95(&l), 945, 955);
	assert_int_equal(l.requests, 1000);
	assert_int_equal(l.failed, 500);
	/* 95 of 100 are fast, then 94. */
	l = (struct latency){ 0 };
	for (int i = 0; i < 100; i++)
		latency_add(&l, i < 95 ? 10 : 5000, false);
	assert_int_equal(latency_p95(&l), 10);
	latency_add(&l, 5000, false);
	assert_in_range(latency_p95(&l), 4608, 5120);
}

static void test_lines(void **state)
{
	static const struct {
		const char *data;
		bool flush;
		const char *want;
	} table[] = {
		{ "", false, "<0" },
		{ "", true, "<0" },
		{ "a", false, "<1" },
		{ "a", true, "a~|<0" },
		{ "a\n", false, "a|<0" },
		{ "\n", false, "|<0" },
		{ "\r\n", false, "|<0" },
		{ "a\r\nb", false, "a|<1" },
		{ "a\rb\n", false, "a\rb|<0" },
		{ "a\r\r\n", false, "a\r|<0" },
		{ "a\r", true, "a\r~|<0" },
		{ "a\n\nb\nc", true, "a||b|c~|<0" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		_cleanup_buf_ struct buf out = BUF_INIT;

		split(table[i].data, strlen(table[i].data), table[i].flush, &out);
		assert_string_equal(out.data, table[i].want);
	}
}

/* n letters and an end: the lengths of the pieces, and their flags. */
static void test_long_lines(void **state)
{
	static const struct {
		size_t n;
		const char *end;
		bool flush;
		size_t len[3], left;
		unsigned flags[3];
	} table[] = {
		{ LOG_LINE_MAX, "\n", false, { LOG_LINE_MAX }, 0, { 0 } },
		{ LOG_LINE_MAX, "\r\n", false, { LOG_LINE_MAX }, 0, { 0 } },
		{ LOG_LINE_MAX, "", false, { 0 }, LOG_LINE_MAX, { 0 } },
		{ LOG_LINE_MAX, "", true, { LOG_LINE_MAX }, 0, { LOG_UNENDED } },
		{ LOG_LINE_MAX + 1, "", false, { 0 }, LOG_LINE_MAX + 1, { 0 } },
		{ LOG_LINE_MAX + 1,
		  "",
		  true,
		  { LOG_LINE_MAX, 1 },
		  0,
		  { LOG_CONTINUES, LOG_UNENDED } },
		{ LOG_LINE_MAX + 1, "\n", false, { LOG_LINE_MAX, 1 }, 0, { LOG_CONTINUES, 0 } },
		{ LOG_LINE_MAX + 2, "", false, { LOG_LINE_MAX }, 2, { LOG_CONTINUES } },
		{ 2 * LOG_LINE_MAX,
		  "\r\n",
		  false,
		  { LOG_LINE_MAX, LOG_LINE_MAX },
		  0,
		  { LOG_CONTINUES, 0 } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		_cleanup_buf_ struct buf b = BUF_INIT;
		struct log_piece p;
		size_t left;
		const char *at;

		memset(buf_reserve(&b, table[i].n), 'x', table[i].n);
		buf_added(&b, table[i].n);
		buf_puts(&b, table[i].end);
		at = b.data;
		left = b.len;
		for (size_t k = 0; k < 3 && log_line_next(at, left, table[i].flush, &p); k++) {
			assert_int_equal(p.len, table[i].len[k]);
			assert_int_equal(p.flags, table[i].flags[k]);
			at += p.taken;
			left -= p.taken;
		}
		assert_int_equal(left, table[i].left);
	}
}

static void test_cuts_between_characters(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct log_piece p;

	(void)state;
	buf_puts(&b, "x");
	while (b.len < 2 * LOG_LINE_MAX)
		buf_puts(&b, "\xf0\x9f\x90\xb8");
	assert_true(log_line_next(b.data, b.len, false, &p));
	assert_int_equal(p.len, LOG_LINE_MAX - 3);
	memset(b.data, 0x80, b.len);
	assert_true(log_line_next(b.data, b.len, false, &p));
	assert_int_equal(p.len, LOG_LINE_MAX);
}

static struct log_record record(const char *source, const char *dyno, uint32_t release,
				const char *text)
{
	return (struct log_record){ .source = source,
				    .source_len = strlen(source),
				    .dyno = dyno,
				    .dyno_len = strlen(dyno),
				    .release = release,
				    .text = text,
				    .text_len = strlen(text) };
}

static void test_filters(void **state)
{
	static const struct {
		struct log_filter filter;
		bool want;
	} table[] = {
		{ { "" }, true },
		{ { .source = "app" }, true },
		{ { .source = "ap" }, false },
		{ { .source = "apps" }, false },
		{ { .dyno = "web.1" }, true },
		{ { .dyno = "web.11" }, false },
		{ { .dyno = "web" }, true },
		{ { .dyno = "we" }, false },
		{ { .dyno = "web." }, false },
		{ { .type = "web" }, true },
		{ { .type = "webber" }, false },
		{ { .release = 7 }, true },
		{ { .release = 8 }, false },
		{ { .source = "app", .dyno = "web", .release = 7 }, true },
		{ { .source = "heroku", .dyno = "web", .release = 7 }, false },
	};
	struct log_record r = record("app", "web.1", 7, "x");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		assert_int_equal(log_filter_matches(&table[i].filter, &r), table[i].want);
}

static void test_format(void **state)
{
	struct log_record r = record("app", "web.1", 7, "hello");
	_cleanup_buf_ struct buf out = BUF_INIT;
	struct log_formatter f = { 0 };

	(void)state;
	r.seq = 12;
	r.time_ns = 1795341601000042999;
	log_format(&f, &r, &out);
	r.seq = 1000;
	r.time_ns += 57000;
	log_format(&f, &r, &out);
	r.time_ns = 0;
	log_format(&f, &r, &out);
	log_format_overflow(&f, 5, 3, 1000, &out);
	assert_string_equal(
		out.data,
		"12 2026-11-22T10:00:01.000042+00:00 app[web.1]: hello\n"
		"1000 2026-11-22T10:00:01.000099+00:00 app[web.1]: hello\n"
		"1000 1970-01-01T00:00:00.000000+00:00 app[web.1]: hello\n"
		"5 1970-01-01T00:00:00.000001+00:00 heroku[logplex]: Error L11 (Tail buffer "
		"overflow) -> 3 lines dropped\n");
}

#define ID "0b0e8b1c-1c1e-4b3b-9b0a-0123456789ab"

static void test_router_lines(void **state)
{
	static const struct {
		const char *data;
		enum router_line want;
		const char *text;
	} table[] = {
		{ "twelve " ID " at=info", ROUTER_LINE_APP, "at=info" },
		{ "<134>twelve " ID " at=info\n", ROUTER_LINE_APP, "at=info" },
		{ "twelve " ID " ", ROUTER_LINE_APP, "" },
		{ "twelve " ID, ROUTER_LINE_BAD, NULL },
		{ "twelve ", ROUTER_LINE_BAD, NULL },
		{ "<134>twelve - PR 400 at=info\n", ROUTER_LINE_NOBODY, "PR 400 at=info" },
		{ "twelve ../../../../../../etc/passwd/xxxxxxxxxxx x", ROUTER_LINE_BAD, NULL },
		{ "<134>Proxy web started", ROUTER_LINE_NOTICE, "Proxy web started" },
		{ "<134", ROUTER_LINE_NOTICE, "<134" },
		{ "<>x", ROUTER_LINE_NOTICE, "<>x" },
		{ "", ROUTER_LINE_NOTICE, "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		char app[UUID_SIZE];
		const char *text;
		size_t n;

		assert_int_equal(
			router_line_parse(table[i].data, strlen(table[i].data), app, &text, &n),
			table[i].want);
		if (!table[i].text)
			continue;
		assert_int_equal(n, strlen(table[i].text));
		assert_memory_equal(text, table[i].text, n);
		if (table[i].want == ROUTER_LINE_APP)
			assert_string_equal(app, ID);
	}
}

/* The model: every line ever committed, of which the ring must hold a gapless end. */
struct model {
	uint32_t *seeds; /* a line is made from its seed */
	size_t n, n_batch;
	char text[LOG_LINE_MAX];
};

#define MODEL_MAX 400000

static struct log_record line_of(struct model *m, uint32_t seed)
{
	static const char *const dynos[] = { "web.1", "w", "a-long-process-type-name.1234" };
	struct log_record r = record("app", dynos[seed % 3], seed % 5, "");

	/* Mostly short, at times empty, seldom of the greatest length. */
	r.text_len = seed % 97 == 0 ? LOG_LINE_MAX : seed % 7 == 0 ? 0 : seed % 300;
	memset(m->text, (int)(seed % 251), r.text_len);
	r.text = m->text;
	return r;
}

static void check_line(struct model *m, const struct log_record *got)
{
	struct log_record want = line_of(m, m->seeds[got->seq - 1]);

	assert_int_equal(got->text_len, want.text_len);
	assert_memory_equal(got->text, want.text, want.text_len);
	assert_int_equal(got->dyno_len, want.dyno_len);
	assert_memory_equal(got->dyno, want.dyno, want.dyno_len);
	assert_int_equal(got->release, want.release);
}

static void check_ring(struct model *m, const struct ring *r)
{
	uint64_t seq = ring_first_seq(r), at = ring_head(r);
	struct log_record got;
	int64_t last_ns = 0;

	assert_int_equal(ring_next_seq(r), m->n + 1);
	for (; at < ring_tail(r); seq++) {
		at = ring_read(r, at, &got);
		assert_int_equal(got.seq, seq);
		assert_true(got.time_ns > last_ns);
		last_ns = got.time_ns;
		check_line(m, &got);
	}
	assert_int_equal(seq, m->n + 1);
	assert_int_equal(ring_evicted(r), ring_first_seq(r) - 1);
}

static void put_some(struct model *m, struct ring *r)
{
	uint64_t head;
	size_t n = (size_t)(rand() % 200);

	assert_int_equal(ring_room(r, &head), 0);
	assert_true(head >= ring_head(r) && head <= ring_tail(r));
	ring_evict(r, head);
	for (m->n_batch = 0; m->n_batch < n && m->n + m->n_batch < MODEL_MAX; m->n_batch++) {
		struct log_record what;

		m->seeds[m->n + m->n_batch] = (uint32_t)rand();
		what = line_of(m, m->seeds[m->n + m->n_batch]);
		/* A clock that jumps both ways. */
		if (!ring_put(r, &what, 1000 + rand() % 100000))
			break;
	}
	assert_true(m->n_batch || !n || m->n >= MODEL_MAX);
}

static void reopen(const char *path, struct ring **r)
{
	ring_free(*r);
	assert_int_equal(ring_open(path, RING_SIZE_MIN, r), RING_FOUND);
}

static void test_ring_against_a_model(void **state)
{
	_cleanup_free_ char *path = xasprintf("%s/ring", (char *)*state);
	_cleanup_(ring_free_p) struct ring *r = NULL;
	_cleanup_free_ struct model *m = xcalloc(1, sizeof(*m));
	uint64_t generation;

	m->seeds = xcalloc(MODEL_MAX, sizeof(*m->seeds));
	srand(4711);
	assert_int_equal(ring_open(path, RING_SIZE_MIN, &r), RING_MADE);
	for (int i = 0; i < 3000; i++) {
		put_some(m, r);
		switch (rand() % 6) {
		case 0: /* killed before it was prepared */
			reopen(path, &r);
			break;
		case 1: /* killed after, and the bytes had not left the pipe */
			ring_prepare(r);
			reopen(path, &r);
			break;
		case 2: /* killed after, and they had */
			ring_prepare(r);
			generation = ring_generation(r) + 1;
			reopen(path, &r);
			assert_true(ring_redo(r, generation));
			assert_false(ring_redo(r, generation));
			m->n += m->n_batch;
			break;
		case 3:
			ring_abort(r);
			break;
		default:
			ring_prepare(r);
			ring_commit(r);
			m->n += m->n_batch;
		}
		if (i % 10 == 0)
			check_ring(m, r);
		else
			assert_int_equal(ring_next_seq(r), m->n + 1);
	}
	check_ring(m, r);
	assert_true(ring_evicted(r) > m->n / 2);
	free(m->seeds);
}

/* A cursor loses nothing but what is evicted, and eviction keeps it within one batch's room. */
static void test_a_ring_keeps_what_it_has_room_for(void **state)
{
	_cleanup_free_ char *path = xasprintf("%s/ring", (char *)*state);
	_cleanup_(ring_free_p) struct ring *r = NULL;
	struct log_record what = record("app", "web.1", 1, "twelve bytes");

	assert_int_equal(ring_open(path, RING_SIZE_MIN, &r), RING_MADE);
	for (int i = 0; i < 20000; i++) {
		uint64_t head;

		assert_int_equal(ring_room(r, &head), 0);
		ring_evict(r, head);
		assert_true(ring_put(r, &what, 1));
		ring_prepare(r);
		ring_commit(r);
	}
	assert_true(ring_tail(r) - ring_head(r) > RING_SIZE_MIN / 16 * 15 - 100);
	assert_true(ring_tail(r) - ring_head(r) <= RING_SIZE_MIN);
	assert_int_equal(ring_bytes(r), 20000 * 12);
}

static void damage(const char *path, off_t at, const void *data, size_t n)
{
	_cleanup_fd_ int fd = open(path, O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, data, n, at), n);
}

static void test_a_broken_ring_is_replaced(void **state)
{
	/* Where something of the header or of the first record is. */
	static const off_t places[] = { 0, 8, 16, 40, 48, 56, 4096, 4100, 4104 };
	struct log_record what = record("app", "web.1", 1, "x");

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		_cleanup_free_ char *path = xasprintf("%s/%zu", (char *)*state, i);
		struct ring *r = NULL;

		assert_int_equal(ring_open(path, RING_SIZE_MIN, &r), RING_MADE);
		for (int k = 0; k < 3; k++) {
			assert_true(ring_put(r, &what, 1));
			ring_prepare(r);
			ring_commit(r);
		}
		ring_free(r);
		damage(path, places[i], "\xff\xff\xff\xff", 4);
		/* Generation 3: state[1], from 80 on, is the valid one; the other does not matter.
		 */
		assert_int_equal(ring_open(path, RING_SIZE_MIN, &r),
				 places[i] >= 40 && places[i] <= 56 ? RING_FOUND : RING_REPLACED);
		ring_free(r);
	}
}

/* What twelve-logs does with a pipe, without end, until it is killed. */
static void reader_process(const char *dir, const char *path, int pipe_fd)
{
	struct journal *j = NULL;
	struct journal_note note = { .app = ID };
	struct ring *r = NULL;
	char data[4096];
	int peek_fds[2];

	if (ring_open(path, 4 * 1024 * 1024, &r) < 0 || journal_open(dir, sizeof(data), &j) < 0 ||
	    pipe(peek_fds) < 0)
		_exit(1);
	if (journal_pending(j, &note))
		ring_redo(r, note.generation);
	journal_clear(j);
	for (;;) {
		ssize_t n = tee(pipe_fd, peek_fds[1], sizeof(data), 0);
		struct log_record what = record("app", "web.1", 1, "");
		struct log_piece piece;
		size_t taken = 0;
		uint64_t head;

		if (n <= 0 || read(peek_fds[0], data, (size_t)n) != n)
			_exit(n == 0 ? 0 : 1);
		if (ring_room(r, &head) < 0)
			_exit(1);
		ring_evict(r, head);
		while (log_line_next(data + taken, (size_t)n - taken, false, &piece)) {
			what.text = piece.text;
			what.text_len = piece.len;
			ring_put(r, &what, 1);
			taken += piece.taken;
		}
		if (!taken)
			continue;
		ring_prepare(r);
		note.generation = ring_generation(r) + 1;
		if (journal_take(j, pipe_fd, data, taken, &note) < 0)
			_exit(1);
		ring_commit(r);
		journal_clear(j);
	}
}

/* Numbered lines, all of one length of text so that many are alike but for the number. */
static void writer_process(int pipe_fd, int n)
{
	char line[32];

	for (int i = 0; i < n; i++) {
		int len = snprintf(line, sizeof(line), "%d\n", i);

		if (write(pipe_fd, line, (size_t)len) != len)
			_exit(1);
	}
	_exit(0);
}

#define KILL_LINES 60000

static int check_numbers(const char *path)
{
	_cleanup_(ring_free_p) struct ring *r = NULL;
	struct log_record got;
	uint64_t at;
	int n = 0;

	assert_int_equal(ring_open(path, 0, &r), RING_FOUND);
	for (at = ring_head(r); at < ring_tail(r); n++) {
		char text[32];

		at = ring_read(r, at, &got);
		snprintf(text, sizeof(text), "%.*s", (int)got.text_len, got.text);
		assert_int_equal(atoi(text), n);
	}
	return n;
}

static void test_kill_at_any_instant(void **state)
{
	_cleanup_free_ char *path = xasprintf("%s/" ID ".ring", (char *)*state);
	int fds[2], status = -1, kills = 0;
	pid_t reader, writer;

	assert_int_equal(pipe(fds), 0);
	fcntl(fds[1], F_SETPIPE_SZ, 4096);
	writer = fork();
	if (writer == 0)
		writer_process(fds[1], KILL_LINES);
	fd_close(fds[1]);
	srand(12);
	for (;; kills++) {
		reader = fork();
		if (reader == 0)
			reader_process(*state, path, fds[0]);
		/* The instant is the subject of this test, not a wait for something. */
		usleep((useconds_t)(rand() % 1500));
		kill(reader, SIGKILL);
		assert_int_equal(waitpid(reader, &status, 0), reader);
		if (WIFEXITED(status))
			break;
	}
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(waitpid(writer, &status, 0), writer);
	assert_int_equal(status, 0);
	assert_int_equal(check_numbers(path), KILL_LINES);
	print_message("killed %d times\n", kills);
	fd_close(fds[0]);
}

/* The child waits in read(2), as one that is killed before the bytes left the pipe. */
static void wait_until_reading(pid_t pid)
{
	_cleanup_free_ char *path = xasprintf("/proc/%d/syscall", pid);
	_cleanup_free_ char *reading = xasprintf("%d 0x", SYS_read);

	for (;;) {
		_cleanup_buf_ struct buf text = BUF_INIT;

		assert_int_equal(fs_read_file(path, 256, &text), 0);
		if (str_starts(text.data, reading))
			return;
	}
}

static void test_a_note_without_its_read_is_void(void **state)
{
	static const struct journal_note note = { .app = ID, .generation = 7 };
	struct journal_note got;
	struct journal *j = NULL;
	int fds[2], status;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	assert_int_equal(journal_open(*state, 64, &j), 0);
	assert_false(journal_pending(j, &got));
	assert_int_equal(write(fds[1], "same\n", 5), 5);
	assert_int_equal(journal_take(j, fds[0], "same\n", 5, &note), 0);
	assert_true(journal_pending(j, &got));
	assert_string_equal(got.app, ID);
	assert_int_equal(got.generation, 7);
	journal_free(j);

	/* Once more with the same bytes, which do not come. */
	pid = fork();
	if (pid == 0)
		_exit(journal_open(*state, 64, &j) < 0 ||
		      journal_take(j, fds[0], "same\n", 5, &note));
	wait_until_reading(pid);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(journal_open(*state, 64, &j), 0);
	assert_false(journal_pending(j, &got));
	journal_free(j);
	fd_close(fds[0]);
	fd_close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_latency),
		cmocka_unit_test(test_latency_of_many),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_long_lines),
		cmocka_unit_test(test_cuts_between_characters),
		cmocka_unit_test(test_filters),
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_router_lines),
		cmocka_unit_test_setup_teardown(test_ring_against_a_model, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(test_a_ring_keeps_what_it_has_room_for, make_dir,
						remove_dir),
		cmocka_unit_test_setup_teardown(test_a_broken_ring_is_replaced, make_dir,
						remove_dir),
		cmocka_unit_test_setup_teardown(test_a_note_without_its_read_is_void, make_dir,
						remove_dir),
		cmocka_unit_test_setup_teardown(test_kill_at_any_instant, make_dir, remove_dir),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
