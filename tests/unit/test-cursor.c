/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ring and a drain's cursor against a model, over random schedules of lines,
 * batches, answers, resends and kills: each line arrives exactly once or is
 * counted as lost, in order, and every loss is told once.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "logsd/app.h"
#include "logsd/apps.h"
#include "logsd/curl-load.h"
#include "logsd/drain-batch.h"
#include "logsd/drain-cursor.h"
#include "logsd/drain-report.h"

/* Planted faults were found within a hundred. `make torture` sets TWELVE_SCHEDULES for more. */
#define SCHEDULES 4000
#define STEPS 12
#define APP "0b0e8b1c-1c1e-4b3b-9b0a-0123456789ab"

/* The receiver: what came, and what it was told. */
struct model {
	struct logsd logsd;
	struct app *app;
	char id[UUID_SIZE];
	uint64_t first;	  /* the first line of this schedule */
	uint64_t next;	  /* the next one that may come */
	uint64_t n, told; /* lines that came; lines that notices counted */
};

/* A mover that does nothing by itself: the schedule decides. */
struct link {
	struct batch batch;
	bool has_batch;
};

static void fake_start(struct drain *d)
{
	struct link *l = xcalloc(1, sizeof(*l));

	batch_init(&l->batch, &d->target, &d->names, d->records);
	d->link = l;
	l->has_batch = drain_batch_again(d, &l->batch);
}

static void fake_stop(struct drain *d)
{
	struct link *l = d->link;

	batch_done(&l->batch);
	free(l);
	d->link = NULL;
}

static void fake_pump(struct drain *d)
{
	(void)d;
}

#define FAKE                                                                                 \
	{                                                                                    \
		.start = fake_start, .stop = fake_stop, .pump = fake_pump, .gather_bytes = 1 \
	}

static const struct drain_mover mover_http = FAKE;
const struct drain_mover mover_syslog = FAKE, mover_forward = FAKE;

const struct drain_mover *drains_http_mover(struct logsd *l, struct error *err)
{
	(void)l;
	(void)err;
	return &mover_http;
}

int64_t drains_curl_next_ms(const struct logsd *l)
{
	(void)l;
	return INT64_MAX;
}

void drains_curl_tick(struct logsd *l, int64_t now_ms)
{
	(void)l;
	(void)now_ms;
}

static void tell_set(struct model *m)
{
	_cleanup_free_ char *json =
		xasprintf("[{\"id\":\"%s\",\"token\":\"d.%s\",\"url\":\"http://"
			  "127.0.0.1:9\",\"format\":\"raw\","
			  "\"on_full\":\"drop\",\"ca\":null,\"created_ns\":%lld}]",
			  m->id, m->id, (long long)INT64_MAX);

	drains_set(m->app, json);
}

static void write_lines(struct model *m, int n)
{
	static char text[6000];

	memset(text, 'x', sizeof(text));
	for (int i = 0; i < n; i++)
		app_append(m->app, "app", "web.1", text, 1 + (size_t)rand() % sizeof(text));
}

/* The receiver says yes to what lies before it. */
static void arrive(struct model *m, const struct batch *b)
{
	assert_true(b->first >= m->next);
	/* What lies between was lost, and this notice or an earlier one has told so, or a later one
	 * will. */
	m->next = b->end;
	m->n += b->n_lines;
	m->told += b->lost;
	assert_int_equal(b->end - b->first, b->n_lines);
}

/* What a kill leaves is what was saved last, not what an end in order saves. */
static void kill_and_start(struct model *m)
{
	_cleanup_free_ char *path = xasprintf("%s/%s.drain", m->logsd.dir, m->id);
	_cleanup_buf_ struct buf saved = BUF_INIT;
	_cleanup_fd_ int fd = -1;

	assert_int_equal(fs_read_file(path, 65536, &saved), 0);
	drains_free(m->app, false);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_int_equal(write(fd, saved.data, saved.len), saved.len);
	tell_set(m);
}

static void step(struct model *m)
{
	struct drain *d = m->app->drains;
	struct link *l = d->link;
	char id[33];

	switch (rand() % 8) {
	case 0:
	case 1:
		write_lines(m, rand() % 40);
		break;
	case 2:
	case 3:
		if (!l->has_batch && (drain_has_lines(d) || d->now.lost))
			l->has_batch = drain_batch_make(d, &l->batch);
		break;
	case 4:
		if (l->has_batch) {
			arrive(m, &l->batch);
			drain_batch_done(d, &l->batch, 0);
		}
		l->has_batch = false;
		break;
	case 5:
		if (l->has_batch) {
			m->next = l->batch.end;
			drain_batch_refused(d, &l->batch, 0);
		}
		l->has_batch = false;
		break;
	case 6: /* a kill, and another process that finds the status and the ring */
		memcpy(id, l->batch.id, sizeof(id));
		kill_and_start(m);
		l = m->app->drains->link;
		if (l->has_batch)
			assert_string_equal(l->batch.id, id);
		break;
	case 7: /* lines taken, and taken back */
		if (!l->has_batch) {
			uint64_t from = d->at_seq;
			const char *commit;
			struct log_record r;

			for (int i = rand() % 20; i && drain_take(d, &r, &commit); i--)
				;
			if (d->at_seq > from)
				drain_rewind(d, from + (uint64_t)rand() % (d->at_seq - from) / 2);
			if (d->at_seq > from)
				drain_rewind(d, from);
		}
		break;
	}
}

/* All that is left is delivered; then the sums have to be right. */
static void finish(struct model *m)
{
	struct drain *d = m->app->drains;
	struct link *l = d->link;
	uint64_t n = ring_next_seq(m->app->ring) - m->first;

	while (l->has_batch || drain_has_lines(d) || d->now.lost) {
		if (!l->has_batch)
			l->has_batch = drain_batch_make(d, &l->batch);
		arrive(m, &l->batch);
		drain_batch_done(d, &l->batch, 0);
		l->has_batch = false;
	}
	assert_int_equal(m->n, d->now.sent);
	assert_int_equal(m->told, d->now.dropped);
	assert_int_equal(m->n + m->told, n);
	assert_int_equal(d->now.next_seq, ring_next_seq(m->app->ring));
}

static int n_schedules(void)
{
	const char *said = getenv("TWELVE_SCHEDULES");
	int64_t n = SCHEDULES;

	if (said)
		assert_true(str_to_i64(said, 1, 10000000, &n));
	return (int)n;
}

static void test_schedules(void **state)
{
	const int n = n_schedules();
	_cleanup_free_ char *dir = xstrdup("/dev/shm/test-cursor-XXXXXX");
	struct model m = { .logsd = { .epoll_fd = -1, .ring_bytes = RING_SIZE_MIN } };
	uint64_t lost = 0;

	(void)state;
	assert_non_null(mkdtemp(dir));
	m.logsd.dir = dir;
	srand(4712);
	apps_init(&m.logsd);
	m.app = app_get(&m.logsd, APP);
	assert_non_null(m.app);
	for (int i = 0; i < n; i++) {
		uuid_make(m.id);
		tell_set(&m);
		m.first = m.next = ring_next_seq(m.app->ring);
		m.n = m.told = 0;
		for (int k = 0; k < STEPS; k++)
			step(&m);
		finish(&m);
		lost += m.told;
		drains_free(m.app, true);
	}
	/* The schedules are of the kind that loses lines. */
	assert_true(lost > 1000);
	app_free(m.app, true);
	assert_int_equal(fs_remove_tree(dir), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(test_schedules) };

	log_init("test-cursor");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
