/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What runs; see dynos/dynos.h. A dyno is in the list from its start, or its
 * adoption, until its supervisor's connection ends. This file keeps the list
 * and speaks to the supervisors; dynos/start.c starts one, dynos/ready.c tells when
 * it is ready.
 */
#include "daemon/dynos/dynos.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/str.h"
#include "build/build.h"
#include "daemon/lines/drains.h"
#include "daemon/core/remove.h"
#include "daemon/dynos/dyno-priv.h"
#include "ipc/ipc.h"

#define SPEC_MAX_BYTES IPC_MAX_BYTES
#define CONNECT_PAUSE_MS 5
/* A supervisor that has not opened its socket by then is dead, or was never started. */
#define CONNECT_TIMEOUT_MS 10000
#define ADOPT_TIMEOUT_MS 3000
/* A type without a port has nothing to show; one that has run this long has found its code and its
 * config. */
#define WORKER_SETTLE_MS 1000
/* As long as a run has to be for the supervisor to begin its pauses anew. */
#define WELL_MS 60000

static void set_health(struct dyno *dyno, char *take)
{
	free(dyno->health);
	dyno->health = take;
}

static void changed(struct dyno *dyno)
{
	struct dynos *ds = dyno->priv->owner;

	if (ds->changed)
		ds->changed(dyno, ds->userdata);
}

/* ---- getting ready ---- */

bool dyno_is_alive(const struct dyno *dyno)
{
	struct pollfd p = { .fd = dyno->priv->pid_fd, .events = POLLIN };

	return p.fd < 0 || poll(&p, 1, 0) == 0;
}

/* What has ended is not ready: its supervisor is about to say so. */
static void set_ready(struct dyno *dyno)
{
	if (!dyno_is_alive(dyno))
		return;
	dyno->ready = dyno->ever_ready = true;
	dyno->unwell = dyno->unwell && !dyno->port;
	dyno->ready_ms = clock_wall_ms();
	set_health(dyno, xstrdup(""));
	changed(dyno);
}

static void on_ready(bool ready, const char *sentence, void *userdata)
{
	struct dyno *dyno = userdata;

	if (ready) {
		ready_free(steal_ptr(dyno->priv->ready));
		set_ready(dyno);
	} else {
		set_health(dyno, xstrdup(sentence));
	}
}

static char *cgroup_of(const struct dyno *dyno)
{
	return xasprintf("/twelve/%s", dyno->id);
}

static void watch_ready(struct dyno *dyno)
{
	struct dyno_private *p = dyno->priv;
	const struct platform *platform = p->owner->platform;
	int64_t ran_ms = clock_wall_ms() - dyno->since_ms;
	_cleanup_free_ char *cgroup = cgroup_of(dyno), *host = NULL;

	if (dyno->ready || dyno->one_off)
		return;
	/* One that was found at start, and has run for long enough. */
	if (!dyno->port && ran_ms >= WORKER_SETTLE_MS) {
		dyno->ready = dyno->ever_ready = true;
		dyno->ready_ms = dyno->since_ms + WORKER_SETTLE_MS;
		return;
	}
	host = xasprintf("%s.%s", p->app_name ? p->app_name : "", platform->settings.apps_domain);
	ready_free(p->ready);
	p->ready = ready_new(platform->loop,
			     &(struct ready_options){
				     .runtime = &platform->runtime,
				     .cgroup = cgroup,
				     .port = dyno->port,
				     .host = host,
				     .check_path = p->check_path,
				     .port_only = p->check_port_only,
				     .until_ms = dyno->starting_since_ms + p->start_ms,
				     .settle_ms = WORKER_SETTLE_MS - ran_ms,
				     .said = dyno->health[0] != '\0',
			     },
			     on_ready, dyno);
}

static void unwatch_ready(struct dyno *dyno)
{
	ready_free(steal_ptr(dyno->priv->ready));
	dyno->ready = false;
}

bool dyno_look_again(struct dyno *dyno)
{
	_cleanup_free_ char *cgroup = cgroup_of(dyno);

	/* Of an end its supervisor is about to tell, and then it counts as one that was ready. */
	if (!dyno->ready || !dyno_is_alive(dyno))
		return false;
	if (!dyno->port ||
	    ready_is_bound(&dyno->priv->owner->platform->runtime, cgroup, dyno->port))
		return true;
	dyno->ready = false;
	watch_ready(dyno);
	return false;
}

