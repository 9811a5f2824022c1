/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What runs in the sandbox: detection, and the compile and release scripts of
 * the buildpacks. The environment goes by a memory file, since a proxy's address may
 * hold a password; config vars are files in a memory-backed mount.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/fs.h"
#include "base/str.h"
#include "base/tree.h"
#include "build/build-priv.h"
#include "build/pack.h"

#define ENV_MOUNT_OPTIONS "mode=0755,size=64m"
#define DISK_CHECK_MS 1000
/* A part of a limit; when the file system has grown by as much, it is looked at earlier. */
#define GROWTH_PART 10
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define HOST_CERTS "/etc/ssl/certs/ca-certificates.crt"
#define BUILD_PIDS 2048
#define CAPTURE_MAX_BYTES (1 << 20)

/* Standard variables of twelved's environment that builds get: proxies and package indexes. */
static const char *const passed_on[] = {
	"http_proxy",
	"https_proxy",
	"ftp_proxy",
	"no_proxy",
	"HTTP_PROXY",
	"HTTPS_PROXY",
	"FTP_PROXY",
	"NO_PROXY",
	"PIP_INDEX_URL",
	"PIP_EXTRA_INDEX_URL",
	"PIP_TRUSTED_HOST",
	"PIP_DEFAULT_TIMEOUT",
	"UV_INDEX_URL",
	"UV_DEFAULT_INDEX",
	"UV_INDEX",
	"UV_EXTRA_INDEX_URL",
	"UV_PYTHON_INSTALL_MIRROR",
	"UV_PYTHON_DOWNLOADS_JSON_URL",
	"all_proxy",
	"ALL_PROXY",
	"npm_config_registry",
	"NPM_CONFIG_REGISTRY",
	"GOPROXY",
	"GONOSUMDB",
	"GOSUMDB",
	"GOPRIVATE",
	"HEX_MIRROR",
	"HEX_BUILDS_URL",
	"RUSTUP_DIST_SERVER",
	"RUSTUP_UPDATE_ROOT",
	"CARGO_HTTP_PROXY",
	"CARGO_HTTP_CAINFO",
	"CARGO_REGISTRY_DEFAULT",
	"GONOPROXY",
	"GOFLAGS",
	"TWELVE_RUBY_MIRROR",
	"TWELVE_GRADLE_MIRROR",
	"MVNW_REPOURL",
};

/* The same, for names that have a part of their own: BUNDLE_MIRROR__ALL,
 * BUNDLE_MIRROR__HTTPS://RUBYGEMS__ORG/. */
static const char *const passed_on_prefixes[] = { "BUNDLE_MIRROR__" };

/* Standard variables that name the host's certificates; inside they are where they always are. */
static const char *const certificates[] = {
	"SSL_CERT_FILE",  "CURL_CA_BUNDLE",	 "REQUESTS_CA_BUNDLE", "PIP_CERT",
	"GIT_SSL_CAINFO", "NODE_EXTRA_CA_CERTS", "npm_config_cafile",  "NPM_CONFIG_CAFILE",
};

void steps_put(struct buf *env, const char *key, const char *value)
{
	buf_printf(env, "%s=%s", key, value);
	buf_putc(env, '\0');
}

static bool hands_over_certificates(void)
{
	const char *setting = getenv("TWELVE_BUILD_HOST_CERTS");

	return (!setting || !streq(setting, "0")) && access(HOST_CERTS, R_OK) == 0;
}

size_t steps_bind_certificates(struct sandbox_bind *ret)
{
	*ret = (struct sandbox_bind){ .source = HOST_CERTS, .target = HOST_CERTS };
	return hands_over_certificates();
}

void steps_put_network(struct buf *env, bool proxies)
{
	for (size_t i = 0; proxies && i < ARRAY_SIZE(passed_on); i++)
		if (str_ends(passed_on[i], "_proxy") || str_ends(passed_on[i], "_PROXY"))
			if (getenv(passed_on[i]))
				steps_put(env, passed_on[i], getenv(passed_on[i]));
	for (size_t i = 0; hands_over_certificates() && i < ARRAY_SIZE(certificates); i++)
		if (getenv(certificates[i]))
			steps_put(env, certificates[i], HOST_CERTS);
}

