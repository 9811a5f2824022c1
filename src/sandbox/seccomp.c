/* SPDX-License-Identifier: Apache-2.0 */
/* The seccomp filter; see seccomp.h. */
#include "sandbox/seccomp.h"

#include <errno.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "base/cleanup.h"

/*
 * What apps may call. It is what Docker's default profile allows a process without capabilities
 * (moby/profiles, seccomp/default.json), but for
 *
 *   clock_adjtime        only sets a clock or reads it, which adjtimex does, too
 *   io_uring_*           the source of many holes; newer profiles of Docker's leave it out, too
 *   modify_ldt           for programs of the 16-bit age; a source of holes
 *   socketcall           hides the family of a socket from the filter; libraries of 32 bits have used
 *                        socket(2) since 2016
 *   setrlimit, prlimit64 but for the limit of core files
 *   socket               families that programs have a use for: not the kernel's ciphers (AF_ALG), nor
 *                        those that nobody uses and where holes were found
 *
 * All else, what later kernels bring included, is ENOSYS: so libraries fall back to what they did before,
 * where EPERM would be an error of theirs.
 */
static const char *const allowed[] = {
	"_llseek",
	"_newselect",
	"accept",
	"accept4",
	"access",
	"adjtimex",
	"alarm",
	"bind",
	"brk",
	"capget",
	"capset",
	"chdir",
	"chmod",
	"chown",
	"chown32",
	"clock_getres",
	"clock_getres_time64",
	"clock_gettime",
	"clock_gettime64",
	"clock_nanosleep",
	"clock_nanosleep_time64",
	"close",
	"close_range",
	"connect",
	"copy_file_range",
	"creat",
	"dup",
	"dup2",
	"dup3",
	"epoll_create",
	"epoll_create1",
	"epoll_ctl",
	"epoll_ctl_old",
	"epoll_pwait",
	"epoll_pwait2",
	"epoll_wait",
	"epoll_wait_old",
	"eventfd",
	"eventfd2",
	"execve",
	"execveat",
	"exit",
	"exit_group",
	"faccessat",
	"faccessat2",
	"fadvise64",
	"fadvise64_64",
	"fallocate",
	"fanotify_mark",
	"fchdir",
	"fchmod",
	"fchmodat",
	"fchown",
	"fchown32",
	"fchownat",
	"fcntl",
	"fcntl64",
	"fdatasync",
	"fgetxattr",
	"flistxattr",
	"flock",
	"fork",
	"fremovexattr",
	"fsetxattr",
	"fstat",
	"fstat64",
	"fstatat64",
	"fstatfs",
	"fstatfs64",
	"fsync",
	"ftruncate",
	"ftruncate64",
	"futex",
	"futex_time64",
	"futex_waitv",
	"futimesat",
	"get_robust_list",
	"get_thread_area",
	"getcpu",
	"getcwd",
	"getdents",
	"getdents64",
	"getegid",
	"getegid32",
	"geteuid",
	"geteuid32",
	"getgid",
	"getgid32",
	"getgroups",
	"getgroups32",
	"getitimer",
	"getpeername",
	"getpgid",
	"getpgrp",
	"getpid",
	"getppid",
	"getpriority",
	"getrandom",
	"getresgid",
	"getresgid32",
	"getresuid",
	"getresuid32",
	"getrlimit",
	"getrusage",
	"getsid",
	"getsockname",
	"getsockopt",
	"gettid",
	"gettimeofday",
	"getuid",
	"getuid32",
	"getxattr",
	"inotify_add_watch",
	"inotify_init",
	"inotify_init1",
	"inotify_rm_watch",
	"io_cancel",
	"io_destroy",
	"io_getevents",
	"io_pgetevents",
	"io_pgetevents_time64",
	"io_setup",
	"io_submit",
	"ioctl",
	"ioprio_get",
	"ioprio_set",
	"ipc",
	"kill",
	"landlock_add_rule",
	"landlock_create_ruleset",
	"landlock_restrict_self",
	"lchown",
	"lchown32",
	"lgetxattr",
	"link",
	"linkat",
	"listen",
	"listxattr",
	"llistxattr",
	"lremovexattr",
	"lseek",
	"lsetxattr",
	"lstat",
	"lstat64",
	"madvise",
	"membarrier",
	"memfd_create",
	"memfd_secret",
	"mincore",
	"mkdir",
	"mkdirat",
	"mknod",
	"mknodat",
	"mlock",
	"mlock2",
	"mlockall",
	"mmap",
	"mmap2",
	"mprotect",
	"mq_getsetattr",
	"mq_notify",
	"mq_open",
	"mq_timedreceive",
	"mq_timedreceive_time64",
	"mq_timedsend",
	"mq_timedsend_time64",
	"mq_unlink",
	"mremap",
	"msgctl",
	"msgget",
	"msgrcv",
	"msgsnd",
	"msync",
	"munlock",
	"munlockall",
	"munmap",
	"name_to_handle_at",
	"nanosleep",
	"newfstatat",
	"open",
	"openat",
	"openat2",
	"pause",
	"pidfd_open",
	"pidfd_send_signal",
	"pipe",
	"pipe2",
	"pkey_alloc",
	"pkey_free",
	"pkey_mprotect",
	"poll",
	"ppoll",
	"ppoll_time64",
	"prctl",
	"pread64",
	"preadv",
	"preadv2",
	"process_mrelease",
	"process_vm_readv",
	"process_vm_writev",
	"pselect6",
	"pselect6_time64",
	"ptrace",
	"pwrite64",
	"pwritev",
	"pwritev2",
	"read",
	"readahead",
	"readlink",
	"readlinkat",
	"readv",
	"recv",
	"recvfrom",
	"recvmmsg",
	"recvmmsg_time64",
	"recvmsg",
	"remap_file_pages",
	"removexattr",
	"rename",
	"renameat",
	"renameat2",
	"restart_syscall",
	"rmdir",
	"rseq",
	"rt_sigaction",
	"rt_sigpending",
	"rt_sigprocmask",
	"rt_sigqueueinfo",
	"rt_sigreturn",
	"rt_sigsuspend",
	"rt_sigtimedwait",
	"rt_sigtimedwait_time64",
	"rt_tgsigqueueinfo",
	"sched_get_priority_max",
	"sched_get_priority_min",
	"sched_getaffinity",
	"sched_getattr",
	"sched_getparam",
	"sched_getscheduler",
	"sched_rr_get_interval",
	"sched_rr_get_interval_time64",
	"sched_setaffinity",
	"sched_setattr",
	"sched_setparam",
	"sched_setscheduler",
	"sched_yield",
	"seccomp",
	"select",
	"semctl",
	"semget",
	"semop",
	"semtimedop",
	"semtimedop_time64",
	"send",
	"sendfile",
	"sendfile64",
	"sendmmsg",
	"sendmsg",
	"sendto",
	"set_robust_list",
	"set_thread_area",
	"set_tid_address",
	"setfsgid",
	"setfsgid32",
	"setfsuid",
	"setfsuid32",
	"setgid",
	"setgid32",
	"setgroups",
	"setgroups32",
	"setitimer",
	"setpgid",
	"setpriority",
	"setregid",
	"setregid32",
	"setresgid",
	"setresgid32",
	"setresuid",
	"setresuid32",
	"setreuid",
	"setreuid32",
	"setsid",
	"setsockopt",
	"setuid",
	"setuid32",
	"setxattr",
	"shmat",
	"shmctl",
	"shmdt",
	"shmget",
	"shutdown",
	"sigaltstack",
	"signalfd",
	"signalfd4",
	"sigprocmask",
	"sigreturn",
	"socketpair",
	"splice",
	"stat",
	"stat64",
	"statfs",
	"statfs64",
	"statx",
	"symlink",
	"symlinkat",
	"sync",
	"sync_file_range",
	"syncfs",
	"sysinfo",
	"tee",
	"tgkill",
	"time",
	"timer_create",
	"timer_delete",
	"timer_getoverrun",
	"timer_gettime",
	"timer_gettime64",
	"timer_settime",
	"timer_settime64",
	"timerfd_create",
	"timerfd_gettime",
	"timerfd_gettime64",
	"timerfd_settime",
	"timerfd_settime64",
	"times",
	"tkill",
	"truncate",
	"truncate64",
	"ugetrlimit",
	"umask",
	"uname",
	"unlink",
	"unlinkat",
	"utime",
	"utimensat",
	"utimensat_time64",
	"utimes",
	"vfork",
	"vmsplice",
	"wait4",
	"waitid",
	"waitpid",
	"write",
	"writev",
#if defined(__x86_64__)
	"arch_prctl",
#elif defined(__aarch64__)
	"arm_fadvise64_64",
	"arm_sync_file_range",
	"breakpoint",
	"cacheflush",
	"set_tls",
	"sync_file_range2",
#endif
};

