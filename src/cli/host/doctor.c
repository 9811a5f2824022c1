/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor: what this machine has of what twelved needs, and which Debian
 * package brings what is missing. It looks itself and does not need twelved to
 * run: that is one of the checks.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <linux/magic.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/fs.h"
#include "base/proc.h"
#include "base/str.h"
#include "cli/host/host.h"
#include "cli/host/doctor.h"
#include "sandbox/sandbox.h"

#define MIN_MEMORY_KB (512 * 1024)
#define MIN_DISK_BYTES (2LL << 30)

static void check_runtime(struct checkup *d)
{
	struct sandbox_runtime r = { 0 };
	struct error err = ERROR_INIT;

	if (sandbox_runtime_detect(&r, &err) < 0) {
		doctor_add(d, VERDICT_FAIL, "sandboxes", "%s", err.message);
		return;
	}
	doctor_add(d, VERDICT_OK, "sandboxes", "%s (%s): %s", r.path, r.version, r.why);
	sandbox_runtime_done(&r);
}

static void check_cgroups(struct checkup *d)
{
	static const char *const texts[] = {
		[SANDBOX_CGROUP_NONE] = "there are no controllers: limits can't be kept",
		[SANDBOX_CGROUP_V1] = "version 1",
		[SANDBOX_CGROUP_HYBRID] = "versions 1 and 2 side by side",
		[SANDBOX_CGROUP_V2] = "version 2",
	};
	enum sandbox_cgroup layout = sandbox_cgroup_detect("");

	doctor_add(d, layout == SANDBOX_CGROUP_NONE ? VERDICT_FAIL : VERDICT_OK, "cgroups", "%s",
		   texts[layout]);
}

/* The first line of `PROGRAM OPTION`. Heap; "" when it says nothing. */
static char *first_line(const char *path, const char *option)
{
	const char *const argv[] = { path, option, NULL };
	struct proc_options o = { .argv = argv, .timeout_ms = 10000 };
	_cleanup_buf_ struct buf out = BUF_INIT;
	struct error err = ERROR_INIT;
	int status = 0;

	if (proc_run(&o, &out, &status, &err) < 0 || status != 0)
		return xstrdup("");
	return xstrndup(out.data, strcspn(out.data, "\n"));
}

static void check_haproxy(struct checkup *d)
{
	_cleanup_free_ char *path = NULL, *line = NULL;
	int major = 0, minor = 0;
	const char *v;

	if (!fs_find_program("haproxy", &path)) {
		doctor_add(d, VERDICT_FAIL, "router",
			   "haproxy is not installed: apt-get install haproxy");
		return;
	}
	line = first_line(path, "-v");
	v = strstr(line, "version ");
	if (!v || sscanf(v, "version %d.%d", &major, &minor) != 2 || major < 2 ||
	    (major == 2 && minor < 6))
		doctor_add(
			d, VERDICT_FAIL, "router",
			"haproxy 2.6 or newer is needed, this is \"%s\": apt-get install haproxy",
			line);
	else
		doctor_add(d, VERDICT_OK, "router", "haproxy %d.%d at %s", major, minor, path);
}

static void check_program(struct checkup *d, const char *name, const char *program,
			  const char *package, const char *what_for, enum verdict missing)
{
	_cleanup_free_ char *path = NULL;

	if (fs_find_program(program, &path))
		doctor_add(d, VERDICT_OK, name, "%s", path);
	else
		doctor_add(d, missing, name, "%s is not installed (%s): apt-get install %s",
			   program, what_for, package);
}

static void check_overlay(struct checkup *d)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct utsname u;

	uname(&u);
	if (fs_read_file("/proc/filesystems", 1 << 20, &text) == 0 &&
	    strstr(text.data, "\toverlay\n"))
		doctor_add(d, VERDICT_OK, "kernel", "Linux %s, overlay file system", u.release);
	else
		/* It may be a module that is loaded when first used. */
		doctor_add(d, VERDICT_WARN, "kernel",
			   "Linux %s does not list the overlay file system: modprobe overlay",
			   u.release);
}

static void check_memory(struct checkup *d)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	char size[DURATION_SIZE];
	long long kb = 0;
	const char *at;

	if (fs_read_file("/proc/meminfo", 1 << 20, &text) == 0 &&
	    (at = strstr(text.data, "MemAvailable:")))
		kb = atoll(at + strlen("MemAvailable:"));
	bytes_text(kb * 1024, size);
	if (kb < MIN_MEMORY_KB)
		doctor_add(d, VERDICT_WARN, "memory", "%s available: builds may need more", size);
	else
		doctor_add(d, VERDICT_OK, "memory", "%s available", size);
}

/* Before the first start the state directory is not there, but the one that will hold it is. */
static char *state_dir(void)
{
	const char *set = getenv("TWELVE_STATE_DIR");
	char *dir = xstrdup(set && *set ? set : "/var/lib/twelve"), *slash;

	while (!fs_exists(dir) && (slash = strrchr(dir, '/')) && slash > dir)
		*slash = '\0';
	if (fs_exists(dir))
		return dir;
	free(dir);
	return xstrdup("/");
}

/* overlayfs does not write on one of its own kind (docs/decisions, "A stack is layers"). */
static void check_layers(struct checkup *d)
{
	_cleanup_free_ char *dir = state_dir();
	struct statfs st;

	if (statfs(dir, &st) == 0 && st.f_type == OVERLAYFS_SUPER_MAGIC)
		doctor_add(
			d, VERDICT_WARN, "stacks",
			"%s is on an overlay file system: each set of packages takes a minute and "
			"400 MB instead of seconds; set TWELVE_STATE_DIR to a place on a disk",
			dir);
}

