/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The platform's own state in one file, and back; archive.h says what the file is.
 *
 * It is made by a child, `twelved state-backup`, from a copy of the database that SQLite makes of
 * the running one, the keys and authorities, and copies of the repositories; by option also the
 * slugs that releases need with their stacks, and the newest good backup of each add-on: a volume
 * that is written to can't be copied.
 *
 * `twelved restore FILE` puts it into an empty state directory while no twelved runs. All is
 * unpacked and checked in STATE/restore.tmp; one rename to STATE/restore.ready is the moment from
 * which it counts; from there each part is moved to its place, by the next twelved if need be.
 */
#pragma once

#include "base/error.h"

/* Of the child: an order as JSON on stdin, the archive at its "to". */
int backup_worker_main(void);
/* `twelved restore FILE`; the exit code. */
int restore_main(const char *file);
/* At the start of twelved: what a restore that was cut off had yet to move. */
int restore_finish(const char *state_dir, struct error *err);
