/* SPDX-License-Identifier: Apache-2.0 */
/* Sends commands to a socket of haproxy (its management guide, "Unix Socket commands") without
 * blocking; a callback gets the answers. If haproxy is busy, stopped or gone, the event loop goes
 * on. */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "event/loop.h"

struct question;

/* `err` is NULL if all was answered; `answer` has the answers one after the other, valid during the
 * call. */
typedef void (*question_fn)(const struct buf *answer, const struct error *err, void *userdata);

/* Sends commands, one per line. fn is called once, from the loop, never during this call; then the
 * handle is freed. timeout_ms applies to each connection; there is one per line of commands that
 * haproxy accepts. */
struct question *question_new(struct loop *l, const char *path, const char *commands,
			      int64_t timeout_ms, question_fn fn, void *userdata);
/* Drops the callback; commands that were sent may still be executed. NULL is allowed. */
void question_free(struct question *q);

/* Takes from *commands what fits into one command line of haproxy, and ends it with a newline.
 * False if there is nothing left. A pure function. */
bool question_take_line(const char **commands, struct buf *line);
