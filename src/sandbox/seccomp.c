/* SPDX-License-Identifier: Apache-2.0 */
/* The seccomp filter; see seccomp.h. */
#include "sandbox/seccomp.h"

#include <errno.h>
#include <sched.h>
#include <sys/socket.h>

#include "base/cleanup.h"

/* Administration of the machine, keys and namespaces, and parts of the kernel that few apps need
 * and many exploits used. */
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

static json_t *rule(const char *name, int errnum, json_t *args)
{
	return json_pack("{s:[s], s:s, s:i, s:o*}", "names", name, "action", "SCMP_ACT_ERRNO",
			 "errnoRet", errnum, "args", args);
}

/* clone(2) with any of the namespace flags: one rule a flag, since rules of one call are ORed. */
static void add_clone_rules(json_t *rules)
{
	for (unsigned bit = 0; bit < 32; bit++) {
		unsigned flag = 1U << bit;

		if (flag & (unsigned)NAMESPACE_FLAGS)
			json_array_append_new(
				rules,
				rule("clone", EPERM,
				     json_pack("[{s:i, s:I, s:I, s:s}]", "index", 0, "value",
					       (json_int_t)flag, "valueTwo", (json_int_t)flag, "op",
					       "SCMP_CMP_MASKED_EQ")));
	}
}

json_t *sandbox_seccomp(void)
{
	json_t *names = json_array(), *rules = json_array();

	for (size_t i = 0; i < ARRAY_SIZE(denied); i++)
		json_array_append_new(names, json_string(denied[i]));
	json_array_append_new(rules, json_pack("{s:o, s:s, s:i}", "names", names, "action",
					       "SCMP_ACT_ERRNO", "errnoRet", EPERM));
	add_clone_rules(rules);
	/* clone3's flags are in memory, where a filter can't look; without it libc uses clone. */
	json_array_append_new(rules, rule("clone3", ENOSYS, NULL));
	/* Sockets to the hypervisor. */
	json_array_append_new(rules, rule("socket", EPERM,
					  json_pack("[{s:i, s:i, s:s}]", "index", 0, "value",
						    AF_VSOCK, "op", "SCMP_CMP_EQ")));
#if defined(__x86_64__)
	return json_pack("{s:s, s:[s, s, s], s:o}", "defaultAction", "SCMP_ACT_ALLOW",
			 "architectures", "SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32",
			 "syscalls", rules);
#elif defined(__aarch64__)
	return json_pack("{s:s, s:[s, s], s:o}", "defaultAction", "SCMP_ACT_ALLOW", "architectures",
			 "SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM", "syscalls", rules);
#else
	return json_pack("{s:s, s:o}", "defaultAction", "SCMP_ACT_ALLOW", "syscalls", rules);
#endif
}
