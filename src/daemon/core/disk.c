/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/core/disk.h"

#include "base/fs.h"

int64_t disk_room(const struct settings *s)
{
	uint64_t free_bytes;

	if (fs_free_bytes(s->state_dir, &free_bytes) < 0)
		return INT64_MAX;
	return (int64_t)free_bytes - s->disk_reserve_bytes;
}

int disk_check(const struct settings *s, int64_t bytes, struct error *err)
{
	int64_t room = disk_room(s), reserve = s->disk_reserve_bytes;

	if (room > bytes)
		return 0;
	return error_set(
		err, ERROR_UNAVAILABLE,
		"The disk is too full for an upload: %lld MB are free and %lld MB are reserved "
		"(TWELVE_DISK_RESERVE). \"twelve gc\" deletes unused files and shows disk usage",
		(long long)(room + reserve) >> 20, (long long)reserve >> 20);
}