static void put_prefixed(struct buf *env)
{
	for (char **e = environ; *e; e++)
		for (size_t i = 0; i < ARRAY_SIZE(passed_on_prefixes); i++)
			if (str_starts(*e, passed_on_prefixes[i])) {
				buf_printf(env, "%s", *e);
				buf_putc(env, '\0');
			}
}

static void make_env(const struct build *b, struct buf *env)
{
	_cleanup_free_ char *epoch = xasprintf("%d", PACK_EPOCH);

	steps_put(env, "PATH", "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin");
	steps_put(env, "HOME", "/app");
	steps_put(env, "LANG", "C.UTF-8");
	steps_put(env, "STACK", stack_for_buildpacks(b->o->stack_name));
	steps_put(env, "TWELVE_STACK", b->build.digest);
	steps_put(env, "TWELVE_APP_NAME", b->o->app_name);
	steps_put(env, "SOURCE_VERSION", b->o->commit);
	steps_put(env, "SOURCE_DATE_EPOCH", epoch);
	steps_put(env, "BUILD_DIR", "/app");
	steps_put(env, "CACHE_DIR", "/cache");
	steps_put(env, "ENV_DIR", "/env");
	for (size_t i = 0; i < ARRAY_SIZE(passed_on); i++)
		if (getenv(passed_on[i]))
			steps_put(env, passed_on[i], getenv(passed_on[i]));
	put_prefixed(env);
	for (size_t i = 0; hands_over_certificates() && i < ARRAY_SIZE(certificates); i++)
		if (getenv(certificates[i]))
			steps_put(env, certificates[i], HOST_CERTS);
}

/* ---- limits ---- */

/* What all builds together may have written since; a file system without a number of inodes tells
 * bytes only. */
static bool has_grown(const struct build *b, const struct statvfs *fs)
{
	const struct watched *w = &b->watched;

	return (fs->f_favail < w->free_files &&
		w->free_files - fs->f_favail > b->o->max_files / GROWTH_PART) ||
	       (fs->f_bavail * fs->f_frsize < w->free_bytes &&
		w->free_bytes - fs->f_bavail * fs->f_frsize > b->o->disk_bytes / GROWTH_PART);
}

static enum stop_reason judge(const struct build *b)
{
	const struct tree_usage max = { .bytes = b->o->disk_bytes, .entries = b->o->max_files };
	struct tree_usage usage = { 0 };
	int r = tree_measure(b->work, &max, &usage);

	if (r == TREE_FITS)
		r = tree_measure(b->cache, &max, &usage);
	switch (r) {
	case TREE_TOO_LARGE:
		return STOP_DISK_SHARE;
	case TREE_TOO_MANY:
		return STOP_FILES;
	case TREE_TOO_DEEP:
		return STOP_DEPTH;
	default:
		return STOP_NOT;
	}
}

/*
 * A tree of a hundred thousand files takes its time to look at; that shall be a tenth of ours, or
 * half of it while the file system fills quickly: it is asked in one call.
 */
static void check_disk(struct build *b)
{
	struct watched *w = &b->watched;
	int64_t now_ms = clock_now_ms(), took_ms;
	struct statvfs fs;

	if (statvfs(b->work, &fs) < 0 ||
	    (now_ms < w->next_ms && (now_ms < w->soonest_ms || !has_grown(b, &fs))))
		return;
	b->stop_reason = judge(b);
	if (b->stop_reason == STOP_NOT && fs.f_bavail * fs.f_frsize < b->o->reserve_bytes)
		b->stop_reason = STOP_DISK_FULL;
	took_ms = clock_now_ms() - now_ms;
	*w = (struct watched){ .next_ms = now_ms + MAX(took_ms * 10, DISK_CHECK_MS),
			       .soonest_ms = now_ms + MAX(took_ms * 2, DISK_CHECK_MS / 4),
			       .free_files = fs.f_favail,
			       .free_bytes = fs.f_bavail * fs.f_frsize };
}

static bool should_stop(void *userdata)
{
	struct build *b = userdata;

	if (build_cancelled())
		b->stop_reason = STOP_CANCELLED;
	else
		check_disk(b);
	return b->stop_reason != STOP_NOT;
}

