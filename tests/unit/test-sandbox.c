/* SPDX-License-Identifier: Apache-2.0 */
/* What a sandbox is made of, as text: config.json, the seccomp list, cgroup layouts, the choice of
 * a runtime. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fs.h"
#include "base/str.h"
#include "sandbox/sandbox.h"
#include "sandbox/seccomp.h"

static const char *const argv_true[] = { "/.twelve/init", "true", NULL };

static int n_syncs;

/* In place of the C library's. */
int fsync(int fd)
{
	n_syncs++;
	return (int)syscall(SYS_fsync, fd);
}

static struct sandbox_spec a_spec(void)
{
	return (struct sandbox_spec){
		.id = "some-id",
		.hostname = "host",
		.rootfs = "/stacks/a/rootfs",
		.app_lower = "/slugs/with,comma/app",
		.scratch_dir = "/run/d/scratch",
		.hosts_path = "/run/d/bundle/hosts",
		.init_path = "/lib/twelve-init",
		.argv = argv_true,
		.limits = { .memory_bytes = 512 << 20,
			    .cpu_shares = 256,
			    .cpus = 1.5,
			    .pids = 100 },
		.cgroup_path = "/twelve/some-id",
		.cgroup = SANDBOX_CGROUP_V2,
	};
}

/* The value at "a.b.0.c". */
static json_t *at(json_t *root, const char *path)
{
	_cleanup_free_ char *copy = xstrdup(path);
	char *save = NULL;

	for (char *key = strtok_r(copy, ".", &save); key && root; key = strtok_r(NULL, ".", &save))
		root = json_is_array(root) ? json_array_get(root, (size_t)atoi(key))
					   : json_object_get(root, key);
	if (!root)
		fail_msg("there is no %s", path);
	return root;
}

static bool list_has(json_t *list, const char *text)
{
	size_t i;
	json_t *v;

	json_array_foreach (list, i, v)
		if (json_is_string(v) && streq(json_string_value(v), text))
			return true;
	return false;
}

static json_t *mount_of(json_t *config, const char *target)
{
	size_t i;
	json_t *v, *found = NULL;

	json_array_foreach (at(config, "mounts"), i, v)
		if (streq(json_string_value(at(v, "destination")), target))
			found = v;
	return found;
}

static void test_nothing_but_what_is_asked_for(void **state)
{
	static const char *const sets[] = { "bounding", "effective", "permitted", "inheritable",
					    "ambient" };
	struct sandbox_spec s = a_spec();
	json_t *c = sandbox_config(&s);

	(void)state;
	assert_non_null(c);
	assert_true(json_is_true(at(c, "root.readonly")));
	assert_true(json_is_true(at(c, "process.noNewPrivileges")));
	assert_int_equal(json_integer_value(at(c, "process.user.uid")), SANDBOX_UID);
	assert_int_equal(json_integer_value(at(c, "process.user.gid")), SANDBOX_GID);
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++)
		assert_int_equal(
			json_array_size(json_object_get(at(c, "process.capabilities"), sets[i])),
			0);
	assert_true(json_is_false(at(c, "linux.resources.devices.0.allow")));
	assert_string_equal(json_string_value(at(c, "linux.cgroupsPath")), "/twelve/some-id");
	assert_true(list_has(at(c, "linux.maskedPaths"), "/proc/kcore"));
	assert_true(list_has(at(c, "linux.readonlyPaths"), "/proc/sys"));
	json_decref(c);
}

static void test_namespaces_are_its_own_but_the_network(void **state)
{
	static const char *const wanted[] = { "pid", "ipc", "uts", "mount", "cgroup" };
	struct sandbox_spec s = a_spec();
	json_t *c = sandbox_config(&s), *list = at(c, "linux.namespaces");

	(void)state;
	assert_int_equal(json_array_size(list), ARRAY_SIZE(wanted));
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		assert_string_equal(json_string_value(at(json_array_get(list, i), "type")),
				    wanted[i]);
		/* A path would mean somebody else's. */
		assert_null(json_object_get(json_array_get(list, i), "path"));
	}
	json_decref(c);
}

