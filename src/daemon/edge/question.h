/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A question to haproxy that nobody waits for: commands to one of its sockets (its management
 * guide, "Unix Socket commands"), and the answers in a callback. haproxy may be busy, stopped or
 * gone; the event loop goes on.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "event/loop.h"

struct question;

/* `err` is NULL when all was answered; `answer` has the answers one after another, and is gone
 * after the call. */
typedef void (*question_fn)(const struct buf *answer, const struct error *err, void *userdata);

/*
 * Asks commands, one a line. fn is called once, from the loop, never from within this call; the
 * handle is gone then. timeout_ms is for each connection, of which there is one for as many
 * commands as haproxy takes in a line.
 */
struct question *question_new(struct loop *l, const char *path, const char *commands,
			      int64_t timeout_ms, question_fn fn, void *userdata);
/* fn is not called any more. What was sent may be done all the same. NULL is fine. */
void question_free(struct question *q);

/* Takes from *commands what fits into one line of haproxy's, ends it with a newline: pure. False
 * when there is nothing left. */
bool question_take_line(const char **commands, struct buf *line);
