/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The recent lines of an app: a byte-bounded ring in a file that is mapped,
 * meant for a memory-backed file system, so that it outlives a killed process.
 *
 * Records are found by offsets that only grow: [head, tail) is there. A cursor
 * is such an offset; it is valid while it is not below the head. A tail and a
 * drain are each no more than a cursor.
 *
 * Writing goes in batches:
 *
 *     ring_room(r, &head)     how far the head must move for a batch to fit
 *     ...                     cursors below it count what they lose
 *     ring_evict(r, head)
 *     ring_put(r, ...)        as long as it returns true: nobody sees it yet
 *     ring_prepare(r)         the new state is written, and still nobody sees it
 *     ring_commit(r)          one 8-byte store makes all of it true
 *
 * A kill between any two instructions leaves either the old or the new state:
 * the state has two slots, and the number of the valid one's generation is
 * stored last. ring_redo() commits a batch that was prepared before a kill.
 *
 * The data is mapped twice, one copy behind the other, so a record is always
 * in one piece.
 */
#pragma once

#include "logs/record.h"

#define RING_SIZE_DEFAULT (4 * 1024 * 1024)
#define RING_SIZE_MIN (256 * 1024)
#define RING_SIZE_MAX (1024 * 1024 * 1024)

struct ring;

enum ring_opened {
	RING_FOUND,    /* it was there: sequence numbers go on */
	RING_MADE,     /* there was none */
	RING_REPLACED, /* the file was not a valid ring: it is empty now */
};

/*
 * Opens or makes the ring at path. size_bytes (rounded up to pages, within the
 * limits above) is for a new one. Without a path it is in memory, and ends with us.
 * Returns an enum ring_opened or a negative errno.
 */
int ring_open(const char *path, size_t size_bytes, struct ring **ret);
void ring_free(struct ring *r);
DEFINE_CLEANUP(struct ring *, ring_free)

uint64_t ring_head(const struct ring *r);
uint64_t ring_tail(const struct ring *r);
/* The number of the oldest line, or of the next one if the ring is empty. */
uint64_t ring_first_seq(const struct ring *r);
uint64_t ring_next_seq(const struct ring *r);
/* Bytes of text ever put, and lines ever evicted. */
uint64_t ring_bytes(const struct ring *r);
uint64_t ring_evicted(const struct ring *r);

/* The record at a valid offset below the tail; returns the next one's offset. */
uint64_t ring_read(const struct ring *r, uint64_t offset, struct log_record *ret);

/* 0, or a negative errno (-ENOSPC) if there is no memory for another batch. */
int ring_room(struct ring *r, uint64_t *ret_head);
void ring_evict(struct ring *r, uint64_t head);
/*
 * Appends to the batch, with the next number and a time that is now_ns or later. False
 * when the batch is full: commit and begin another; never for the first of a batch.
 * Text of up to LOG_LINE_MAX, names of up to LOG_NAME_MAX bytes.
 */
bool ring_put(struct ring *r, const struct log_record *what, int64_t now_ns);
void ring_prepare(struct ring *r);
void ring_commit(struct ring *r);
/* Forgets the batch. */
void ring_abort(struct ring *r);

/* Grows with each commit. */
uint64_t ring_generation(const struct ring *r);
/* Commits the batch that a killed process had prepared for this generation. False when there is no
 * such batch. */
bool ring_redo(struct ring *r, uint64_t generation);
