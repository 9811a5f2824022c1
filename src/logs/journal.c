/* SPDX-License-Identifier: Apache-2.0 */
/* How bytes leave a pipe; see journal.h. */
#include "logs/journal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/str.h"

#define VERSION 1
#define HEADER_BYTES 4096

struct mapped {
	_Atomic uint64_t armed; /* VERSION while there is a note, else 0 */
	struct journal_note note;
	uint64_t n;
	unsigned char last;
};

struct journal {
	struct mapped *mapped;
	unsigned char *sink;
	size_t max_bytes;
};

int journal_open(const char *dir, size_t max_bytes, struct journal **ret)
{
	_cleanup_free_ char *path = xasprintf("%s/journal", dir);
	_cleanup_fd_ int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	size_t total = HEADER_BYTES + max_bytes;
	struct journal *j;
	char *p;
	int e;

	if (fd < 0)
		return -errno;
	e = posix_fallocate(fd, 0, (off_t)total);
	if (e)
		return -e;
	/* Populated: a page fault within the read of step 3 would be a place where a kill can cut
	 * it. */
	p = mmap(NULL, total, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	j = xcalloc(1, sizeof(*j));
	*j = (struct journal){ .mapped = (struct mapped *)(void *)p,
			       .sink = (unsigned char *)p + HEADER_BYTES,
			       .max_bytes = max_bytes };
	*ret = j;
	return 0;
}

void journal_free(struct journal *j)
{
	if (!j)
		return;
	munmap(j->mapped, HEADER_BYTES + j->max_bytes);
	free(j);
}

bool journal_pending(const struct journal *j, struct journal_note *ret)
{
	const struct mapped *m = j->mapped;

	if (atomic_load_explicit(&j->mapped->armed, memory_order_acquire) != VERSION || !m->n ||
	    m->n > j->max_bytes || j->sink[m->n - 1] != m->last ||
	    m->note.app[UUID_SIZE - 1] != '\0')
		return false;
	*ret = m->note;
	return true;
}

void journal_clear(struct journal *j)
{
	atomic_store_explicit(&j->mapped->armed, 0, memory_order_release);
}

int journal_take(struct journal *j, int pipe_fd, const char *bytes, size_t n,
		 const struct journal_note *note)
{
	struct mapped *m = j->mapped;
	ssize_t r;

	assert(n > 0 && n <= j->max_bytes);
	m->note = *note;
	m->n = n;
	m->last = (unsigned char)bytes[n - 1];
	j->sink[n - 1] = (unsigned char)~m->last;
	atomic_store_explicit(&m->armed, VERSION, memory_order_release);
	r = fd_read(pipe_fd, j->sink, n);
	if (r == (ssize_t)n)
		return 0;
	journal_clear(j);
	/* Somebody else reads from this pipe, against logs-proto.h: what went is not ours to count.
	 */
	return r < 0 ? (int)r : -EIO;
}
