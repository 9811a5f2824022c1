/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rate limits for wrong passwords that do not lock out the rightful user. There is a bucket of
 * attempts for each address, for each account and for each pair of them. Guesses from many
 * addresses empty the account's bucket; each address then still has one attempt per period, and an
 * address that recently gave the right password is not subject to the account's bucket.
 *
 * Memory is bounded: a table of fixed size, in which the least recently used entries are replaced.
 * Times come from a monotonic clock.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct guesses;

struct guesses *guesses_new(void);
void guesses_free(struct guesses *g);

/* Whether an attempt may be checked now. It counts as a wrong guess until guesses_right() is
 * called. `address` is text ("192.0.2.1", "2001:db8::1", of which the /64 counts), `account` as
 * typed. If false, *ret_wait_ms says how long to wait. */
bool guesses_take(struct guesses *g, const char *account, const char *address, int64_t now_ms,
		  int64_t *ret_wait_ms);
/* The password was right: refunds the attempt and remembers the address as a good one for this
 * account. */
void guesses_right(struct guesses *g, const char *account, const char *address, int64_t now_ms);
/* Whether it is. */
bool guesses_is_good(struct guesses *g, const char *account, const char *address, int64_t now_ms);
