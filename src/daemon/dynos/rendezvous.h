/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rendezvous: how Heroku's client attaches to a one-off dyno. It connects to the door over TLS
 * and sends "SECRET\r\n", the path of the attach_url it was given; haproxy passes what is inside
 * the TLS to RUN/door/rendezvous.sock, where we listen. The socket is handed to the dyno's
 * supervisor, which does the rest (dyno/session-raw.c), so that a session does not
 * end with us.
 *
 * A secret is 256 random bits, of which only the SHA-256 is kept: in the dyno's spec, so
 * that it outlives us too. It opens one session once: a dyno waits for its first client for
 * DYNO_ATTACH_WAIT_S at most, and after that one the secret opens nothing.
 */
#pragma once

#include "daemon/core/platform.h"

/* 64 hex digits and a NUL. */
#define RENDEZVOUS_SECRET_SIZE 65

struct rendezvous;
struct dynos;

/* With no door to come through there is nothing to do: *ret is NULL. */
int rendezvous_new(const struct platform *p, struct dynos *dynos, struct rendezvous **ret,
		   struct error *err);
void rendezvous_free(struct rendezvous *rv);
/* A new secret, and the digest of it that goes to the dyno. */
void rendezvous_make(char secret[static RENDEZVOUS_SECRET_SIZE],
		     char digest[static DIGEST_HEX_SIZE]);
/* The attach_url for a client that calls us by `host`; heap. NULL without a door. */
char *rendezvous_url(const struct rendezvous *rv, const char *host, const char *secret);
