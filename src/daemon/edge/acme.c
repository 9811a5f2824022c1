/* SPDX-License-Identifier: Apache-2.0 */
/* Automatic certificates; see acme.h. */
#include "daemon/edge/acme.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/core/child.h"
#include "daemon/edge/acme-key.h"
#include "daemon/edge/cert.h"
#include "daemon/edge/certs.h"
#include "daemon/lines/lines.h"
#include "daemon/edge/router.h"
#include "model/acm.h"
#include "model/names.h"

#define OUTPUT_MAX_BYTES (256 << 10)

struct acme {
	const struct platform *platform;
	struct certs *certs;
	struct router *router;
	struct logs_client *logs;
	struct watch *timer;
	char thumbprint[ACME_THUMBPRINT_SIZE]; /* "": not made yet */

	struct domain domain; /* under way; id "": none */
	struct child *child;
};

bool acme_is_possible(const struct platform *p)
{
	return p->settings.acme_directory[0];
}

void acme_thumbprint(struct acme *a, const char *app_id, char ret[static ACME_THUMBPRINT_SIZE])
{
	struct error err = ERROR_INIT;
	bool enabled = false;

	ret[0] = '\0';
	if (!acme_is_possible(a->platform) ||
	    store_acm_get(a->platform->store, app_id, &enabled, &err) < 0 || !enabled)
		return;
	if (!a->thumbprint[0] &&
	    acme_key_prepare(a->platform->settings.state_dir, a->thumbprint, &err) < 0)
		log_error("automatic certificates: %s", err.message);
	memcpy(ret, a->thumbprint, ACME_THUMBPRINT_SIZE);
}

/* ---- how it is about a domain ---- */

static int gather(const struct platform *p, const struct domain *dom, struct acm_facts *f,
		  char **ret_reason, int64_t *ret_tried_ms, struct error *err)
{
	struct sni_endpoint e = { 0 };
	struct acm_state state = { 0 };
	struct cert c = { 0 };
	int r;

	*f = (struct acm_facts){ .wildcard = dom->hostname[0] == '*' };
	if (store_acm_get(p->store, dom->app_id, &f->enabled, err) < 0 ||
	    store_acm_state_get(p->store, dom->id, &state, err) < 0)
		return -1;
	f->enabled = f->enabled && acme_is_possible(p);
	f->failures = state.failures;
	f->next_ms = state.next_ms;
	*ret_reason = steal_ptr(state.reason);
	*ret_tried_ms = state.tried_ms;
	if (!dom->sni_id[0])
		return 0;
	r = store_sni_get(p->store, dom->app_id, dom->sni_id, &e, err);
	if (r == 0)
		r = cert_read(e.chain, &c, err);
	f->own = !e.acm;
	f->issued = e.acm;
	f->renew_ms = cert_renew_ms(&c);
	cert_done(&c);
	sni_endpoint_done(&e);
	return r;
}

void acme_view(const struct acme *a, const struct domain *dom, struct acme_view *ret)
{
	struct error err = ERROR_INIT;
	struct acm_facts f;
	int64_t due_ms;

	*ret = (struct acme_view){ 0 };
	if (gather(a->platform, dom, &f, &ret->reason, &ret->tried_ms, &err) < 0) {
		ret->reason = xstrdup(err.message);
		return;
	}
	due_ms = acm_due_ms(&f);
	ret->status = acm_status(&f);
	ret->next_ms = due_ms == ACM_NEVER || !f.enabled ? 0 : due_ms;
	if (ret->status && streq(dom->id, a->domain.id))
		ret->status = "in-progress";
	if (!ret->status)
		free(steal_ptr(ret->reason));
	else if (f.wildcard)
		ret->reason = xstrdup("A wildcard takes a DNS challenge, which this platform can't "
				      "answer: bring a certificate (certs:add)");
}

void acme_view_done(struct acme_view *v)
{
	free(v->reason);
}

/* ---- the end of an order ---- */

static char *cert_path(const struct acme *a, const char *host)
{
	return xasprintf("%s/acme/%s/cert.pem", a->platform->settings.state_dir, host);
}

static char *key_path(const struct acme *a, const char *host)
{
	return xasprintf("%s/acme/private/%s/key.pem", a->platform->settings.state_dir, host);
}

static void remove_files(const struct acme *a, const char *host)
{
	const char *const dirs[] = { "", "private/" };

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		_cleanup_free_ char *dir =
			xasprintf("%s/acme/%s%s", a->platform->settings.state_dir, dirs[i], host);
		int r = fs_remove_tree(dir);

		if (r < 0)
			log_warn("%s can't be removed: %s", dir, strerror(-r));
	}
}