/* ---- the list ---- */

static struct dyno *dyno_new(struct dynos *ds, const char *id)
{
	struct dyno *dyno = xcalloc(1, sizeof(*dyno));

	snprintf(dyno->id, sizeof(dyno->id), "%s", id);
	dyno->exit_code = -1;
	dyno->reason = xstrdup("");
	dyno->health = xstrdup("");
	dyno->command = xstrdup("");
	dyno->priv = xcalloc(1, sizeof(*dyno->priv));
	*dyno->priv = (struct dyno_private){
		.owner = ds,
		.dyno = dyno,
		.dir = xasprintf("%s/dynos/%s", ds->platform->settings.run_dir, id),
		.control_fd = -1,
		.pid_fd = -1,
		.pending_attach_fd = -1,
	};
	ds->list = xrealloc(ds->list, (ds->n + 1) * sizeof(*ds->list));
	ds->list[ds->n++] = dyno;
	return dyno;
}

static void disconnect(struct dyno *dyno)
{
	struct dyno_private *p = dyno->priv;

	watch_free(steal_ptr(p->readable));
	watch_free(steal_ptr(p->connect_timer));
	p->control_fd = fd_close(p->control_fd);
}

static void dyno_free(struct dyno *dyno)
{
	disconnect(dyno);
	unwatch_ready(dyno);
	remover_forget(dyno->priv->owner->platform->remover, dyno);
	fd_close(dyno->priv->pending_attach_fd);
	fd_close(dyno->priv->pid_fd);
	free(dyno->priv->dir);
	free(dyno->priv->app_name);
	free(dyno->priv->check_path);
	free(dyno->priv);
	free(dyno->command);
	free(dyno->reason);
	free(dyno->health);
	free(dyno);
}

static void unlist(struct dyno *dyno)
{
	struct dynos *ds = dyno->priv->owner;

	for (size_t i = 0; i < ds->n; i++)
		if (ds->list[i] == dyno) {
			ds->list[i] = ds->list[--ds->n];
			return;
		}
}

/* ---- the end of a dyno ---- */

static void gone(void *userdata)
{
	struct dyno *dyno = userdata;

	dyno->state = DYNO_EXITED;
	dyno->known = true;
	unlist(dyno);
	changed(dyno);
	dyno_free(dyno);
}

/*
 * What a supervisor that was killed could not clean up itself, another process does. Until the
 * container is gone it may hold the port, or write to the volume of an add-on: so long it is one
 * that stops.
 */
static void dyno_ended(struct dyno *dyno)
{
	bool said_so = dyno->state == DYNO_EXITED;

	disconnect(dyno);
	unwatch_ready(dyno);
	if (said_so && !fs_exists(dyno->priv->dir)) {
		gone(dyno);
		return;
	}
	if (!said_so) {
		free(dyno->reason);
		dyno->reason = xstrdup("lost its supervisor");
		log_warn("%s of app %s lost its supervisor", dyno->name, dyno->app_id);
		dyno->state = DYNO_STOPPING;
	}
	remove_container_later(dyno->priv->owner->platform, dyno->id, dyno->priv->dir, gone, dyno);
}

/* ---- what the supervisor says ---- */

static void copy_field(char *to, size_t size, const struct ipc_msg *m, const char *key)
{
	const char *value = ipc_get(m, key);

	snprintf(to, size, "%s", value ? value : "");
}

static void replace_field(char **to, const struct ipc_msg *m, const char *key)
{
	const char *value = ipc_get(m, key);

	free(*to);
	*to = xstrdup(value ? value : "");
}

/* What does not change in a dyno's life: in the spec file, and in each status. */
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
	replace_field(&dyno->command, m, "command");
	dyno->number = ipc_get_i64(m, "number", 0);
	dyno->release = ipc_get_i64(m, "release", 0);
	dyno->port = (uint16_t)ipc_get_i64(m, "port", 0);
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
	replace_field(&p->app_name, m, "app_name");
}

static enum dyno_state parse_state(const char *word, enum dyno_state fallback)
{
	for (enum dyno_state s = 0; s < _DYNO_STATE_MAX; s++)
		if (word && streq(word, dyno_state_names[s]))
			return s;
	return fallback;
}