/* The machine's own, and those of 32 bits that it runs. */
static const char *const architectures[] = {
#if defined(__x86_64__)
	"SCMP_ARCH_X86_64",
	"SCMP_ARCH_X86",
	"SCMP_ARCH_X32",
#elif defined(__aarch64__)
	"SCMP_ARCH_AARCH64",
	"SCMP_ARCH_ARM",
#elif defined(__riscv)
	"SCMP_ARCH_RISCV64",
#elif defined(__powerpc64__)
	"SCMP_ARCH_PPC64LE",
#elif defined(__s390x__)
	"SCMP_ARCH_S390X",
#endif
};

/* Families of sockets. */
static const int families[] = { AF_UNIX, AF_INET, AF_INET6, AF_NETLINK };

/* personality(2): Linux, UNAME26, Linux of 32 bits, both, and asking. */
static const json_int_t personalities[] = { 0, 8, 0x20000, 0x20008, 0xffffffff };

/* Known, and denied by name: a program that asks hears what it hears on a machine of its own without
 * rights. */
static const char *const denied[] = {
	"acct",
	"add_key",
	"bpf",
	"clock_adjtime",
	"clock_settime",
	"create_module",
	"delete_module",
	"fanotify_init",
	"finit_module",
	"fsconfig",
	"fsmount",
	"fsopen",
	"fspick",
	"get_kernel_syms",
	"get_mempolicy",
	"init_module",
	"io_uring_enter",
	"io_uring_register",
	"io_uring_setup",
	"ioperm",
	"iopl",
	"kcmp",
	"kexec_file_load",
	"kexec_load",
	"keyctl",
	"lookup_dcookie",
	"mbind",
	"mount",
	"mount_setattr",
	"move_mount",
	"move_pages",
	"nfsservctl",
	"open_by_handle_at",
	"open_tree",
	"perf_event_open",
	"pidfd_getfd",
	"pivot_root",
	"process_madvise",
	"query_module",
	"quotactl",
	"quotactl_fd",
	"reboot",
	"request_key",
	"set_mempolicy",
	"set_mempolicy_home_node",
	"setdomainname",
	"sethostname",
	"setns",
	"settimeofday",
	"stime",
	"swapoff",
	"swapon",
	"sysfs",
	"syslog",
	"umount",
	"umount2",
	"unshare",
	"uselib",
	"userfaultfd",
	"ustat",
	"vhangup",
	"vm86",
	"vm86old",
};