/* What uacme left for a host: checked, and written anew. */
static int read_files(const struct acme *a, const char *host, char **ret_chain, char **ret_key,
		      struct error *err)
{
	_cleanup_free_ char *cert = cert_path(a, host), *key = key_path(a, host);
	_cleanup_buf_ struct buf chain_pem = BUF_INIT, key_pem = BUF_INIT;
	struct cert c = { 0 };
	int r = fs_read_file(cert, CERT_PEM_MAX_BYTES, &chain_pem);

	if (r == 0)
		r = fs_read_file(key, CERT_PEM_MAX_BYTES, &key_pem);
	if (r < 0)
		return error_set_errno(err, r, "reading the certificate for %s", host);
	r = cert_check(chain_pem.data, key_pem.data, ret_chain, ret_key, err);
	explicit_bzero(key_pem.data, key_pem.len);
	if (r < 0 || cert_read(*ret_chain, &c, err) < 0)
		return -1;
	if (!cert_covers(&c, host))
		r = error_set(err, ERROR_SYSTEM,
			      "The authority sent a certificate that is not for %s", host);
	else if (cert_renew_ms(&c) <= clock_wall_ms())
		r = error_set(err, ERROR_SYSTEM,
			      "The authority sent a certificate that has expired");
	cert_done(&c);
	return r;
}

/* Into the place of the one that we got before, or as a new endpoint; one transaction. */
static int keep(struct acme *a, const struct domain *dom, char *chain, const char *key,
		struct error *err)
{
	struct sni_endpoint e = { .acm = true, .trusted = cert_is_trusted(chain) };
	const struct acm_state fine = { .tried_ms = clock_wall_ms() };
	struct store *s = a->platform->store;
	char name[APP_NAME_MAX + 1];
	int r = 0;

	if (store_begin(s, err) < 0)
		return -1;
	if (dom->sni_id[0]) {
		bool trusted = e.trusted;

		r = store_sni_get(s, dom->app_id, dom->sni_id, &e, err);
		free(e.name ? e.chain : NULL);
		e.chain = xstrdup(chain);
		e.trusted = trusted;
		r = r < 0 ? r : store_sni_update(s, &e, key, err);
	} else {
		name_generate(name, sizeof(name));
		e.name = xstrdup(name);
		e.chain = xstrdup(chain);
		memcpy(e.app_id, dom->app_id, sizeof(e.app_id));
		r = store_sni_create(s, &e, key, err);
		r = r < 0 ? r : store_domain_set_sni(s, dom->id, e.id, err);
	}
	sni_endpoint_done(&e);
	if (r == 0 && store_acm_state_set(s, dom->id, &fine, err) == 0 && store_commit(s, err) == 0)
		return 0;
	store_rollback(s);
	return -1;
}

static int take(struct acme *a, const struct domain *dom, struct error *err)
{
	char *chain = NULL, *key = NULL;
	int r = read_files(a, dom->hostname, &chain, &key, err);

	if (r == 0)
		r = keep(a, dom, chain, key, err);
	if (key)
		explicit_bzero(key, strlen(key));
	free(key);
	free(chain);
	if (r < 0)
		return -1;
	remove_files(a, dom->hostname);
	log_info("%s has a new certificate", dom->hostname);
	logs_append(a->logs, dom->app_id, "app", "api", "The certificate for %s was issued",
		    dom->hostname);
	certs_changed(a->certs);
	return 0;
}

static void failed(struct acme *a, const struct domain *dom, const char *why, bool rate_limited)
{
	struct acm_state state = { 0 };
	struct error err = ERROR_INIT;
	uint32_t random = 0;

	if (getrandom(&random, sizeof(random), 0) < 0 ||
	    store_acm_state_get(a->platform->store, dom->id, &state, &err) < 0)
		state.failures = 0;
	free(state.reason);
	state.reason = xstrdup(why);
	state.tried_ms = clock_wall_ms();
	state.failures++;
	state.next_ms = state.tried_ms + acm_pause_ms(state.failures, rate_limited, random);
	log_warn("the certificate for %s: %s", dom->hostname, why);
	logs_append(a->logs, dom->app_id, "app", "api", "The certificate for %s was not issued: %s",
		    dom->hostname, why);
	if (store_acm_state_set(a->platform->store, dom->id, &state, &err) < 0)
		log_error("the certificate for %s: %s", dom->hostname, err.message);
	acm_state_done(&state);
}

