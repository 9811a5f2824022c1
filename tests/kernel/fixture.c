/* SPDX-License-Identifier: Apache-2.0 */
/* See fixture.h. */
#include "fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/fs.h"
#include "base/proc.h"
#include "base/str.h"

static const char environment[] = "SECRET=not-for-disks\0PORT=5000";

struct sandbox_runtime test_runtime;
char test_dir[] = "/tmp/twelve-kernel-XXXXXX";
char test_rootfs[64], test_slug[64], test_runtime_root[64];

/* Nobody accepts on it: what is sent waits in the socket, as with a twelve-logs that is busy. */
static char logs_path[64];
static int logs_fd = -1;

static void run(const char *const *argv, struct buf *out)
{
	struct proc_options o = { .argv = argv };
	struct error err = ERROR_INIT;
	int status = -1;

	if (proc_run(&o, out, &status, &err) < 0 || status != 0)
		fail_msg("%s: %s", argv[0], err.message);
}

/* Into the root at the same path, with its libraries. */
static void copy_program(const char *path)
{
	const char *const ldd[] = { "ldd", path, NULL };
	const char *const cp[] = { "cp", "-L", "--parents", path, test_rootfs, NULL };
	_cleanup_buf_ struct buf out = BUF_INIT;
	char *save = NULL;

	run(cp, NULL);
	run(ldd, &out);
	for (char *word = strtok_r(out.data, " \t\n", &save); word;
	     word = strtok_r(NULL, " \t\n", &save)) {
		const char *const lib[] = { "cp", "-L", "--parents", word, test_rootfs, NULL };

		if (word[0] == '/')
			run(lib, NULL);
	}
}

