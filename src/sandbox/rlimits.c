/* SPDX-License-Identifier: Apache-2.0 */
/* Resource limits; see rlimits.h. */
#include "sandbox/rlimits.h"

#include <linux/capability.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

/* More than a machine has; as a number that every program can read. */
#define ANY INT32_MAX

static const struct {
	const char *type;
	int resource;
	rlim_t value;
} limits[] = {
	/*
	 * One byte, and not none: with a limit of 0 a program that core_pattern names still gets the core,
	 * the config vars in it, as root outside of the sandbox. The kernel takes 1 for "not at all" (core(5)
	 * leaves it out; it is in fs/coredump.c). The filter has programs keep it (seccomp.c).
	 */
	{ "RLIMIT_CORE", RLIMIT_CORE, 1 },
	{ "RLIMIT_NOFILE", RLIMIT_NOFILE, 65536 },
	/*
	 * What the kernel counts by user, which sandboxes share: with a limit, one app could use up what there
	 * is for all. The cgroup counts the processes, and the memory of the others.
	 */
	{ "RLIMIT_NPROC", RLIMIT_NPROC, ANY },
	{ "RLIMIT_SIGPENDING", RLIMIT_SIGPENDING, ANY },
	{ "RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE, ANY },
	/* The kernel's default. */
	{ "RLIMIT_MEMLOCK", RLIMIT_MEMLOCK, 8 << 20 },
	/* Nothing goes before other apps: neither by nice(2) nor as real time. */
	{ "RLIMIT_NICE", RLIMIT_NICE, 0 },
	{ "RLIMIT_RTPRIO", RLIMIT_RTPRIO, 0 },
};

static bool may_raise(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	return syscall(SYS_capget, &header, data) == 0 &&
	       data[CAP_TO_INDEX(CAP_SYS_RESOURCE)].effective & CAP_TO_MASK(CAP_SYS_RESOURCE);
}

json_t *sandbox_rlimits(void)
{
	bool any = may_raise();
	json_t *list = json_array();

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		rlim_t value = limits[i].value;
		struct rlimit own;

		if (!any && getrlimit(limits[i].resource, &own) == 0 && own.rlim_max < value)
			value = own.rlim_max;
		json_array_append_new(list,
				      json_pack("{s:s, s:I, s:I}", "type", limits[i].type, "hard",
						(json_int_t)value, "soft", (json_int_t)value));
	}
	return list;
}
