/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The certificates that HAProxy serves: the local one (ca.h) and those of apps.
 *
 *     RUN/certs/DIGEST.pem   chain and key of one (0600), by what they hold: a file never changes
 *     RUN/door/certs.list    HAProxy's crt-list: a file a line, with the host names that it is for
 *
 * A host name is served with the SNI endpoint that its domain has; and, since clients differ, with
 * further ones of the same app that cover the name and have another kind of key (RSA beside ECDSA).
 * A certificate's own names count for nothing here: what is in an app's certificate gives it no
 * host name of another app.
 *
 * Files are written before the list that names them, and removed when neither this list nor the one
 * before names them, so that HAProxy can be loaded or come back at any moment.
 */
#pragma once

#include "daemon/core/platform.h"

struct certs;
struct router;

/* Writes the files; call before the router starts. */
int certs_write(const struct platform *p, struct error *err);
struct certs *certs_new(const struct platform *p, struct router *r);
void certs_free(struct certs *c);
/* After a change of endpoints, domains or apps: updates HAProxy without losing a connection. Errors
 * are logged. */
void certs_changed(struct certs *c);
/* A host name of the app that is served with a certificate of its own, or NULL; heap. */
char *certs_host_of(const struct platform *p, const char *app_id);