static void test_app_of_a_dyno_and_of_a_build(void **state)
{
	struct sandbox_bind binds[] = { { "/host/cache", "/cache", true },
					{ "/host/packs", "/buildpacks", false } };
	struct sandbox_spec s = a_spec();
	json_t *c = sandbox_config(&s), *app = mount_of(c, "/app");

	(void)state;
	assert_string_equal(json_string_value(at(app, "type")), "overlay");
	assert_true(list_has(at(app, "options"), "lowerdir=/slugs/with,comma/app"));
	assert_true(list_has(at(app, "options"), "upperdir=/run/d/scratch/upper"));
	assert_true(list_has(at(app, "options"), "nosuid"));
	assert_string_equal(json_string_value(at(mount_of(c, "/tmp"), "source")),
			    "/run/d/scratch/tmp");
	assert_true(list_has(at(mount_of(c, SANDBOX_INIT_PATH), "options"), "ro"));
	json_decref(c);

	s.app_dir = "/builds/b/app";
	s.binds = binds;
	s.n_binds = 2;
	c = sandbox_config(&s);
	app = mount_of(c, "/app");
	assert_string_equal(json_string_value(at(app, "source")), "/builds/b/app");
	assert_true(list_has(at(app, "options"), "rw"));
	assert_true(list_has(at(mount_of(c, "/cache"), "options"), "rw"));
	assert_true(list_has(at(mount_of(c, "/buildpacks"), "options"), "ro"));
	assert_false(list_has(at(mount_of(c, "/buildpacks"), "options"), "rw"));
	json_decref(c);
}

static void test_it_sees_its_own_limits(void **state)
{
	struct sandbox_spec s = a_spec();
	json_t *c = sandbox_config(&s);

	(void)state;
	/* Not sysfs, which shows the machine. */
	assert_string_equal(json_string_value(at(mount_of(c, "/sys"), "type")), "tmpfs");
	assert_true(list_has(at(mount_of(c, "/sys"), "options"), "ro"));
	assert_false(list_has(at(c, "linux.readonlyPaths"), "/sys"));
	assert_string_equal(json_string_value(at(mount_of(c, "/sys/fs/cgroup"), "type")), "cgroup");
	assert_true(list_has(at(mount_of(c, "/sys/fs/cgroup"), "options"), "ro"));
	assert_true(list_has(at(mount_of(c, "/sys/devices/system/cpu"), "options"), "ro"));
	json_decref(c);
	s.cgroup = SANDBOX_CGROUP_NONE;
	c = sandbox_config(&s);
	assert_null(mount_of(c, "/sys/fs/cgroup"));
	json_decref(c);
}

static void test_its_host_name_resolves(void **state)
{
	_cleanup_free_ char *alone = sandbox_hosts("me", NULL),
			    *more = sandbox_hosts("me", "10.0.0.1 db\n");
	struct sandbox_spec s = a_spec();
	json_t *c = sandbox_config(&s);

	(void)state;
	assert_string_equal(
		alone, "127.0.0.1\tlocalhost me\n::1\tlocalhost ip6-localhost ip6-loopback me\n");
	assert_true(str_starts(more, alone));
	assert_string_equal(more + strlen(alone), "10.0.0.1 db\n");
	assert_string_equal(json_string_value(at(mount_of(c, "/etc/hosts"), "source")),
			    s.hosts_path);
	json_decref(c);
}

