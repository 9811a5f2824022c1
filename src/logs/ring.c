/* SPDX-License-Identifier: Apache-2.0 */
/* The recent lines of an app; see ring.h. */
#include "logs/ring.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/str.h"
#include "logs/line.h"

#define MAGIC 0x676e69722d323174 /* "t12-ring" */
#define VERSION 1
#define HEADER_BYTES 4096
#define PAGE_BYTES 4096
#define ALIGN 8
/* A batch takes at most this part of the ring, and so does a step of allocation. */
#define BATCH_PART 16

struct state {
	uint64_t head, tail; /* offsets */
	uint64_t next_seq;
	int64_t last_ns;
	uint64_t bytes;
};

struct header {
	_Atomic uint64_t magic; /* written last, when the ring is made */
	uint64_t version;
	uint64_t size;
	_Atomic uint64_t generation; /* state[generation % 2] is valid */
	struct state state[2];
};

/* How a record lies in the ring; source, dyno and text follow. */
struct stored {
	uint32_t size; /* all of it, a multiple of ALIGN */
	uint32_t text_len;
	uint64_t seq;
	int64_t time_ns;
	uint32_t release;
	uint8_t flags, source_len, dyno_len, zero;
	char bytes[];
};

_Static_assert(sizeof(struct header) <= HEADER_BYTES, "the header has a page");
_Static_assert(RING_SIZE_MIN / BATCH_PART >=
		       sizeof(struct stored) + LOG_LINE_MAX + 2 * LOG_NAME_MAX + ALIGN,
	       "a batch holds the greatest record");

struct ring {
	int fd;
	struct header *header;
	char *data; /* mapped twice */
	size_t size, batch;
	size_t allocated;   /* bytes of data that the file system has given */
	struct state draft; /* the valid state and the batch */
};

static struct state *valid(const struct ring *r)
{
	uint64_t g = atomic_load_explicit(&r->header->generation, memory_order_acquire);

	return &r->header->state[g % 2];
}

static struct stored *at(const struct ring *r, uint64_t offset)
{
	return (struct stored *)(void *)(r->data + offset % r->size);
}

