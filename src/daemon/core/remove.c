/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Removing; see remove.h. There are two queues: removals of trees load the disk, and who makes large
 * trees shall not make many of these; containers end fast, and others wait for their end.
 */
#include "daemon/core/remove.h"

#include <stdlib.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/core/child.h"

#define TREES_MAX 2
#define CONTAINERS_MAX 8
#define CONTAINER_TIMEOUT_MS 120000
#define SAID_MAX_BYTES 400
/* No process can be started now. */
#define RETRY_MS 1000

struct removal {
	struct remover *owner;
	struct queue *queue;
	struct removal *next;
	bool running;
	struct child *child; /* while it runs */
	char *what;	     /* for the log: the path, or the container's id */
	char *dir;
	json_t *order; /* of a container */
	removed_fn fn;
	void *userdata;
};

struct queue {
	struct removal *first;
	size_t n_running, max;
};

struct remover {
	struct loop *loop;
	struct watch *retry;
	struct queue trees, containers;
};

static void start_next(struct queue *q);

static void removal_free(struct removal *m)
{
	struct removal **at = &m->queue->first;

	while (*at != m)
		at = &(*at)->next;
	*at = m->next;
	child_release(m->child);
	json_decref(m->order);
	free(m->what);
	free(m->dir);
	free(m);
}

static struct removal *enqueue(struct remover *r, struct queue *q, const char *what,
			       const char *dir)
{
	struct removal *m = xcalloc(1, sizeof(*m)), **at = &q->first;

	*m = (struct removal){
		.owner = r, .queue = q, .what = xstrdup(what), .dir = dir ? xstrdup(dir) : NULL
	};
	while (*at)
		at = &(*at)->next;
	*at = m;
	return m;
}

static void remove_tree(struct remover *r, const char *path)
{
	if (!fs_exists(path))
		return;
	enqueue(r, &r->trees, path, path);
	start_next(&r->trees);
}

static void conclude(struct removal *m)
{
	struct remover *r = m->owner;
	struct queue *q = m->queue;
	_cleanup_free_ char *dir = q == &r->containers ? steal_ptr(m->dir) : NULL;
	removed_fn fn = m->fn;
	void *userdata = m->userdata;

	removal_free(m);
	if (dir)
		remove_tree(r, dir);
	if (fn)
		fn(userdata);
	start_next(q);
}

static void on_end(const struct child_end *end, void *userdata)
{
	struct removal *m = userdata;

	m->queue->n_running--;
	m->child = NULL;
	if (end->status != 0)
		log_warn("%s could not be removed; the next start tries again: %s", m->what,
			 end->timed_out ? "it took too long" : end->output);
	conclude(m);
}

static int start(struct removal *m, struct error *err)
{
	const char *const tree[] = { "nice", "-n",   "19", "rm", "-rf", "--one-file-system",
				     "--",   m->dir, NULL };
	static const char *const container[] = { "/proc/self/exe", "remove", NULL };
	const struct child_options o = { .argv = m->order ? container : tree,
					 .order = m->order,
					 .outlives_us = !m->order,
					 .timeout_ms = m->order ? CONTAINER_TIMEOUT_MS : 0,
					 .max_output = SAID_MAX_BYTES,
					 .on_end = on_end,
					 .userdata = m };

	return child_start(m->owner->loop, &o, &m->child, err);
}

static void start_next(struct queue *q)
{
	for (struct removal *m = q->first, *next; m && q->n_running < q->max; m = next) {
		struct error err = ERROR_INIT;

		next = m->next;
		if (m->running)
			continue;
		m->running = true;
		if (start(m, &err) == 0) {
			q->n_running++;
			continue;
		}
		log_warn("removing %s, which is tried again: %s", m->what, err.message);
		m->running = false;
		watch_arm(m->owner->retry, RETRY_MS);
		return;
	}
}

void remove_tree_later(const struct platform *p, const char *path)
{
	remove_tree(p->remover, path);
}

void remove_container_later(const struct platform *p, const char *id, const char *dir,
			    removed_fn fn, void *userdata)
{
	struct remover *r = p->remover;
	struct removal *m = enqueue(r, &r->containers, id, dir);

	m->order = json_pack("{s:s, s:s, s:s, s:i, s:s}", "runtime", p->runtime.path, "name",
			     p->runtime.name, "root", p->runtime_root, "cgroup",
			     (int)p->runtime.cgroup, "id", id);
	m->fn = fn;
	m->userdata = userdata;
	start_next(&r->containers);
}

void remover_forget(struct remover *r, const void *userdata)
{
	for (struct removal *m = r->containers.first; m; m = m->next)
		if (m->userdata == userdata)
			m->fn = NULL;
}

static void on_retry(void *userdata)
{
	struct remover *r = userdata;

	start_next(&r->trees);
	start_next(&r->containers);
}

struct remover *remover_new(struct loop *l)
{
	struct remover *r = xcalloc(1, sizeof(*r));

	*r = (struct remover){ .loop = l,
			       .retry = watch_timer(l, on_retry, r),
			       .trees = { .max = TREES_MAX },
			       .containers = { .max = CONTAINERS_MAX } };
	return r;
}

void remover_free(struct remover *r)
{
	if (!r)
		return;
	while (r->trees.first)
		removal_free(r->trees.first);
	while (r->containers.first)
		removal_free(r->containers.first);
	watch_free(r->retry);
	free(r);
}

/* ---- the child ---- */

static const char *text_of(const json_t *order, const char *key)
{
	const char *s = json_string_value(json_object_get(order, key));

	return s ? s : "";
}

int remove_worker_main(void)
{
	json_t *order = json_loadf(stdin, 0, NULL);
	struct sandbox_runtime runtime = {
		.path = xstrdup(text_of(order, "runtime")),
		.name = xstrdup(text_of(order, "name")),
		.cgroup = (enum sandbox_cgroup)json_integer_value(json_object_get(order, "cgroup")),
	};
	const char *id = text_of(order, "id");
	struct error err = ERROR_INIT;
	int r;

	if (id[0])
		r = sandbox_delete(&runtime, text_of(order, "root"), id, &err);
	else
		r = error_set(&err, ERROR_INVALID,
			      "twelved remove is started by twelved, with its order on stdin");
	if (r < 0)
		fputs(err.message, stderr);
	sandbox_runtime_done(&runtime);
	json_decref(order);
	return r < 0;
}
