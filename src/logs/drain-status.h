/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far a drain has come, in a mapped file beside the ring: it outlives a killed
 * twelve-logs, and others can read it (twelved shows it).
 *
 * As in the ring there are two slots, and the number of the valid one's generation is
 * stored last: a kill, or a reader, finds the old state or the new one.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"

#define DRAIN_TEXT_MAX 240

enum drain_phase {
	DRAIN_IDLE,    /* all is sent, or nothing came yet */
	DRAIN_SENDING, /* connected, and lines are under way */
	DRAIN_CONNECTING,
	DRAIN_WAITING, /* it failed; the next try has its time */
	_DRAIN_PHASE_MAX,
};
extern const char *const drain_phase_names[_DRAIN_PHASE_MAX];

enum drain_test {
	DRAIN_TEST_NONE,
	DRAIN_TEST_RUNNING,
	DRAIN_TEST_PASSED,
	DRAIN_TEST_FAILED,
};

struct drain_status {
	uint64_t next_seq; /* the first line that is not known to have arrived: where to go on after
			      a kill */
	/* Lines from next_seq on were taken; those from taken_seq on were lost, and are counted;
	 * at_seq is the next one. */
	uint64_t taken_seq, at_seq;
	/* A batch that is under way and is sent again with the same bounds; batch_end 0: none. */
	uint64_t batch_first, batch_end, batch_lost;
	int64_t batch_since_ns, batch_notice_ns;
	/* Lines that the ring lost before they were sent, and that no notice has told yet. */
	uint64_t lost;
	int64_t lost_since_ns;
	uint64_t sent, dropped; /* lines, since the drain was added; dropped: lost, told or not, and
				   refused */
	uint64_t sent_bytes;	/* as they went over the wire */
	uint64_t tail_seq;	/* the number that the app's next line gets */
	int64_t oldest_ns;	/* time of the line next_seq, 0: there is none */
	int64_t phase_since_ms, failing_since_ms, error_ms; /* wall clock; 0: never, or not now */
	uint64_t failures;				    /* in a row */
	uint32_t phase, test;
	char error[DRAIN_TEXT_MAX]; /* the last one, "" when there was none */
	char test_id[UUID_SIZE];
	char test_text[DRAIN_TEXT_MAX]; /* what came back */
};

struct drain_status_map;

/*
 * Opens or makes the file; what is there is *ret_now. 1: it was there. 0: it is new, all zero. Or a
 * negative errno. Without a path it is in memory, and ends with us.
 */
int drain_status_open(const char *path, struct drain_status_map **ret,
		      struct drain_status *ret_now);
void drain_status_close(struct drain_status_map *m);
void drain_status_write(struct drain_status_map *m, const struct drain_status *now);
/* For others: 0, -ENOENT, -EBADMSG when the file is no status, -EAGAIN when it changes too fast, or
 * another negative errno. */
int drain_status_read(const char *path, struct drain_status *ret);
