/* SPDX-License-Identifier: Apache-2.0 */
/* How far a drain has come; see drain-status.h. */
#include "logs/drain-status.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

#define MAGIC 0x6e617264323174 /* "t12dran" */
#define VERSION 1
#define READ_TRIES 100

const char *const drain_phase_names[_DRAIN_PHASE_MAX] = {
	[DRAIN_IDLE] = "idle",
	[DRAIN_SENDING] = "sending",
	[DRAIN_CONNECTING] = "connecting",
	[DRAIN_WAITING] = "waiting",
};

struct mapped {
	_Atomic uint64_t magic; /* written last */
	uint64_t version, size;
	_Atomic uint64_t generation; /* slots[generation % 2] is valid */
	struct drain_status slots[2];
};

struct drain_status_map {
	struct mapped *mapped;
};

static bool is_sound(const struct mapped *m)
{
	const struct drain_status *s = &m->slots[m->generation % 2];

	return m->magic == MAGIC && m->version == VERSION && m->size == sizeof(*m) &&
	       s->phase < _DRAIN_PHASE_MAX && memchr(s->error, '\0', sizeof(s->error)) &&
	       memchr(s->test_id, '\0', sizeof(s->test_id)) &&
	       memchr(s->test_text, '\0', sizeof(s->test_text));
}

int drain_status_open(const char *path, struct drain_status_map **ret, struct drain_status *ret_now)
{
	_cleanup_fd_ int fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)
				   : memfd_create("drain", MFD_CLOEXEC);
	struct drain_status_map *map;
	struct mapped *m;
	int r;

	if (fd < 0)
		return -errno;
	r = posix_fallocate(fd, 0, sizeof(*m));
	if (r)
		return -r;
	m = mmap(NULL, sizeof(*m), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (m == MAP_FAILED)
		return -errno;
	r = is_sound(m);
	if (!r) {
		memset(m, 0, sizeof(*m));
		m->version = VERSION;
		m->size = sizeof(*m);
		atomic_store_explicit(&m->magic, MAGIC, memory_order_release);
	}
	*ret_now = m->slots[m->generation % 2];
	map = xcalloc(1, sizeof(*map));
	map->mapped = m;
	*ret = map;
	return r;
}

void drain_status_close(struct drain_status_map *m)
{
	if (!m)
		return;
	munmap(m->mapped, sizeof(*m->mapped));
	free(m);
}

void drain_status_write(struct drain_status_map *m, const struct drain_status *now)
{
	uint64_t g = atomic_load_explicit(&m->mapped->generation, memory_order_relaxed) + 1;

	m->mapped->slots[g % 2] = *now;
	atomic_store_explicit(&m->mapped->generation, g, memory_order_release);
}

int drain_status_read(const char *path, struct drain_status *ret)
{
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	uint64_t after = 0;
	struct mapped m;

	if (fd < 0)
		return -errno;
	/* The slot is written to again only after the number has changed: then once more. */
	for (int i = 0; i < READ_TRIES; i++) {
		if (pread(fd, &m, sizeof(m), 0) != (ssize_t)sizeof(m) || !is_sound(&m) ||
		    pread(fd, &after, sizeof(after), offsetof(struct mapped, generation)) !=
			    (ssize_t)sizeof(after))
			return -EBADMSG;
		if (after == m.generation) {
			*ret = m.slots[m.generation % 2];
			return 0;
		}
	}
	return -EAGAIN;
}
