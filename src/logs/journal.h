/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How bytes leave a pipe so that a kill -9 between any two instructions neither
 * loses nor doubles one.
 *
 * The bytes are known before (tee(2) shows a pipe's contents without taking
 * them) and lie in the ring as a prepared batch, which nobody sees. Then
 *
 *     1. the journal notes: app, generation, n, and the n-th byte
 *     2. the last byte of the place where the read goes gets another value
 *     3. read(2) takes the n bytes: all, since they are there and nobody else reads
 *     4. the batch is committed
 *     5. the note is cleared
 *
 * At the next start a note tells what was going on, and the byte of step 2
 * whether step 3 has happened; then the batch is committed. If not, the bytes
 * are still in the pipe, and the batch is void. All of it is in a mapped file
 * in the directory of the rings.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"

struct journal;

/* 0 or a negative errno. max_bytes is the most that is taken at once. */
int journal_open(const char *dir, size_t max_bytes, struct journal **ret);
void journal_free(struct journal *j);

struct journal_note {
	char app[UUID_SIZE];
	uint64_t generation; /* the one that is to be committed */
};
/* True if a killed process had taken the bytes of this batch and perhaps not committed it. */
bool journal_pending(const struct journal *j, struct journal_note *ret);
void journal_clear(struct journal *j);

/*
 * Steps 1 to 3. `bytes` are what the pipe is known to begin with. 0 or a negative errno, after
 * which nothing has been taken.
 */
int journal_take(struct journal *j, int pipe_fd, const char *bytes, size_t n,
		 const struct journal_note *note);
