/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread with a queue; see passwords.h. The two threads share the lists, under the lock, and
 * nothing else: a check has copies of what it is about. Signals are the other thread's.
 */
#include "daemon/api/passwords.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "event/loop.h"
#include "store/store.h"

/* Of strangers, and as many of addresses that are known to be good. */
#define MAX_WAITING 64

struct password_check {
	struct password_check *next;
	char *hash; /* to compare with; NULL: to be made */
	char *password, *address;
	bool known, right;
	uint64_t turn; /* how many of its address were before it when it came */
	bool cancelled;
	/* One of these. */
	password_fn fn;
	password_made_fn made;
	void *userdata;
};

struct passwords {
	pthread_t thread;
	bool runs;
	pthread_mutex_t lock;
	pthread_cond_t some;
	struct password_check *waiting, *done; /* lists, the newest last */
	bool ending;
	char *nobody; /* a hash that is as expensive as any */
	int event_fd;
	struct watch *event;
};

static void check_free(struct password_check *c)
{
	explicit_bzero(c->password, strlen(c->password));
	free(c->password);
	free(c->hash);
	free(c->address);
	free(c);
}

static void append(struct password_check **list, struct password_check *c)
{
	while (*list)
		list = &(*list)->next;
	c->next = NULL;
	*list = c;
}

/* Those of good addresses first, then whose address had the fewest before it, then the oldest. */
static struct password_check *take_next(struct passwords *p)
{
	struct password_check **best = &p->waiting, *c;

	for (struct password_check **at = &p->waiting; *at; at = &(*at)->next)
		if ((*at)->known != (*best)->known ? (*at)->known : (*at)->turn < (*best)->turn)
			best = at;
	c = *best;
	*best = c->next;
	return c;
}

static void hash(struct password_check *c)
{
	if (c->hash)
		c->right = user_has_password(c->hash, c->password);
	else
		c->hash = user_hash_password(c->password);
}

static void *work(void *userdata)
{
	struct passwords *p = userdata;

	pthread_mutex_lock(&p->lock);
	while (!p->ending) {
		struct password_check *c;
		static const uint64_t one = 1;

		if (!p->waiting) {
			pthread_cond_wait(&p->some, &p->lock);
			continue;
		}
		c = take_next(p);
		pthread_mutex_unlock(&p->lock);
		hash(c);
		pthread_mutex_lock(&p->lock);
		append(&p->done, c);
		/* Of a counter that is full, the reader has been told already. */
		if (write(p->event_fd, &one, sizeof(one)) < 0)
			continue;
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

static void on_done(void *userdata)
{
	struct passwords *p = userdata;
	struct password_check *done;
	uint64_t n;

	if (read(p->event_fd, &n, sizeof(n)) < 0)
		return;
	pthread_mutex_lock(&p->lock);
	done = steal_ptr(p->done);
	pthread_mutex_unlock(&p->lock);
	while (done) {
		struct password_check *c = done;

		done = c->next;
		if (c->fn && !c->cancelled)
			c->fn(c->right, c->userdata);
		if (c->made && !c->cancelled)
			c->made(c->hash, c->userdata);
		check_free(c);
	}
}

static int start_thread(struct passwords *p)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&p->thread, NULL, work, p);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	p->runs = r == 0;
	return -r;
}

int passwords_new(struct loop *l, struct passwords **ret, struct error *err)
{
	struct passwords *p = xcalloc(1, sizeof(*p));
	int r;

	*ret = p;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->some, NULL);
	p->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (p->event_fd < 0)
		return error_set_errno(err, errno, "making an event descriptor");
	p->nobody = user_hash_password("the password of nobody");
	if (!p->nobody)
		return error_set(err, ERROR_SYSTEM, "Out of memory while hashing a password");
	p->event = watch_readable(l, p->event_fd, on_done, p);
	r = start_thread(p);
	return r < 0 ? error_set_errno(err, r, "starting the thread that hashes passwords") : 0;
}

static void free_all(struct password_check *c)
{
	while (c) {
		struct password_check *next = c->next;

		check_free(c);
		c = next;
	}
}

void passwords_free(struct passwords *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->ending = true;
	pthread_cond_signal(&p->some);
	pthread_mutex_unlock(&p->lock);
	if (p->runs)
		pthread_join(p->thread, NULL);
	watch_free(p->event);
	fd_close(p->event_fd);
	free_all(p->waiting);
	free_all(p->done);
	pthread_cond_destroy(&p->some);
	pthread_mutex_destroy(&p->lock);
	free(p->nobody);
	free(p);
}

/* Takes c. */
static int enqueue(struct passwords *p, struct password_check *c, struct error *err)
{
	size_t n = 0;

	pthread_mutex_lock(&p->lock);
	for (const struct password_check *w = p->waiting; w; w = w->next) {
		n += w->known == c->known;
		c->turn += streq(w->address, c->address);
	}
	if (n >= MAX_WAITING) {
		pthread_mutex_unlock(&p->lock);
		check_free(c);
		return error_set(
			err, ERROR_UNAVAILABLE,
			"Too many passwords are being looked at just now: try again in a moment");
	}
	append(&p->waiting, c);
	pthread_cond_signal(&p->some);
	pthread_mutex_unlock(&p->lock);
	return 0;
}

int passwords_check(struct passwords *p, const struct password_question *q, password_fn fn,
		    void *userdata, struct password_check **ret, struct error *err)
{
	struct password_check *c = xcalloc(1, sizeof(*c));

	*c = (struct password_check){ .hash = xstrdup(q->hash ? q->hash : p->nobody),
				      .password = xstrdup(q->password),
				      .address = xstrdup(q->address),
				      .known = q->known,
				      .fn = fn,
				      .userdata = userdata };
	if (enqueue(p, c, err) < 0)
		return -1;
	*ret = c;
	return 0;
}

int passwords_make(struct passwords *p, const char *password, const char *address,
		   password_made_fn fn, void *userdata, struct password_check **ret,
		   struct error *err)
{
	struct password_check *c = xcalloc(1, sizeof(*c));

	*c = (struct password_check){ .password = xstrdup(password),
				      .address = xstrdup(address),
				      .known = true,
				      .made = fn,
				      .userdata = userdata };
	if (enqueue(p, c, err) < 0)
		return -1;
	*ret = c;
	return 0;
}

/* It may be with the thread just now, which does not look at this. */
void password_check_cancel(struct password_check *c)
{
	c->cancelled = true;
}
