/* SPDX-License-Identifier: Apache-2.0 */
/* twelved's side of a job; see services/job.h. */
#include "daemon/services/job.h"

#include <stdlib.h>

#include "base/fs.h"
#include "base/proc.h"
#include "base/str.h"
#include "daemon/core/child.h"
#include "daemon/core/remove.h"
#include "daemon/walls/walls.h"

#define RESULT_MAX_BYTES (64 << 10)

struct addon_job {
	struct platform *platform;
	char id[UUID_SIZE];
	addon_job_fn fn; /* NULL: cancelled */
	void *userdata;
	struct child *child; /* NULL: it has ended */
	struct addon_job_result result;
};

void addon_job_result_done(struct addon_job_result *r)
{
	free(r->reason);
	free(r->output);
	free(r->stack);
	free(r->sha256);
	*r = (struct addon_job_result){ 0 };
}

/* ---- the end ---- */

/* A worker that ends well leaves nothing; one that was killed leaves a directory, and what was in its
 * sandbox. */
static char *dir_of(const struct platform *p, const char *id)
{
	return xasprintf("%s/jobs/%s", p->settings.state_dir, id);
}

size_t addon_jobs_sweep(struct platform *p, void (*fn)(void *userdata), void *userdata)
{
	_cleanup_free_ char *jobs = xasprintf("%s/jobs", p->settings.state_dir);
	_cleanup_strv_ char **left = NULL;
	size_t n = 0;

	if (fs_list(jobs, &left) < 0)
		return 0;
	for (char **id = left; id && *id; id++) {
		_cleanup_free_ char *dir = dir_of(p, *id);

		remove_container_later(p, *id, dir, fn, userdata);
		n++;
	}
	return n;
}

static char *copy_of(json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));

	return s ? xstrdup(s) : NULL;
}

static void parse(const struct child_end *end, struct addon_job_result *r)
{
	json_t *j = json_loadb(end->result, end->n_result, JSON_ALLOW_NUL, NULL);
	char described[64];

	r->ok = json_is_true(json_object_get(j, "ok"));
	r->reason = copy_of(j, "reason");
	r->output = copy_of(j, "output");
	r->stack = copy_of(j, "stack");
	r->sha256 = copy_of(j, "sha256");
	r->bytes = json_integer_value(json_object_get(j, "bytes"));
	r->status = (long)json_integer_value(json_object_get(j, "status"));
	r->retry_after_s = json_integer_value(json_object_get(j, "retry_after"));
	if (!j)
		r->reason =
			xasprintf("The process of the job %s",
				  proc_describe_status(end->status, described, sizeof(described)));
	json_decref(j);
}

/* What it left is gone. */
static void finish(void *userdata)
{
	struct addon_job *j = userdata;

	if (j->fn)
		j->fn(&j->result, j->userdata);
	addon_job_result_done(&j->result);
	free(j);
}

static void on_end(const struct child_end *end, void *userdata)
{
	struct addon_job *j = userdata;
	_cleanup_free_ char *dir = dir_of(j->platform, j->id);

	j->child = NULL;
	parse(end, &j->result);
	if (fs_exists(dir))
		remove_container_later(j->platform, j->id, dir, finish, j);
	else
		finish(j);
}

void addon_job_cancel(struct addon_job *j)
{
	if (!j)
		return;
	j->fn = NULL;
	if (j->child)
		child_cancel(j->child, 0);
}

/* ---- the start ---- */

static json_t *strings(const char *const *v)
{
	json_t *list = json_array();

	for (; v && *v; v++)
		json_array_append_new(list, json_string(*v));
	return list;
}

static json_t *text(const char *s)
{
	return json_string(s ? s : "");
}

static json_t *order_of(const struct addon_job *job, const struct addon_job_order *o,
			const struct net_link *link)
{
	const struct platform *p = job->platform;
	_cleanup_free_ char *init = settings_program(&p->settings, "twelve-init");
	char net[NET_LINK_TEXT_MAX] = "";
	json_t *j;

	if (link->host_name[0])
		net_link_print(link, net);
	j = json_pack(
		"{s:s, s:s, s:s, s:s, s:s, s:i, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:O?, s:I, "
		"s:I, s:o, s:O?, s:s, s:s}",
		"state_dir", p->settings.state_dir, "data_dir", p->settings.data_dir,
		"runtime_root", p->runtime_root, "runtime", p->runtime.path, "runtime_name",
		p->runtime.name, "cgroup", (int)p->runtime.cgroup, "init", init, "id", job->id,
		"packages", strings((const char *const *)o->packages), "stack", text(o->stack),
		"lower", text(o->lower), "volume", text(o->volume), "exchange", text(o->exchange),
		"argv", strings(o->argv), "env", o->env, "memory_bytes",
		(json_int_t)o->memory_bytes, "timeout_ms", (json_int_t)o->timeout_ms, "measure",
		text(o->measure), "http", o->http, "net", net, "resolv_conf",
		o->argv ? walls_resolv_conf(o->walls) : "");
	return j;
}

int addon_job_start(struct platform *p, const struct addon_job_order *o, addon_job_fn fn,
		    void *userdata, struct addon_job **ret, struct error *err)
{
	static const char *const argv[] = { "/proc/self/exe", "addon", NULL };
	struct addon_job *j;
	struct net_link link = { 0 };
	json_t *order;
	int r;

	if (o->argv && walls_take(o->walls, o->owner_id, &link, err) < 0)
		return -1;
	j = xcalloc(1, sizeof(*j));

	*j = (struct addon_job){ .platform = p, .fn = fn, .userdata = userdata };
	uuid_make(j->id);
	order = order_of(j, o, &link);
	r = order ? child_start(p->loop,
				&(struct child_options){ .argv = argv,
							 .order = order,
							 .max_result = RESULT_MAX_BYTES,
							 .on_end = on_end,
							 .userdata = j },
				&j->child, err)
		  : error_set(err, ERROR_SYSTEM, "The order of a job can't be written as JSON");
	json_decref(order);
	if (r < 0) {
		free(j);
		return -1;
	}
	if (ret)
		*ret = j;
	return 0;
}
