/* SPDX-License-Identifier: Apache-2.0 */
/* Opening the store, in the order in which its parts check it; see store.h. */
#include <sodium.h>
#include <stdlib.h>

#include "base/fs.h"
#include "base/str.h"
#include "store/store-priv.h"

static int open_all(struct store *s, const char *shows, struct error *err)
{
	int64_t schema;

	if (identity_begin(s, shows, err) < 0 || db_open(s, err) < 0 ||
	    store_schema(s, &schema, err) < 0 || identity_check_schema(s, schema, shows, err) < 0 ||
	    db_check_pages(s, err) < 0 || seal_open(s, s->first, err) < 0 ||
	    store_migrate(s, store_migrations, n_store_migrations, err) < 0 ||
	    seal_check(s, err) < 0 || identity_check(s, shows, err) < 0 || age_check(s, err) < 0)
		return -1;
	/* So that the file alone, if the other one is ever lost, is as new as this start. A reader
	 * elsewhere may keep it from that. */
	sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	db_give_up_soon(s);
	return 0;
}

int store_open(const char *state_dir, struct store **ret, struct error *err)
{
	return store_open_beside(state_dir, NULL, ret, err);
}

int store_open_beside(const char *state_dir, const char *shows, struct store **ret,
		      struct error *err)
{
	struct store *s;
	int r = fs_mkdirs(state_dir, 0755);

	if (r < 0)
		return error_set_errno(err, r, "Making the directory %s", state_dir);
	if (sodium_init() < 0)
		return error_set(err, ERROR_SYSTEM, "libsodium could not be initialised");
	s = xcalloc(1, sizeof(*s));
	s->path = xasprintf("%s/twelve.db", state_dir);
	s->key_path = xasprintf("%s/secret.key", state_dir);
	if (open_all(s, shows, err) < 0) {
		store_close(s);
		return -1;
	}
	*ret = s;
	return 0;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	db_close(s);
	seal_close(s);
	free(s->path);
	free(s->key_path);
	free(s);
}