static void test_limits(void **state)
{
	struct sandbox_spec s = a_spec();
	json_t *c = sandbox_config(&s);

	(void)state;
	assert_int_equal(json_integer_value(at(c, "linux.resources.memory.limit")), 512 << 20);
	assert_int_equal(json_integer_value(at(c, "linux.resources.memory.swap")), 512 << 20);
	assert_int_equal(json_integer_value(at(c, "linux.resources.pids.limit")), 100);
	assert_int_equal(json_integer_value(at(c, "linux.resources.cpu.shares")), 256);
	assert_int_equal(json_integer_value(at(c, "linux.resources.cpu.quota")), 150000);
	assert_int_equal(json_integer_value(at(c, "linux.resources.cpu.period")), 100000);
	json_decref(c);

	s.limits = (struct sandbox_limits){ 0 };
	c = sandbox_config(&s);
	assert_null(json_object_get(at(c, "linux.resources"), "memory"));
	assert_null(json_object_get(at(c, "linux.resources"), "cpu"));
	json_decref(c);

	s = a_spec();
	s.cgroup = SANDBOX_CGROUP_NONE;
	c = sandbox_config(&s);
	assert_null(json_object_get(at(c, "linux.resources"), "memory"));
	assert_null(json_object_get(at(c, "linux.resources"), "pids"));
	json_decref(c);
}

static void test_usual_environment_gives_way(void **state)
{
	static const char *const env[] = { "PATH=/mine", "HOMES=2", NULL };
	struct sandbox_spec s = a_spec();
	json_t *c;

	(void)state;
	s.env = env;
	c = sandbox_config(&s);
	assert_int_equal(json_array_size(at(c, "process.env")), 4);
	assert_true(list_has(at(c, "process.env"), "PATH=/mine"));
	assert_true(list_has(at(c, "process.env"), "HOMES=2"));
	assert_true(list_has(at(c, "process.env"), "HOME=/app"));
	json_decref(c);
}

static void test_command_is_an_argument_not_a_script(void **state)
{
	_cleanup_strv_ char **argv = NULL;
	const char *command = "echo \"$PORT\" && './it'; # done";

	(void)state;
	sandbox_app_argv(command, false, &argv);
	assert_string_equal(argv[0], SANDBOX_INIT_PATH);
	assert_string_equal(argv[strv_len(argv) - 1], command);
	for (size_t i = 0; i + 1 < strv_len(argv); i++)
		assert_null(strstr(argv[i], "it'"));
}

static void test_guest_is_described_as_the_process_of_a_sandbox(void **state)
{
	_cleanup_strv_ char **own = NULL, **guest = NULL;
	struct sandbox_spec s = { .id = "x",
				  .hostname = "x",
				  .rootfs = "/r",
				  .scratch_dir = "/s",
				  .app_lower = "/l",
				  .hosts_path = "/h",
				  .init_path = "/i",
				  .cgroup_path = "/twelve/x" };
	json_t *config, *process;

	(void)state;
	sandbox_app_argv("true", false, &own);
	sandbox_app_argv("true", true, &guest);
	/* Only the init is told that it has company. */
	assert_string_equal(guest[1], "--guest");
	assert_int_equal(strv_len(guest), strv_len(own) + 1);
	for (size_t i = 1; own[i]; i++)
		assert_string_equal(guest[i + 1], own[i]);
	s.argv = (const char *const *)own;
	config = sandbox_config(&s);
	process = sandbox_process(&s);
	assert_true(json_equal(process, json_object_get(config, "process")));
	json_decref(config);
	json_decref(process);
}

/* ---- seccomp ---- */

/* The rule without conditions for this call, or NULL. */
static json_t *rule_for(json_t *profile, const char *name)
{
	size_t i;
	json_t *rule;

	json_array_foreach (at(profile, "syscalls"), i, rule)
		if (!json_object_get(rule, "args") && list_has(at(rule, "names"), name))
			return rule;
	return NULL;
}

static bool is_allowed(json_t *profile, const char *name)
{
	json_t *rule = rule_for(profile, name);

	return rule && streq(json_string_value(at(rule, "action")), "SCMP_ACT_ALLOW");
}

