/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of a line beside its text, as JSON. */
#pragma once

#include "logs/batch.h"

/*
 * {"app":...,"seq":12}: first what it takes of room at most, then the object. Lines of the
 * same source, dyno and release share all but the number.
 */
size_t meta_room(struct batch *b, const struct batch_line *line);
char *meta_put_json(char *p, const struct batch *b, const struct log_record *r);
/* The members of the line's fields, each with a comma before it. */
void meta_put_members(const struct batch_line *line, struct buf *out);