#define NAMESPACE_FLAGS                                                                            \
	(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | \
	 CLONE_NEWCGROUP)

static json_t *names_of(const char *const *v, size_t n)
{
	json_t *names = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(names, json_string(v[i]));
	return names;
}

static json_t *deny(json_t *names, int errnum, json_t *args)
{
	return json_pack("{s:o, s:s, s:i, s:o*}", "names", names, "action", "SCMP_ACT_ERRNO",
			 "errnoRet", errnum, "args", args);
}

static json_t *allow(json_t *names, json_t *args)
{
	return json_pack("{s:o, s:s, s:o*}", "names", names, "action", "SCMP_ACT_ALLOW", "args",
			 args);
}

/* One whose first argument is this. */
static json_t *first_is(json_int_t value)
{
	return json_pack("[{s:i, s:I, s:s}]", "index", 0, "value", value, "op", "SCMP_CMP_EQ");
}

/* The bits of `mask` in an argument are those of `value`. */
static json_t *has_bits(int index, json_int_t mask, json_int_t value)
{
	return json_pack("{s:i, s:I, s:I, s:s}", "index", index, "value", mask, "valueTwo", value,
			 "op", "SCMP_CMP_MASKED_EQ");
}

static json_t *first_has(json_int_t mask, json_int_t value)
{
	return json_pack("[o]", has_bits(0, mask, value));
}

