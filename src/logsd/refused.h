/* SPDX-License-Identifier: Apache-2.0 */
/* What HAProxy refused before it was a request. */
#pragma once

#include <stddef.h>

struct logsd;

/* `text` is a line of the router's log without an app. */
void refused_note(struct logsd *l, const char *text, size_t n);
void refused_done(struct logsd *l);
