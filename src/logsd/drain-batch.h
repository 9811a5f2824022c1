/* SPDX-License-Identifier: Apache-2.0 */
/* Batches from the ring, for drains whose receiver acknowledges each. A batch's bounds are stored
 * in the status before it is sent, so that the same batch is sent again after a kill. */
#pragma once

#include "logsd/drains.h"

/* Fills a batch with waiting lines and the notice of lost ones. False after a drain_fail(). */
bool drain_batch_make(struct drain *d, struct batch *b);
/* Fills the batch that an earlier process had in flight; the cursor is at its start. False if there
 * was none. */
bool drain_batch_again(struct drain *d, struct batch *b);
/* The line of a test that waits, alone. */
bool drain_batch_test(struct drain *d, struct batch *b);
/* It has arrived, except for n lines that the receiver refuses permanently. */
void drain_batch_done(struct drain *d, struct batch *b, uint64_t n_refused);
/* The receiver permanently refuses what is left of it, and n lines that it refused before. */
void drain_batch_refused(struct drain *d, struct batch *b, uint64_t n_refused);