static void check_disk(struct checkup *d)
{
	_cleanup_free_ char *dir = state_dir();
	char size[DURATION_SIZE];
	uint64_t bytes = 0;

	if (fs_free_bytes(dir, &bytes) < 0) {
		doctor_add(d, VERDICT_WARN, "disk", "the free space of %s can't be read", dir);
		return;
	}
	bytes_text((int64_t)bytes, size);
	if ((int64_t)bytes < MIN_DISK_BYTES)
		doctor_add(d, VERDICT_WARN, "disk",
			   "%s free at %s: stacks take about 600 MB, builds more; twelve gc frees "
			   "what "
			   "is unused",
			   size, dir);
	else
		doctor_add(d, VERDICT_OK, "disk", "%s free at %s", size, dir);
}

static void check_platform(struct checkup *d, struct cli *c)
{
	_cleanup_json_ json_t *status = NULL, *ca = NULL;
	struct error err = ERROR_INIT;

	if (!cli_api(c, &err) || api_get(c->api, &status, &err, "/twelve/status") < 0) {
		doctor_add(d, VERDICT_FAIL, "twelved", "%s", err.message);
		return;
	}
	doctor_add(d, VERDICT_OK, "twelved", "version %s answers",
		   json_str(status, "version", "?"));
	/* What answers over TLS where there is no other certificate. */
	if (api_get(c->api, &ca, &err, "/twelve/ca") < 0) {
		doctor_add(d, VERDICT_WARN, "tls", "%s", err.message);
		return;
	}
	doctor_add(d, VERDICT_OK, "tls",
		   "the local authority lives until %.10s; twelve ca shows how to trust it",
		   json_str(ca, "expires_at", "?"));
	if (api_host(c->api)->kind == HOST_UNIX)
		doctor_network(d, status, ca);
	else
		doctor_add(d, VERDICT_WARN, "network",
			   "DNS, ports, firewall and sshd are looked at on the machine itself: run "
			   "it there");
}

/* Files and dynos that the database does not know: it may be an older copy. Nothing removes them
 * but a person. */
static void check_lost(struct checkup *d, struct cli *c)
{
	_cleanup_json_ json_t *list = NULL;
	struct error err = ERROR_INIT;
	const json_t *one;
	size_t i;

	if (!cli_api(c, &err) || api_get(c->api, &list, &err, "/twelve/lost") < 0)
		return;
	json_array_foreach (list, i, one)
		doctor_add(d, VERDICT_WARN, "lost",
			   "the %s %s is in no row of the database, and is left alone%s%s",
			   json_str(one, "kind", ""),
			   json_str(one, "name", json_str(one, "id", "")),
			   json_str(one, "path", NULL) ? ": " : "", json_str(one, "path", ""));
	if (!json_array_size(list))
		doctor_add(d, VERDICT_OK, "state",
			   "the database knows all that is in the state directory");
}

static void check_logs(struct checkup *d)
{
	const char *run = getenv("TWELVE_RUN_DIR");
	_cleanup_free_ char *path = xasprintf("%s/logs.sock", run && *run ? run : "/run/twelve");
	_cleanup_fd_ int fd = sock_connect_unix(path, SOCK_SEQPACKET);

	if (fd >= 0)
		doctor_add(d, VERDICT_OK, "twelve-logs", "answers at %s", path);
	else
		doctor_add(d, VERDICT_FAIL, "twelve-logs",
			   "does not answer at %s (%s): twelved starts it", path, strerror(-fd));
}

static void print_rows(const struct cli *c, const json_t *rows)
{
	static const struct {
		const char *word;
		enum style style;
	} styles[] = { { "ok", STYLE_GREEN }, { "warn", STYLE_YELLOW }, { "fail", STYLE_RED } };
	const json_t *row;
	size_t i;

	json_array_foreach (rows, i, row) {
		const char *result = json_str(row, "result", ""), *on = "";

		for (size_t k = 0; k < ARRAY_SIZE(styles); k++)
			if (streq(styles[k].word, result))
				on = style_on(c->color, styles[k].style);
		printf("%s%-4s%s  %-11s  %s\n", on, result, style_off(c->color),
		       json_str(row, "check", ""), json_str(row, "text", ""));
	}
}

static int doctor_run(struct cli *c, struct error *err)
{
	struct checkup d = { .rows = json_array() };

	(void)err;
	check_runtime(&d);
	check_cgroups(&d);
	check_overlay(&d);
	check_haproxy(&d);
	check_program(&d, "git", "git", "git", "git push", VERDICT_FAIL);
	check_program(&d, "stacks", "mmdebstrap", "mmdebstrap", "root file systems", VERDICT_FAIL);
	check_program(&d, "networks", "nft", "nftables", "networks of sandboxes", VERDICT_WARN);
	check_program(&d, "acme", "uacme", "uacme", "automatic certificates", VERDICT_WARN);
	check_memory(&d);
	check_disk(&d);
	check_layers(&d);
	check_platform(&d, c);
	check_lost(&d, c);
	check_logs(&d);
	if (cli_has(c, "json"))
		print_json(d.rows);
	else
		print_rows(c, d.rows);
	json_decref(d.rows);
	return d.failed ? 1 : 0;
}

static const struct command cmd_doctor = {
	.name = "doctor",
	.usage = "",
	.summary = "check this machine for what the platform needs",
	.flags = CMD_JSON,
	.run = doctor_run,
	.details =
		"Each line is ok, warn or fail, with what to do. The exit code is 1 if a check "
		"fails. Checks programs, memory and disk; if twelved is running, also DNS, ports, "
		"firewall, sshd and certificates. Run it as root on the machine of twelved.",
	.examples = "sudo twelve doctor",
};

const struct command *const doctor_commands[] = {
	&cmd_doctor,
	NULL,
};
