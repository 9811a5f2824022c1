/* SPDX-License-Identifier: Apache-2.0 */
/*
 * twelve-logs: reads the pipes of all dynos, stamps and numbers their lines, keeps
 * the recent ones in a ring per app, and feeds those who read. See logsd.h.
 *
 * Settings: TWELVE_RUN_DIR (where the sockets and logs/ are), TWELVE_LOG_RING
 * (bytes of a new ring, 4194304), TWELVE_LOG_LEVEL.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/str.h"
#include "logs/journal.h"
#include "logsd/apps.h"
#include "logsd/curl-load.h"
#include "logsd/drains.h"
#include "logsd/logsd.h"
#include "logsd/peer.h"
#include "logsd/refused.h"
#include "logsd/source.h"

#define EVENTS 128
#define MMAP_BYTES (128 * 1024)
/* Room for pipes that hold many small writes: a slot each. */
#define PEEK_PIPE_BYTES (1024 * 1024)

static const char usage[] = "usage: twelve-logs [--version | --help]\n"
			    "\n"
			    "Part of twelved, which starts it.\n";

static void dispatch(int epoll_fd, int timeout_ms)
{
	struct epoll_event events[EVENTS];
	int n = epoll_wait(epoll_fd, events, EVENTS, timeout_ms);

	for (int i = 0; i < n; i++) {
		struct handler *h = events[i].data.ptr;

		if (!h->dead)
			h->fn(h, events[i].events);
	}
}

static void on_pipes(struct handler *h, uint32_t events)
{
	(void)events;
	dispatch(h->fd, 0);
}

static void on_signal(struct handler *h, uint32_t events)
{
	struct logsd *l = (struct logsd *)(void *)((char *)h - offsetof(struct logsd, signals));

	(void)events;
	l->stopping = true;
}

/* Lets lines gather for a moment when it costs nobody anything. */
static void gather(struct logsd *l, int64_t now_ms)
{
	bool little = (l->round_bytes || l->round_lines) && l->round_bytes < GATHER_BYTES &&
		      l->round_lines < GATHER_LINES;

	if (!l->gather_until_ms && little && !l->n_readers && !l->again) {
		l->gather_until_ms = now_ms + GATHER_MS;
		logsd_change(l, &l->pipes, 0);
		if (l->router_waits)
			logsd_change(l, &l->router, 0);
	} else if (l->gather_until_ms && (l->n_readers || now_ms >= l->gather_until_ms)) {
		l->gather_until_ms = 0;
		logsd_change(l, &l->pipes, EPOLLIN);
		logsd_change(l, &l->router, EPOLLIN);
	}
}

static int timeout_ms(const struct logsd *l, int64_t now_ms)
{
	int64_t next = INT64_MAX;

	if (l->again || l->late)
		return 0;
	if (l->gather_until_ms)
		next = l->gather_until_ms;
	if (l->unended_first && l->unended_first->deadline_ms < next)
		next = l->unended_first->deadline_ms;
	if (drains_next_ms(l) < next)
		next = drains_next_ms(l);
	if (next == INT64_MAX)
		return -1;
	return next > now_ms ? (int)(next - now_ms) : 0;
}

static void serve(struct logsd *l)
{
	while (!l->stopping) {
		int64_t now_ms = clock_now_ms();

		gather(l, now_ms);
		l->round_bytes = l->round_lines = 0;
		dispatch(l->epoll_fd, timeout_ms(l, now_ms));
		peers_answer_late(l);
		sources_again(l);
		now_ms = clock_now_ms();
		sources_flush(l, now_ms);
		drains_tick(l, now_ms);
		logsd_bury(l);
	}
	peers_drain(l);
	sources_drain(l);
	logsd_bury(l);
}

static void check_memory_backed(const char *dir)
{
	struct statfs st;

	if (statfs(dir, &st) < 0 || st.f_type == TMPFS_MAGIC || st.f_type == RAMFS_MAGIC)
		return;
	log_warn("%s is not on a tmpfs: recent lines of apps will lie on a disk; set "
		 "TWELVE_RUN_DIR to a "
		 "directory under /run that is one",
		 dir);
}

/* Two at once would take each other's bytes. The lock is held until we end. */
static int lock(const char *dir, struct error *err)
{
	_cleanup_free_ char *path = xasprintf("%s/lock", dir);
	_cleanup_fd_ int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return error_set_errno(err, errno, "opening %s", path);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return error_set(err, ERROR_CONFLICT, "another twelve-logs runs in %s", dir);
	return fd_steal(&fd);
}