/* clone(2) without namespaces; with any, one rule a flag, since rules of one call are ORed. */
static void add_clone_rules(json_t *rules)
{
	json_array_append_new(rules, allow(json_pack("[s]", "clone"),
					   first_has((json_int_t)(unsigned)NAMESPACE_FLAGS, 0)));
	for (unsigned bit = 0; bit < 32; bit++) {
		json_int_t flag = (json_int_t)1 << bit;

		if (flag & (json_int_t)(unsigned)NAMESPACE_FLAGS)
			json_array_append_new(rules, deny(json_pack("[s]", "clone"), EPERM,
							  first_has(flag, flag)));
	}
	/* clone3's flags are in memory, where a filter can't look; without it libc uses clone. */
	json_array_append_new(rules, deny(json_pack("[s]", "clone3"), ENOSYS, NULL));
}

/* The resource of a limit: this one, or, by a bit, not it. The kernel looks at half of the register, and so do
 * the masks. */
#define RESOURCE_MASK 15
static const struct {
	json_int_t mask, value;
} not_core[] = { { 1, 1 }, { 2, 2 }, { 4, 0 }, { 8, 8 } };
_Static_assert(RLIMIT_CORE == 4, "not_core is whatever differs from it");

/* prlimit64(2) with a new limit, or (SCMP_CMP_EQ) without. */
static json_t *core_by_prlimit(const char *op)
{
	return json_pack("[o, {s:i, s:i, s:s}]", has_bits(1, RESOURCE_MASK, RLIMIT_CORE), "index",
			 2, "value", 0, "op", op);
}

/*
 * The limit of core files stays as it is (rlimits.c): with 0, too, a program that core_pattern names
 * would get the core. Who sets it hears that it went well: programs that want no core of themselves
 * end when they can't have that, and they do have it.
 */
static void add_limit_rules(json_t *rules)
{
	for (size_t i = 0; i < ARRAY_SIZE(not_core); i++) {
		json_int_t mask = not_core[i].mask, value = not_core[i].value;

		json_array_append_new(rules,
				      allow(json_pack("[s]", "setrlimit"), first_has(mask, value)));
		json_array_append_new(rules, allow(json_pack("[s]", "prlimit64"),
						   json_pack("[o]", has_bits(1, mask, value))));
	}
	json_array_append_new(rules, deny(json_pack("[s]", "setrlimit"), 0,
					  first_has(RESOURCE_MASK, RLIMIT_CORE)));
	json_array_append_new(rules,
			      allow(json_pack("[s]", "prlimit64"), core_by_prlimit("SCMP_CMP_EQ")));
	json_array_append_new(
		rules, deny(json_pack("[s]", "prlimit64"), 0, core_by_prlimit("SCMP_CMP_NE")));
}

json_t *sandbox_seccomp(void)
{
	json_t *rules = json_array();

	json_array_append_new(rules, allow(names_of(allowed, ARRAY_SIZE(allowed)), NULL));
	json_array_append_new(rules, deny(names_of(denied, ARRAY_SIZE(denied)), EPERM, NULL));
	add_clone_rules(rules);
	add_limit_rules(rules);
	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		json_array_append_new(rules,
				      allow(json_pack("[s]", "socket"), first_is(families[i])));
	for (size_t i = 0; i < ARRAY_SIZE(personalities); i++)
		json_array_append_new(
			rules, allow(json_pack("[s]", "personality"), first_is(personalities[i])));
	return json_pack("{s:s, s:i, s:o, s:o}", "defaultAction", "SCMP_ACT_ERRNO",
			 "defaultErrnoRet", ENOSYS, "architectures",
			 names_of(architectures, ARRAY_SIZE(architectures)), "syscalls", rules);
}
