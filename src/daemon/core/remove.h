/* SPDX-License-Identifier: Apache-2.0 */
/* Slow removals: a tree of a hundred thousand files, or the remains of a container whose processes
 * have to die first. Child processes do them, a few at a time; nothing here waits. A failure is
 * logged, and the owner of the directory tries again at the next start. */
#pragma once

#include "daemon/core/platform.h"

struct remover *remover_new(struct loop *l);
/* Running removals go on; queued ones are left for the next start. No callback is called. */
void remover_free(struct remover *r);

/* Starts or queues the removal; the tree need not exist. Removals of trees continue when twelved
 * ends. */
void remove_tree_later(const struct platform *p, const char *path);

typedef void (*removed_fn)(void *userdata);
/* Removes what is left of a container (processes, cgroups, the runtime's records), then `dir` as
 * above (NULL: none). fn, which may be NULL, is called from the loop when the container is gone, or
 * when it could not be removed in time, which is logged. */
void remove_container_later(const struct platform *p, const char *id, const char *dir,
			    removed_fn fn, void *userdata);
/* fn is not called any more for this userdata. */
void remover_forget(struct remover *r, const void *userdata);

/* main() of `twelved remove`: its order comes on stdin. */
int remove_worker_main(void);
