/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logins by browser: a command line asks for one and waits, its user says who they are on a web
 * page, the command line gets a token. All in memory and short-lived: nothing of it is left by a
 * restart.
 *
 *     POST /auth ──▶ waiting ──┬─ e-mail and password ──▶ approved ──▶ the token is handed over
 *                              ├─ "Refuse" ─────────────▶ refused
 *                              └─ 10 minutes ───────────▶ gone
 *
 * Three secrets: who has the page's may say yes, who has the command line's two gets the token. The
 * page's is good for one answer, the command line's for a minute after it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/digest.h"
#include "base/str.h"

#define LOGIN_SECRET_SIZE 65
#define LOGIN_LIFE_MS 600000
#define LOGIN_AFTERLIFE_MS 60000
#define LOGIN_DESCRIPTION_MAX 200
/* Of all, and of one address: anybody may ask. */
#define LOGINS_MAX 1000
#define LOGINS_MAX_FROM 20

enum login_state { LOGIN_WAITING, LOGIN_APPROVED, LOGIN_REFUSED };

/* Who waits for a change. fn may end it. */
struct login_waiter {
	void (*fn)(void *userdata);
	void *userdata;
	struct login_waiter *next, **at;
};

struct login {
	char page[LOGIN_SECRET_SIZE], cli[LOGIN_SECRET_SIZE], token[LOGIN_SECRET_SIZE];
	char cookie[LOGIN_SECRET_SIZE]; /* of the browser that opened the page last */
	char *description;		/* one line, as the asker has it */
	char *from;			/* its address */
	int64_t asked_ms, until_ms;	/* clock_wall_ms(), clock_now_ms() */
	enum login_state state;
	char user_id[UUID_SIZE]; /* who approved */
	char *access_token;	 /* made for them, once it was asked for */
	struct login_waiter *waiters;
	struct login *next;
};

struct logins;

struct logins *logins_new(void);
/* Nobody waits any more. */
void logins_free(struct logins *l);
/* A new one, borrowed; ERROR_RATE_LIMIT when there are too many. */
int logins_ask(struct logins *l, const char *description, const char *from, int64_t now_ms,
	       struct login **ret, struct error *err);
/* By the page's secret, or the command line's; NULL when there is none, or its time is over.
 * Borrowed until the next call. */
struct login *logins_by_page(struct logins *l, const char *secret, int64_t now_ms);
struct login *logins_by_cli(struct logins *l, const char *secret, int64_t now_ms);
/* The answer: who approved, or NULL for "Refuse". The page's secret is spent. */
void login_decide(struct login *login, const char *user_id);
void login_wait(struct login *login, struct login_waiter *w);
/* Also after the login is gone. */
void login_wait_no_more(struct login_waiter *w);
/* It was handed over: only for a connection that breaks now it is there for a moment longer. */
void login_handed_over(struct login *login, int64_t now_ms);
