/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is not needed any more and takes its time to remove: a tree of a hundred thousand files, or
 * what is left of a container whose processes have to die first. Other processes do it, a few at a
 * time; nothing here waits. A failure is logged: whoever owns the place looks again at the next
 * start.
 */
#pragma once

#include "daemon/core/platform.h"

struct remover *remover_new(struct loop *l);
/* Those under way go on; those that wait are left for the next start. No call. */
void remover_free(struct remover *r);

/* Begins it, or puts it into the queue; what is not there is fine. Removals of trees go on when
 * twelved ends. */
void remove_tree_later(const struct platform *p, const char *path);

typedef void (*removed_fn)(void *userdata);
/*
 * Ends what is left of a container (its processes, its cgroups, the runtime's records), then
 * removes `dir` as above (NULL: none). fn, which may be NULL, is called from the loop when the
 * container is gone; or when it could not be removed within its time, which is logged.
 */
void remove_container_later(const struct platform *p, const char *id, const char *dir,
			    removed_fn fn, void *userdata);
/* fn is not called any more for this userdata. */
void remover_forget(struct remover *r, const void *userdata);

/* main() of `twelved remove`: its order comes on stdin. */
int remove_worker_main(void);
