/* SPDX-License-Identifier: Apache-2.0 */
/* What epoll calls. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct logsd;

/* The first member of everything that epoll calls. One that is released during a round is freed
 * after it. */
struct handler {
	void (*fn)(struct handler *h, uint32_t events);
	int fd;
	bool dead;
	struct handler *next_dead;
};

void logsd_watch(struct logsd *l, struct handler *h, uint32_t events);
void logsd_change(struct logsd *l, struct handler *h, uint32_t events);
/* Closes its descriptor now, frees it after the round. */
void logsd_let_go(struct logsd *l, struct handler *h);
/* The same for a descriptor that somebody else closes, perhaps already closed. */
void logsd_let_go_unowned(struct logsd *l, struct handler *h);
/* Frees those, after a round. */
void logsd_bury(struct logsd *l);