static int explain_stop(const struct build *b, struct error *err)
{
	switch (b->stop_reason) {
	case STOP_DISK_SHARE:
		return error_set(err, ERROR_INVALID,
				 "The build was stopped: it used more than its %llu MB of disk "
				 "(TWELVE_BUILD_DISK)",
				 (unsigned long long)b->o->disk_bytes >> 20);
	case STOP_DISK_FULL:
		return error_set(err, ERROR_UNAVAILABLE,
				 "The build was stopped: the machine's disk is down to the %llu MB "
				 "that are reserved (TWELVE_DISK_RESERVE); \"twelve gc\" deletes "
				 "unused files and shows disk usage",
				 (unsigned long long)b->o->reserve_bytes >> 20);
	case STOP_FILES:
		return error_set(err, ERROR_INVALID,
				 "The build was stopped: it made more than %llu files and folders "
				 "(TWELVE_BUILD_FILES), its cache included; leave out what the app "
				 "does not need, or build without the cache",
				 (unsigned long long)b->o->max_files);
	case STOP_DEPTH:
		return error_set(err, ERROR_INVALID,
				 "The build was stopped: it made folders more than %d levels deep, "
				 "or paths of more than %d characters, which can't be kept",
				 TREE_MAX_DEPTH, TREE_MAX_PATH);
	case STOP_CANCELLED:
	case STOP_NOT:
		break;
	}
	return error_set(err, ERROR_CONFLICT, "The build was cancelled");
}

static int explain_end(const struct build *b, const struct sandbox_result *r, struct error *err)
{
	switch (r->end) {
	case SANDBOX_TIMEOUT:
		return error_set(err, ERROR_INVALID,
				 "The build was stopped: it took more than its %lld s of time "
				 "(TWELVE_BUILD_TIMEOUT)",
				 (long long)b->o->timeout_ms / 1000);
	case SANDBOX_STOPPED:
		return explain_stop(b, err);
	case SANDBOX_OOM:
		return error_set(err, ERROR_INVALID,
				 "The build was stopped: it used more than its %llu MB of memory "
				 "(TWELVE_BUILD_MEMORY)",
				 (unsigned long long)b->o->limits.memory_bytes >> 20);
	case SANDBOX_ENDED:
		break;
	}
	return 0;
}

/* ---- running ---- */

int steps_run_spec(struct build *b, const struct sandbox_spec *s, const struct buf *env,
		   int output_fd, int *ret_code, struct error *err)
{
	_cleanup_free_ char *bundle = xasprintf("%s/bundle", b->work);
	_cleanup_fd_ int env_fd = -1;
	struct sandbox_result result;
	int64_t began_ms;
	struct sandbox_run_options o = { .runtime = b->o->runtime,
					 .runtime_root = b->o->runtime_root,
					 .bundle_dir = bundle,
					 .output_fd = output_fd,
					 .timeout_ms = b->o->timeout_ms - b->ran_ms,
					 .should_stop = should_stop,
					 .userdata = b };

	env_fd = fd_memfile("env", env->data, env->len);
	if (env_fd < 0)
		return error_set_errno(err, env_fd, "memory file");
	o.env_fd = env_fd;
	/* 0 would be no limit. */
	if (o.timeout_ms <= 0)
		o.timeout_ms = 1;
	began_ms = clock_now_ms();
	if (sandbox_write_bundle(bundle, s, err) < 0 || sandbox_run(s, &o, &result, err) < 0)
		return -1;
	b->ran_ms += clock_now_ms() - began_ms;
	if (explain_end(b, &result, err) < 0)
		return -1;
	/* A disk takes gigabytes between two looks, and many files. */
	b->watched = (struct watched){ 0 };
	if (should_stop(b))
		return explain_stop(b, err);
	*ret_code = result.exit_code;
	return 0;
}

/* Empty for each run, as /tmp is everywhere. */
static int make_tmp(const char *path)
{
	int r = fs_remove_tree(path);

	if (r == 0)
		r = fs_mkdirs(path, 0755);
	return r == 0 && chmod(path, 01777) < 0 ? -errno : r;
}

