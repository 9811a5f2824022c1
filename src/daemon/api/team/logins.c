/* SPDX-License-Identifier: Apache-2.0 */
/* Logins by browser; see api/team/logins.h. */
#include "daemon/api/team/logins.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"

struct logins {
	struct login *first;
};

struct logins *logins_new(void)
{
	return xcalloc(1, sizeof(struct logins));
}

void login_wait(struct login *login, struct login_waiter *w)
{
	w->next = login->waiters;
	w->at = &login->waiters;
	if (w->next)
		w->next->at = &w->next;
	login->waiters = w;
}

void login_wait_no_more(struct login_waiter *w)
{
	if (!w->at)
		return;
	*w->at = w->next;
	if (w->next)
		w->next->at = w->at;
	w->at = NULL;
	w->next = NULL;
}

static void tell(struct login *login)
{
	struct login_waiter *next;

	for (struct login_waiter *w = login->waiters; w; w = next) {
		next = w->next;
		w->fn(w->userdata);
	}
}

/* Waiters are told once it is out of the list, so that they find it no more. */
static void end(struct login *login)
{
	while (login->waiters) {
		struct login_waiter *w = login->waiters;

		login_wait_no_more(w);
		w->fn(w->userdata);
	}
	if (login->access_token)
		sodium_memzero(login->access_token, strlen(login->access_token));
	free(login->access_token);
	free(login->description);
	free(login->from);
	sodium_memzero(login, sizeof(*login));
	free(login);
}

static void forget(struct logins *l, struct login *login)
{
	for (struct login **at = &l->first; *at; at = &(*at)->next) {
		if (*at != login)
			continue;
		*at = login->next;
		end(login);
		return;
	}
}

static void forget_old(struct logins *l, int64_t now_ms)
{
	struct login *next;

	for (struct login *login = l->first; login; login = next) {
		next = login->next;
		if (login->until_ms <= now_ms)
			forget(l, login);
	}
}

void logins_free(struct logins *l)
{
	if (!l)
		return;
	forget_old(l, INT64_MAX);
	free(l);
}

/* One line of at most LOGIN_DESCRIPTION_MAX bytes, cut between characters. */
static char *one_line(const char *s)
{
	size_t n = strlen(s);
	char *line;

	if (n > LOGIN_DESCRIPTION_MAX) {
		n = LOGIN_DESCRIPTION_MAX;
		while (n && ((unsigned char)s[n] & 0xc0) == 0x80)
			n--;
	}
	line = xstrndup(s, n);
	for (char *p = line; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = ' ';
	return line;
}

static int check_room(const struct logins *l, const char *from, struct error *err)
{
	size_t n = 0, n_from = 0;

	for (const struct login *login = l->first; login; login = login->next) {
		n++;
		n_from += streq(login->from, from);
	}
	if (n < LOGINS_MAX && n_from < LOGINS_MAX_FROM)
		return 0;
	return error_set(err, ERROR_RATE_LIMIT,
			 "Too many logins wait for their users: try again in some minutes");
}

int logins_ask(struct logins *l, const char *description, const char *from, int64_t now_ms,
	       struct login **ret, struct error *err)
{
	struct login *login;

	forget_old(l, now_ms);
	if (check_room(l, from, err) < 0)
		return -1;
	login = xcalloc(1, sizeof(*login));
	random_hex(login->page, (LOGIN_SECRET_SIZE - 1) / 2);
	random_hex(login->cli, (LOGIN_SECRET_SIZE - 1) / 2);
	random_hex(login->token, (LOGIN_SECRET_SIZE - 1) / 2);
	login->description = one_line(description);
	login->from = xstrdup(from);
	login->asked_ms = clock_wall_ms();
	login->until_ms = now_ms + LOGIN_LIFE_MS;
	login->next = l->first;
	l->first = login;
	*ret = login;
	return 0;
}

static bool is_secret(const char *ours, const char *given)
{
	return strlen(given) == LOGIN_SECRET_SIZE - 1 && ours[0] &&
	       sodium_memcmp(ours, given, LOGIN_SECRET_SIZE - 1) == 0;
}

struct login *logins_by_page(struct logins *l, const char *secret, int64_t now_ms)
{
	forget_old(l, now_ms);
	for (struct login *login = l->first; login; login = login->next)
		if (is_secret(login->page, secret))
			return login;
	return NULL;
}

struct login *logins_by_cli(struct logins *l, const char *secret, int64_t now_ms)
{
	forget_old(l, now_ms);
	for (struct login *login = l->first; login; login = login->next)
		if (is_secret(login->cli, secret))
			return login;
	return NULL;
}

void login_decide(struct login *login, const char *user_id)
{
	login->state = user_id ? LOGIN_APPROVED : LOGIN_REFUSED;
	snprintf(login->user_id, sizeof(login->user_id), "%s", user_id ? user_id : "");
	sodium_memzero(login->page, sizeof(login->page));
	tell(login);
}

void login_handed_over(struct login *login, int64_t now_ms)
{
	if (login->until_ms > now_ms + LOGIN_AFTERLIFE_MS)
		login->until_ms = now_ms + LOGIN_AFTERLIFE_MS;
}
