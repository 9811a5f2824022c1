/* SPDX-License-Identifier: Apache-2.0 */
/* Opens a TCP connection to a host without blocking: a thread looks the name up (getaddrinfo(3)
 * always blocks), then its addresses are tried one after the other. */
#pragma once

#include <stdint.h>

#include "logsd/logsd.h"

struct dial;

/* Called once, from the loop: the connected socket, which is the callee's, or -1 and why not. */
typedef void (*dial_fn)(void *userdata, int take_fd, const char *why);

/* `host` may be an IPv6 address in brackets. NULL when there is no descriptor for it. Until fn is
 * called, or dial_cancel(). */
struct dial *dial_new(struct logsd *l, const char *host, uint16_t port, dial_fn fn, void *userdata);
/* Takes NULL. */
void dial_cancel(struct dial *d);