static void test_seccomp(void **state)
{
	static const char *const no[] = { "mount",	    "umount2",
					  "pivot_root",	    "setns",
					  "unshare",	    "bpf",
					  "keyctl",	    "add_key",
					  "request_key",    "perf_event_open",
					  "kexec_load",	    "init_module",
					  "finit_module",   "delete_module",
					  "userfaultfd",    "open_by_handle_at",
					  "swapon",	    "reboot",
					  "settimeofday",   "clock_settime",
					  "io_uring_setup", "acct",
					  "quotactl",	    "move_mount",
					  "fsopen",	    "open_tree",
					  "mount_setattr",  "mbind",
					  "pidfd_getfd" };
	static const char *const yes[] = { "ptrace", "process_vm_readv", "fork",
					   "execve", "restart_syscall",	 "chown" };
	/* Neither: what nobody has heard of is not there. */
	static const char *const unknown[] = { "modify_ldt", "socketcall", "chroot",
					       "a_call_of_2040" };
	json_t *p = sandbox_seccomp();

	(void)state;
	assert_string_equal(json_string_value(at(p, "defaultAction")), "SCMP_ACT_ERRNO");
	assert_int_equal(json_integer_value(at(p, "defaultErrnoRet")), ENOSYS);
	for (size_t i = 0; i < ARRAY_SIZE(no); i++)
		if (json_integer_value(at(rule_for(p, no[i]), "errnoRet")) != EPERM)
			fail_msg("%s is not denied", no[i]);
	for (size_t i = 0; i < ARRAY_SIZE(yes); i++)
		if (!is_allowed(p, yes[i]))
			fail_msg("%s is not allowed", yes[i]);
	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++)
		assert_null(rule_for(p, unknown[i]));
	/* So that libc falls back to clone, whose flags a filter can see. */
	assert_int_equal(json_integer_value(at(rule_for(p, "clone3"), "errnoRet")), ENOSYS);
	json_decref(p);
}

/* How many rules with conditions this call has. */
static int count_rules(json_t *profile, const char *name)
{
	size_t i;
	json_t *rule;
	int n = 0;

	json_array_foreach (at(profile, "syscalls"), i, rule)
		n += json_object_get(rule, "args") && list_has(at(rule, "names"), name);
	return n;
}

static void test_seccomp_looks_at_arguments(void **state)
{
	json_t *p = sandbox_seccomp();

	(void)state;
	/* Without namespaces, and each of the seven kinds of them. */
	assert_int_equal(count_rules(p, "clone"), 8);
	assert_int_equal(count_rules(p, "socket"), 4);
	assert_int_equal(count_rules(p, "personality"), 5);
	/* Resources that aren't that of core files, by their bits; asking, and setting. */
	assert_int_equal(count_rules(p, "setrlimit"), 5);
	assert_int_equal(count_rules(p, "prlimit64"), 6);
	assert_null(rule_for(p, "setrlimit"));
	assert_null(rule_for(p, "prlimit64"));
	assert_null(rule_for(p, "clone"));
	assert_null(rule_for(p, "socket"));
	json_decref(p);
}

/* What the filter says to a call with these arguments, as a rule's errno; 0 with *allowed for one that is
 * allowed. */
static int64_t ask(json_t *profile, const char *name, const uint64_t *args, bool *ret_allowed)
{
	size_t i, k;
	json_t *rule, *a;

	json_array_foreach (at(profile, "syscalls"), i, rule) {
		bool matches = list_has(at(rule, "names"), name);

		json_array_foreach (json_object_get(rule, "args"), k, a) {
			uint64_t arg = args[json_integer_value(at(a, "index"))];
			uint64_t value = (uint64_t)json_integer_value(at(a, "value"));
			const char *op = json_string_value(at(a, "op"));

			if (streq(op, "SCMP_CMP_EQ"))
				matches = matches && arg == value;
			else if (streq(op, "SCMP_CMP_NE"))
				matches = matches && arg != value;
			else
				matches = matches && (arg & value) == (uint64_t)json_integer_value(
									      at(a, "valueTwo"));
		}
		if (!matches)
			continue;
		*ret_allowed = streq(json_string_value(at(rule, "action")), "SCMP_ACT_ALLOW");
		return *ret_allowed ? 0 : json_integer_value(at(rule, "errnoRet"));
	}
	*ret_allowed = false;
	return ENOSYS;
}

