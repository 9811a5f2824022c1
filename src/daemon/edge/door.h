/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The door: what haproxy needs to pass outside connections on to twelved (route/door.c renders its
 * configuration). RUN/door holds the sockets between twelved and haproxy's workers, which run as
 * their own user. RUN/door/certs.list is HAProxy's crt-list, one certificate file a line; the first
 * line is for clients that ask for a host without a certificate.
 */
#pragma once

#include "daemon/core/platform.h"
#include "route/route.h"

/* Fills the members proxy_* of *p. This queries the user database, which may be on another machine,
 * so it is only for the start, when nothing waits yet. */
void door_find_user(struct platform *p);
/* The same; also creates RUN/door and the local certificate authority. */
int door_prepare(struct platform *p, struct error *err);
/* Renews the local certificate if it is due. */
int door_renew(const struct platform *p, struct error *err);
/* A digest that changes with any certificate in certs.list; heap. */
char *door_certs_digest(const struct platform *p);
/* Listens on RUN/door/NAME.sock, which only haproxy can reach. Returns a file descriptor, or -1
 * with *err. */
int door_listen(const struct platform *p, const char *name, struct error *err);
/* Fills the door's members of a configuration; heap strings. Without a door, only the user. */
void door_fill(const struct platform *p, struct route_config *c);
/* The address of the door for a client, "localhost:5000", with the host name that it used ("HOST"
 * or "HOST:PORT"); heap. */
char *door_authority(const struct platform *p, const char *host);
