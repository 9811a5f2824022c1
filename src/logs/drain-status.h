/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The progress of a drain, in a mapped file beside the ring: it survives a kill of twelve-logs, and
 * twelved reads it to show it.
 *
 * As in the ring there are two slots, and the generation number of the valid one is stored last, so
 * after a kill, and for a reader, either the old or the new state is valid.
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
	uint64_t next_seq; /* the first line not known to have arrived: where to resume after a
			      kill */
	/* Lines from next_seq on were taken; those from taken_seq on were lost, and are counted;
	 * at_seq is the next one. */
	uint64_t taken_seq, at_seq;
	/* A batch in flight, which is sent again with the same bounds; batch_end 0: none. */
	uint64_t batch_first, batch_end, batch_lost;
	int64_t batch_since_ns, batch_notice_ns;
	/* Lines that the ring dropped before they were sent, not yet reported by a notice. */
	uint64_t lost;
	int64_t lost_since_ns;
	uint64_t sent, dropped; /* lines since the drain was added; dropped: lost (reported or
				   not) and refused */
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

/* Opens or creates the file and reads it into *ret_now. 1: it existed. 0: it is new, all zero. Or a
 * negative errno. Without a path it is in memory only. */
int drain_status_open(const char *path, struct drain_status_map **ret,
		      struct drain_status *ret_now);
void drain_status_close(struct drain_status_map *m);
void drain_status_write(struct drain_status_map *m, const struct drain_status *now);
/* For other processes: 0, -ENOENT, -EBADMSG if the file is invalid, -EAGAIN if it changes too fast,
 * or another negative errno. */
int drain_status_read(const char *path, struct drain_status *ret);
