/* SPDX-License-Identifier: Apache-2.0 */
/* HAProxy as a process; see haproxy.h. */
#include "daemon/edge/haproxy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fs.h"
#include "base/proc.h"
#include "base/str.h"
#include "daemon/edge/question.h"

#define ASK_TIMEOUT_S 2
#define ANSWER_MAX_BYTES (16 << 20)
#define OUTPUT_MAX_BYTES (1 << 20)
#define CMDLINE_MAX_BYTES 65536
#define SAID_MAX_BYTES 65536
#define CHECK_LIMIT_MS 30000

void haproxy_init(struct haproxy *h, const char *run_dir)
{
	h->dir = xasprintf("%s/haproxy", run_dir);
	h->cfg = xasprintf("%s/haproxy.cfg", h->dir);
	h->cfg_next = xasprintf("%s/haproxy.cfg.next", h->dir);
	h->master_sock = xasprintf("%s/master.sock", h->dir);
	h->admin_sock = xasprintf("%s/admin.sock", h->dir);
	h->errors_dir = xasprintf("%s/errors", h->dir);
	h->output = xasprintf("%s/output", h->dir);
	h->check_limit_ms = CHECK_LIMIT_MS;
}

void haproxy_done(struct haproxy *h)
{
	char *strings[] = { h->dir,	   h->cfg,	  h->cfg_next, h->master_sock,
			    h->admin_sock, h->errors_dir, h->output };

	for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
		free(strings[i]);
}

/* ---- files ---- */

static int write_file(const char *path, const struct buf *text, struct error *err)
{
	int r;

	/* Most calls change one map or none. */
	if (fs_file_holds(path, text->data, text->len))
		return 0;
	r = fs_write_fleeting(path, 0600, text->data, text->len);
	return r < 0 ? error_set_errno(err, r, "writing %s", path) : 0;
}

static int write_page(const struct haproxy *h, const char *name, const struct buf *text,
		      struct error *err)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", h->errors_dir, name);

	return write_file(path, text, err);
}

static int write_pages(const struct haproxy *h, struct error *err)
{
	_cleanup_buf_ struct buf none = BUF_INIT, map = BUF_INIT;
	int r = fs_mkdirs(h->errors_dir, 0700);

	if (r < 0)
		return error_set_errno(err, r, "making the directory %s", h->errors_dir);
	for (const char *const *code = route_page_codes; *code; code++) {
		_cleanup_free_ char *name = xasprintf("%s.http", *code);
		_cleanup_buf_ struct buf text = BUF_INIT;

		route_error_page(*code, &text);
		if (write_page(h, name, &text, err) < 0)
			return -1;
	}
	route_no_answer_page(h->errors_dir, &none);
	route_no_answer_map(&map);
	return write_page(h, "502.html", &none, err) < 0 || write_page(h, "502.map", &map, err) < 0
		       ? -1
		       : 0;
}

int haproxy_write_files(const struct haproxy *h, const struct route_config *c, const char *path,
			struct error *err)
{
	_cleanup_buf_ struct buf cfg = BUF_INIT;

	if (write_pages(h, err) < 0)
		return -1;
	for (int i = 0; i < _ROUTE_MAP_MAX; i++) {
		_cleanup_free_ char *map = xasprintf("%s/%s", h->dir, route_map_files[i]);
		_cleanup_buf_ struct buf text = BUF_INIT;

		route_render_map(c, (enum route_map)i, &text);
		if (write_file(map, &text, err) < 0)
			return -1;
	}
	route_render(c, &cfg);
	return write_file(path, &cfg, err);
}

/* ---- the process ---- */

/* "[ALERT]    (123) : config : parsing [FILE:3] : unknown keyword ..." */
char *haproxy_complaint(const char *output)
{
	const char *at = strstr(output, "[ALERT]");
	const char *text = at ? strstr(at, ") : ") : NULL;

	if (!text)
		return xstrdup(*output ? "it said nothing about why" : "it said nothing");
	text += strlen(") : ");
	return xstrndup(text, strcspn(text, "\n"));
}

char *haproxy_last_words(const struct haproxy *h)
{
	_cleanup_buf_ struct buf text = BUF_INIT;

	if (fs_read_file(h->output, OUTPUT_MAX_BYTES, &text) < 0)
		return xstrdup("its output can't be read");
	return haproxy_complaint(text.data);
}

/* None of twelved's environment: it may hold what is not for a listener on the network. */
static const char *const environment[] = {
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", NULL
};

static int require_haproxy(struct error *err)
{
	return fs_find_program("haproxy", NULL)
		       ? 0
		       : error_set(err, ERROR_UNAVAILABLE,
				   "haproxy is not installed: apt-get install haproxy");
}

int haproxy_check_start(const struct haproxy *h, struct loop *l,
			void (*on_end)(const struct child_end *end, void *userdata), void *userdata,
			struct child **ret, struct error *err)
{
	const char *const argv[] = { "haproxy", "-c", "-f", h->cfg_next, NULL };
	const struct child_options o = { .argv = argv,
					 .env = environment,
					 .max_output = SAID_MAX_BYTES,
					 .timeout_ms = h->check_limit_ms,
					 .on_end = on_end,
					 .userdata = userdata };

