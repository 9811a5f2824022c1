/* SPDX-License-Identifier: Apache-2.0 */
/* `twelved build`, and the two messages that pass; see build/worker.h. */
#include "daemon/build/worker.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/json.h"
#include "base/proc.h"
#include "base/str.h"
#include "daemon/build/packs.h"
#include "daemon/build/builds.h"
#include "stack/stack.h"

#define RESULT_FD 3

static json_t *env_list(json_t *config)
{
	json_t *list = json_array();
	const char *key;
	json_t *value;

	json_object_foreach (config, key, value)
		json_array_append_new(list, json_sprintf("%s=%s", key, json_string_value(value)));
	return list;
}

static json_t *text_list(char *const *v)
{
	json_t *list = json_array();

	for (; v && *v; v++)
		json_array_append_new(list, json_string(*v));
	return list;
}

static void add_import(json_t *j, const struct job *job)
{
	json_t *types = json_array();

	for (size_t i = 0; i < job->types.n_types; i++)
		json_array_append_new(types, json_pack("[s, s]", job->types.types[i].name,
						       job->types.types[i].command));
	json_object_set_new(j, "types", types);
	json_object_set_new(j, "stack", json_string(job->stack));
	json_object_set_new(j, "buildpacks",
			    job->buildpack ? json_pack("[s]", job->buildpack) : json_array());
}

json_t *worker_options(const struct worker_order *order)
{
	const struct platform *p = order->platform;
	const struct settings *s = &p->settings;
	_cleanup_free_ char *init = settings_program(s, "twelve-init");
	json_t *packs = json_loads(order->app->buildpacks, 0, NULL);
	char link[NET_LINK_TEXT_MAX];
	json_t *j = json_pack(
		"{s:s, s:s, s:s, s:s, s:s, s:i, s:s, s:s, s:s, s:s, s:s, s:b, s:s, s:s, s:o, s:o, "
		"s:b, s:I, s:I, s:I, s:I, s:I}",
		"state_dir", s->state_dir, "data_dir", s->data_dir, "runtime_root", p->runtime_root,
		"runtime", p->runtime.path, "runtime_name", p->runtime.name, "cgroup",
		(int)p->runtime.cgroup, "init", init, "id", order->build_id, "app_id",
		order->app->id, "app_name", order->app->name, "source", order->source, "strip_top",
		(int)order->strip_top, "commit", order->commit, "stack",
		stack_by_name(order->app->stack), "buildpacks", packs_names(packs), "env",
		env_list(order->config), "no_cache", (int)order->no_cache, "memory_bytes",
		(json_int_t)s->build_memory_bytes, "disk_bytes", (json_int_t)s->build_disk_bytes,
		"reserve_bytes", (json_int_t)s->disk_reserve_bytes, "timeout_ms",
		(json_int_t)s->build_timeout_ms, "max_files", (json_int_t)s->build_files);

	json_object_set_new(j, "unwrap", json_boolean(order->unwrap));
	if (order->sha256)
		json_object_set_new(j, "sha256", json_string(order->sha256));
	json_object_set_new(j, "directories", packs_directories(packs));
	json_decref(packs);
	if (order->link.host_name[0]) {
		net_link_print(&order->link, link);
		json_object_set_new(j, "net", json_string(link));
	}
	json_object_set_new(j, "resolv_conf", json_string(order->resolv_conf));
	if (order->ssh_key)
		json_object_set_new(j, "ssh_key", json_string(order->ssh_key));
	json_object_set_new(j, "owner_id", json_string(order->app->owner_id));
	json_object_set_new(j, "private_sources", json_boolean(s->private_sources));
	if (order->url)
		json_object_update_new(j,
				       json_pack("{s:s, s:I}", "url", order->url, "url_max_bytes",
						 (json_int_t)s->max_upload_bytes));
	json_object_set_new(j, "submodules", text_list(order->submodules));
	if (order->import)
		add_import(j, order->import);
	return j;
}

int worker_parse_result(const char *text, const char *state_dir, const char *app_id,
			struct build_result *ret, struct error *err)
{
	json_t *j = json_loads(text, 0, NULL);
	const char *key = json_string_value(json_object_get(j, "key"));
	const char *message = json_string_value(json_object_get(j, "error"));
	int r;

	if (key)
		r = build_open_key(state_dir, app_id, key, ret, err);
	else if (message)
		r = error_set(err, (enum error_kind)json_integer_value(json_object_get(j, "kind")),
			      "%s", message);
	else
		r = error_set(err, ERROR_SYSTEM, "The build ended without a result");
	json_decref(j);
	return r;
}

/* ---- in the worker ---- */

static const char *text_of(json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));

	return s ? s : "";
}

static int64_t number_of(json_t *j, const char *key)
{
	return json_integer_value(json_object_get(j, key));
}

