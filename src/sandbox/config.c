/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.json of a sandbox, as a pure function (runtime-spec 1.0, config.md
 * and config-linux.md). Everything that is not asked for is denied: the root
 * is read-only, there are no capabilities, and what is written goes to /app
 * and /tmp alone.
 */
#include <stdlib.h>

#include "base/str.h"
#include "sandbox/paths.h"
#include "sandbox/rlimits.h"
#include "sandbox/sandbox.h"
#include "sandbox/seccomp.h"

/* When the whole machine is out of memory, apps go before the platform. */
#define OOM_SCORE_ADJ 500

static json_t *strings(const char *const *v)
{
	json_t *a = json_array();

	for (; v && *v; v++)
		json_array_append_new(a, json_string(*v));
	return a;
}

/* options: one comma-separated string, as mount(8) has them. */
static void add_mount(json_t *mounts, const char *target, const char *type, const char *source,
		      const char *options)
{
	_cleanup_free_ char *copy = xstrdup(options);
	json_t *list = json_array();
	char *save = NULL;

	for (char *o = strtok_r(copy, ",", &save); o; o = strtok_r(NULL, ",", &save))
		json_array_append_new(list, json_string(o));
	json_array_append_new(mounts, json_pack("{s:s, s:s, s:s, s:o}", "destination", target,
						"type", type, "source", source, "options", list));
}

static void add_app(json_t *mounts, const struct sandbox_spec *s)
{
	json_t *options;

	if (s->app_dir) {
		add_mount(mounts, "/app", "bind", s->app_dir, "rbind,rw,nosuid,nodev");
		return;
	}
	/* Paths may hold commas, so these are not split. */
	options = json_array();
	json_array_append_new(options, json_sprintf("lowerdir=%s", s->app_lower));
	json_array_append_new(options, json_sprintf("upperdir=%s/upper", s->scratch_dir));
	json_array_append_new(options, json_sprintf("workdir=%s/work", s->scratch_dir));
	json_array_append_new(options, json_string("nosuid"));
	json_array_append_new(options, json_string("nodev"));
	json_array_append_new(mounts,
			      json_pack("{s:s, s:s, s:s, s:o}", "destination", "/app", "type",
					"overlay", "source", "overlay", "options", options));
}

/*
 * /sys is empty but for what runtimes size themselves by: the processors, and the sandbox's own
 * cgroup, which the cgroup namespace shows as the root, so that nothing of another sandbox is in
 * it. It is read-only mount by mount: crun makes what is mounted below a readonlyPath writable
 * again.
 */
static void add_sys(json_t *mounts, const struct sandbox_spec *s)
{
	add_mount(mounts, "/sys", "tmpfs", "sys", "ro,nosuid,noexec,nodev,mode=755,size=64k");
	add_mount(mounts, "/sys/devices/system/cpu", "bind", "/sys/devices/system/cpu",
		  "rbind,ro,nosuid,noexec,nodev");
	if (s->cgroup != SANDBOX_CGROUP_NONE)
		add_mount(mounts, "/sys/fs/cgroup", "cgroup", "cgroup", "ro,nosuid,noexec,nodev");
}

static json_t *mounts(const struct sandbox_spec *s)
{
	_cleanup_free_ char *tmp = xasprintf("%s/tmp", s->scratch_dir);
	json_t *m = json_array();

	add_mount(m, "/proc", "proc", "proc", "nosuid,noexec,nodev");
	add_sys(m, s);
	add_mount(m, "/dev", "tmpfs", "tmpfs", "nosuid,strictatime,mode=755,size=65536k");
	add_mount(m, "/dev/pts", "devpts", "devpts",
		  "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5");
	add_mount(m, "/dev/shm", "tmpfs", "shm",
		  "nosuid,noexec,nodev,mode=1777,size=65536k,nr_inodes=16384");
	add_mount(m, "/dev/mqueue", "mqueue", "mqueue", "nosuid,noexec,nodev");
	add_app(m, s);
	add_mount(m, "/tmp", "bind", tmp, "bind,rw,nosuid,nodev");
	add_mount(m, "/etc/resolv.conf", "bind",
		  s->resolv_path ? s->resolv_path : "/etc/resolv.conf",
		  "bind,ro,nosuid,nodev,noexec");
	add_mount(m, "/etc/hosts", "bind", s->hosts_path, "bind,ro,nosuid,nodev,noexec");
	add_mount(m, SANDBOX_INIT_PATH, "bind", s->init_path, "bind,ro,nosuid,nodev");
	for (size_t i = 0; i < s->n_binds; i++)
		add_mount(m, s->binds[i].target, "bind", s->binds[i].source,
			  s->binds[i].writable ? "rbind,rw,nosuid,nodev" : "rbind,ro,nosuid,nodev");
	return m;
}

