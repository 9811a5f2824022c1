/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting a dyno: everything that its supervisor needs is written below
 * RUN/dynos/ID before the supervisor is spawned, so that a twelved that comes
 * back finds either nothing, or a directory that it can clean up, or a
 * supervisor that it can adopt. Config vars are in none of these files: they go
 * by a sealed memory file.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fs.h"
#include "base/proc.h"
#include "base/str.h"
#include "daemon/edge/ca.h"
#include "daemon/dynos/dyno-priv.h"
#include "daemon/walls/walls.h"
#include "ipc/ipc.h"
#include "model/size.h"
#include "stack/stack.h"

#define SCRATCH_BYTES (512ULL << 20)
#define STOP_MS_DEFAULT 30000

static void put_env(struct buf *env, const char *key, const char *value)
{
	buf_printf(env, "%s=%s", key, value);
	buf_putc(env, '\0');
}

/* The contract with an app: config vars, then what the platform gives, which wins. A program has
 * its own. */
static void make_env(const struct dyno *dyno, const struct dyno_start *o, struct buf *env)
{
	const struct release *r = o->release;
	const struct dyno *as = o->inside ? o->inside : dyno;
	_cleanup_free_ char *version = xasprintf("v%lld", (long long)r->version);
	_cleanup_free_ char *port = xasprintf("%u", as->port);
	const char *const names[][2] = {
		{ "APP_NAME", o->app->name },
		{ "APP_ID", o->app->id },
		{ "DYNO_ID", as->id },
		{ "RELEASE_VERSION", version },
		{ "SLUG_COMMIT", r->commit ? r->commit : "" },
		{ "SLUG_DESCRIPTION", r->description ? r->description : "" },
	};
	const char *key;
	json_t *value;

	if (!o->program)
		json_object_foreach (r->config, key, value)
			put_env(env, key, json_string_value(value));
	json_object_foreach (o->env, key, value)
		if (json_is_string(value))
			put_env(env, key, json_string_value(value));
	if (o->terminal && !json_object_get(o->env, "TERM"))
		put_env(env, "TERM", "xterm-256color");
	if (o->program)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_free_ char *twelve = xasprintf("TWELVE_%s", names[i][0]);
		_cleanup_free_ char *heroku = xasprintf("HEROKU_%s", names[i][0]);

		put_env(env, twelve, names[i][1]);
		put_env(env, heroku, names[i][1]);
	}
	put_env(env, "DYNO", as->name);
	put_env(env, "TWELVE_CA_FILE", SANDBOX_CA_PATH);
	if (as->port)
		put_env(env, "PORT", port);
}

int64_t dyno_config_ms(const struct release *r, const char *key, int64_t fallback_ms)
{
	const char *s = json_string_value(json_object_get(r->config, key));
	int64_t seconds;

	return s && str_to_i64(s, 1, 3600, &seconds) ? seconds * 1000 : fallback_ms;
}

static int64_t stop_ms(const struct dyno_start *o)
{
	return o->program ? o->program->stop_ms
			  : dyno_config_ms(o->release, "TWELVE_STOP_TIMEOUT", STOP_MS_DEFAULT);
}

/* Its own network; or that of the sandbox that it goes into, by the process that lives there. */
static void put_network(struct ipc_msg *m, const struct dyno *dyno, const struct dyno_start *o)
{
	char link[NET_LINK_TEXT_MAX];

	if (!dyno->link.host_name[0])
		return;
	net_link_print(&dyno->link, link);
	ipc_put(m, "net", link);
	if (o->inside)
		ipc_put_i64(m, "net_of", o->inside->pid);
}

