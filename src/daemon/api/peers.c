/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread that asks for users and groups; see peers.h. What both threads touch is under the lock. The
 * thread is detached and holds a reference, since nothing ends a lookup that hangs.
 */
#include "daemon/api/peers.h"

#include <errno.h>
#include <grp.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"

#define WAIT_NS 200000000L
#define MAX_GROUPS 65536
#define MAX_ENTRY_BYTES 65536

struct known {
	uid_t uid;
	bool asked;    /* the thread is to look, or looks */
	bool answered; /* once at least: what follows is the last answer */
	struct peer peer;
};

struct peers {
	pthread_mutex_t lock;
	pthread_cond_t question, answer;
	struct known *known;
	size_t n;
	char *group;
	int refs; /* ours and the thread's */
	bool ending;
};

/* ---- the lookup, in the thread ---- */

static bool gid_of(const char *group, gid_t *ret)
{
	_cleanup_free_ char *text = xcalloc(1, MAX_ENTRY_BYTES);
	struct group entry, *found = NULL;

	if (getgrnam_r(group, &entry, text, MAX_ENTRY_BYTES, &found) != 0 || !found)
		return false;
	*ret = found->gr_gid;
	return true;
}

static bool is_member(const struct passwd *pw, const char *group)
{
	_cleanup_free_ gid_t *groups = xcalloc(MAX_GROUPS, sizeof(*groups));
	int n = MAX_GROUPS;
	gid_t gid;

	if (!gid_of(group, &gid) || getgrouplist(pw->pw_name, pw->pw_gid, groups, &n) < 0)
		return false;
	for (int i = 0; i < n; i++)
		if (groups[i] == gid)
			return true;
	return false;
}

static struct peer look_up(uid_t uid, const char *group)
{
	_cleanup_free_ char *text = xcalloc(1, MAX_ENTRY_BYTES);
	struct passwd entry, *pw = NULL;
	struct peer peer = { 0 };

	if (getpwuid_r(uid, &entry, text, MAX_ENTRY_BYTES, &pw) != 0 || !pw)
		return peer;
	snprintf(peer.name, sizeof(peer.name), "%s", pw->pw_name);
	peer.member = is_member(pw, group);
	return peer;
}

/* ---- what both threads touch ---- */

static struct known *find(struct peers *p, uid_t uid)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->known[i].uid == uid)
			return &p->known[i];
	return NULL;
}

static struct known *find_asked(struct peers *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->known[i].asked)
			return &p->known[i];
	return NULL;
}

static struct known *add(struct peers *p, uid_t uid)
{
	p->known = xrealloc(p->known, (p->n + 1) * sizeof(*p->known));
	p->known[p->n] = (struct known){ .uid = uid };
	return &p->known[p->n++];
}

static void keep(struct peers *p, uid_t uid, const struct peer *peer)
{
	struct known *k = find(p, uid);

	k = k ? k : add(p, uid);
	k->peer = *peer;
	k->answered = true;
	k->asked = false;
}

/* With the lock, which it lets go. */
static void unref(struct peers *p)
{
	bool last = --p->refs == 0;

	pthread_mutex_unlock(&p->lock);
	if (!last)
		return;
	pthread_cond_destroy(&p->question);
	pthread_cond_destroy(&p->answer);
	pthread_mutex_destroy(&p->lock);
	free(p->known);
	free(p->group);
	free(p);
}

static void *work(void *userdata)
{
	struct peers *p = userdata;

	pthread_mutex_lock(&p->lock);
	while (!p->ending) {
		struct known *k = find_asked(p);
		struct peer peer;
		uid_t uid;

		if (!k) {
			pthread_cond_wait(&p->question, &p->lock);
			continue;
		}
		uid = k->uid;
		pthread_mutex_unlock(&p->lock);
		peer = look_up(uid, p->group);
		pthread_mutex_lock(&p->lock);
		keep(p, uid, &peer);
		pthread_cond_signal(&p->answer);
	}
	unref(p);
	return NULL;
}

/* ---- twelved's side ---- */

static int start_thread(struct peers *p)
{
	sigset_t all, before;
	pthread_t thread;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	p->refs = 2;
	r = pthread_create(&thread, NULL, work, p);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r == 0)
		pthread_detach(thread);
	else
		p->refs = 1;
	return -r;
}

int peers_new(const char *group, struct peers **ret, struct error *err)
{
	struct peers *p = xcalloc(1, sizeof(*p));
	const uid_t ours[] = { 0, geteuid() };
	pthread_condattr_t clock;
	int r;

	*p = (struct peers){ .group = xstrdup(group), .refs = 1 };
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->question, NULL);
	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&p->answer, &clock);
	pthread_condattr_destroy(&clock);
	for (size_t i = 0; i < ARRAY_SIZE(ours); i++) {
		struct peer peer = look_up(ours[i], group);

		keep(p, ours[i], &peer);
	}
	r = start_thread(p);
	if (r < 0) {
		peers_free(p);
		return error_set_errno(err, r, "starting the thread that looks up users");
	}
	*ret = p;
	return 0;
}

void peers_free(struct peers *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->ending = true;
	pthread_cond_signal(&p->question);
	unref(p);
}

/* Until it has answered, but not for long. */
static void wait_for(struct peers *p, uid_t uid)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += WAIT_NS;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	while (find(p, uid)->asked)
		if (pthread_cond_timedwait(&p->answer, &p->lock, &until) == ETIMEDOUT)
			return;
}

int peers_look(struct peers *p, uid_t uid, struct peer *ret, struct error *err)
{
	struct known *k;
	bool answered;

	pthread_mutex_lock(&p->lock);
	k = find(p, uid);
	k = k ? k : add(p, uid);
	/* One that was not answered in time is not waited for again. */
	if (uid != 0 && uid != geteuid() && !k->asked) {
		k->asked = true;
		pthread_cond_signal(&p->question);
		wait_for(p, uid);
		k = find(p, uid);
	}
	answered = k->answered;
	*ret = k->peer;
	pthread_mutex_unlock(&p->lock);
	if (answered)
		return 0;
	return error_set(
		err, ERROR_UNAVAILABLE,
		"Who user %u is can't be told yet: this machine's list of users and groups "
		"does not answer. Try again in a moment",
		uid);
}