static void test_seccomp_keeps_the_limit_of_cores(void **state)
{
	json_t *p = sandbox_seccomp();

	(void)state;
	for (uint64_t resource = 0; resource < RLIM_NLIMITS; resource++) {
		/* The upper half of a register is not looked at by the kernel either. */
		for (uint64_t upper = 0; upper <= UINT64_C(1) << 32; upper += UINT64_C(1) << 32) {
			const uint64_t set[] = { upper | resource, 0x7000 };
			const uint64_t pset[] = { 0, upper | resource, 0x7000 },
				       pget[] = { 0, upper | resource, 0 };
			bool allowed;

			assert_int_equal(ask(p, "setrlimit", set, &allowed), 0);
			assert_int_equal(allowed, resource != RLIMIT_CORE);
			assert_int_equal(ask(p, "prlimit64", pset, &allowed), 0);
			assert_int_equal(allowed, resource != RLIMIT_CORE);
			assert_int_equal(ask(p, "prlimit64", pget, &allowed), 0);
			assert_true(allowed);
		}
	}
	json_decref(p);
}

static void assert_sorted(json_t *names)
{
	for (size_t i = 1; i < json_array_size(names); i++) {
		const char *before = json_string_value(json_array_get(names, i - 1));
		const char *name = json_string_value(json_array_get(names, i));

		if (strcmp(before, name) >= 0 && !streq(name, "arch_prctl"))
			fail_msg("%s before %s", before, name);
	}
}

static void test_seccomp_names(void **state)
{
	json_t *p = sandbox_seccomp(), *allowed = at(p, "syscalls.0.names"), *name;
	size_t i;

	(void)state;
	assert_sorted(allowed);
	assert_sorted(at(p, "syscalls.1.names"));
	json_array_foreach (at(p, "syscalls.1.names"), i, name)
		if (list_has(allowed, json_string_value(name)))
			fail_msg("%s is allowed and denied", json_string_value(name));
	json_decref(p);
}

/* ---- the machine ---- */

#define LINE_ROOT "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
#define LINE_V1_MEMORY \
	"35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory\n"
#define LINE_V1_SYSTEMD \
	"40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd\n"
#define LINE_V2_BESIDE "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n"
#define LINE_V2                                                                          \
	"31 23 0:27 / /sys/fs/cgroup rw,nosuid,nodev,noexec shared:4 - cgroup2 cgroup2 " \
	"rw,nsdelegate\n"
#define LINE_ELSEWHERE "90 22 0:50 / /srv/sys/cgroup2 rw - cgroup2 cgroup2 rw\n"

static void test_cgroup_layouts(void **state)
{
	static const struct {
		const char *mountinfo;
		enum sandbox_cgroup layout;
	} rows[] = {
		{ LINE_ROOT LINE_V1_MEMORY LINE_V1_SYSTEMD, SANDBOX_CGROUP_V1 },
		{ LINE_ROOT LINE_V1_MEMORY LINE_V1_SYSTEMD LINE_V2_BESIDE, SANDBOX_CGROUP_HYBRID },
		{ LINE_ROOT LINE_V2, SANDBOX_CGROUP_V2 },
		{ LINE_ROOT, SANDBOX_CGROUP_NONE },
		{ LINE_ROOT LINE_V1_SYSTEMD, SANDBOX_CGROUP_NONE },
		{ LINE_ROOT LINE_ELSEWHERE, SANDBOX_CGROUP_NONE },
		{ "", SANDBOX_CGROUP_NONE },
	};
	char dir[] = "/tmp/twelve-sandbox-XXXXXX";
	_cleanup_free_ char *proc = NULL, *path = NULL;

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(sandbox_cgroup_detect(dir), SANDBOX_CGROUP_NONE);
	proc = xasprintf("%s/proc/self", dir);
	path = xasprintf("%s/mountinfo", proc);
	assert_int_equal(fs_mkdirs(proc, 0755), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(
			fs_write_atomic(path, 0644, rows[i].mountinfo, strlen(rows[i].mountinfo)),
			0);
		if (sandbox_cgroup_detect(dir) != rows[i].layout)
			fail_msg("row %zu", i);
	}
	assert_int_equal(fs_remove_tree(dir), 0);
}

