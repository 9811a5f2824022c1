/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Automatic certificates: for each domain of the apps that want them, one is got by ACME (RFC 8555)
 * and renewed, with uacme(1) as the client, driven as a child (`twelved acme HOST`) for one domain
 * at a time. When is a decision of model/acm.h; it is looked for at start, after changes, and when
 * the next one is due.
 *
 *     STATE/acme/private/key.pem                 the account's key (0600), for all directories
 *     STATE/acme/HOST, STATE/acme/private/HOST   uacme's output: stored, then removed
 *
 * Challenges (http-01) are answered by HAProxy alone: TOKEN.THUMBPRINT follows from the account's
 * key, so that nothing has to be told to anybody in the middle of an order (route.h). What a kill
 * leaves: an order that the authority forgets, or a certificate that lies in STATE/acme and is
 * taken at the next start. A certificate that works is replaced by the next one, and by nothing
 * else.
 */
#pragma once

#include "daemon/core/platform.h"

struct acme;
struct certs;
struct router;
struct logs_client;

#define ACME_THUMBPRINT_SIZE 44

struct acme *acme_new(const struct platform *p, struct certs *certs, struct router *router,
		      struct logs_client *logs);
void acme_free(struct acme *a);
/* Something may be due: looks at it in the next turn. */
void acme_look(struct acme *a);
/* Whether there is a directory to ask. */
bool acme_is_possible(const struct platform *p);
/* The thumbprint with which an app's hosts answer challenges; "" if the app has no automatic
 * certificates. */
void acme_thumbprint(struct acme *a, const char *app_id, char ret[static ACME_THUMBPRINT_SIZE]);

/* The status of a domain's certificate, as Heroku names it (model/acm.h), or "in-progress". */
struct acme_view {
	const char *status; /* NULL: no automatic certificates for its app, or it uses another
			       certificate */
	char *reason;	    /* of the last failure, or NULL */
	int64_t tried_ms, next_ms; /* 0: not yet; not again */
};
void acme_view(const struct acme *a, const struct domain *dom, struct acme_view *ret);
void acme_view_done(struct acme_view *v);

/* main() of `twelved acme HOST`: settings from the environment; what uacme says goes to stdout. The
 * exit code. */
int acme_worker_main(const char *host);