static int read_ring_size(size_t *ret, struct error *err)
{
	const char *text = getenv("TWELVE_LOG_RING");
	int64_t n = RING_SIZE_DEFAULT;

	if (text && !str_to_i64(text, RING_SIZE_MIN, RING_SIZE_MAX, &n))
		return error_set(err, ERROR_INVALID,
				 "TWELVE_LOG_RING is \"%s\": expected bytes from %d to %d", text,
				 RING_SIZE_MIN, RING_SIZE_MAX);
	*ret = (size_t)n;
	return 0;
}

static void raise_limit(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) < 0)
		return;
	r.rlim_cur = r.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &r) < 0)
		log_warn("raising the limit of open files: %s", strerror(errno));
}

static int open_descriptors(struct logsd *l, struct error *err)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	l->sources_epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	l->signals = (struct handler){ .fn = on_signal,
				       .fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK) };
	if (l->epoll_fd < 0 || l->sources_epoll_fd < 0 || l->signals.fd < 0 ||
	    pipe2(l->peek_fds, O_CLOEXEC) < 0)
		return error_set_errno(err, errno, "opening descriptors");
	if (fcntl(l->peek_fds[1], F_SETPIPE_SZ, PEEK_PIPE_BYTES) < 0)
		log_debug("the pipe to look with keeps its size: %s", strerror(errno));
	l->pipes = (struct handler){ .fn = on_pipes, .fd = l->sources_epoll_fd };
	logsd_watch(l, &l->signals, EPOLLIN);
	logsd_watch(l, &l->pipes, EPOLLIN);
	return 0;
}

static int prepare(struct logsd *l, const char *run_dir, struct error *err)
{
	int r;

	l->dir = xasprintf("%s/logs", run_dir);
	l->peek = xcalloc(1, CHUNK_BYTES);
	r = fs_mkdirs(l->dir, 0700);
	if (r < 0)
		return error_set_errno(err, r, "making %s", l->dir);
	if (read_ring_size(&l->ring_bytes, err) < 0 || lock(l->dir, err) < 0)
		return -1;
	check_memory_backed(l->dir);
	r = journal_open(l->dir, CHUNK_BYTES, &l->journal);
	if (r < 0)
		return error_set_errno(err, r, "opening the journal in %s", l->dir);
	if (gethostname(l->host, sizeof(l->host) - 1) < 0)
		snprintf(l->host, sizeof(l->host), "twelve");
	if (open_descriptors(l, err) < 0)
		return -1;
	apps_load(l);
	return peers_listen(l, run_dir, err);
}

/* What dynos say may hold secrets of theirs: no core files, and rings for their owner only. */
static void harden(void)
{
	int r = proc_no_cores();

	umask(077);
	if (r < 0)
		log_warn("turning core files off: %s", strerror(-r));
}

/*
 * Great buffers come and go with the batches of busy drains: what is given back is to leave
 * the process. By itself glibc learns from the first one to keep them (mallopt(3),
 * M_MMAP_THRESHOLD), and gives each thread that looks up a name a heap of its own.
 */
static void set_malloc(void)
{
	mallopt(M_MMAP_THRESHOLD, MMAP_BYTES);
	mallopt(M_ARENA_MAX, 1);
}

static void free_memory(struct logsd *l)
{
	buf_done(&l->text);
	free(l->peek);
	free(l->dir);
}

static void done(struct logsd *l)
{
	while (l->apps)
		app_free(l->apps, false);
	peers_free(l);
	refused_done(l);
	drains_curl_done(l);
	logsd_bury(l);
	journal_free(l->journal);
	free_memory(l);
}

static int run(void)
{
	const char *run_dir = getenv("TWELVE_RUN_DIR");
	struct error err = ERROR_INIT;
	struct logsd l = { .epoll_fd = -1, .text = BUF_INIT };

	log_init("twelve-logs");
	set_malloc();
	harden();
	raise_limit();
	if (prepare(&l, run_dir ? run_dir : "/run/twelve", &err) < 0) {
		log_error("%s", err.message);
		free_memory(&l);
		return error_exit_code(err.kind);
	}
	serve(&l);
	done(&l);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && streq(argv[1], "--version")) {
		puts("twelve-logs " TWELVE_VERSION);
		return 0;
	}
	if (argc > 1) {
		bool help = argc == 2 && streq(argv[1], "--help");

		fputs(usage, help ? stdout : stderr);
		return help ? 0 : 2;
	}
	return run();
}