static void test_runtime_that_is_asked_for(void **state)
{
	static const char script[] = "#!/bin/sh\necho mine version 3\necho more\n";
	char dir[] = "/tmp/twelve-sandbox-XXXXXX";
	_cleanup_free_ char *path = NULL;
	struct sandbox_runtime r = { 0 };
	struct error err = ERROR_INIT;

	(void)state;
	assert_non_null(mkdtemp(dir));
	path = xasprintf("%s/mine", dir);
	assert_int_equal(fs_write_atomic(path, 0755, script, strlen(script)), 0);
	assert_int_equal(setenv("TWELVE_RUNTIME", path, 1), 0);
	assert_int_equal(sandbox_runtime_detect(&r, &err), 0);
	assert_string_equal(r.path, path);
	assert_string_equal(r.name, "mine");
	assert_string_equal(r.version, "mine version 3");
	assert_non_null(strstr(r.why, "TWELVE_RUNTIME"));
	sandbox_runtime_done(&r);

	assert_int_equal(setenv("TWELVE_RUNTIME", "no-such-runtime", 1), 0);
	assert_int_equal(sandbox_runtime_detect(&r, &err), -1);
	assert_int_equal(err.kind, ERROR_UNAVAILABLE);
	assert_non_null(strstr(err.message, "apt-get install no-such-runtime"));
	assert_int_equal(unsetenv("TWELVE_RUNTIME"), 0);
	assert_int_equal(fs_remove_tree(dir), 0);
}

static void test_bundle_is_for_us_alone(void **state)
{
	char dir[] = "/tmp/twelve-sandbox-XXXXXX";
	_cleanup_free_ char *bundle = NULL, *path = NULL;
	struct sandbox_spec s = a_spec();
	struct error err = ERROR_INIT;
	struct stat st;
	json_t *c;

	(void)state;
	assert_non_null(mkdtemp(dir));
	bundle = xasprintf("%s/bundle", dir);
	path = xasprintf("%s/config.json", bundle);
	n_syncs = 0;
	assert_int_equal(sandbox_write_bundle(bundle, &s, &err), 0);
	/* Each start of a dyno writes one: nothing waits for the disk. */
	assert_int_equal(n_syncs, 0);
	assert_int_equal(stat(bundle, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	c = json_load_file(path, 0, NULL);
	assert_string_equal(json_string_value(at(c, "hostname")), "host");
	/* The app's user reads it. */
	assert_int_equal(stat(json_string_value(at(mount_of(c, "/etc/hosts"), "source")), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	json_decref(c);
	s.hostname = "\xff";
	assert_int_equal(sandbox_write_bundle(bundle, &s, &err), -1);
	assert_non_null(strstr(err.message, "some-id"));
	assert_int_equal(fs_remove_tree(dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_but_what_is_asked_for),
		cmocka_unit_test(test_namespaces_are_its_own_but_the_network),
		cmocka_unit_test(test_app_of_a_dyno_and_of_a_build),
		cmocka_unit_test(test_it_sees_its_own_limits),
		cmocka_unit_test(test_its_host_name_resolves),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_usual_environment_gives_way),
		cmocka_unit_test(test_command_is_an_argument_not_a_script),
		cmocka_unit_test(test_guest_is_described_as_the_process_of_a_sandbox),
		cmocka_unit_test(test_seccomp),
		cmocka_unit_test(test_seccomp_looks_at_arguments),
		cmocka_unit_test(test_seccomp_keeps_the_limit_of_cores),
		cmocka_unit_test(test_seccomp_names),
		cmocka_unit_test(test_cgroup_layouts),
		cmocka_unit_test(test_runtime_that_is_asked_for),
		cmocka_unit_test(test_bundle_is_for_us_alone),
	};

	return cmocka_run_group_tests_name("sandbox", tests, NULL, NULL);
}
