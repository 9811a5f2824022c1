/* SPDX-License-Identifier: Apache-2.0 */
/* `twelved addon`: carries one order out; see services/job.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/json.h"
#include "base/proc.h"
#include "base/str.h"
#include "daemon/services/ask.h"
#include "daemon/services/job.h"
#include "net/link.h"
#include "stack/stack.h"

#define RESULT_FD 3
#define MEMORY_DEFAULT (1ULL << 30)
#define MAX_PIDS 1024
#define EXCHANGE_TARGET "/app/backup"

struct work {
	json_t *order;
	const char *id;
	struct stack stack;
	char *dir; /* STATE/jobs/ID */
	char *output;
	int64_t bytes;
	char sha256[DIGEST_HEX_SIZE];
	struct http_answer http;
};

static const char *text_of(const struct work *w, const char *key)
{
	const char *s = json_string_value(json_object_get(w->order, key));

	return s ? s : "";
}

static const char *set_or_null(const char *s)
{
	return s[0] ? s : NULL;
}

static int64_t number_of(const struct work *w, const char *key)
{
	return json_integer_value(json_object_get(w->order, key));
}

static char **list_of(const struct work *w, const char *key)
{
	char **v = NULL;
	json_t *item;
	size_t i;

	json_array_foreach (json_object_get(w->order, key), i, item)
		if (json_is_string(item))
			strv_push(&v, json_string_value(item));
	return v;
}

static int make_stack(struct work *w, struct error *err)
{
	_cleanup_strv_ char **packages = list_of(w, "packages");
	const struct stack_options o = { .state_dir = text_of(w, "state_dir"),
					 .data_dir = text_of(w, "data_dir"),
					 .name = STACK_SERVICES,
					 .packages = packages,
					 .output_fd = -1 };

	if (text_of(w, "stack")[0])
		return stack_open(o.state_dir, text_of(w, "stack"), &w->stack, err);
	return stack_ensure(&o, &w->stack, err);
}

/* NAME=VALUE NUL ..., as the init reads it. */
static int env_file(const struct work *w)
{
	_cleanup_buf_ struct buf env = BUF_INIT;
	const char *key;
	json_t *value;
	int fd;

	json_object_foreach (json_object_get(w->order, "env"), key, value) {
		buf_printf(&env, "%s=%s", key, json_string_value(value));
		buf_putc(&env, '\0');
	}
	fd = fd_memfile("env", env.data, env.len);
	if (env.len)
		explicit_bzero(env.data, env.len);
	return fd;
}

/* The end of what a script said, from where a line begins. */
static char *last_output(int fd)
{
	struct stat st;
	off_t from;
	ssize_t n;
	char *s, *start;

	if (fstat(fd, &st) < 0)
		return xstrdup("");
	from = st.st_size > ADDON_JOB_OUTPUT_BYTES ? st.st_size - ADDON_JOB_OUTPUT_BYTES : 0;
	s = xcalloc(1, ADDON_JOB_OUTPUT_BYTES + 1);
	n = pread(fd, s, ADDON_JOB_OUTPUT_BYTES, from);
	s[n > 0 ? n : 0] = '\0';
	for (char *c = s; *c; c++)
		if (((unsigned char)*c < 0x20 && *c != '\n' && *c != '\t') || *c == 0x7f)
			*c = '?';
	start = from ? strchr(s, '\n') : NULL;
	if (start)
		memmove(s, start + 1, strlen(start + 1) + 1);
	return s;
}

/* The last line that is not empty. */
static char *last_line(const char *output)
{
	_cleanup_free_ char *copy = xstrdup(output);
	char *text = str_trim(copy), *line = strrchr(text, '\n');

	return xstrdup(line ? line + 1 : text);
}

static int explain(const struct work *w, const struct sandbox_result *r, struct error *err)
{
	_cleanup_free_ char *said = last_line(w->output);
	char **argv = list_of(w, "argv");
	_cleanup_free_ char *name = xstrdup(argv && argv[0] ? argv[0] : "");

	strv_free(argv);
	switch (r->end) {
	case SANDBOX_TIMEOUT:
		return error_set(err, ERROR_UNAVAILABLE, "It took more than %lld s%s%s",
				 (long long)number_of(w, "timeout_ms") / 1000, said[0] ? ": " : "",
				 said);
	case SANDBOX_OOM:
		return error_set(err, ERROR_UNAVAILABLE, "It ran out of its memory%s%s",
				 said[0] ? ": " : "", said);
	case SANDBOX_STOPPED:
	case SANDBOX_ENDED:
		break;
	}
	if (r->exit_code == 0)
		return 0;
	if (said[0])
		return error_set(err, ERROR_UNAVAILABLE, "%.900s", said);
	return error_set(err, ERROR_UNAVAILABLE, "%.200s ended with status %d", name, r->exit_code);
}

static int run_spec(struct work *w, const struct sandbox_spec *s, struct error *err)
{
	const struct sandbox_runtime runtime = {
		.path = (char *)(uintptr_t)text_of(w, "runtime"),
		.name = (char *)(uintptr_t)text_of(w, "runtime_name"),
		.cgroup = s->cgroup,
	};
	_cleanup_free_ char *bundle = xasprintf("%s/bundle", w->dir);
	_cleanup_fd_ int env_fd = env_file(w), output_fd = memfd_create("output", MFD_CLOEXEC);
	struct sandbox_run_options o = { .runtime = &runtime,
					 .runtime_root = text_of(w, "runtime_root"),
					 .bundle_dir = bundle,
					 .output_fd = output_fd,
					 .env_fd = env_fd,
					 .timeout_ms = number_of(w, "timeout_ms") };
	struct sandbox_result result;

	if (env_fd < 0 || output_fd < 0)
		return error_set_errno(err, env_fd < 0 ? env_fd : errno, "memory file");
	if (sandbox_write_bundle(bundle, s, err) < 0 || sandbox_run(s, &o, &result, err) < 0)
		return -1;
	w->output = last_output(output_fd);
	/* Its sandbox has ended. What can't be removed here is removed by twelved. */
	if (fs_remove_tree(w->dir) < 0)
		log_warn("job %s: %s can't be removed", w->id, w->dir);
	return explain(w, &result, err);
}

