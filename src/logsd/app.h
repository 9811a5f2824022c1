/* SPDX-License-Identifier: Apache-2.0 */
/* An app: its ring, and writing to it. Followers of its lines register a table of functions (struct
 * follower), so nothing here knows readers, links or drains. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "logs/ring.h"

struct logsd;
struct reader;
struct source;
struct link;
struct load;
struct drain;
struct commit;

/* An app may have very many pipes. */
#define SOURCE_BUCKETS 64
#define RING_SUFFIX ".ring"

struct app {
	struct app *next;
	struct logsd *logsd;
	char id[UUID_SIZE];
	struct ring *ring;
	struct reader *readers;
	struct source *sources, *buckets[SOURCE_BUCKETS];
	struct link *links; /* apps whose streams get these lines too */
	struct load *load;  /* how fast it is; NULL before its first request */
	char *name;	    /* as twelved told it with the drains */
	struct drain *drains;
	struct commit *commits; /* of its releases, the newest first */
	bool blocked;		/* sources wait for a drain that blocks */
	uint64_t boot_tail;	/* where the ring ended when it was opened */
	bool linked;		/* links have been set once */
	uint64_t dropped;	/* lines that found no room, not told yet */
};

/* What follows an app's lines, of one kind: readers, links, drains. */
struct follower {
	/* Lines were committed. */
	void (*shown)(struct app *a);
	/* Lines below this offset are about to be evicted. NULL: the follower does not care. */
	void (*evict)(struct app *a, uint64_t head);
	/* True when that must not be. NULL: it may always. */
	bool (*blocks)(const struct app *a, uint64_t head);
};

struct app *app_find(struct logsd *l, const char *id);
/* The app with its ring, created if it is new; NULL if that fails, which is logged. */
struct app *app_get(struct logsd *l, const char *id);
/* Makes room for a batch, after followers have counted the lines that they lose. -EAGAIN: a
 * blocking drain still needs them. */
int app_begin(struct app *a);
/* True when there is room for a batch. */
bool app_has_room(const struct app *a);
/* Shows those who follow what was committed. */
void app_show(struct app *a);
/* Lines of the platform; text may hold several. */
void app_append(struct app *a, const char *source, const char *dyno, const char *text, size_t n);
/* n lines found no room. */
void app_drop(struct app *a, uint64_t n);
/* Of its ring's file. The caller frees. */
char *app_ring_path(const struct logsd *l, const char *id);