/* A state that it was not in before, or that we did not know. */
static void entered(struct dyno *dyno)
{
	struct dyno_private *p = dyno->priv;

	if (dyno->state == DYNO_STARTING) {
		dyno->starting_since_ms = dyno->since_ms;
	} else if (dyno->state == DYNO_CRASHED) {
		dyno->unwell = !dyno->ready ||
			       (!dyno->port && dyno->since_ms - dyno->starting_since_ms < WELL_MS);
		/* What has ended serves nobody. */
		dyno->draining = false;
	} else if (dyno->state == DYNO_UP) {
		if (!dyno->starting_since_ms)
			dyno->starting_since_ms = dyno->since_ms;
		fd_close(p->pid_fd);
		p->pid_fd = dyno->pid > 0 ? proc_pidfd_open(dyno->pid) : -1;
		watch_ready(dyno);
	}
}

static void on_status(struct dyno *dyno, const struct ipc_msg *m)
{
	enum dyno_state was = dyno->state;
	bool was_known = dyno->known;

	dyno->state = parse_state(ipc_get(m, "state"), dyno->state);
	dyno->since_ms = ipc_get_i64(m, "since_ms", clock_wall_ms());
	dyno->restarts = ipc_get_i64(m, "restarts", 0);
	dyno->exit_code = (int)ipc_get_i64(m, "exit", -1);
	dyno->oom = ipc_get_i64(m, "oom", 0) == 1;
	dyno->pid = (pid_t)ipc_get_i64(m, "pid", 0);
	replace_field(&dyno->reason, m, "reason");
	dyno->known = true;
	if (dyno->state != was || !was_known)
		entered(dyno);
	if (dyno->state != DYNO_UP && dyno->state != DYNO_STOPPING)
		unwatch_ready(dyno);
	changed(dyno);
}

static void on_control(void *userdata)
{
	struct dyno *dyno = userdata;
	_cleanup_ipc_msg_ struct ipc_msg m = IPC_MSG_INIT;
	int r = ipc_recv(dyno->priv->control_fd, &m);

	if (r == -EAGAIN || r == -EPROTO)
		return;
	if (r <= 0)
		dyno_ended(dyno);
	else if (m.type == DYNO_STATUS)
		on_status(dyno, &m);
}

/* ---- what the supervisor is told ---- */

static int tell(struct dyno *dyno, uint16_t type)
{
	_cleanup_ipc_msg_ struct ipc_msg m = IPC_MSG_INIT;

	ipc_msg_init(&m, type);
	return ipc_send(dyno->priv->control_fd, &m);
}

static int tell_client(struct dyno *dyno, int fd, const struct dyno_client *client)
{
	_cleanup_ipc_msg_ struct ipc_msg m = IPC_MSG_INIT;

	ipc_msg_init(&m, DYNO_ATTACH);
	if (client->raw)
		ipc_put(&m, "mode", "raw");
	if (client->session) {
		ipc_put_i64(&m, "session", client->session);
		ipc_put_i64(&m, "position", client->position);
	}
	ipc_put_fd(&m, fd);
	return ipc_send(dyno->priv->control_fd, &m);
}

static void connected(struct dyno *dyno)
{
	struct dyno_private *p = dyno->priv;

	p->readable = watch_readable(p->owner->platform->loop, p->control_fd, on_control, dyno);
	if (p->stop_wanted)
		tell(dyno, DYNO_STOP);
	if (p->pending_attach_fd >= 0) {
		tell_client(dyno, p->pending_attach_fd, &p->pending_client);
		p->pending_attach_fd = fd_close(p->pending_attach_fd);
	}
}

static void try_connect(void *userdata)
{
	struct dyno *dyno = userdata;
	struct dyno_private *p = dyno->priv;
	_cleanup_free_ char *path = xasprintf("%s/sock", p->dir);
	int fd = sock_connect_unix(path, SOCK_SEQPACKET | SOCK_NONBLOCK);

	if (fd >= 0) {
		p->control_fd = fd;
		watch_free(steal_ptr(p->connect_timer));
		connected(dyno);
	} else if (clock_now_ms() < p->connect_deadline_ms) {
		watch_arm(p->connect_timer, CONNECT_PAUSE_MS);
	} else {
		dyno_ended(dyno);
	}
}

