/* SPDX-License-Identifier: Apache-2.0 */
/* A drain's place in its app's ring, and what is lost; see drains.h. */
#pragma once

#include "logsd/drains.h"

/* Counts what is lost below the offset, which is about to be evicted. */
void drains_evict(struct app *a, uint64_t head);
/* True when room for a batch would cost a drain that blocks a line. */
bool drains_block(const struct app *a, uint64_t head);
/* A new drain begins at the first line of this time; one that was there before, where it was. */
void drain_start_at(struct drain *d, int64_t created_ns);
void drain_go_on(struct drain *d);

bool drain_has_lines(const struct drain *d);
/* True when there are lines and it is time to take them; sets the deadline when it is not yet. */
bool drain_is_due(struct drain *d);
/* Takes the next line. False at the end. */
bool drain_take(struct drain *d, struct log_record *ret, const char **ret_commit);
/*
 * The cursor back to a line that was taken, behind which nothing is under way any more. What the
 * ring has lost from there on is counted: counts of the same lines (drain_uncount()) are the
 * caller's to take away before.
 */
void drain_rewind(struct drain *d, uint64_t seq);
/* Looks at a line again, without a word about what is lost; drain_rewind() comes after. */
void drain_seek(struct drain *d, uint64_t seq);
/* n lines are lost, the first of which was of this time; counted, and to be told. */
void drain_lose(struct drain *d, uint64_t n, int64_t since_ns);
/* n of the lines that were counted as lost are about to be counted again. */
void drain_uncount(struct drain *d, uint64_t n);
/* The batch under way is given up: its notice is to be told again. Its lines are the caller's. */
void drain_void_batch(struct drain *d);
/* n lines, in so many bytes, have gone. */
void drain_sent(struct drain *d, uint64_t n, uint64_t bytes);
void drain_phase(struct drain *d, enum drain_phase phase);
/* Nothing is left to carry. */
void drain_idle(struct drain *d);
/* Writes the status down: what a kill leaves. */
void drain_save(struct drain *d);
