/* SPDX-License-Identifier: Apache-2.0 */
/* The turns of builds: what model/queue.h decides, from what build/builds.c knows; and what those
 * that wait are told. */
#pragma once

#include "daemon/build/builds-priv.h"

/* The job that begins now, or NULL. */
struct job *builds_next(struct builds *b);
/* Notes that it begins, for the turns to come. */
void builds_note_begin(struct builds *b, const struct job *j);
/* Tells each that waits its place, when it is another than it was told. */
void builds_tell_places(struct builds *b);
