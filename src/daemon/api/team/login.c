/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logging in by browser, as Heroku's login service does it: POST /auth gives two URLs; a person
 * opens one, the command line waits at the other. See api/team/logins.h.
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "daemon/api/table.h"
#include "daemon/api/ask-password.h"
#include "daemon/api/team/logins.h"
#include "daemon/api/team/page.h"

/* As long as a login by password gives. */
#define TOKEN_LIFE_MS (30LL * 86400 * 1000)
/* Heroku's client gives up after 60 s without a byte. */
#define HEARTBEAT_MS 20000
#define BLOCK 1024

static const char *address_of(struct request *r)
{
	const char *from = request_header(r, "X-Forwarded-For");

	return request_is_local(r) ? "this machine" : from && from[0] ? from : "an unknown address";
}

static int api_login_ask(struct request *r, struct error *err)
{
	const char *description;
	struct login *login;
	json_t *j;

	if (request_string(r, "description", false, &description, err) < 0 ||
	    logins_ask(request_parts(r)->logins,
		       description && description[0] ? description : "a command line",
		       address_of(r), clock_now_ms(), &login, err) < 0)
		return -1;
	j = json_object();
	json_object_set_new(j, "browser_url", json_sprintf("/auth/browser/%s", login->page));
	json_object_set_new(j, "cli_url", json_sprintf("/auth/cli/%s", login->cli));
	json_object_set_new(j, "token", json_string(login->token));
	return request_answer(r, 201, j);
}

/* ---- the page ---- */

static int answer_gone(struct request *r, struct error *err)
{
	return page_answer_message(r, 404, "This login is over",
				   "It was answered, its ten minutes are over, or twelved was "
				   "restarted meanwhile. Start it "
				   "again on your command line.",
				   err);
}

/* A page that another could put in its frame or send from elsewhere would not have it. */
static void set_cookie(struct request *r, struct login *login)
{
	const char *proto = request_header(r, "X-Forwarded-Proto");
	_cleanup_free_ char *cookie = NULL;

	random_hex(login->cookie, (LOGIN_SECRET_SIZE - 1) / 2);
	cookie = xasprintf(
		"twelve-login=%s; Path=/auth/browser/%s; Max-Age=%d; HttpOnly; SameSite=Strict%s",
		login->cookie, login->page, LOGIN_LIFE_MS / 1000,
		proto && streq(proto, "https") ? "; Secure" : "");
	request_set_header(r, "Set-Cookie", cookie);
}

static int answer_form(struct request *r, struct login *login, int status, const char *said,
		       const char *email, struct error *err)
{
	bool elsewhere = !streq(login->from, address_of(r));
	_cleanup_free_ char *host = request_url(r, "%s", "");
	_cleanup_free_ char *there =
		elsewhere ? xasprintf(" It was started at %s, and your browser is at %s.",
				      login->from, address_of(r))
			  : NULL;
	json_t *since = json_time(login->asked_ms);
	int result;

	set_cookie(r, login);
	result = page_answer(r, status, "login", "Log in a command line?",
			     (const struct page_value[]){ { "description", login->description },
							  { "from", login->from },
							  { "since", json_string_value(since) },
							  { "host", host },
							  { "elsewhere", there },
							  { "said", said },
							  { "email", email },
							  { 0 } },
			     err);
	json_decref(since);
	return result;
}

static int api_login_page(struct request *r, struct error *err)
{
	struct login *login =
		logins_by_page(request_parts(r)->logins, request_param(r, "login"), clock_now_ms());

	return login ? answer_form(r, login, 200, NULL, NULL, err) : answer_gone(r, err);
}

/* The form was sent by our page, in the browser that opened it. */
static bool is_from_page(struct request *r, const struct login *login)
{
	const char *cookie = request_cookie(r, "twelve-login");
	const char *origin = request_header(r, "Origin");
	_cleanup_free_ char *ours = request_url(r, "%s", "");

	return cookie && login->cookie[0] && strlen(cookie) == LOGIN_SECRET_SIZE - 1 &&
	       sodium_memcmp(cookie, login->cookie, LOGIN_SECRET_SIZE - 1) == 0 &&
	       (!origin || streq(origin, ours));
}

static int refuse(struct request *r, struct login *login, struct error *err)
{
	login_decide(login, NULL);
	return page_answer_message(r, 200, "Refused",
				   "The command line is not logged in. You can close this page.",
				   err);
}

static int approve(struct request *r, struct login *login, struct error *err)
{
	login_decide(login, request_caller(r)->user_id);
	request_note(r, "login of \"%s\" from %s", login->description, login->from);
	return page_answer_message(r, 200, "Logged in",
				   "Go back to your command line. You can close this page.", err);
}

/* The login may have ended meanwhile. */
static int password_looked_at(struct request *r, struct error *err)
{
	struct login *login =
		logins_by_page(request_parts(r)->logins, request_param(r, "login"), clock_now_ms());
	const char *email = json_string_value(json_object_get(request_body(r), "email"));

	if (!login)
		return answer_gone(r, err);
	if (request_caller(r)->user_id[0])
		return approve(r, login, err);
	return answer_form(r, login, 403,
			   "That e-mail address and password do not belong together.", email, err);
}

static int api_login_answer(struct request *r, struct error *err)
{
	struct login *login =
		logins_by_page(request_parts(r)->logins, request_param(r, "login"), clock_now_ms());
	const char *email, *password, *action;
	struct error own = ERROR_INIT;

	if (request_string(r, "email", false, &email, err) < 0 ||
	    request_string(r, "password", false, &password, err) < 0 ||
	    request_string(r, "action", false, &action, err) < 0)
		return -1;
	if (!login)
		return answer_gone(r, err);
	if (!is_from_page(r, login))
		return answer_form(r, login, 403,
				   "This form was not sent from this page: try again.", email, err);
	if (action && streq(action, "refuse"))
		return refuse(r, login, err);
	if (password_ask(r, email ? email : "", password ? password : "", password_looked_at,
			 &own) == 0)
		return 0;
	return answer_form(r, login, error_http_status(own.kind), own.message, email, err);
}

