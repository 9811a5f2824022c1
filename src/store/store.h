/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Desired state, in SQLite (WAL, synchronous FULL): STATE/twelve.db.
 *
 * Migrations are numbered (migrations.c) and run at open, each in a
 * transaction; a database newer than the program is refused. Statements are
 * one table (statements.c) and prepared once. Each record has a file and a header, which this one
 * includes; those that few use (pipeline.h, webhook.h ...) are included by name.
 *
 * Config and other secrets are sealed with libsodium's secretbox under the key
 * in STATE/secret.key (0600, made at the first open).
 *
 * Functions return 0, or -1 with *err. Those that look one thing up return
 * ERROR_NOT_FOUND with a sentence for the API when it is not there. Strings in
 * records are heap strings owned by the record; x_done() frees them. Times are
 * wall-clock milliseconds.
 *
 * Writes that belong together go between store_begin() and store_commit();
 * store_rollback() undoes. They don't nest: a second
 * store_begin() is ERROR_SYSTEM and leaves the first one as it is. Once it is open, a database that
 * another program has locked is ERROR_UNAVAILABLE after a tenth of a second: try again. Many reads
 * go faster between store_read_begin() and store_read_end(), which see one state; nothing is
 * written in between.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/error.h"
#include "model/procfile.h"
#include "store/access.h"
#include "store/acm.h"
#include "store/addon.h"
#include "store/app.h"
#include "store/audit.h"
#include "store/backup.h"
#include "store/build-row.h"
#include "store/credential.h"
#include "store/domain.h"
#include "store/drain.h"
#include "store/formation.h"
#include "store/misc.h"
#include "store/provider.h"
#include "store/release.h"
#include "store/sni.h"
#include "store/user.h"

struct store;

int store_open(const char *state_dir, struct store **ret, struct error *err);
/*
 * The same beside what is there already: `shows` says in words what the directory shows ("2
 * repositories, 1 volume"), NULL for nothing. A database that is missing, empty or another
 * platform's is then ERROR_CONFLICT, with how to restore: identity.c.
 */
int store_open_beside(const char *state_dir, const char *shows, struct store **ret,
		      struct error *err);
/* A consistent copy of a database that may be in use, in one file without a -wal: db is its path,
 * to is not there yet. Takes as long as it is large. */
int store_copy(const char *db, const char *to, struct error *err);
/* Beside the database: the number of the newest change; age.c. */
#define STORE_CHANGES "changes"
/* When a start found that the database is older than its directory, last; 0: never. What goes by
 * its age does so from then on. */
int64_t store_put_back_ms(const struct store *s);
/* The uuid of this state. */
const char *store_identity(const struct store *s);
void store_close(struct store *s);
int store_begin(struct store *s, struct error *err);
int store_commit(struct store *s, struct error *err);
void store_rollback(struct store *s);
/* Rows that were written so far: as long as it tells the same, what was read is as it was. */
int64_t store_writes(const struct store *s);
int store_read_begin(struct store *s, struct error *err);
void store_read_end(struct store *s);
