/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wrong passwords cost time, and never the innocent. There is a bucket of tries for each address,
 * for each account and for each pair of them. Guesses from many addresses empty the account's
 * bucket; then each address has one try there a while, still, and an address from which the
 * account's password was right lately is not asked for the account's bucket at all.
 *
 * Memory is bounded: of each kind the one that was used least lately gives its place. Times are of
 * a clock that only goes forward.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct guesses;

struct guesses *guesses_new(void);
void guesses_free(struct guesses *g);

/*
 * Whether a try may be looked at now; it is counted until guesses_right() says that it was no
 * guess. `address` is as text ("192.0.2.1", "2001:db8::1"; of the latter its /64 counts), `account`
 * as it was typed. *ret_wait_ms, when false: after how long it may.
 */
bool guesses_take(struct guesses *g, const char *account, const char *address, int64_t now_ms,
		  int64_t *ret_wait_ms);
/* The password was right: what was taken is given back, and the address is known for a good one of
 * this account. */
void guesses_right(struct guesses *g, const char *account, const char *address, int64_t now_ms);
/* Whether it is. */
bool guesses_is_good(struct guesses *g, const char *account, const char *address, int64_t now_ms);