/* ---- the command line ---- */

/* It waits for JSON, and blanks before JSON are none of it: a blank now and then says that we are
 * there. */
struct waiting {
	struct http_growing *growing;
	struct login_waiter waiter;
	struct watch *timer;
	struct parts *parts;
	char cli[LOGIN_SECRET_SIZE];
	bool beat, ended;
	struct buf out;
};

static void on_decided(void *userdata)
{
	struct waiting *w = userdata;

	http_growing_wake(w->growing);
}

static void on_beat(void *userdata)
{
	struct waiting *w = userdata;

	w->beat = true;
	watch_arm(w->timer, HEARTBEAT_MS);
	http_growing_wake(w->growing);
}

/* The same one for who asks again: an answer may be lost on its way. */
static json_t *give_token(struct parts *parts, struct login *login)
{
	struct token t = { .description = xstrdup(login->description),
			   .expires_ms = clock_wall_ms() + TOKEN_LIFE_MS };
	struct error err = ERROR_INIT;

	memcpy(t.user_id, login->user_id, sizeof(t.user_id));
	if (!login->access_token &&
	    store_token_create(parts->platform.store, &t, &login->access_token, &err) < 0)
		login->access_token = NULL;
	token_done(&t);
	return login->access_token ? json_pack("{s:s}", "access_token", login->access_token)
				   : json_pack("{s:s}", "error", err.message);
}

/* What there is to say of a login that may be gone: NULL as long as nothing is decided. */
static json_t *outcome(struct parts *parts, struct login *login)
{
	if (login && login->state == LOGIN_WAITING)
		return NULL;
	if (!login)
		return json_pack("{s:s}", "error",
				 "nobody answered within ten minutes: log in again");
	login_handed_over(login, clock_now_ms());
	return login->state == LOGIN_APPROVED
		       ? give_token(parts, login)
		       : json_pack("{s:s}", "error", "the login was refused in the browser");
}

static void put_outcome(struct waiting *w)
{
	json_t *j;
	char *text;

	if (w->ended)
		return;
	j = outcome(w->parts, logins_by_cli(w->parts->logins, w->cli, clock_now_ms()));
	w->ended = j != NULL;
	text = j ? json_dumps(j, JSON_COMPACT) : NULL;
	if (text)
		buf_puts(&w->out, text);
	free(text);
	json_decref(j);
}

static ssize_t read_waiting(void *userdata, char *buf, size_t max)
{
	struct waiting *w = userdata;
	size_t n;

	put_outcome(w);
	if (w->beat && !w->ended)
		buf_putc(&w->out, ' ');
	w->beat = false;
	n = w->out.len < max ? w->out.len : max;
	if (n) {
		memcpy(buf, w->out.data, n);
		buf_consume(&w->out, n);
		return (ssize_t)n;
	}
	return w->ended ? HTTP_GROWN : 0;
}

static void free_waiting(void *userdata)
{
	struct waiting *w = userdata;

	login_wait_no_more(&w->waiter);
	watch_free(w->timer);
	buf_done(&w->out);
	free(w);
}

static bool has_token(struct request *r, const struct login *login)
{
	const char *given = request_header(r, "Authorization");

	return given && str_starts(given, "Bearer ") &&
	       strlen(given + 7) == LOGIN_SECRET_SIZE - 1 &&
	       sodium_memcmp(given + 7, login->token, LOGIN_SECRET_SIZE - 1) == 0;
}

static int api_login_wait(struct request *r, struct error *err)
{
	struct parts *parts = request_parts(r);
	struct login *login =
		logins_by_cli(parts->logins, request_param(r, "login"), clock_now_ms());
	struct waiting *w;

	if (!login || !has_token(r, login))
		return error_set(err, ERROR_NOT_FOUND,
				 "This login is over: its ten minutes have passed, or twelved was "
				 "restarted meanwhile. Log in "
				 "again");
	w = xcalloc(1, sizeof(*w));
	*w = (struct waiting){ .parts = parts,
			       .out = BUF_INIT,
			       .waiter = { .fn = on_decided, .userdata = w } };
	memcpy(w->cli, login->cli, sizeof(w->cli));
	login_wait(login, &w->waiter);
	w->timer = watch_timer(parts->platform.loop, on_beat, w);
	watch_arm(w->timer, HEARTBEAT_MS);
	return request_answer_growing(
		r,
		&(struct http_growing_options){ .content_type = "application/json",
						.block = BLOCK,
						.read = read_waiting,
						.take_userdata = w,
						.free = free_waiting },
		&w->growing);
}

const struct api_route login_routes[] = {
	{ "POST", "/auth", NEED_NOTHING, api_login_ask,
	  "start a login by browser: two URLs, and a secret to wait with", "description?:string",
	  .answer = "login" },
	{ "GET", "/auth/browser/:login", NEED_NOTHING, api_login_page, "the login page",
	  .answer = "page" },
	{ "POST", "/auth/browser/:login", NEED_NOTHING, api_login_answer, "submit the login page",
	  "email?:string password?:string action?:string", API_FORM, .answer = "page" },
	{ "GET", "/auth/cli/:login", NEED_NOTHING, api_login_wait,
	  "wait for the result: access_token, or error", .answer = "login-outcome" },
	{ 0 },
};
