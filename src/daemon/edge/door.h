/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The platform's door: what haproxy needs to lead the outside to us (route/door.c has its
 * configuration). RUN/door holds the sockets between haproxy's workers, which have a
 * user of their own, and us; RUN/door/certs.list the certificates, as HAProxy's crt-list
 * (one file a line; the first is for clients that name no host that we have a certificate for).
 */
#pragma once

#include "daemon/core/platform.h"
#include "route/route.h"

/* Fills the members proxy_* of *p. This looks at the machine's user database, which may be on
 * another machine: for the start alone, when nothing waits yet. */
void door_find_user(struct platform *p);
/* Fills them, makes RUN/door, and the local certificate authority. */
int door_prepare(struct platform *p, struct error *err);
/* Makes the local certificate anew where its time has come. */
int door_renew(const struct platform *p, struct error *err);
/* Of what certs.list leads to; heap. */
char *door_certs_digest(const struct platform *p);
/* Listens on RUN/door/NAME.sock, for haproxy alone: a descriptor, or -1 with *err. */
int door_listen(const struct platform *p, const char *name, struct error *err);
/* The members of a configuration that are the door's; heap strings. Only the user when
 * there is no door. */
void door_fill(const struct platform *p, struct route_config *c);
/* "localhost:5000": how clients reach the door, by the name that one used for us ("HOST" or
 * "HOST:PORT"); heap. */
char *door_authority(const struct platform *p, const char *host);
