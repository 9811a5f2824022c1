/* SPDX-License-Identifier: Apache-2.0 */
/* twelved's side of a job; see services/job.h. */
#include "daemon/services/job.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/str.h"

#define RESULT_MAX_BYTES (64 << 10)

struct addon_job {
	struct platform *platform;
	char id[UUID_SIZE];
	addon_job_fn fn; /* NULL: cancelled */
	void *userdata;
	pid_t pid;
	bool ended;
	int status;
	int result_fd;
	struct watch *results;
	struct buf result;
};

void addon_job_result_done(struct addon_job_result *r)
{
	free(r->reason);
	free(r->output);
	free(r->stack);
	free(r->sha256);
	*r = (struct addon_job_result){ 0 };
}

static void job_free(struct addon_job *j)
{
	watch_free(j->results);
	fd_close(j->result_fd);
	buf_done(&j->result);
	free(j);
}

/* ---- the end ---- */

static void sweep(struct platform *p, const char *id)
{
	_cleanup_free_ char *dir = xasprintf("%s/jobs/%s", p->settings.state_dir, id);
	struct error err = ERROR_INIT;

	if (!fs_exists(dir))
		return;
	if (sandbox_delete(&p->runtime, p->runtime_root, id, &err) < 0)
		log_warn("job %s: %s", id, err.message);
	if (fs_remove_tree(dir) < 0)
		log_warn("job %s: %s can't be removed; it is tried again at the next start", id,
			 dir);
}

void addon_jobs_sweep(struct platform *p)
{
	_cleanup_free_ char *dir = xasprintf("%s/jobs", p->settings.state_dir);
	_cleanup_strv_ char **left = NULL;

	if (fs_list(dir, &left) == 0)
		for (char **id = left; id && *id; id++)
			sweep(p, *id);
}

static char *copy_of(json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));

	return s ? xstrdup(s) : NULL;
}

static void parse(const struct addon_job *job, struct addon_job_result *r)
{
	json_t *j = json_loadb(job->result.data, job->result.len, JSON_ALLOW_NUL, NULL);
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
				  proc_describe_status(job->status, described, sizeof(described)));
	json_decref(j);
}

static void maybe_ended(struct addon_job *j)
{
	struct addon_job_result r = { 0 };

	if (!j->ended || j->results)
		return;
	sweep(j->platform, j->id);
	parse(j, &r);
	if (j->fn)
		j->fn(&r, j->userdata);
	addon_job_result_done(&r);
	job_free(j);
}

static void on_result(void *userdata)
{
	struct addon_job *j = userdata;
	ssize_t n = fd_read(j->result_fd, buf_reserve(&j->result, 4096), 4096);

	if (n > 0 && j->result.len + (size_t)n < RESULT_MAX_BYTES) {
		buf_added(&j->result, (size_t)n);
	} else if (n != -EAGAIN) {
		watch_free(steal_ptr(j->results));
		maybe_ended(j);
	}
}

static void on_child(int status, void *userdata)
{
	struct addon_job *j = userdata;

	j->ended = true;
	j->status = status;
	maybe_ended(j);
}

void addon_job_cancel(struct addon_job *j)
{
	if (!j)
		return;
	j->fn = NULL;
	if (!j->ended)
		kill(-j->pid, SIGKILL);
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

static int write_order(const struct addon_job *job, const struct addon_job_order *o)
{
	const struct platform *p = job->platform;
	_cleanup_free_ char *init = settings_program(&p->settings, "twelve-init");
	json_t *j = json_pack(
		"{s:s, s:s, s:s, s:s, s:s, s:i, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:O?, s:I, "
		"s:I, s:o, s:O?}",
		"state_dir", p->settings.state_dir, "data_dir", p->settings.data_dir,
		"runtime_root", p->runtime_root, "runtime", p->runtime.path, "runtime_name",
		p->runtime.name, "cgroup", (int)p->runtime.cgroup, "init", init, "id", job->id,
		"packages", strings((const char *const *)o->packages), "stack", text(o->stack),
		"lower", text(o->lower), "volume", text(o->volume), "exchange", text(o->exchange),
		"argv", strings(o->argv), "env", o->env, "memory_bytes",
		(json_int_t)o->memory_bytes, "timeout_ms", (json_int_t)o->timeout_ms, "measure",
		text(o->measure), "http", o->http);
	char *dumped = json_dumps(j, 0);
	int fd = dumped ? fd_memfile("addon", dumped, strlen(dumped)) : -EINVAL;

	json_decref(j);
	if (dumped)
		explicit_bzero(dumped, strlen(dumped));
	free(dumped);
	return fd;
}

static int spawn(struct addon_job *j, int order_fd, struct error *err)
{
	const char *const argv[] = { "/proc/self/exe", "addon", NULL };
	struct proc_options o = { .argv = argv,
				  .stdin_fd = order_fd,
				  .new_session = true,
				  .die_with_us = true,
				  .dir = "/" };
	int fds[2], r;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return error_set_errno(err, errno, "starting a job: pipe");
	j->result_fd = fds[0];
	o.fd3 = fds[1];
	r = proc_spawn(&o, &j->pid, err);
	fd_close(fds[1]);
	if (r < 0)
		return -1;
	fd_set_nonblock(j->result_fd, true);
	j->results = watch_readable(j->platform->loop, j->result_fd, on_result, j);
	r = watch_child(j->platform->loop, j->pid, on_child, j, NULL);
	return r < 0 ? error_set_errno(err, r, "watching a job") : 0;
}

int addon_job_start(struct platform *p, const struct addon_job_order *o, addon_job_fn fn,
		    void *userdata, struct addon_job **ret, struct error *err)
{
	struct addon_job *j = xcalloc(1, sizeof(*j));
	_cleanup_fd_ int order_fd = -1;

	*j = (struct addon_job){
		.platform = p, .fn = fn, .userdata = userdata, .result_fd = -1, .result = BUF_INIT
	};
	uuid_make(j->id);
	order_fd = write_order(j, o);
	if (order_fd < 0)
		error_set_errno(err, order_fd, "writing the order of a job");
	if (order_fd < 0 || spawn(j, order_fd, err) < 0) {
		job_free(j);
		return -1;
	}
	if (ret)
		*ret = j;
	return 0;
}
