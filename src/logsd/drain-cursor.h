/* SPDX-License-Identifier: Apache-2.0 */
/* A drain's position in its app's ring, and lost lines; see drains.h. */
#pragma once

#include "logsd/drains.h"

/* Counts the lines below this offset as lost: they are about to be evicted. */
void drains_evict(struct app *a, uint64_t head);
/* True if making room for a batch would evict a line that a blocking drain needs. */
bool drains_block(const struct app *a, uint64_t head);
/* Starts a new drain at the first line of this time, and an existing one where it was. */
void drain_start_at(struct drain *d, int64_t created_ns);
void drain_go_on(struct drain *d);

bool drain_has_lines(const struct drain *d);
/* True if there are lines and it is time to send them; else sets the deadline. */
bool drain_is_due(struct drain *d);
/* Takes the next line. False at the end. */
bool drain_take(struct drain *d, struct log_record *ret, const char **ret_commit);
/* Moves the cursor back to a line that was taken; nothing after it may be in flight. Counts lines
 * that the ring has dropped since; the caller removes earlier counts of the same lines first
 * (drain_uncount()). */
void drain_rewind(struct drain *d, uint64_t seq);
/* Moves the cursor without counting lost lines; drain_rewind() follows. */
void drain_seek(struct drain *d, uint64_t seq);
/* Counts n lines as lost, the first of this time; a notice will report them. */
void drain_lose(struct drain *d, uint64_t n, int64_t since_ns);
/* Takes back n lost lines, which are about to be counted again. */
void drain_uncount(struct drain *d, uint64_t n);
/* Gives the batch in flight up, so that its notice is sent again. The caller handles its lines. */
void drain_void_batch(struct drain *d);
/* n lines, in so many bytes, have gone. */
void drain_sent(struct drain *d, uint64_t n, uint64_t bytes);
void drain_phase(struct drain *d, enum drain_phase phase);
/* Nothing is left to carry. */
void drain_idle(struct drain *d);
/* Writes the status down: what a kill leaves. */
void drain_save(struct drain *d);
