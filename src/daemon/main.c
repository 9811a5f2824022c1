/* SPDX-License-Identifier: Apache-2.0 */
/*
 * twelved: API, state, builds, releases, the reconciler, the router's
 * configuration. main is the process diagram: what is started, in which order,
 * and what outlives what.
 *
 *     twelved ─┬─ twelve-logs   outlives us
 *              ├─ haproxy       outlives us
 *              ├─ twelve-dyno   one per dyno; outlives us, and is adopted
 *              └─ twelved build one per build; dies with us
 *                 └─ twelved fetch what speaks to strangers for it; dies with it
 *
 * SIGTERM and SIGINT: end, and leave what runs running. SIGQUIT: the same, and
 * end what runs as well: nothing is left behind.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/str.h"
#include "build/fetch.h"
#include "daemon/api/docs.h"
#include "daemon/apps/backup.h"
#include "daemon/apps/sbom.h"
#include "daemon/apps/setups.h"
#include "daemon/build/builds.h"
#include "daemon/build/collect.h"
#include "daemon/build/stack-updates.h"
#include "daemon/build/stacks.h"
#include "daemon/core/env-file.h"
#include "daemon/core/places.h"
#include "daemon/core/remove.h"
#include "daemon/dynos/dynos.h"
#include "daemon/edge/acme.h"
#include "daemon/lines/lines.h"
#include "daemon/services/job.h"
#include "daemon/wiring.h"

#define STOP_ALL_LIMIT_MS 60000
#define STOP_ALL_POLL_MS 50

static const char usage[] =
	"usage: twelved [--env-file FILE]\n"
	"       twelved --version | --help | --print-api markdown|openapi\n"
	"       twelved restore FILE\n"
	"\n"
	"Runs twelve-factor apps: the API, builds, releases, the reconciler and the\n"
	"router's configuration. Settings come from the environment, and from FILE where\n"
	"the environment lacks them: see twelved(8).\n";

struct shutdown {
	struct parts *parts;
	bool everything;
	struct watch *poll;
	int64_t deadline_ms;
};

static void on_stop(void *userdata)
{
	struct shutdown *s = userdata;

	loop_stop(s->parts->platform.loop);
}

/* Stops what of these is not stopping yet; returns how many there are. */
static size_t stop_dynos(struct shutdown *s, bool addons)
{
	_cleanup_free_ struct dyno **dynos = NULL;
	size_t n = dynos_list(s->parts->dynos, NULL, &dynos), left = 0;

	for (size_t i = 0; i < n; i++) {
		if (dynos[i]->addon != addons)
			continue;
		left++;
		if (dynos[i]->state != DYNO_STOPPING)
			dynos_stop(s->parts->dynos, dynos[i]);
	}
	return left;
}

/* Apps first, then the services that they use. */
static void on_poll(void *userdata)
{
	struct shutdown *s = userdata;

	if ((!stop_dynos(s, false) && !stop_dynos(s, true)) || clock_now_ms() > s->deadline_ms)
		loop_stop(s->parts->platform.loop);
	else
		watch_arm(s->poll, STOP_ALL_POLL_MS);
}

/* Ends all dynos first, so that their last lines still find twelve-logs. */
static void on_stop_all(void *userdata)
{
	struct shutdown *s = userdata;

	if (s->everything)
		return;
	s->everything = true;
	wiring_end_apps(s->parts);
	s->deadline_ms = clock_now_ms() + STOP_ALL_LIMIT_MS;
	s->poll = watch_timer(s->parts->platform.loop, on_poll, s);
	watch_arm(s->poll, 0);
}

/* No core files, since memory holds config vars; and no second twelved over the same state. */
static int harden(const struct settings *s, int *ret_lock_fd, struct error *err)
{
	_cleanup_free_ char *path = xasprintf("%s/lock", s->state_dir);
	_cleanup_fd_ int fd = -1;
	int r = proc_no_cores();

	if (r < 0)
		return error_set_errno(err, r, "turning core files off");
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_set_errno(err, errno, "opening %s", path);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return error_set(err, ERROR_CONFLICT, "Another twelved runs with the state in %s",
				 s->state_dir);
	*ret_lock_fd = fd_steal(&fd);
	return 0;
}

static int require_program(const char *program, const char *package, struct error *err)
{
	if (fs_find_program(program, NULL))
		return 0;
	return error_set(
		err, ERROR_UNAVAILABLE,
		"%s is not installed: apt-get install %s (\"twelve doctor\" checks everything)",
		program, package);
}

static int check_host(struct parts *parts, struct error *err)
{
	if (geteuid() != 0)
		return error_set(
			err, ERROR_FORBIDDEN,
			"twelved makes sandboxes and has to run as root: try sudo twelved");
	if (require_program("git", "git", err) < 0 ||
	    require_program("haproxy", "haproxy", err) < 0 ||
	    require_program("mmdebstrap", "mmdebstrap", err) < 0)
		return -1;
	return sandbox_runtime_detect(&parts->platform.runtime, err);
}