static int write_spec(const struct dyno *dyno, const struct dyno_start *o,
		      const struct sandbox_limits *limits, struct error *err)
{
	const struct platform *p = dyno->priv->owner->platform;
	_cleanup_free_ char *path = xasprintf("%s/spec", dyno->priv->dir);
	_cleanup_free_ char *logs = xasprintf("%s/logs.sock", p->settings.run_dir);
	_cleanup_ipc_msg_ struct ipc_msg m = IPC_MSG_INIT;
	int r;

	ipc_put(&m, "id", dyno->id);
	ipc_put(&m, "app", dyno->app_id);
	ipc_put(&m, "app_name", o->app->name);
	ipc_put(&m, "name", dyno->name);
	ipc_put(&m, "type", dyno->type);
	ipc_put_i64(&m, "number", dyno->number);
	ipc_put(&m, "inside", dyno->inside);
	ipc_put_i64(&m, "release", dyno->release);
	ipc_put(&m, "release_id", dyno->release_id);
	ipc_put(&m, "size", dyno->size);
	ipc_put(&m, "command", dyno->command);
	ipc_put_i64(&m, "port", dyno->port);
	put_network(&m, dyno, o);
	ipc_put_i64(&m, "created_ms", dyno->created_ms);
	ipc_put(&m, "restart", dyno->one_off ? "0" : "1");
	ipc_put_i64(&m, "stop_ms", stop_ms(o));
	ipc_put_i64(&m, "time_limit_ms", o->time_limit_ms);
	ipc_put(&m, "log_source", dyno->addon ? "addon" : "app");
	ipc_put(&m, "addon", dyno->addon ? "1" : "0");
	ipc_put_i64(&m, "memory_bytes", (int64_t)limits->memory_bytes);
	ipc_put_i64(&m, "scratch_bytes", (int64_t)limits->scratch_bytes);
	ipc_put(&m, "terminal", o->terminal ? "1" : "0");
	ipc_put(&m, "attach", o->attach ? "1" : "0");
	ipc_put(&m, "rendezvous", dyno->rendezvous);
	ipc_put_i64(&m, "detach_ms", p->settings.session_keep_ms);
	ipc_put_i64(&m, "columns", o->columns);
	ipc_put_i64(&m, "rows", o->rows);
	ipc_put(&m, "slug", dyno->slug);
	ipc_put(&m, "stack", dyno->stack);
	ipc_put(&m, "runtime", p->runtime.path);
	ipc_put(&m, "runtime_root", p->runtime_root);
	ipc_put(&m, "logs_sock", logs);
	if (dyno->priv->check_path)
		ipc_put(&m, "check_path", dyno->priv->check_path);
	ipc_put(&m, "check_port_only", dyno->priv->check_port_only ? "1" : "0");
	ipc_put_i64(&m, "start_ms", dyno->priv->start_ms);
	r = fs_write_fleeting(path, 0600, m.fields.data, m.fields.len);
	return r < 0 ? error_set_errno(err, r, "writing %s", path) : 0;
}

/* /app is the slug, or the directory of a program with its volume. An app sees whom it may trust on
 * this machine. */
static void fill_app(struct sandbox_spec *spec, const struct dyno_start *o, const char *slug,
		     const char *ca, struct sandbox_bind *bind)
{
	spec->app_lower = o->program ? o->program->lower : slug;
	if (o->program && o->program->volume)
		*bind = (struct sandbox_bind){ .source = o->program->volume,
					       .target = SANDBOX_VOLUME_PATH,
					       .writable = true };
	else if (!o->program && fs_exists(ca))
		*bind = (struct sandbox_bind){ .source = ca, .target = SANDBOX_CA_PATH };
	else
		return;
	spec->binds = bind;
	spec->n_binds = 1;
}

static void make_argv(const struct dyno *dyno, const struct dyno_start *o, char ***ret)
{
	if (!o->program) {
		sandbox_app_argv(dyno->command, o->inside, ret);
		return;
	}
	strv_push(ret, SANDBOX_INIT_PATH);
	for (char *const *a = o->program->argv; *a; a++)
		strv_push(ret, *a);
}

