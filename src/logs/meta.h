/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of a line beside its text, as JSON. */
#pragma once

#include "logs/batch.h"

/* {"app":...,"seq":12} */
void meta_put_json(struct batch *b, const struct batch_line *line, struct buf *out);
/* The members of the line's fields, each with a comma before it. */
void meta_put_members(const struct batch_line *line, struct buf *out);
