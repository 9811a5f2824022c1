/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dyno sizes; see size.h. Memory, process limits and shares are those that
 * Heroku documents for its sizes. There is no hard cap of the processor: shares
 * decide when it is scarce, and what is idle may be used.
 */
#include "model/size.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/cleanup.h"

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

const struct dyno_size dyno_sizes[] = {
	{ .name = "eco", .memory_bytes = 512 * MIB, .cpu_shares = 1024, .pids = 256 },
	{ .name = "basic", .memory_bytes = 512 * MIB, .cpu_shares = 1024, .pids = 256 },
	{ .name = "standard-1x", .memory_bytes = 512 * MIB, .cpu_shares = 1024, .pids = 256 },
	{ .name = "standard-2x", .memory_bytes = GIB, .cpu_shares = 2 * 1024, .pids = 512 },
	{ .name = "performance-m",
	  .memory_bytes = 2560 * MIB,
	  .cpu_shares = 12 * 1024,
	  .pids = 16384 },
	{ .name = "performance-l",
	  .memory_bytes = 14 * GIB,
	  .cpu_shares = 50 * 1024,
	  .pids = 32768 },
	{ .name = "performance-l-ram",
	  .memory_bytes = 30 * GIB,
	  .cpu_shares = 24 * 1024,
	  .pids = 32768 },
	{ .name = "performance-xl",
	  .memory_bytes = 62 * GIB,
	  .cpu_shares = 50 * 1024,
	  .pids = 32768 },
	{ .name = "performance-2xl",
	  .memory_bytes = 126 * GIB,
	  .cpu_shares = 100 * 1024,
	  .pids = 32768 },
};
const size_t n_dyno_sizes = ARRAY_SIZE(dyno_sizes);

const struct dyno_size *dyno_size_find(const char *name)
{
	static const char prefix[] = "standard-";

	for (size_t i = 0; i < n_dyno_sizes; i++) {
		const char *have = dyno_sizes[i].name;

		if (strcasecmp(have, name) == 0)
			return &dyno_sizes[i];
		if (strncmp(have, prefix, strlen(prefix)) == 0 &&
		    strcasecmp(have + strlen(prefix), name) == 0)
			return &dyno_sizes[i];
	}
	return NULL;
}

int dyno_size_refuse(const char *name, struct error *err)
{
	_cleanup_buf_ struct buf names = BUF_INIT;

	for (size_t i = 0; i < n_dyno_sizes; i++)
		buf_printf(&names, "%s%s", i ? ", " : "", dyno_sizes[i].name);
	return error_set(err, ERROR_INVALID, "There is no dyno size \"%.50s\": the sizes are %s",
			 name ? name : "", names.data);
}

void size_display(const char *size, char buf[static DYNO_SIZE_DISPLAY])
{
	bool start = true;
	size_t i;

	for (i = 0; size[i] && i < DYNO_SIZE_DISPLAY - 1; i++) {
		buf[i] = start || size[i] == 'x' ? (char)toupper((unsigned char)size[i]) : size[i];
		start = size[i] == '-';
	}
	buf[i] = '\0';
}