static int write_bundle(const struct dyno *dyno, const struct dyno_start *o,
			const struct sandbox_limits *limits, struct error *err)
{
	const struct platform *p = dyno->priv->owner->platform;
	_cleanup_free_ char *bundle = xasprintf("%s/bundle", dyno->priv->dir);
	_cleanup_free_ char *scratch = xasprintf("%s/scratch", dyno->priv->dir);
	_cleanup_free_ char *slug = xasprintf("%s/slugs/%s/app", p->settings.state_dir,
					      o->release->slug ? o->release->slug : "");
	_cleanup_free_ char *cgroup = xasprintf("/twelve/%s", dyno->id);
	_cleanup_free_ char *init = settings_program(&p->settings, "twelve-init");
	const char *digest = o->program ? o->program->stack : o->release->stack;
	_cleanup_strv_ char **argv = NULL;
	struct stack stack = { 0 };
	_cleanup_free_ char *ca = ca_path(p->settings.state_dir);
	struct sandbox_bind bind;
	struct sandbox_spec spec = {
		.id = dyno->id,
		.hostname = dyno->id,
		.scratch_dir = scratch,
		.init_path = init,
		.limits = *limits,
		.terminal = o->terminal,
		.cgroup_path = cgroup,
		.cgroup = p->runtime.cgroup,
		.resolv_path = walls_resolv_conf(dyno->priv->owner->walls),
	};
	int r;

	if (stack_open(p->settings.state_dir, digest, &stack, err) < 0)
		return -1;
	spec.layers = stack.layers;
	fill_app(&spec, o, slug, ca, &bind);
	make_argv(dyno, o, &argv);
	spec.argv = (const char *const *)argv;
	r = sandbox_write_bundle(bundle, &spec, err);
	stack_done(&stack);
	return r;
}

static int write_process(const struct dyno *dyno, const struct dyno_start *o, struct error *err)
{
	_cleanup_free_ char *bundle = xasprintf("%s/bundle", dyno->priv->dir);
	_cleanup_strv_ char **argv = NULL;
	struct sandbox_spec spec = { .id = dyno->id, .terminal = o->terminal };

	make_argv(dyno, o, &argv);
	spec.argv = (const char *const *)argv;
	return sandbox_write_process(bundle, &spec, err);
}

static void on_supervisor_end(int status, void *userdata)
{
	/* Its socket tells; this only reaps. */
	(void)status;
	(void)userdata;
}

static int spawn(struct dyno *dyno, const struct buf *env, struct error *err)
{
	const struct platform *p = dyno->priv->owner->platform;
	_cleanup_free_ char *program = settings_program(&p->settings, "twelve-dyno");
	_cleanup_fd_ int env_fd = fd_memfile("env", env->data, env->len);
	const char *const argv[] = { program, "--dir", dyno->priv->dir, NULL };
	struct proc_options o = { .argv = argv, .fd3 = env_fd, .new_session = true, .dir = "/" };
	pid_t pid;
	int r;

	if (env_fd < 0)
		return error_set_errno(err, env_fd, "starting %s: memory file", dyno->name);
	if (proc_spawn(&o, &pid, err) < 0)
		return -1;
	r = watch_child(p->loop, pid, on_supervisor_end, NULL, NULL);
	return r < 0 ? error_set_errno(err, r, "watching the supervisor of %s", dyno->name) : 0;
}

static int find_limits(const struct dyno *dyno, const struct dyno_start *o,
		       struct sandbox_limits *ret, struct error *err)
{
	const struct dyno_size *size = dyno_size_find(dyno->size);

	if (o->program) {
		*ret = o->program->limits;
		return 0;
	}
	if (!size)
		return error_set(err, ERROR_INVALID, "There is no dyno size \"%s\"", dyno->size);
	*ret = (struct sandbox_limits){ .memory_bytes = size->memory_bytes,
					.cpu_shares = size->cpu_shares,
					.cpus = size->cpus,
					.pids = size->pids,
					.scratch_bytes = SCRATCH_BYTES };
	return 0;
}

int dyno_launch(struct dyno *dyno, const struct dyno_start *o, struct error *err)
{
	_cleanup_buf_ struct buf env = BUF_INIT;
	struct sandbox_limits limits;
	int r;

	if (find_limits(dyno, o, &limits, err) < 0)
		return -1;
	r = fs_mkdirs(dyno->priv->dir, 0700);
	if (r < 0)
		return error_set_errno(err, r, "making %s", dyno->priv->dir);
	r = o->inside ? write_process(dyno, o, err) : write_bundle(dyno, o, &limits, err);
	if (r < 0 || write_spec(dyno, o, &limits, err) < 0)
		return -1;
	make_env(dyno, o, &env);
	r = spawn(dyno, &env, err);
	explicit_bzero(env.data, env.len);
	return r;
}