static int map(struct ring *r)
{
	size_t total = HEADER_BYTES + 2 * r->size;
	char *p = mmap(NULL, total, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return -errno;
	r->header = (struct header *)(void *)p;
	r->data = p + HEADER_BYTES;
	if (mmap(p, HEADER_BYTES + r->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, r->fd,
		 0) == MAP_FAILED ||
	    mmap(r->data + r->size, r->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, r->fd,
		 HEADER_BYTES) == MAP_FAILED)
		return -errno;
	return 0;
}

static void unmap(struct ring *r)
{
	if (r->header)
		munmap(r->header, HEADER_BYTES + 2 * r->size);
	r->header = NULL;
}

/* True when every byte of [head, tail) belongs to a sound record, numbered without a gap. */
static bool is_sound(const struct ring *r, const struct state *s)
{
	uint64_t seq = 0;

	if (s->head > s->tail || s->tail - s->head > r->size || s->head % ALIGN || s->tail % ALIGN)
		return false;
	for (uint64_t o = s->head; o < s->tail; o += at(r, o)->size) {
		const struct stored *e = at(r, o);
		uint64_t left = s->tail - o;

		if (left < sizeof(*e) || e->size > left || e->size % ALIGN ||
		    e->size < sizeof(*e) || e->text_len > LOG_LINE_MAX ||
		    sizeof(*e) + e->text_len + e->source_len + e->dyno_len > e->size ||
		    (seq && e->seq != seq + 1) || !e->seq)
			return false;
		seq = e->seq;
	}
	return s->next_seq && (!seq || s->next_seq == seq + 1);
}

/* RING_FOUND, RING_MADE when there is nothing, or RING_REPLACED when it is not to be used. */
static int look(struct ring *r)
{
	struct header h = { 0 };
	struct stat st;
	ssize_t n;

	if (fstat(r->fd, &st) < 0)
		return -errno;
	n = pread(r->fd, &h, sizeof(h), 0);
	if (n < 0)
		return -errno;
	if (h.magic == 0)
		return RING_MADE;
	if (n < (ssize_t)sizeof(h) || h.magic != MAGIC || h.version != VERSION ||
	    h.size < RING_SIZE_MIN || h.size > RING_SIZE_MAX || h.size % PAGE_BYTES ||
	    (uint64_t)st.st_size != HEADER_BYTES + h.size)
		return RING_REPLACED;
	r->size = h.size;
	return RING_FOUND;
}

/* With the magic last: a kill in here leaves what counts as "nothing there". */
static int make(struct ring *r, size_t size)
{
	int e;

	r->size = (size + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
	if (r->size < RING_SIZE_MIN)
		r->size = RING_SIZE_MIN;
	if (r->size > RING_SIZE_MAX)
		r->size = RING_SIZE_MAX;
	if (ftruncate(r->fd, 0) < 0 || ftruncate(r->fd, HEADER_BYTES + (off_t)r->size) < 0)
		return -errno;
	e = posix_fallocate(r->fd, 0, HEADER_BYTES);
	if (e)
		return -e;
	e = map(r);
	if (e < 0)
		return e;
	r->header->version = VERSION;
	r->header->size = r->size;
	r->header->state[0] = (struct state){ .next_seq = 1 };
	atomic_store_explicit(&r->header->magic, MAGIC, memory_order_release);
	return 0;
}

int ring_open(const char *path, size_t size_bytes, struct ring **ret)
{
	_cleanup_(ring_free_p) struct ring *r = xcalloc(1, sizeof(*r));
	int how, e;

	r->fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)
		     : memfd_create("ring", MFD_CLOEXEC);
	if (r->fd < 0)
		return -errno;
	how = look(r);
	if (how < 0)
		return how;
	if (how == RING_FOUND) {
		e = map(r);
		if (e < 0)
			return e;
		if (!is_sound(r, valid(r))) {
			unmap(r);
			how = RING_REPLACED;
		}
	}
	if (how != RING_FOUND) {
		e = make(r, size_bytes);
		if (e < 0)
			return e;
	}
	r->batch = r->size / BATCH_PART / PAGE_BYTES * PAGE_BYTES;
	r->draft = *valid(r);
	*ret = steal_ptr(r);
	return how;
}

void ring_free(struct ring *r)
{
	if (!r)
		return;
	unmap(r);
	fd_close(r->fd);
	free(r);
}

uint64_t ring_head(const struct ring *r)
{
	return valid(r)->head;
}

uint64_t ring_tail(const struct ring *r)
{
	return valid(r)->tail;
}

uint64_t ring_next_seq(const struct ring *r)
{
	return valid(r)->next_seq;
}

uint64_t ring_first_seq(const struct ring *r)
{
	const struct state *s = valid(r);

	return s->head == s->tail ? s->next_seq : at(r, s->head)->seq;
}

uint64_t ring_bytes(const struct ring *r)
{
	return valid(r)->bytes;
}

uint64_t ring_evicted(const struct ring *r)
{
	return ring_first_seq(r) - 1;
}

uint64_t ring_read(const struct ring *r, uint64_t offset, struct log_record *ret)
{
	const struct stored *e = at(r, offset);

	*ret = (struct log_record){ .seq = e->seq,
				    .time_ns = e->time_ns,
				    .release = e->release,
				    .flags = e->flags,
				    .source = e->bytes,
				    .source_len = e->source_len,
				    .dyno = e->bytes + e->source_len,
				    .dyno_len = e->dyno_len,
				    .text = e->bytes + e->source_len + e->dyno_len,
				    .text_len = e->text_len };
	return offset + e->size;
}

/*
 * The file is sparse and gets its memory in steps, before it is written to: a store
 * into a hole that can't be filled would kill us (SIGBUS).
 */
static int allocate(struct ring *r, uint64_t end)
{
	uint64_t want = end < r->size ? end : r->size;
	int e;

	while (r->allocated < want) {
		size_t step = r->size - r->allocated < r->batch ? r->size - r->allocated : r->batch;

		e = posix_fallocate(r->fd, HEADER_BYTES + (off_t)r->allocated, (off_t)step);
		if (e)
			return -e;
		r->allocated += step;
	}
	return 0;
}

int ring_room(struct ring *r, uint64_t *ret_head)
{
	const struct state *s = valid(r);
	uint64_t head = s->head, end = s->tail + r->batch;
	int e = allocate(r, end);

	if (e < 0)
		return e;
	while (end - head > r->size)
		head += at(r, head)->size;
	*ret_head = head;
	return 0;
}

void ring_evict(struct ring *r, uint64_t head)
{
	r->draft = *valid(r);
	if (r->draft.head == head)
		return;
	assert(head > r->draft.head && head <= r->draft.tail);
	r->draft.head = head;
	ring_prepare(r);
	ring_commit(r);
}

bool ring_put(struct ring *r, const struct log_record *what, int64_t now_ns)
{
	size_t size = sizeof(struct stored) + what->source_len + what->dyno_len + what->text_len;
	struct stored *e = at(r, r->draft.tail);
	char *p = e->bytes;

	assert(what->text_len <= LOG_LINE_MAX && what->source_len <= LOG_NAME_MAX &&
	       what->dyno_len <= LOG_NAME_MAX);
	size = (size + ALIGN - 1) / ALIGN * ALIGN;
	if (r->draft.tail + size - valid(r)->tail > r->batch)
		return false;
	r->draft.last_ns = now_ns > r->draft.last_ns ? now_ns : r->draft.last_ns + 1;
	*e = (struct stored){ .size = (uint32_t)size,
			      .text_len = (uint32_t)what->text_len,
			      .seq = r->draft.next_seq++,
			      .time_ns = r->draft.last_ns,
			      .release = what->release,
			      .flags = (uint8_t)what->flags,
			      .source_len = (uint8_t)what->source_len,
			      .dyno_len = (uint8_t)what->dyno_len };
	memcpy(p, what->source, what->source_len);
	memcpy(p + what->source_len, what->dyno, what->dyno_len);
	memcpy(p + what->source_len + what->dyno_len, what->text, what->text_len);
	r->draft.tail += size;
	r->draft.bytes += what->text_len;
	return true;
}

void ring_prepare(struct ring *r)
{
	r->header->state[(ring_generation(r) + 1) % 2] = r->draft;
}

void ring_commit(struct ring *r)
{
	atomic_store_explicit(&r->header->generation, ring_generation(r) + 1, memory_order_release);
}

void ring_abort(struct ring *r)
{
	r->draft = *valid(r);
}

uint64_t ring_generation(const struct ring *r)
{
	return atomic_load_explicit(&r->header->generation, memory_order_acquire);
}

bool ring_redo(struct ring *r, uint64_t generation)
{
	const struct state *spare = &r->header->state[generation % 2], *now = valid(r);

	if (ring_generation(r) + 1 != generation || spare->head != now->head ||
	    spare->tail < now->tail || !is_sound(r, spare))
		return false;
	ring_commit(r);
	r->draft = *valid(r);
	return true;
}