/* Tells systemd, or whoever waits, that the API answers (sd_notify(3): one datagram). */
static void notify_ready(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	_cleanup_fd_ int fd = -1;

	if (!path || path[0] != '/')
		return;
	fd = sock_connect_unix(path, SOCK_DGRAM);
	if (fd < 0 || fd_write_all(fd, "READY=1", 7) < 0)
		log_warn("notifying the service manager failed");
}

static void serve(struct parts *parts)
{
	struct shutdown s = { .parts = parts };
	struct watch *watches[] = {
		watch_signal(parts->platform.loop, SIGTERM, on_stop, &s),
		watch_signal(parts->platform.loop, SIGINT, on_stop, &s),
		watch_signal(parts->platform.loop, SIGQUIT, on_stop_all, &s),
	};

	log_info("serving apps on http://%s and the API on %s",
		 parts->platform.settings.http_address, parts->platform.api_socket);
	notify_ready();
	stacks_prepare(parts->stacks);
	loop_run(parts->platform.loop);
	for (size_t i = 0; i < ARRAY_SIZE(watches); i++)
		watch_free(watches[i]);
	watch_free(s.poll);
	log_info(s.everything ? "all processes have stopped" : "stopping; apps keep running");
	wiring_stop(parts, s.everything);
}

static int run(const char *env_file)
{
	struct parts parts = { 0 };
	struct error err = ERROR_INIT;
	_cleanup_fd_ int lock_fd = -1;

	log_init("twelved");
	/* Whoever started us: what children make for sandboxes can be read there. What nobody else
	 * may read has its own mode, or a place. */
	umask(022);
	signal(SIGPIPE, SIG_IGN);
	if ((env_file && env_file_load(env_file, &err) < 0) ||
	    settings_load(&parts.platform.settings, &err) < 0 || check_host(&parts, &err) < 0 ||
	    places_make(&parts.platform.settings, &err) < 0 ||
	    harden(&parts.platform.settings, &lock_fd, &err) < 0 ||
	    restore_finish(parts.platform.settings.state_dir, &err) < 0 ||
	    wiring_start(&parts, &err) < 0) {
		log_error("%s", err.message);
		logs_client_undo(parts.logs);
		return error_exit_code(err.kind);
	}
	serve(&parts);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && streq(argv[1], "build"))
		return build_worker_main();
	if (argc == 2 && streq(argv[1], "collect"))
		return collect_worker_main();
	if (argc == 2 && streq(argv[1], "remove"))
		return remove_worker_main();
	if (argc == 2 && streq(argv[1], "fetch"))
		return fetch_worker_main();
	if (argc == 2 && streq(argv[1], "state-backup"))
		return backup_worker_main();
	if (argc == 3 && streq(argv[1], "restore"))
		return restore_main(argv[2]);
	if (argc == 2 && streq(argv[1], "addon"))
		return addon_worker_main();
	if (argc == 2 && streq(argv[1], "app-json"))
		return setup_reader_main();
	if (argc >= 4 && streq(argv[1], "stacks"))
		return stacks_worker_main(argv[2], argv[3], argv + 4);
	if (argc == 2 && streq(argv[1], "stack-updates"))
		return stack_updates_worker_main();
	if (argc == 2 && streq(argv[1], "sbom"))
		return sbom_reader_main();
	if (argc == 3 && streq(argv[1], "acme"))
		return acme_worker_main(argv[2]);
	if (argc == 2 && streq(argv[1], "--version")) {
		puts("twelved " TWELVE_VERSION);
		return 0;
	}
	if (argc == 2 && (streq(argv[1], "--help") || streq(argv[1], "-h"))) {
		fputs(usage, stdout);
		return 0;
	}
	if (argc == 3 && streq(argv[1], "--print-api") &&
	    (streq(argv[2], "markdown") || streq(argv[2], "openapi"))) {
		_cleanup_free_ char *text =
			streq(argv[2], "openapi") ? api_docs_openapi() : api_docs_markdown();

		fputs(text, stdout);
		return fflush(stdout) == 0 ? 0 : 1;
	}
	if (argc == 3 && streq(argv[1], "--env-file"))
		return run(argv[2]);
	if (argc == 2 && streq(argv[1], "--env-file")) {
		fprintf(stderr, "twelved: --env-file needs the name of a file\n%s", usage);
		return 2;
	}
	if (argc > 1) {
		fprintf(stderr, "twelved: unknown argument \"%s\"\n%s", argv[1], usage);
		return 2;
	}
	return run(NULL);
}
