/* SPDX-License-Identifier: Apache-2.0 */
/* The state directory against the database; see state.h. */
#include "daemon/core/state.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "store/gone.h"

/* ---- what the directory shows ---- */

static bool is_repository(const char *name)
{
	return name[0] != '.' && str_ends(name, ".git");
}

static bool is_digest(const char *name)
{
	return strlen(name) == DIGEST_HEX_SIZE - 1 &&
	       strspn(name, "0123456789abcdef") == DIGEST_HEX_SIZE - 1;
}

const struct state_place state_places[N_STATE_PLACES] = {
	{ "git", "repository", "repositories", false, is_repository },
	{ "volumes", "volume", "volumes", false, uuid_is_valid },
	{ "backups", "backup", "backups", false, uuid_is_valid },
	{ "slugs", "slug", "slugs", false, is_digest },
	{ "lost+found", "repository", "found repositories", false, is_repository },
	{ "dynos", "dyno", "dynos", true, uuid_is_valid },
};

static size_t count(const struct settings *s, const struct state_place *p)
{
	_cleanup_free_ char *dir =
		xasprintf("%s/%s", p->in_run ? s->run_dir : s->state_dir, p->folder);
	_cleanup_strv_ char **names = NULL;
	size_t n = 0;

	fs_list(dir, &names);
	for (char **name = names; name && *name; name++)
		n += p->is_one(*name);
	return n;
}

int state_open(struct platform *p, struct error *err)
{
	_cleanup_buf_ struct buf shows = BUF_INIT;
	int64_t began_ms = clock_wall_ms();

	for (size_t i = 0; i < N_STATE_PLACES; i++) {
		size_t n = count(&p->settings, &state_places[i]);

		if (n)
			buf_printf(&shows, "%s%zu %s", shows.len ? ", " : "", n,
				   n == 1 ? state_places[i].one : state_places[i].many);
	}
	if (store_open_beside(p->settings.state_dir, shows.len ? shows.data : NULL, &p->store,
			      err) < 0)
		return -1;
	if (store_put_back_ms(p->store) >= began_ms)
		log_warn(
			"the database was put back from before changes that this directory has "
			"seen: \"twelve doctor\" lists what it does not know; "
			"nothing of that is removed, and what goes by its age does so from now on");
	return store_gone_forget(p->store, clock_wall_ms() - GONE_KEEP_MS, err);
}

bool state_is_gone(struct store *s, const char *kind, const char *id)
{
	struct error err = ERROR_INIT;
	bool gone = false;

	if (store_gone(s, kind, id, &gone, &err) < 0)
		log_error("looking whether %s %s is gone: %s", kind, id, err.message);
	return gone;
}