/* Untouched: the job has the machine's network. */
static int make_network(const struct work *w, int *ret_fd, struct error *err)
{
	const char *text = text_of(w, "net");
	struct net_link link;

	if (!text[0])
		return 0;
	if (!net_link_parse(text, &link))
		return error_set(err, ERROR_SYSTEM, "The job's order has no network in \"net\"");
	return net_make(&link, ret_fd, err);
}

static int run_script(struct work *w, struct error *err)
{
	_cleanup_strv_ char **argv = list_of(w, "argv");
	_cleanup_free_ char *scratch = xasprintf("%s/scratch", w->dir);
	_cleanup_free_ char *cgroup = xasprintf("/twelve/%s", w->id);
	_cleanup_strv_ char **all = NULL;
	struct sandbox_bind binds[2];
	_cleanup_fd_ int net_fd = -1;
	struct sandbox_spec s = {
		.id = w->id,
		.hostname = w->id,
		.layers = w->stack.layers,
		.app_lower = text_of(w, "lower"),
		.scratch_dir = scratch,
		.binds = binds,
		.init_path = text_of(w, "init"),
		.limits = { .memory_bytes = number_of(w, "memory_bytes")
						    ? (uint64_t)number_of(w, "memory_bytes")
						    : MEMORY_DEFAULT,
			    .pids = MAX_PIDS },
		.cgroup_path = cgroup,
		.cgroup = (enum sandbox_cgroup)number_of(w, "cgroup"),
		.resolv_path = text_of(w, "resolv_conf"),
	};
	const char *const places[][2] = { { text_of(w, "volume"), SANDBOX_VOLUME_PATH },
					  { text_of(w, "exchange"), EXCHANGE_TARGET } };

	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (places[i][0][0])
			binds[s.n_binds++] = (struct sandbox_bind){ .source = places[i][0],
								    .target = places[i][1],
								    .writable = true };
	if (make_network(w, &net_fd, err) < 0)
		return -1;
	s.net_fd = net_fd > 0 ? net_fd : 0;
	strv_push(&all, SANDBOX_INIT_PATH);
	for (char **a = argv; *a; a++)
		strv_push(&all, *a);
	s.argv = (const char *const *)all;
	return run_spec(w, &s, err);
}

/* The file is durable when this returns. */
static int measure(struct work *w, const char *path, struct error *err)
{
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct digest *d;
	char chunk[65536];
	ssize_t n = 0;

	if (fd < 0)
		return error_set_errno(err, errno, "Its file can't be read");
	d = digest_new();
	while ((n = fd_read(fd, chunk, sizeof(chunk))) > 0) {
		digest_update(d, chunk, (size_t)n);
		w->bytes += n;
	}
	digest_finish(d, w->sha256);
	digest_free(d);
	if (n == 0 && fsync(fd) < 0)
		n = -errno;
	return n < 0 ? error_set_errno(err, (int)n, "Its file can't be read") : 0;
}

static int carry_out(struct work *w, struct error *err)
{
	if (json_is_object(json_object_get(w->order, "http"))) {
		http_ask(json_object_get(w->order, "http"), number_of(w, "timeout_ms"), &w->http);
		w->output = w->http.body;
		return 0;
	}
	w->id = text_of(w, "id");
	w->dir = xasprintf("%s/jobs/%s", text_of(w, "state_dir"), w->id);
	if (make_stack(w, err) < 0)
		return -1;
	if (!json_array_size(json_object_get(w->order, "argv")))
		return 0;
	if (run_script(w, err) < 0)
		return -1;
	return set_or_null(text_of(w, "measure")) ? measure(w, text_of(w, "measure"), err) : 0;
}

static int tell(const struct work *w, int r, const struct error *err)
{
	json_t *j = json_pack("{s:b, s:s*, s:s*, s:I, s:I, s:I}", "ok", (int)(r == 0), "stack",
			      w->stack.layers ? w->stack.digest : NULL, "sha256",
			      w->sha256[0] ? w->sha256 : NULL, "bytes", (json_int_t)w->bytes,
			      "status", (json_int_t)w->http.status, "retry_after",
			      (json_int_t)w->http.retry_after_s);
	char *dumped;

	/* What a script or a provider's server said may be anything. */
	if (w->output)
		json_object_set_new(j, "output", json_text(w->output));
	if (r < 0)
		json_object_set_new(j, "reason", json_text(err->message));
	dumped = json_dumps(j, 0);
	r = dumped ? fd_write_all(RESULT_FD, dumped, strlen(dumped)) : -1;
	free(dumped);
	json_decref(j);
	return r;
}

int addon_worker_main(void)
{
	struct error err = ERROR_INIT;
	struct work w = { 0 };
	int r;

	(void)proc_no_cores();
	fd_set_cloexec(RESULT_FD, true);
	w.order = json_loadf(stdin, 0, NULL);
	r = w.order ? carry_out(&w, &err)
		    : error_set(&err, ERROR_BAD_REQUEST,
				"twelved addon is started by twelved, with its order on stdin");
	r = tell(&w, r, &err) < 0 ? 1 : r < 0;
	stack_done(&w.stack);
	json_decref(w.order);
	free(w.output);
	free(w.dir);
	return r;
}
