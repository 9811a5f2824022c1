/* SPDX-License-Identifier: Apache-2.0 */
/* Writes and parses attach frames (ipc/dyno-proto.h). */
#pragma once

#include "base/buf.h"
#include "ipc/dyno-proto.h"

/* Appends a frame. n is at most ATTACH_MAX_PAYLOAD. */
void frame_put(struct buf *b, enum attach_frame type, const void *data, size_t n);
/* 1: the first frame in b, with its type and its payload, which points into b until
 * frame_consume(). 0: it is not complete yet. -EPROTO: it is invalid. */
int frame_peek(const struct buf *b, char *ret_type, const char **ret_data, size_t *ret_n);
void frame_consume(struct buf *b);
/* The exit code in the payload of ATTACH_EXIT, and the sentence after it (heap, "" when none). */
int frame_exit_code(const char *data, size_t n, char **ret_sentence);
