/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See rendezvous.h. A client has a few seconds and LINE_MAX_BYTES for its line, which is read
 * byte by byte: what follows it is the session's. One with a wrong secret is told so, after
 * the greeting, since its user would see nothing else.
 */
#include "daemon/dynos/rendezvous.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/edge/door.h"
#include "daemon/dynos/dynos.h"

/* haproxy lets through a line of 255 bytes and its end. */
#define LINE_MAX_BYTES 257
#define LINE_TIMEOUT_MS 10000
/* The client drops the first chunk: what comes after must not come with it. */
#define GREETING_MS 200
#define CLIENTS_MAX 64
#define GREETING "rendezvous\r\n"
#define REFUSAL "This session is over, or was attached to already. Run the command again.\r\n"

struct client {
	struct rendezvous *owner;
	int fd;
	bool refused;
	char line[LINE_MAX_BYTES];
	size_t n;
	struct watch *readable, *timer;
	struct client *next;
};

struct rendezvous {
	const struct platform *platform;
	struct dynos *dynos;
	int listen_fd;
	struct watch *incoming;
	struct client *clients;
	size_t n_clients;
};

/* ---- secrets ---- */

void rendezvous_make(char secret[static RENDEZVOUS_SECRET_SIZE],
		     char digest[static DIGEST_HEX_SIZE])
{
	random_hex(secret, (RENDEZVOUS_SECRET_SIZE - 1) / 2);
	digest_bytes(secret, strlen(secret), digest);
}

char *rendezvous_url(const struct rendezvous *rv, const char *host, const char *secret)
{
	_cleanup_free_ char *authority = NULL;

	if (!rv)
		return NULL;
	authority = door_authority(rv->platform, host);
	return xasprintf("rendezvous://%s/%s", authority, secret);
}

/* All are compared, each in constant time, and digests instead of secrets: the time tells nothing.
 */
static struct dyno *find(struct dynos *ds, const char *secret, size_t n)
{
	_cleanup_free_ struct dyno **dynos = NULL;
	struct dyno *found = NULL;
	char digest[DIGEST_HEX_SIZE];
	size_t n_dynos = dynos_list(ds, NULL, &dynos);

	digest_bytes(secret, n, digest);
	for (size_t i = 0; i < n_dynos; i++)
		if (dynos[i]->state == DYNO_STARTING && dynos[i]->rendezvous[0] &&
		    sodium_memcmp(dynos[i]->rendezvous, digest, sizeof(digest)) == 0)
			found = dynos[i];
	return found;
}

/* ---- clients ---- */

static void client_free(struct client *c)
{
	struct client **at = &c->owner->clients;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	c->owner->n_clients--;
	watch_free(c->readable);
	watch_free(c->timer);
	fd_close(c->fd);
	watch_pause(c->owner->incoming, false);
	free(c);
}

/* The client may be gone meanwhile, which is no matter. */
static void refuse(struct client *c)
{
	(void)fd_write(c->fd, GREETING, strlen(GREETING));
	c->refused = true;
	watch_pause(c->readable, true);
	watch_arm(c->timer, GREETING_MS);
}

static void admit(struct client *c, struct dyno *dyno)
{
	struct dyno_client how = { .raw = true };
	struct error err = ERROR_INIT;

	/* Once. */
	memset(dyno->rendezvous, 0, sizeof(dyno->rendezvous));
	if (dynos_attach(c->owner->dynos, dyno, c->fd, &how, &err) < 0)
		log_warn("attaching to %s: %s", dyno->name, err.message);
	client_free(c);
}

static void on_line(struct client *c)
{
	/* "SECRET?query": there is none in our URLs. */
	struct dyno *dyno = find(c->owner->dynos, c->line, strcspn(c->line, "?\r"));

	if (dyno)
		admit(c, dyno);
	else
		refuse(c);
}

static void on_readable(void *userdata)
{
	struct client *c = userdata;

	for (;;) {
		ssize_t r = fd_read(c->fd, c->line + c->n, 1);

		if (r == -EAGAIN)
			return;
		if (r <= 0)
			break;
		if (c->line[c->n] == '\n') {
			c->line[c->n] = '\0';
			on_line(c);
			return;
		}
		if (++c->n == sizeof(c->line))
			break;
	}
	client_free(c);
}

static void on_timer(void *userdata)
{
	struct client *c = userdata;

	if (c->refused)
		(void)fd_write(c->fd, REFUSAL, strlen(REFUSAL));
	client_free(c);
}

static void on_incoming(void *userdata)
{
	struct rendezvous *rv = userdata;
	int fd = accept4(rv->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct client *c;

	if (fd < 0)
		return;
	c = xcalloc(1, sizeof(*c));
	*c = (struct client){ .owner = rv, .fd = fd, .next = rv->clients };
	c->readable = watch_readable(rv->platform->loop, fd, on_readable, c);
	c->timer = watch_timer(rv->platform->loop, on_timer, c);
	watch_arm(c->timer, LINE_TIMEOUT_MS);
	rv->clients = c;
	/* More wait in the socket's queue. */
	if (++rv->n_clients == CLIENTS_MAX)
		watch_pause(rv->incoming, true);
}

/* ---- */

int rendezvous_new(const struct platform *p, struct dynos *dynos, struct rendezvous **ret,
		   struct error *err)
{
	struct rendezvous *rv;
	int fd;

	*ret = NULL;
	if (!p->settings.api_address[0])
		return 0;
	fd = door_listen(p, "rendezvous", err);
	if (fd < 0)
		return -1;
	rv = xcalloc(1, sizeof(*rv));
	rv->platform = p;
	rv->dynos = dynos;
	rv->listen_fd = fd;
	fd_set_nonblock(fd, true);
	rv->incoming = watch_readable(p->loop, fd, on_incoming, rv);
	*ret = rv;
	return 0;
}

void rendezvous_free(struct rendezvous *rv)
{
	if (!rv)
		return;
	while (rv->clients)
		client_free(rv->clients);
	watch_free(rv->incoming);
	fd_close(rv->listen_fd);
	free(rv);
}
