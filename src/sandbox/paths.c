/* SPDX-License-Identifier: Apache-2.0 */
/* Masked and read-only paths; see paths.h. */
#include "sandbox/paths.h"

#include <glob.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"

/* How hot a processor is, tells what a neighbour computes on it. */
#define THERMAL "/sys/devices/system/cpu/cpu[0-9]*/thermal_throttle"

/* In order, so that they can be compared. */
static const char *const masked[] = {
	"/proc/acpi",	     "/proc/asound", "/proc/interrupts", "/proc/kcore",
	"/proc/key-users",   "/proc/keys",   "/proc/kmsg",	 "/proc/latency_stats",
	"/proc/sched_debug", "/proc/scsi",   "/proc/timer_list", "/proc/timer_stats",
};

static const char *const read_only[] = {
	"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
};

static json_t *strings(const char *const *v, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_string(v[i]));
	return list;
}

json_t *sandbox_masked_paths(const char *root)
{
	_cleanup_free_ char *pattern = xasprintf("%s" THERMAL, root);
	json_t *list = strings(masked, ARRAY_SIZE(masked));
	glob_t found = { 0 };

	/* Virtual machines have none. Each is a mount more in a start, so only those that there are. */
	if (glob(pattern, 0, NULL, &found) == 0)
		for (size_t i = 0; i < found.gl_pathc; i++)
			json_array_append_new(list, json_string(found.gl_pathv[i] + strlen(root)));
	globfree(&found);
	return list;
}

json_t *sandbox_readonly_paths(void)
{
	return strings(read_only, ARRAY_SIZE(read_only));
}