static json_t *resources(const struct sandbox_spec *s)
{
	const struct sandbox_limits *l = &s->limits;
	json_t *r = json_pack("{s:[{s:b, s:s}]}", "devices", "allow", 0, "access", "rwm");

	if (s->cgroup == SANDBOX_CGROUP_NONE)
		return r;
	if (l->memory_bytes)
		json_object_set_new(r, "memory",
				    json_pack("{s:I, s:I}", "limit", (json_int_t)l->memory_bytes,
					      "swap", (json_int_t)l->memory_bytes));
	if (l->pids)
		json_object_set_new(r, "pids", json_pack("{s:I}", "limit", (json_int_t)l->pids));
	if (l->cpu_shares || l->cpus > 0) {
		json_t *cpu = json_object();

		if (l->cpu_shares)
			json_object_set_new(cpu, "shares", json_integer((json_int_t)l->cpu_shares));
		if (l->cpus > 0) {
			json_object_set_new(cpu, "period", json_integer(100000));
			json_object_set_new(cpu, "quota",
					    json_integer((json_int_t)(l->cpus * 100000)));
		}
		json_object_set_new(r, "cpu", cpu);
	}
	return r;
}

static json_t *linux_part(const struct sandbox_spec *s)
{
	static const char *const namespaces[] = { "pid", "ipc", "uts", "mount", "cgroup" };
	json_t *list = json_array();

	for (size_t i = 0; i < ARRAY_SIZE(namespaces); i++)
		json_array_append_new(list, json_pack("{s:s}", "type", namespaces[i]));
	return json_pack("{s:o, s:o, s:s, s:o, s:o, s:o, s:s}", "namespaces", list, "resources",
			 resources(s), "cgroupsPath", s->cgroup_path, "maskedPaths",
			 sandbox_masked_paths(""), "readonlyPaths", sandbox_readonly_paths(),
			 "seccomp", sandbox_seccomp(), "rootfsPropagation", "private");
}

/* What is asked for goes before what is usual. */
static json_t *environment(const struct sandbox_spec *s)
{
	static const char *const usual[] = { "HOME=/app", "LANG=C.UTF-8",
					     "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin" };
	json_t *env = strings(s->env);

	for (size_t i = 0; i < ARRAY_SIZE(usual); i++) {
		size_t n = (size_t)(strchr(usual[i], '=') - usual[i]) + 1;
		const char *const *e = s->env;

		while (e && *e && strncmp(*e, usual[i], n) != 0)
			e++;
		if (!e || !*e)
			json_array_append_new(env, json_string(usual[i]));
	}
	return env;
}

char *sandbox_hosts(const char *hostname, const char *machine)
{
	/* Who looks the name up for IPv6 gets the loopback address of that. */
	return xasprintf(
		"127.0.0.1\tlocalhost %s\n::1\tlocalhost ip6-localhost ip6-loopback %s\n%s",
		hostname, hostname, machine ? machine : "");
}

json_t *sandbox_process(const struct sandbox_spec *s)
{
	static const char *const sets[] = { "bounding", "effective", "permitted", "inheritable",
					    "ambient" };
	json_t *caps = json_object();

	for (size_t i = 0; i < ARRAY_SIZE(sets); i++)
		json_object_set_new(caps, sets[i], json_array());
	return json_pack("{s:b, s:{s:i, s:i}, s:o, s:o, s:s, s:o, s:b, s:i, s:o}", "terminal",
			 (int)s->terminal, "user", "uid", SANDBOX_UID, "gid", SANDBOX_GID, "args",
			 strings(s->argv), "env", environment(s), "cwd", "/app", "capabilities",
			 caps, "noNewPrivileges", 1, "oomScoreAdj", OOM_SCORE_ADJ, "rlimits",
			 sandbox_rlimits());
}

json_t *sandbox_config(const struct sandbox_spec *s)
{
	return json_pack("{s:s, s:o, s:{s:s, s:b}, s:s, s:o, s:o}", "ociVersion", "1.0.2",
			 "process", sandbox_process(s), "root", "path", s->rootfs, "readonly", 1,
			 "hostname", s->hostname, "mounts", mounts(s), "linux", linux_part(s));
}
