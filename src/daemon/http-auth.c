/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who asks. Over the unix socket: the peer's credentials (unix(7), SO_PEERCRED).
 * Over TCP: a token, as Bearer or as the password of Basic. Loopback is not a
 * credential.
 */
#include <grp.h>
#include <pwd.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/str.h"
#include "daemon/http-priv.h"

#define MAX_GROUPS 256

static bool in_group(const struct passwd *pw, const char *group)
{
	const struct group *gr = getgrnam(group);
	gid_t groups[MAX_GROUPS];
	int n = MAX_GROUPS;

	if (!gr || getgrouplist(pw->pw_name, pw->pw_gid, groups, &n) < 0)
		return false;
	for (int i = 0; i < n; i++)
		if (groups[i] == gr->gr_gid)
			return true;
	return false;
}

/* A name as it may stand in a log line. */
static bool is_name(const char *s)
{
	size_t n = strlen(s);

	for (size_t i = 0; i < n; i++)
		if ((unsigned char)s[i] < ' ' || s[i] == 0x7f)
			return false;
	return n && n < sizeof(((struct caller *)NULL)->name);
}

static int admit_peer(struct request *r, struct error *err)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	const char *said =
		MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, "Twelve-User");
	struct ucred peer;
	socklen_t size = sizeof(peer);
	const struct passwd *pw;

	if (!info || getsockopt(info->connect_fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return error_set(err, ERROR_UNAUTHORIZED, "The peer's credentials can't be read");
	pw = getpwuid(peer.uid);
	if (peer.uid != 0 && peer.uid != geteuid() &&
	    (!pw || !in_group(pw, r->http->d->settings.group)))
		return error_set(err, ERROR_FORBIDDEN,
				 "User %s may not use this socket: add it to the group %s",
				 pw ? pw->pw_name : "(unknown)", r->http->d->settings.group);
	/* A hook or the SSH forced command, admitted itself, says for whom it asks. */
	if (said && is_name(said))
		snprintf(r->caller.name, sizeof(r->caller.name), "%s", said);
	else if (pw)
		snprintf(r->caller.name, sizeof(r->caller.name), "%s", pw->pw_name);
	else
		snprintf(r->caller.name, sizeof(r->caller.name), "uid-%u", peer.uid);
	return 0;
}

/* The token in "Bearer TOKEN" or in the password of "Basic BASE64"; a heap string or NULL. */
static char *find_token(const char *header)
{
	unsigned char plain[512] = { 0 };
	size_t n;
	char *colon;

	if (!header)
		return NULL;
	if (strncasecmp(header, "Bearer ", 7) == 0)
		return xstrdup(header + 7);
	if (strncasecmp(header, "Basic ", 6) != 0)
		return NULL;
	if (sodium_base642bin(plain, sizeof(plain) - 1, header + 6, strlen(header + 6), NULL, &n,
			      NULL, sodium_base64_VARIANT_ORIGINAL) < 0)
		return NULL;
	colon = strchr((char *)plain, ':');
	return colon ? xstrdup(colon + 1) : NULL;
}

static int admit_token(struct request *r, struct error *err)
{
	_cleanup_free_ char *secret = find_token(
		MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, "Authorization"));
	struct token token = { 0 };

	if (!secret)
		return error_set(err, ERROR_UNAUTHORIZED,
				 "There were no credentials in your Authorization header: make a "
				 "token with \"twelve authorizations:create\"");
	if (store_token_check(r->http->d->store, secret, &token, err) < 0)
		return -1;
	snprintf(r->caller.name, sizeof(r->caller.name), "%s", token.description);
	token_done(&token);
	return 0;
}

int http_admit(struct request *r, struct error *err)
{
	return r->local ? admit_peer(r, err) : admit_token(r, err);
}
