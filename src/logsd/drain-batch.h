/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Batches out of the ring, for the drains that get an answer for each. Its bounds are
 * noted in the status before it is sent, so that a kill leads to the same batch again.
 */
#pragma once

#include "logsd/drains.h"

/* What waits in the ring, with the notice of what was lost. False after a drain_fail(). */
bool drain_batch_make(struct drain *d, struct batch *b);
/* The one that an earlier process had under way; the cursor is at its beginning. False when there
 * was none. */
bool drain_batch_again(struct drain *d, struct batch *b);
/* The line of a test that waits, alone. */
bool drain_batch_test(struct drain *d, struct batch *b);
/* It has arrived, but for n lines that the receiver will never take. */
void drain_batch_done(struct drain *d, struct batch *b, uint64_t n_refused);
/* The receiver will never take what is left of it, nor n lines that it refused before. */
void drain_batch_refused(struct drain *d, struct batch *b, uint64_t n_refused);