int steps_run(struct build *b, const struct stack *stack, const char *script, char *const *args,
	      int output_fd, int *ret_code, struct error *err)
{
	_cleanup_free_ char *scratch = xasprintf("%s/scratch", b->work),
			    *tmp = xasprintf("%s/tmp", b->work);
	_cleanup_free_ char *cgroup = xasprintf("/twelve/%s", b->o->id);
	_cleanup_strv_ char **argv = NULL;
	struct sandbox_bind binds[] = {
		{ .source = b->packs_dir, .target = "/buildpacks" },
		{ .source = b->env_dir, .target = "/env" },
		{ .source = b->cache, .target = "/cache", .writable = true },
		/* On the disk, whose share is larger than that of memory. */
		{ .source = tmp, .target = "/tmp", .writable = true },
		{ 0 },
	};
	_cleanup_buf_ struct buf env = BUF_INIT;
	struct sandbox_spec s = { .id = b->o->id,
				  .hostname = "build",
				  .layers = stack->layers,
				  .app_dir = b->app,
				  .scratch_dir = scratch,
				  .binds = binds,
				  .n_binds = ARRAY_SIZE(binds) - 1,
				  .net_fd = b->o->net_fd,
				  .resolv_path = b->o->resolv_path,
				  .init_path = b->o->init_path,
				  .limits = b->o->limits,
				  .cgroup_path = cgroup,
				  .cgroup = b->o->runtime->cgroup };
	int r;

	r = b->keep_tmp ? 0 : make_tmp(tmp);
	if (r < 0)
		return error_set_errno(err, r, "making %s", tmp);
	s.limits.pids = s.limits.pids ? s.limits.pids : BUILD_PIDS;
	strv_push(&argv, SANDBOX_INIT_PATH);
	strv_push(&argv, "/bin/bash");
	strv_push(&argv, "-c");
	strv_push(&argv, script);
	strv_push(&argv, "twelve-build");
	for (; args && *args; args++)
		strv_push(&argv, *args);
	s.argv = (const char *const *)argv;
	s.n_binds += steps_bind_certificates(&binds[s.n_binds]);
	make_env(b, &env);
	return steps_run_spec(b, &s, &env, output_fd, ret_code, err);
}

int steps_open_capture(const struct build *b, struct error *err)
{
	_cleanup_free_ char *path = xasprintf("%s/captured", b->work);
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	return fd < 0 ? error_set_errno(err, errno, "opening %s", path) : fd;
}

int steps_read_capture(int fd, struct buf *ret, struct error *err)
{
	ssize_t n = lseek(fd, 0, SEEK_SET) < 0 ? -errno : 1;

	while (n > 0 && (n = fd_read(fd, buf_reserve(ret, 4096), 4096)) > 0) {
		buf_added(ret, (size_t)n);
		if (ret->len > CAPTURE_MAX_BYTES)
			n = -EFBIG;
	}
	return n < 0 ? error_set_errno(err, (int)n, "reading what the sandbox printed") : 0;
}

int steps_capture(struct build *b, const struct stack *stack, const char *script, char *const *args,
		  struct buf *ret, int *ret_code, struct error *err)
{
	_cleanup_fd_ int fd = steps_open_capture(b, err);

	if (fd < 0 || steps_run(b, stack, script, args, fd, ret_code, err) < 0)
		return -1;
	return steps_read_capture(fd, ret, err);
}

static int write_var(const char *dir, const char *assignment)
{
	size_t n = strcspn(assignment, "=");
	_cleanup_free_ char *path = xasprintf("%s/%.*s", dir, (int)n, assignment);
	_cleanup_fd_ int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	if (fchown(fd, SANDBOX_UID, SANDBOX_GID) < 0)
		return -errno;
	return assignment[n] ? fd_write_all(fd, assignment + n + 1, strlen(assignment + n + 1)) : 0;
}

/* In a mount namespace of this process, so it goes with it. */
int steps_mount_memory(struct build *b, const char *dir, struct error *err)
{
	int r = fs_mkdirs(dir, 0755);

	if (r < 0)
		return error_set_errno(err, r, "making %s", dir);
	if (!b->has_namespace &&
	    (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0))
		return error_set_errno(err, errno, "making a mount namespace");
	b->has_namespace = true;
	if (mount("env", dir, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, ENV_MOUNT_OPTIONS) < 0)
		return error_set_errno(err, errno, "mounting %s", dir);
	return 0;
}

int steps_mount_env(struct build *b, struct error *err)
{
	int r;

	if (steps_mount_memory(b, b->env_dir, err) < 0)
		return -1;
	b->env_mounted = true;
	for (char *const *e = b->o->env; e && *e; e++) {
		r = write_var(b->env_dir, *e);
		if (r < 0)
			return error_set_errno(err, r, "writing a config var for the build");
	}
	return 0;
}