static void judge(struct acme *a, const struct child_end *end)
{
	_cleanup_free_ char *why = NULL;
	struct domain now = { 0 };
	struct error err = ERROR_INIT;
	struct acm_facts f;
	int64_t tried_ms;

	/* It may be gone, or have another one by now. */
	if (store_domain_get(a->platform->store, a->domain.app_id, a->domain.id, &now, &err) < 0 ||
	    gather(a->platform, &now, &f, &why, &tried_ms, &err) < 0 ||
	    acm_due_ms(&f) == ACM_NEVER) {
		remove_files(a, a->domain.hostname);
	} else if (end->status != 0 || take(a, &now, &err) < 0) {
		free(why);
		why = end->status == 0 ? xstrdup(err.message) : acme_reason(end->output);
		failed(a, &now, why, acme_is_rate_limit(end->output));
	}
	domain_done(&now);
}

static void on_end(const struct child_end *end, void *userdata)
{
	struct acme *a = userdata;

	a->child = NULL;
	judge(a, end);
	domain_done(&a->domain);
	acme_look(a);
}

/* ---- its beginning ---- */

static int start(struct acme *a, const struct domain *dom, struct error *err)
{
	const char *const argv[] = { "/proc/self/exe", "acme", dom->hostname, NULL };
	const struct child_options o = {
		.argv = argv, .max_output = OUTPUT_MAX_BYTES, .on_end = on_end, .userdata = a
	};

	if (child_start(a->platform->loop, &o, &a->child, err) < 0)
		return -1;
	a->domain = *dom;
	a->domain.hostname = xstrdup(dom->hostname);
	return 0;
}

/* Under way, or done at once. */
static void begin(struct acme *a, const struct domain *dom)
{
	_cleanup_free_ char *left = cert_path(a, dom->hostname);
	struct error err = ERROR_INIT;

	/* The answer of an order during which twelved was killed. */
	if (fs_exists(left) && take(a, dom, &err) == 0)
		return;
	log_info("asking %s for a certificate for %s", a->platform->settings.acme_directory,
		 dom->hostname);
	err = ERROR_INIT;
	if (start(a, dom, &err) < 0)
		failed(a, dom, err.message, false);
}

static struct acm_turn turn_of(struct acme *a, const struct domain *dom)
{
	_cleanup_free_ char *reason = NULL;
	struct error err = ERROR_INIT;
	struct acm_facts f;
	int64_t tried_ms;

	if (gather(a->platform, dom, &f, &reason, &tried_ms, &err) < 0) {
		log_error("the certificate for %s: %s", dom->hostname, err.message);
		return (struct acm_turn){ .due_ms = ACM_NEVER };
	}
	return (struct acm_turn){ .due_ms = acm_due_ms(&f),
				  .routed = router_answers_acme(a->router, dom->app_id,
								dom->hostname) };
}

static void on_timer(void *userdata)
{
	struct acme *a = userdata;
	_cleanup_free_ struct acm_turn *turns = NULL;
	struct error err = ERROR_INIT;
	struct domain *domains = NULL;
	int64_t pause_ms = 0;
	size_t n = 0, next;

	if (a->domain.id[0])
		return;
	if (store_domain_list(a->platform->store, NULL, &domains, &n, &err) < 0)
		log_error("automatic certificates: %s", err.message);
	turns = xcalloc(n + 1, sizeof(*turns));
	for (size_t i = 0; i < n; i++)
		turns[i] = turn_of(a, &domains[i]);
	next = acm_next(turns, n, clock_wall_ms(), &pause_ms);
	if (next != ACM_NOBODY)
		begin(a, &domains[next]);
	for (size_t i = 0; i < n; i++)
		domain_done(&domains[i]);
	free(domains);
	/* While one is under way its end looks for the next. */
	if (!a->domain.id[0])
		watch_arm(a->timer, pause_ms);
}

void acme_look(struct acme *a)
{
	if (a)
		watch_arm(a->timer, 0);
}

struct acme *acme_new(const struct platform *p, struct certs *certs, struct router *router,
		      struct logs_client *logs)
{
	struct acme *a = xcalloc(1, sizeof(*a));

	*a = (struct acme){ .platform = p,
			    .certs = certs,
			    .router = router,
			    .logs = logs,
			    .timer = watch_timer(p->loop, on_timer, a) };
	watch_arm(a->timer, 0);
	return a;
}

void acme_free(struct acme *a)
{
	if (!a)
		return;
	child_abandon(a->child);
	watch_free(a->timer);
	domain_done(&a->domain);
	free(a);
}