static void connect_within(struct dyno *dyno, int64_t timeout_ms)
{
	struct dyno_private *p = dyno->priv;

	p->connect_deadline_ms = clock_now_ms() + timeout_ms;
	p->connect_timer = watch_timer(p->owner->platform->loop, try_connect, dyno);
	watch_arm(p->connect_timer, 0);
}

void dynos_stop(struct dynos *ds, struct dyno *dyno)
{
	(void)ds;
	dyno->priv->stop_wanted = true;
	ready_free(steal_ptr(dyno->priv->ready));
	if (dyno->priv->control_fd >= 0)
		tell(dyno, DYNO_STOP);
	if (dyno->state != DYNO_EXITED)
		dyno->state = DYNO_STOPPING;
}

int dynos_attach(struct dynos *ds, struct dyno *dyno, int fd, const struct dyno_client *client,
		 struct error *err)
{
	struct dyno_private *p = dyno->priv;
	int r;

	(void)ds;
	if (!dyno->attached)
		return error_set(err, ERROR_CONFLICT, "%s is not waiting for a client", dyno->name);
	if (p->control_fd < 0) {
		fd_close(p->pending_attach_fd);
		p->pending_attach_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
		p->pending_client = *client;
		return p->pending_attach_fd < 0 ? error_set_errno(err, errno, "attaching") : 0;
	}
	r = tell_client(dyno, fd, client);
	return r < 0 ? error_set_errno(err, r, "attaching to %s", dyno->name) : 0;
}

/* ---- starting and adopting ---- */

/* Of what it is made. */
static void name_files(struct dyno *dyno, const struct dyno_start *o)
{
	const char *slug = o->program ? NULL : o->release->slug,
		   *stack = o->program ? o->program->stack : o->release->stack;

	snprintf(dyno->slug, sizeof(dyno->slug), "%s", slug ? slug : "");
	snprintf(dyno->stack, sizeof(dyno->stack), "%s", stack ? stack : "");
}

static void name_dyno(struct dyno *dyno, const struct dyno_start *o)
{
	snprintf(dyno->app_id, sizeof(dyno->app_id), "%s", o->app->id);
	snprintf(dyno->type, sizeof(dyno->type), "%s", o->type);
	/* An add-on has one server, by its name. */
	if (o->program && o->program->addon)
		snprintf(dyno->name, sizeof(dyno->name), "%s", o->app->name);
	else
		snprintf(dyno->name, sizeof(dyno->name), "%s.%lld", o->type, (long long)o->number);
	snprintf(dyno->release_id, sizeof(dyno->release_id), "%s", o->release->id);
	snprintf(dyno->size, sizeof(dyno->size), "%s", o->size);
	name_files(dyno, o);
	dyno->number = o->number;
	dyno->release = o->release->version;
	dyno->one_off = o->one_off;
	dyno->attached = o->attach;
	dyno->terminal = o->terminal;
	snprintf(dyno->rendezvous, sizeof(dyno->rendezvous), "%s",
		 o->rendezvous ? o->rendezvous : "");
	snprintf(dyno->inside, sizeof(dyno->inside), "%s", o->inside ? o->inside->id : "");
	dyno->addon = o->program && o->program->addon;
	dyno->state = DYNO_STARTING;
	dyno->created_ms = dyno->since_ms = dyno->starting_since_ms = clock_wall_ms();
}

static int check_start(const struct platform *p, const struct dyno_start *o, const char *command,
		       struct error *err)
{
	if (o->program)
		return 0;
	if (!command)
		return error_set(err, ERROR_NOT_FOUND, "v%lld has no process type \"%s\"",
				 (long long)o->release->version, o->type);
	if (!o->release->slug)
		return error_set(err, ERROR_INVALID,
				 "Nothing is deployed to %s yet: push a commit first",
				 o->app->name);
	if (!build_slug_is_there(p->settings.state_dir, o->release->slug))
		return error_set(err, ERROR_NOT_FOUND,
				 "v%lld of %s can't run: its slug is gone. Push its commit again: "
				 "git push -f twelve %.40s:main",
				 (long long)o->release->version, o->app->name,
				 o->release->commit && o->release->commit[0] ? o->release->commit
									     : "COMMIT");
	return 0;
}