static char **list_of(json_t *j, const char *key)
{
	char **v = NULL;
	json_t *item;
	size_t i;

	json_array_foreach (json_object_get(j, key), i, item)
		if (json_is_string(item))
			strv_push(&v, json_string_value(item));
	return v;
}

/* Whether it is an import: then its process types. */
static bool read_types(json_t *j, struct procfile *ret)
{
	json_t *types = json_object_get(j, "types"), *pair;
	size_t i;

	json_array_foreach (types, i, pair)
		procfile_set(ret, json_string_value(json_array_get(pair, 0)),
			     json_string_value(json_array_get(pair, 1)));
	return types != NULL;
}

/* A network for all of the build's sandboxes. 0: there is none to be made. */
static int make_network(json_t *j, int *ret_fd, struct error *err)
{
	const char *text = json_string_value(json_object_get(j, "net"));
	struct net_link link;

	*ret_fd = 0;
	if (!text)
		return 0;
	if (!net_link_parse(text, &link))
		return error_set(err, ERROR_SYSTEM, "The build's order has no network in \"net\"");
	return net_make(&link, ret_fd, err);
}

static int run_order(json_t *j, struct build_result *ret, struct error *err)
{
	_cleanup_strv_ char **packs = list_of(j, "buildpacks"), **env = list_of(j, "env"),
			    **directories = list_of(j, "directories"),
			    **submodules = list_of(j, "submodules");
	_cleanup_free_ char *path = xstrdup(text_of(j, "runtime")),
			    *name = xstrdup(text_of(j, "runtime_name"));
	const struct sandbox_runtime runtime = {
		.path = path, .name = name, .cgroup = (enum sandbox_cgroup)number_of(j, "cgroup")
	};
	__attribute__((cleanup(procfile_done))) struct procfile types = { 0 };
	bool import = read_types(j, &types);
	struct build_options o = {
		.import = import ? &types : NULL,
		.sha256 = json_string_value(json_object_get(j, "sha256")),
		.url = json_string_value(json_object_get(j, "url")),
		.url_max_bytes = (uint64_t)number_of(j, "url_max_bytes"),
		.private_sources = json_is_true(json_object_get(j, "private_sources")),
		.state_dir = text_of(j, "state_dir"),
		.data_dir = text_of(j, "data_dir"),
		.runtime_root = text_of(j, "runtime_root"),
		.runtime = &runtime,
		.init_path = text_of(j, "init"),
		.resolv_path = text_of(j, "resolv_conf"),
		.id = text_of(j, "id"),
		.app_id = text_of(j, "app_id"),
		.owner_id = text_of(j, "owner_id"),
		.ssh_key = json_string_value(json_object_get(j, "ssh_key")),
		.app_name = text_of(j, "app_name"),
		.source = text_of(j, "source"),
		.strip_top = json_is_true(json_object_get(j, "strip_top")),
		.unwrap = json_is_true(json_object_get(j, "unwrap")),
		.commit = text_of(j, "commit"),
		.submodules = submodules,
		.stack_name = text_of(j, "stack"),
		.buildpacks = packs,
		.directories = directories,
		.env = env,
		.no_cache = json_is_true(json_object_get(j, "no_cache")),
		.output_fd = STDOUT_FILENO,
		.limits = { .memory_bytes = (uint64_t)number_of(j, "memory_bytes") },
		.disk_bytes = (uint64_t)number_of(j, "disk_bytes"),
		.reserve_bytes = (uint64_t)number_of(j, "reserve_bytes"),
		.timeout_ms = number_of(j, "timeout_ms"),
		.max_files = (uint64_t)number_of(j, "max_files"),
	};

	/* An import runs nothing. */
	if (!import && make_network(j, &o.net_fd, err) < 0)
		return -1;
	return build_run(&o, ret, err);
}

int build_worker_main(void)
{
	struct build_result result = { 0 };
	struct error err = ERROR_INIT;
	json_t *order, *answer;
	char *text;
	int r;

	(void)proc_no_cores();
	fd_set_cloexec(RESULT_FD, true);
	order = json_loadf(stdin, 0, NULL);
	r = order ? run_order(order, &result, &err)
		  : error_set(&err, ERROR_BAD_REQUEST,
			      "twelved build is started by twelved, with its order on stdin");
	answer = r == 0 ? json_pack("{s:s}", "key", result.key)
			: json_pack("{s:o, s:i}", "error", json_text(err.message), "kind",
				    (int)err.kind);
	text = json_dumps(answer, 0);
	if (!text || fd_write_all(RESULT_FD, text, strlen(text)) < 0)
		r = -1;
	free(text);
	json_decref(answer);
	json_decref(order);
	build_result_done(&result);
	return r < 0;
}