	return require_haproxy(err) < 0 ? -1 : child_start(l, &o, ret, err);
}

/* Arguments with their NULs, as in proc(5). */
static bool has_argument(const struct buf *cmdline, const char *argument)
{
	for (size_t i = 0; i < cmdline->len; i += strlen(cmdline->data + i) + 1)
		if (streq(cmdline->data + i, argument))
			return true;
	return false;
}

size_t haproxy_running(const struct haproxy *h, pid_t **ret)
{
	_cleanup_strv_ char **names = NULL;
	pid_t *found = NULL;
	size_t n = 0;

	fs_list("/proc", &names);
	for (char **name = names; name && *name; name++) {
		_cleanup_free_ char *path = xasprintf("/proc/%s/cmdline", *name);
		_cleanup_buf_ struct buf cmdline = BUF_INIT;
		int64_t pid;

		if (!str_to_i64(*name, 2, INT32_MAX, &pid) ||
		    fs_read_file(path, CMDLINE_MAX_BYTES, &cmdline) < 0 ||
		    !str_starts(cmdline.data, "haproxy") || !has_argument(&cmdline, h->cfg))
			continue;
		found = xrealloc(found, (n + 1) * sizeof(*found));
		found[n++] = (pid_t)pid;
	}
	*ret = found;
	return n;
}

int haproxy_start(const struct haproxy *h, pid_t *ret_pid, struct error *err)
{
	_cleanup_free_ char *master = xasprintf("%s,mode,600", h->master_sock);
	_cleanup_free_ char *pid = xasprintf("%s/pid", h->dir);
	const char *const argv[] = { "haproxy", "-W", "-S", master, "-f", h->cfg, "-p", pid, NULL };
	_cleanup_fd_ int fd =
		open(h->output, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);

	const struct proc_options o = { .argv = argv,
					.env = environment,
					.dir = "/",
					.stdout_fd = fd,
					.stderr_fd = fd,
					.new_session = true };

	if (fd < 0)
		return error_set_errno(err, errno, "opening %s", h->output);
	return require_haproxy(err) < 0 ? -1 : proc_spawn(&o, ret_pid, err);
}

/* ---- asking ---- */

static int connect_to(const char *path, struct error *err)
{
	const struct timeval tv = { .tv_sec = ASK_TIMEOUT_S };
	/* Else a haproxy that is stopped, and has as many waiting as it takes, would keep us for
	 * ever. */
	int fd = sock_connect_unix(path, SOCK_STREAM | SOCK_NONBLOCK);

	if (fd < 0)
		return error_set_errno(err, fd, "connecting to haproxy at %s", path);
	if (fd_set_nonblock(fd, false) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)) < 0) {
		error_set_errno(err, errno, "haproxy at %s: timeouts", path);
		return fd_close(fd);
	}
	return fd;
}

static int send_all(int fd, const char *data, size_t n)
{
	while (n) {
		ssize_t w = send(fd, data, n, MSG_NOSIGNAL);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return -errno;
		data += w;
		n -= (size_t)w;
	}
	return 0;
}

static int ask_line(const char *path, const struct buf *line, struct buf *answer, struct error *err)
{
	_cleanup_fd_ int fd = connect_to(path, err);
	ssize_t n;
	int r;

	if (fd < 0)
		return -1;
	r = send_all(fd, line->data, line->len);
	if (r < 0 || shutdown(fd, SHUT_WR) < 0)
		return error_set_errno(err, r < 0 ? r : errno, "asking haproxy");
	do {
		n = fd_read(fd, buf_reserve(answer, 65536), 65536);
		if (n > 0)
			buf_added(answer, (size_t)n);
	} while (n > 0 && answer->len < ANSWER_MAX_BYTES);
	return n < 0 && n != -ECONNRESET ? error_set_errno(err, (int)n, "reading haproxy's answer")
					 : 0;
}

int haproxy_ask(const char *socket_path, const char *commands, struct buf *answer,
		struct error *err)
{
	_cleanup_buf_ struct buf line = BUF_INIT;

	/* One line a connection, with as many commands as fit. */
	while (question_take_line(&commands, &line))
		if (ask_line(socket_path, &line, answer, err) < 0)
			return -1;
	return 0;
}

int haproxy_procs(const struct haproxy *h, struct route_procs *ret, struct error *err)
{
	_cleanup_buf_ struct buf answer = BUF_INIT;

	if (haproxy_ask(h->master_sock, "show proc", &answer, err) < 0)
		return -1;
	return route_parse_procs(answer.data, ret, err);
}

int haproxy_procs_begin(const struct haproxy *h)
{
	static const char line[] = "show proc\n";
	_cleanup_fd_ int fd = sock_connect_unix(h->master_sock, SOCK_STREAM | SOCK_NONBLOCK);
	int r;

	if (fd < 0)
		return fd;
	r = send_all(fd, line, strlen(line));
	if (r == 0 && shutdown(fd, SHUT_WR) < 0)
		r = -errno;
	return r < 0 ? r : fd_steal(&fd);
}
