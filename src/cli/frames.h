/* SPDX-License-Identifier: Apache-2.0 */
/* Attach frames (ipc/dyno-proto.h) as bytes: written, and found in what came. */
#pragma once

#include "base/buf.h"
#include "ipc/dyno-proto.h"

/* Appends a frame. n is at most ATTACH_MAX_PAYLOAD. */
void frame_put(struct buf *b, enum attach_frame type, const void *data, size_t n);
/*
 * The first frame in b: 1, with its type and its payload, which points into b
 * and is gone with frame_consume(); 0: it is not complete yet; -EPROTO.
 */
int frame_peek(const struct buf *b, char *ret_type, const char **ret_data, size_t *ret_n);
void frame_consume(struct buf *b);
/* The exit code in the payload of ATTACH_EXIT, and the sentence after it (heap, "" when none). */
int frame_exit_code(const char *data, size_t n, char **ret_sentence);