/* A web dyno of the formation gets a port. */
static int give_port(struct dyno *dyno, const struct dyno_start *o, struct error *err)
{
	struct dyno_private *p = dyno->priv;
	const char *check_path =
		json_string_value(json_object_get(o->release->config, "TWELVE_CHECK_PATH"));
	const char *check = json_string_value(json_object_get(o->release->config, "TWELVE_CHECK"));

	if (!streq(o->type, "web") || o->one_off || o->program)
		return 0;
	dyno->port = dyno_pick_port(p->owner);
	p->app_name = xstrdup(o->app->name);
	p->check_path = check_path ? xstrdup(check_path) : NULL;
	p->check_port_only = check && streq(check, "port");
	p->start_ms = dyno_config_ms(o->release, "TWELVE_START_TIMEOUT", DYNO_START_TIMEOUT_MS);
	if (dyno->port)
		return 0;
	return error_set(err, ERROR_UNAVAILABLE, "No port is free for %s: widen TWELVE_PORTS",
			 dyno->name);
}

int dynos_start(struct dynos *ds, const struct dyno_start *o, struct dyno **ret, struct error *err)
{
	const char *command =
		o->command ? o->command : procfile_get(&o->release->processes, o->type);
	char id[UUID_SIZE];
	struct dyno *dyno;

	if (check_start(ds->platform, o, command, err) < 0)
		return -1;
	/* Its lines go to drains with the commit of its release. */
	if (!o->program)
		drains_tell(ds->platform, ds->logs, o->app->id);
	dyno = dyno_new(ds, uuid_make(id));
	name_dyno(dyno, o);
	free(dyno->command);
	dyno->command = xstrdup(command);
	if (give_port(dyno, o, err) < 0 || dyno_launch(dyno, o, err) < 0) {
		unlist(dyno);
		remove_tree_later(ds->platform, dyno->priv->dir);
		dyno_free(dyno);
		return -1;
	}
	connect_within(dyno, CONNECT_TIMEOUT_MS);
	if (ret)
		*ret = dyno;
	return 0;
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
	connect_within(dyno, ADOPT_TIMEOUT_MS);
	/* Most are there at once; so the first plan knows them. */
	try_connect(dyno);
}

int dynos_new(const struct platform *p, struct logs_client *logs, struct dynos **ret,
	      struct error *err)
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
	for (char **id = ids; id && *id; id++)
		adopt(ds, *id);
	if (ds->n)
		log_info("%zu dyno%s found running", ds->n, str_plural((int64_t)ds->n));
	*ret = ds;
	return 0;
}

void dynos_on_change(struct dynos *ds, dynos_changed_fn fn, void *userdata)
{
	ds->changed = fn;
	ds->userdata = userdata;
}

void dynos_free(struct dynos *ds)
{
	if (!ds)
		return;
	while (ds->n)
		dyno_free(ds->list[--ds->n]);
	free(ds->list);
	free(ds);
}

/* ---- looking ---- */

size_t dynos_list(struct dynos *ds, const char *app_id, struct dyno ***ret)
{
	struct dyno **found = xcalloc(ds->n + 1, sizeof(*found));
	size_t n = 0;

	for (size_t i = 0; i < ds->n; i++)
		if (!app_id || streq(ds->list[i]->app_id, app_id))
			found[n++] = ds->list[i];
	*ret = found;
	return n;
}

struct dyno *dynos_find(struct dynos *ds, const char *app_id, const char *name_or_id)
{
	struct dyno *best = NULL;

	for (size_t i = 0; i < ds->n; i++) {
		struct dyno *dyno = ds->list[i];

		if ((app_id && !streq(dyno->app_id, app_id)) ||
		    (!streq(dyno->id, name_or_id) && !streq(dyno->name, name_or_id)))
			continue;
		if (!best || dyno->created_ms > best->created_ms)
			best = dyno;
	}
	return best;
}

bool dyno_is_unwell(const struct dyno *dyno)
{
	return dyno->unwell && (dyno->port || dyno->state != DYNO_UP ||
				clock_wall_ms() - dyno->starting_since_ms < WELL_MS);
}

const char *dyno_state_word(const struct dyno *dyno)
{
	switch (dyno->state) {
	case DYNO_UP:
		if (dyno->ready || dyno->one_off)
			return "up";
		break;
	case DYNO_CRASHED:
		return "crashed";
	case DYNO_STOPPING:
	case DYNO_EXITED:
		return "down";
	case DYNO_STARTING:
	case _DYNO_STATE_MAX:
		break;
	}
	return dyno->unwell ? "crashed" : "starting";
}
