/* SPDX-License-Identifier: Apache-2.0 */
/* Applies model/queue.h to the builds of build/builds.c, and tells waiting builds their place. */
#pragma once

#include "daemon/build/builds-priv.h"

/* The job that begins now, or NULL. */
struct job *builds_next(struct builds *b);
/* Notes that it begins, for the turns to come. */
void builds_note_begin(struct builds *b, const struct job *j);
/* Tells each waiting build its place, if that has changed. */
void builds_tell_places(struct builds *b);
