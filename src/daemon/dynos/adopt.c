/* SPDX-License-Identifier: Apache-2.0 */
/* After a restart of twelved: the dynos whose supervisors went on are adopted, and what is left of
 * others is removed. */
#include <stdio.h>
#include <stdlib.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/core/remove.h"
#include "daemon/dynos/dyno-priv.h"
#include "ipc/ipc.h"

#define SPEC_MAX_BYTES IPC_MAX_BYTES
#define ADOPT_TIMEOUT_MS 3000

static void copy_field(char *to, size_t size, const struct ipc_msg *m, const char *key)
{
	const char *value = ipc_get(m, key);

	snprintf(to, size, "%s", value ? value : "");
}

/* What does not change in a dyno's life, from its spec file. */
static void read_identity(struct dyno *dyno, const struct ipc_msg *m)
{
	const char *check_path = ipc_get(m, "check_path");
	struct dyno_private *p = dyno->priv;

	copy_field(dyno->app_id, sizeof(dyno->app_id), m, "app");
	copy_field(dyno->name, sizeof(dyno->name), m, "name");
	copy_field(dyno->type, sizeof(dyno->type), m, "type");
	copy_field(dyno->release_id, sizeof(dyno->release_id), m, "release_id");
	copy_field(dyno->size, sizeof(dyno->size), m, "size");
	copy_field(dyno->slug, sizeof(dyno->slug), m, "slug");
	copy_field(dyno->stack, sizeof(dyno->stack), m, "stack");
	dyno_replace_field(&dyno->command, m, "command");
	dyno->number = ipc_get_i64(m, "number", 0);
	dyno->release = ipc_get_i64(m, "release", 0);
	dyno->port = (uint16_t)ipc_get_i64(m, "port", 0);
	if (!ipc_get(m, "net") || !net_link_parse(ipc_get(m, "net"), &dyno->link))
		dyno->link.host_name[0] = '\0';
	dyno->created_ms = ipc_get_i64(m, "created_ms", 0);
	dyno->one_off = ipc_get_i64(m, "restart", 0) == 0;
	dyno->attached = ipc_get_i64(m, "attach", 0) == 1;
	dyno->terminal = ipc_get_i64(m, "terminal", 0) == 1;
	copy_field(dyno->inside, sizeof(dyno->inside), m, "inside");
	copy_field(dyno->rendezvous, sizeof(dyno->rendezvous), m, "rendezvous");
	dyno->addon = ipc_get_i64(m, "addon", 0) == 1;
	free(p->check_path);
	p->check_path = check_path ? xstrdup(check_path) : NULL;
	p->check_port_only = ipc_get_i64(m, "check_port_only", 0) == 1;
	p->start_ms = ipc_get_i64(m, "start_ms", DYNO_START_TIMEOUT_MS);
	dyno_replace_field(&p->app_name, m, "app_name");
}

static void adopt(struct dynos *ds, const char *id)
{
	_cleanup_free_ char *dir = xasprintf("%s/dynos/%s", ds->platform->settings.run_dir, id);
	_cleanup_free_ char *spec = xasprintf("%s/spec", dir);
	_cleanup_ipc_msg_ struct ipc_msg m = IPC_MSG_INIT;
	struct dyno *dyno;

	if (!uuid_is_valid(id))
		return;
	if (fs_read_file(spec, SPEC_MAX_BYTES, &m.fields) < 0 || !m.fields.len) {
		/* Killed before the spec was written: no supervisor was ever started. */
		remove_container_later(ds->platform, id, dir, NULL, NULL);
		return;
	}
	dyno = dyno_new(ds, id);
	dyno->adopted = true;
	read_identity(dyno, &m);
	dyno->state = DYNO_STARTING;
	dyno_connect(dyno, ADOPT_TIMEOUT_MS);
	/* Most are there at once; so the first plan knows them. */
	dyno_try_connect(dyno);
}

int dynos_new(const struct platform *p, struct logs_client *logs, struct walls *walls,
	      struct dynos **ret, struct error *err)
{
	_cleanup_free_ char *dir = xasprintf("%s/dynos", p->settings.run_dir);
	_cleanup_strv_ char **ids = NULL;
	struct dynos *ds;
	int r = fs_mkdirs(dir, 0700);

	if (r == 0)
		r = fs_list(dir, &ids);
	if (r < 0)
		return error_set_errno(err, r, "reading %s", dir);
	ds = xcalloc(1, sizeof(*ds));
	ds->platform = p;
	ds->logs = logs;
	ds->walls = walls;
	for (char **id = ids; id && *id; id++)
		adopt(ds, *id);
	if (ds->n)
		log_info("%zu dyno%s found running", ds->n, str_plural((int64_t)ds->n));
	*ret = ds;
	return 0;
}
