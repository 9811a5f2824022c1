/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who asks. Over the unix socket: the peer's credentials (unix(7), SO_PEERCRED).
 * Over TCP: a token, as Bearer or as the password of Basic; or, for getting a token, a
 * user's password. Loopback is not a credential.
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/str.h"
#include "daemon/api/api-state.h"
#include "daemon/api/caller.h"
#include "daemon/api/peers.h"
#include "daemon/api/route.h"

/* Who comes over the unix socket is USER@localhost. */
#define LOCAL_DOMAIN "localhost"

/* A name as it may stand in a log line. */
static bool is_name(const char *s)
{
	size_t n = strlen(s);

	for (size_t i = 0; i < n; i++)
		if ((unsigned char)s[i] < ' ' || s[i] == 0x7f)
			return false;
	return n && n < sizeof(((struct caller *)NULL)->name);
}

void caller_take_user(struct request *r, const struct user *u)
{
	struct call *c = request_call(r);

	snprintf(c->caller.name, sizeof(c->caller.name), "%s", u->email);
	snprintf(c->caller.email, sizeof(c->caller.email), "%s", u->email);
	memcpy(c->caller.user_id, u->id, sizeof(c->caller.user_id));
	c->caller.admin = u->admin;
	c->caller.scopes = SCOPE_GLOBAL;
}

/*
 * A hook or the SSH forced command, admitted itself, says for whom it asks: a user, with what that
 * one may. An administrator's keys are told apart by their comments.
 */
static int speak_for(struct request *r, const char *email, struct error *err)
{
	const char *comment = request_header(r, "Twelve-Key");
	struct user u = { 0 };

	if (store_user_get(request_store(r), email, &u, err) < 0)
		return -1;
	caller_take_user(r, &u);
	if (u.admin && comment && is_name(comment))
		snprintf(request_call(r)->caller.name, sizeof(request_call(r)->caller.name), "%s",
			 comment);
	user_done(&u);
	return 0;
}

static int admit_peer(struct request *r, struct error *err)
{
	const char *said = request_header(r, "Twelve-User");
	_cleanup_free_ char *email = NULL;
	struct ucred peer;
	struct user u = { 0 };
	struct peer who;

	if (request_peer(r, &peer) < 0)
		return error_set(err, ERROR_UNAUTHORIZED, "The peer's credentials can't be read");
	if (peers_look(request_call(r)->api->peers, peer.uid, &who, err) < 0)
		return -1;
	if (peer.uid != 0 && peer.uid != geteuid() && !who.member)
		return error_set(err, ERROR_FORBIDDEN,
				 "User %s may not use this socket: add it to the group %s",
				 who.name[0] ? who.name : "(unknown)",
				 request_parts(r)->platform.settings.group);
	if (said && *said)
		return speak_for(r, said, err);
	email = who.name[0] ? xasprintf("%s@" LOCAL_DOMAIN, who.name)
			    : xasprintf("uid-%u@" LOCAL_DOMAIN, peer.uid);
	if (store_user_of_system(request_store(r), email, &u, err) < 0)
		return -1;
	caller_take_user(r, &u);
	user_done(&u);
	return 0;
}

/* The two halves of "Basic BASE64", or the token of "Bearer TOKEN" as the second; heap strings,
 * NULL when there are none. */
static void read_credentials(const char *header, char **ret_name, char **ret_secret)
{
	unsigned char plain[2048] = { 0 };
	size_t n;
	char *colon;

	*ret_name = *ret_secret = NULL;
	if (!header)
		return;
	if (strncasecmp(header, "Bearer ", 7) == 0)
		*ret_secret = xstrdup(header + 7);
	if (strncasecmp(header, "Basic ", 6) != 0 ||
	    sodium_base642bin(plain, sizeof(plain) - 1, header + 6, strlen(header + 6), NULL, &n,
			      NULL, sodium_base64_VARIANT_ORIGINAL) < 0)
		return;
	colon = strchr((char *)plain, ':');
	if (colon) {
		*ret_name = xstrndup((char *)plain, (size_t)(colon - (char *)plain));
		*ret_secret = xstrdup(colon + 1);
	}
	sodium_memzero(plain, sizeof(plain));
}

static int admit_token(struct request *r, const char *secret, struct error *err)
{
	struct token token = { 0 };
	struct user u = { 0 };
	int result;

	if (store_token_check(request_store(r), secret, &token, err) < 0)
		return -1;
	result = store_user_get(request_store(r), token.user_id, &u, err);
	if (result == 0) {
		caller_take_user(r, &u);
		memcpy(request_call(r)->caller.token_id, token.id,
		       sizeof(request_call(r)->caller.token_id));
		request_call(r)->caller.scopes = token.scopes;
	}
	user_done(&u);
	token_done(&token);
	return result;
}

/* As Heroku: a password gets nothing but a token. */
static bool takes_password(const struct request *r)
{
	return streq(request_call(r)->route->method, "POST") &&
	       streq(request_call(r)->route->path, "/oauth/authorizations");
}

static int admit_remote(struct request *r, struct error *err)
{
	_cleanup_free_ char *name = NULL, *secret = NULL;

	read_credentials(request_header(r, "Authorization"), &name, &secret);
	if (!secret)
		return error_set(err, ERROR_UNAUTHORIZED,
				 "There were no credentials in your Authorization header: make a "
				 "token with \"twelve authorizations:create\"");
	if (admit_token(r, secret, err) == 0)
		return 0;
	if (!name || !strchr(name, '@') || !takes_password(r))
		return -1;
	*err = ERROR_INIT;
	request_call(r)->asks_email = steal_ptr(name);
	request_call(r)->asks_password = steal_ptr(secret);
	return 0;
}

int caller_admit(struct request *r, struct error *err)
{
	return request_is_local(r) ? admit_peer(r, err) : admit_remote(r, err);
}