static void make_rootfs(void)
{
	static const char *const dirs[] = { "app", "tmp", "proc", "dev", "etc", ".twelve", "bin" };
	static const char *const files[] = { ".twelve/init", "etc/resolv.conf", "etc/hosts" };
	static const char *const programs[] = { "/bin/bash",   "/bin/cat",	   "/bin/sleep",
						"/bin/stty",   "/bin/mount",	   "/usr/bin/head",
						"/usr/bin/id", "/usr/bin/unshare", "/bin/mkdir" };

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", test_rootfs, dirs[i]);

		assert_int_equal(fs_mkdirs(path, 0755), 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", test_rootfs, files[i]);

		assert_int_equal(fs_write_atomic(path, 0644, "", 0), 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++)
		copy_program(programs[i]);
}

int fixture_begin(void)
{
	struct error err = ERROR_INIT;

	if (geteuid() != 0) {
		fputs("skipped: sandboxes need root\n", stderr);
		return 77;
	}
	if (!getenv("TWELVE_DYNO") || !getenv("TWELVE_INIT") ||
	    sandbox_runtime_detect(&test_runtime, &err) < 0) {
		fprintf(stderr,
			"skipped: TWELVE_DYNO, TWELVE_INIT and an OCI runtime are needed. %s\n",
			err.message);
		return 77;
	}
	/* Sandboxed processes, which are not root, come through here. */
	if (!mkdtemp(test_dir) || chmod(test_dir, 0755) < 0)
		return 1;
	snprintf(test_rootfs, sizeof(test_rootfs), "%s/rootfs", test_dir);
	snprintf(test_slug, sizeof(test_slug), "%s/slug", test_dir);
	snprintf(test_runtime_root, sizeof(test_runtime_root), "%s/runtime", test_dir);
	snprintf(logs_path, sizeof(logs_path), "%s/logs-of-nobody", test_dir);
	logs_fd = sock_listen_unix(logs_path, SOCK_SEQPACKET, 0600);
	if (logs_fd < 0)
		return 1;
	make_rootfs();
	if (fs_mkdirs(test_slug, 0755) < 0 || chown(test_slug, SANDBOX_UID, SANDBOX_GID) < 0)
		return 1;
	return 0;
}

void fixture_end(void)
{
	fd_close(logs_fd);
	fs_remove_tree(test_dir);
	sandbox_runtime_done(&test_runtime);
}

void test_sandbox_init(struct test_sandbox *t, const char *command)
{
	*t = (struct test_sandbox){ 0 };
	uuid_make(t->id);
	t->dir = xasprintf("%s/%s", test_dir, t->id);
	t->bundle = xasprintf("%s/bundle", t->dir);
	t->scratch = xasprintf("%s/scratch", t->dir);
	t->cgroup = xasprintf("/twelve/%s", t->id);
	sandbox_app_argv(command, false, &t->argv);
	t->spec = (struct sandbox_spec){
		.id = t->id,
		.hostname = "test",
		.rootfs = test_rootfs,
		.app_lower = test_slug,
		.scratch_dir = t->scratch,
		.init_path = getenv("TWELVE_INIT"),
		.argv = (const char *const *)t->argv,
		.limits = { .memory_bytes = 64 * MIB, .pids = 64, .scratch_bytes = 8 * MIB },
		.cgroup_path = t->cgroup,
		.cgroup = test_runtime.cgroup,
	};
	assert_int_equal(fs_mkdirs(t->dir, 0700), 0);
}

void test_sandbox_done(struct test_sandbox *t)
{
	fs_remove_tree(t->dir);
	strv_free(t->argv);
	free(t->dir);
	free(t->bundle);
	free(t->scratch);
	free(t->cgroup);
}

static void write_spec(const struct test_dyno *d, const char *command)
{
	_cleanup_free_ char *path = xasprintf("%s/spec", d->sandbox.dir);
	_cleanup_ipc_msg_ struct ipc_msg m = IPC_MSG_INIT;
	const struct {
		const char *key, *value;
	} strings[] = {
		{ "id", d->sandbox.id },
		{ "app", "an-app" },
		{ "name", "web.1" },
		{ "release", "3" },
		{ "command", command },
		{ "log_source", "app" },
		{ "runtime", test_runtime.path },
		{ "runtime_root", test_runtime_root },
		{ "logs_sock", d->logs_sock ? d->logs_sock : logs_path },
	};
	const struct {
		const char *key;
		int64_t value;
	} numbers[] = {
		{ "terminal", d->terminal },
		{ "attach", d->attach || d->raw },
		{ "detach_ms", d->detach_ms ? d->detach_ms : 60000 },
		{ "restart", d->restart },
		{ "stop_ms", d->stop_ms ? d->stop_ms : 10000 },
		{ "time_limit_ms", d->time_limit_ms },
		{ "memory_bytes", (int64_t)d->sandbox.spec.limits.memory_bytes },
		{ "scratch_bytes", (int64_t)d->sandbox.spec.limits.scratch_bytes },
		{ "columns", 80 },
		{ "rows", 24 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
		ipc_put(&m, strings[i].key, strings[i].value);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		ipc_put_i64(&m, numbers[i].key, numbers[i].value);
	assert_int_equal(fs_write_atomic(path, 0600, m.fields.data, m.fields.len), 0);
}

static void limit_wait(int fd)
{
	struct timeval limit = { .tv_sec = WAIT_MS / 1000 };

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
}

static int connect_control(const struct test_dyno *d)
{
	_cleanup_free_ char *path = xasprintf("%s/sock", d->sandbox.dir);
	_cleanup_fd_ int pidfd = proc_pidfd_open(d->pid);
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	/* The socket is there, or the supervisor is dead. */
	for (int i = 0; i < WAIT_MS / 5; i++) {
		int fd = sock_connect_unix(path, SOCK_SEQPACKET);

		if (fd >= 0)
			return fd;
		if (poll(&p, 1, 5) > 0)
			break;
	}
	fail_msg("%s did not come", path);
	return -1;
}

static void attach(struct test_dyno *d, struct ipc_msg *m)
{
	int fds[2];

	fd_close(d->client_fd);
	buf_clear(&d->frames);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	ipc_put_fd(m, fds[1]);
	assert_int_equal(ipc_send(d->control_fd, m), 0);
	fd_close(fds[1]);
	d->client_fd = fds[0];
	limit_wait(d->client_fd);
}

void dyno_attach(struct test_dyno *d, bool come_back)
{
	_cleanup_ipc_msg_ struct ipc_msg m = IPC_MSG_INIT;

	ipc_msg_init(&m, DYNO_ATTACH);
	if (come_back) {
		ipc_put_i64(&m, "session", d->serial);
		ipc_put_i64(&m, "position", d->position);
	}
	attach(d, &m);
}

void dyno_attach_raw(struct test_dyno *d)
{
	_cleanup_ipc_msg_ struct ipc_msg m = IPC_MSG_INIT;

	ipc_msg_init(&m, DYNO_ATTACH);
	ipc_put(&m, "mode", "raw");
	attach(d, &m);
}

void dyno_begin(struct test_dyno *d, const char *command)
{
	_cleanup_fd_ int env_fd = fd_memfile("env", environment, sizeof(environment));
	const char *argv[] = { getenv("TWELVE_DYNO"), "--dir", NULL, NULL };
	struct proc_options o = { .argv = argv, .fd3 = env_fd, .new_session = true };
	struct error err = ERROR_INIT;

	test_sandbox_init(&d->sandbox, command);
	d->sandbox.spec.terminal = d->terminal;
	d->client_fd = -1;
	d->frames = BUF_INIT;
	pthread_mutex_init(&d->lock, NULL);
	pthread_cond_init(&d->told, NULL);
	if (sandbox_write_bundle(d->sandbox.bundle, &d->sandbox.spec, &err) < 0)
		fail_msg("%s", err.message);
	write_spec(d, command);
	argv[2] = d->sandbox.dir;
	if (proc_spawn(&o, &d->pid, &err) < 0)
		fail_msg("%s", err.message);
	d->control_fd = connect_control(d);
	limit_wait(d->control_fd);
	if (d->raw)
		dyno_attach_raw(d);
	else if (d->attach)
		dyno_attach(d, false);
}

void dyno_end(struct test_dyno *d)
{
	if (d->pid > 0) {
		_cleanup_fd_ int pidfd = proc_pidfd_open(d->pid);

		await_fd(pidfd);
		waitpid(d->pid, NULL, 0);
	}
	fd_close(d->control_fd);
	fd_close(d->client_fd);
	buf_done(&d->frames);
	test_sandbox_done(&d->sandbox);
}

void dyno_await(struct test_dyno *d, const char *state, struct ipc_msg *ret)
{
	for (;;) {
		int r;

		ipc_msg_done(ret);
		r = ipc_recv(d->control_fd, ret);
		if (r != 1)
			fail_msg("no status \"%s\" came: %d", state, r);
		assert_int_equal(ret->type, DYNO_STATUS);
		if (streq(ipc_get(ret, "state"), state))
			return;
	}
}

void dyno_send(struct test_dyno *d, enum dyno_msg type)
{
	_cleanup_ipc_msg_ struct ipc_msg m = IPC_MSG_INIT;

	ipc_msg_init(&m, type);
	assert_int_equal(ipc_send(d->control_fd, &m), 0);
}

void dyno_frame(struct test_dyno *d, enum attach_frame type, const void *data, size_t n)
{
	uint32_t length = htonl((uint32_t)n);
	char header[ATTACH_HEADER_BYTES] = { (char)type };

	memcpy(header + 1, &length, sizeof(length));
	pthread_mutex_lock(&d->lock);
	assert_int_equal(fd_write_all(d->client_fd, header, sizeof(header)), 0);
	assert_int_equal(fd_write_all(d->client_fd, data, n), 0);
	pthread_mutex_unlock(&d->lock);
}

/* False at the end of the stream. */
static bool need(struct test_dyno *d, size_t n)
{
	while (d->frames.len < n) {
		ssize_t r = fd_read(d->client_fd, buf_reserve(&d->frames, 65536), 65536);

		if (r < 0)
			fail_msg("no frame came: %zd", r);
		if (r == 0)
			return false;
		buf_added(&d->frames, (size_t)r);
	}
	return true;
}

static char read_frame(struct test_dyno *d, struct buf *ret)
{
	uint32_t length;
	char type;

	if (!need(d, ATTACH_HEADER_BYTES))
		return 0;
	type = d->frames.data[0];
	memcpy(&length, d->frames.data + 1, sizeof(length));
	length = ntohl(length);
	assert_true(need(d, ATTACH_HEADER_BYTES + length));
	buf_clear(ret);
	buf_append(ret, d->frames.data + ATTACH_HEADER_BYTES, length);
	buf_consume(&d->frames, ATTACH_HEADER_BYTES + length);
	return type;
}

static void note_hello(struct test_dyno *d, const char *text)
{
	long long serial, n_input, position;

	assert_int_equal(sscanf(text, "%lld %lld %lld", &serial, &n_input, &position), 3);
	d->serial = serial;
	d->n_input = (uint64_t)n_input;
	d->position = d->position_told = position;
}

static void note_ack(struct test_dyno *d, const char *text)
{
	pthread_mutex_lock(&d->lock);
	d->n_acked = strtoull(text, NULL, 10);
	pthread_cond_signal(&d->told);
	pthread_mutex_unlock(&d->lock);
}

static void acknowledge(struct test_dyno *d, size_t n)
{
	char text[24];

	d->position += (int64_t)(ATTACH_HEADER_BYTES + n);
	if (d->position - d->position_told < ATTACH_ACK_BYTES)
		return;
	d->position_told = d->position;
	snprintf(text, sizeof(text), "%lld", (long long)d->position);
	dyno_frame(d, ATTACH_ACK, text, strlen(text));
}

char dyno_next_frame(struct test_dyno *d, struct buf *ret)
{
	for (;;) {
		char type = read_frame(d, ret);

		if (type == ATTACH_HELLO) {
			note_hello(d, ret->data);
			continue;
		}
		if (type == ATTACH_ACK) {
			note_ack(d, ret->data);
			continue;
		}
		if (type == ATTACH_STDOUT || type == ATTACH_STDERR)
			acknowledge(d, ret->len);
		if (type == ATTACH_EXIT)
			dyno_frame(d, ATTACH_GOODBYE, "", 0);
		return type;
	}
}

void dyno_output(struct test_dyno *d, struct buf *out, struct buf *ret_exit)
{
	char type;

	while ((type = dyno_next_frame(d, ret_exit)) && type != ATTACH_EXIT)
		buf_append(out, ret_exit->data, ret_exit->len);
	assert_int_equal(type, ATTACH_EXIT);
}

size_t dyno_pidfds(const struct test_sandbox *t, int *fds, size_t max)
{
	_cleanup_free_ pid_t *pids = NULL;
	size_t n = 0;

	assert_int_equal(sandbox_pids(&test_runtime, t->cgroup, &pids, &n), 0);
	for (size_t i = 0; i < n && i < max; i++)
		fds[i] = proc_pidfd_open(pids[i]);
	return n;
}

void await_fd(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	assert_int_equal(poll(&p, 1, WAIT_MS), 1);
}
