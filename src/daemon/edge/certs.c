/* SPDX-License-Identifier: Apache-2.0 */
/* The certificates that HAProxy serves; see certs.h. */
#include "daemon/edge/certs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/edge/ca.h"
#include "daemon/edge/cert.h"
#include "daemon/core/state.h"
#include "daemon/edge/door.h"
#include "daemon/edge/router.h"

#define LIST_MAX_BYTES (16 << 20)
/* How often the local certificate is looked at: a twelved may run for longer than it lives. */
#define LOOK_MS (INT64_C(12) * 3600 * 1000)

struct certs {
	const struct platform *platform;
	struct router *router;
	struct watch *timer;
};

/* One endpoint with what it is served for. */
struct served {
	struct sni_endpoint *endpoint;
	struct cert cert;
	char **hosts;
};

struct table {
	struct sni_endpoint *endpoints;
	struct domain *domains;
	struct served *served; /* one for each endpoint */
	size_t n_endpoints, n_domains;
};

static void table_done(struct table *t)
{
	for (size_t i = 0; i < t->n_endpoints; i++) {
		cert_done(&t->served[i].cert);
		strv_free(t->served[i].hosts);
	}
	for (size_t i = 0; i < t->n_domains; i++)
		domain_done(&t->domains[i]);
	free(t->domains);
	free(t->served);
	sni_endpoint_free_array(t->endpoints, t->n_endpoints);
}

static struct served *find(struct table *t, const char *id)
{
	for (size_t i = 0; i < t->n_endpoints; i++)
		if (streq(t->endpoints[i].id, id))
			return &t->served[i];
	return NULL;
}

static int table_read(const struct platform *p, struct table *t, struct error *err)
{
	*t = (struct table){ 0 };
	if (store_sni_delete_orphans(p->store, err) < 0 ||
	    store_sni_list(p->store, NULL, &t->endpoints, &t->n_endpoints, err) < 0)
		return -1;
	t->served = xcalloc(t->n_endpoints + 1, sizeof(*t->served));
	for (size_t i = 0; i < t->n_endpoints; i++) {
		struct error ignored = ERROR_INIT;

		t->served[i].endpoint = &t->endpoints[i];
		if (cert_read(t->endpoints[i].chain, &t->served[i].cert, &ignored) < 0)
			log_error("the SNI endpoint %s is not served: %s", t->endpoints[i].name,
				  ignored.message);
	}
	return store_domain_list(p->store, NULL, &t->domains, &t->n_domains, err);
}

/* The newest of each other kind of key goes with the one that was chosen. */
static void add_host(struct table *t, const struct domain *dom)
{
	struct served *chosen = dom->sni_id[0] ? find(t, dom->sni_id) : NULL;
	bool have[CERT_KEY_OTHER + 1] = { false };

	if (!chosen || !chosen->cert.names)
		return;
	strv_push(&chosen->hosts, dom->hostname);
	have[chosen->cert.key] = true;
	for (size_t i = t->n_endpoints; i-- > 0;) {
		struct served *s = &t->served[i];

		if (have[s->cert.key] || !streq(s->endpoint->app_id, dom->app_id) ||
		    !cert_covers(&s->cert, dom->hostname))
			continue;
		strv_push(&s->hosts, dom->hostname);
		have[s->cert.key] = true;
	}
}

/* ---- files ---- */

static void wipe(struct buf *b)
{
	explicit_bzero(b->data, b->len);
	buf_done(b);
}

static int write_one(const struct platform *p, const struct served *s, char **ret_path,
		     struct error *err)
{
	__attribute__((cleanup(wipe))) struct buf text = BUF_INIT;
	char digest[DIGEST_HEX_SIZE], *key = NULL;
	_cleanup_free_ char *path = NULL;
	int r = 0;

	if (store_sni_key(p->store, s->endpoint->id, &key, err) < 0)
		return -1;
	/* Once, so that no half of it is left behind unwiped by growing. */
	buf_reserve(&text, strlen(s->endpoint->chain) + strlen(key) + 1);
	buf_puts(&text, s->endpoint->chain);
	buf_puts(&text, key);
	explicit_bzero(key, strlen(key));
	free(key);
	digest_bytes(text.data, text.len, digest);
	path = xasprintf("%s/certs/%s-%.32s.pem", p->settings.run_dir, s->endpoint->id, digest);
	/* A power failure may have left it empty. */
	if (!fs_file_holds(path, text.data, text.len))
		r = fs_write_fleeting(path, 0600, text.data, text.len);
	if (r < 0)
		return error_set_errno(err, r, "writing %s", path);
	*ret_path = steal_ptr(path);
	return 0;
}

static void write_all(const struct platform *p, struct table *t, struct buf *list)
{
	_cleanup_free_ char *local = ca_local_path(p->settings.state_dir);

	buf_printf(list, "%s\n", local);
	for (size_t i = 0; i < t->n_endpoints; i++) {
		struct error err = ERROR_INIT;
		_cleanup_free_ char *path = NULL;

		if (!t->served[i].hosts)
			continue;
		if (write_one(p, &t->served[i], &path, &err) < 0) {
			log_error("the SNI endpoint %s is not served: %s", t->endpoints[i].name,
				  err.message);
			continue;
		}
		buf_puts(list, path);
		for (char **host = t->served[i].hosts; *host; host++)
			buf_printf(list, " %s", *host);
		buf_putc(list, '\n');
	}
}

/* ID-DIGEST.pem, of an endpoint that is in no row and was not removed: the database may be older
 * than the certificate. */
static bool is_lost(const struct platform *p, const char *file)
{
	struct sni_endpoint e = { 0 };
	struct error err = ERROR_INIT;
	char id[UUID_SIZE];
	bool known;

	snprintf(id, sizeof(id), "%.*s", UUID_SIZE - 1, file);
	if (!uuid_is_valid(id) || strlen(file) < UUID_SIZE || file[UUID_SIZE - 1] != '-' ||
	    !str_ends(file, ".pem"))
		return false;
	known = store_sni_get(p->store, NULL, id, &e, &err) == 0 || err.kind != ERROR_NOT_FOUND;
	sni_endpoint_done(&e);
	return !known && !state_is_gone(p->store, "sni", id);
}

static void remove_unnamed(const struct platform *p, const char *dir, const struct buf *list,
			   const struct buf *before)
{
	_cleanup_strv_ char **files = NULL;

	if (fs_list(dir, &files) < 0)
		return;
	for (char **file = files; file && *file; file++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", dir, *file);

		if (!strstr(list->data, path) && !strstr(before->data, path) &&
		    !is_lost(p, *file) && unlink(path) < 0)
			log_warn("%s, a certificate that is no longer served, can't be removed: %s",
				 path, strerror(errno));
	}
}

int certs_write(const struct platform *p, struct error *err)
{
	_cleanup_free_ char *dir = xasprintf("%s/certs", p->settings.run_dir);
	_cleanup_free_ char *path = xasprintf("%s/certs.list", p->door_dir);
	_cleanup_buf_ struct buf list = BUF_INIT, before = BUF_INIT;
	struct table t;
	int r = fs_mkdirs(dir, 0700);

	if (r < 0)
		return error_set_errno(err, r, "making the directory %s", dir);
	if (table_read(p, &t, err) < 0) {
		table_done(&t);
		return -1;
	}
	for (size_t i = 0; i < t.n_domains; i++)
		add_host(&t, &t.domains[i]);
	write_all(p, &t, &list);
	table_done(&t);
	fs_read_file(path, LIST_MAX_BYTES, &before);
	if (!streq(before.data, list.data))
		r = fs_write_fleeting(path, 0600, list.data, list.len);
	if (r < 0)
		return error_set_errno(err, r, "writing %s", path);
	remove_unnamed(p, dir, &list, &before);
	return 0;
}

/* ---- changes ---- */

void certs_changed(struct certs *c)
{
	struct error err = ERROR_INIT;

	if (certs_write(c->platform, &err) < 0 || router_certs_changed(c->router, &err) < 0)
		log_error("the certificates: %s", err.message);
}

static void on_timer(void *userdata)
{
	struct certs *c = userdata;
	struct error err = ERROR_INIT;

	watch_arm(c->timer, LOOK_MS);
	if (door_renew(c->platform, &err) < 0)
		log_error("the local certificate: %s", err.message);
	certs_changed(c);
}

struct certs *certs_new(const struct platform *p, struct router *r)
{
	struct certs *c = xcalloc(1, sizeof(*c));

	*c = (struct certs){ .platform = p,
			     .router = r,
			     .timer = watch_timer(p->loop, on_timer, c) };
	watch_arm(c->timer, LOOK_MS);
	return c;
}

void certs_free(struct certs *c)
{
	if (!c)
		return;
	watch_free(c->timer);
	free(c);
}

char *certs_host_of(const struct platform *p, const char *app_id)
{
	struct error ignored = ERROR_INIT;
	struct domain *domains = NULL;
	char *host = NULL;
	size_t n = 0;

	if (store_domain_list(p->store, app_id, &domains, &n, &ignored) < 0)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		if (!host && domains[i].sni_id[0] && domains[i].hostname[0] != '*')
			host = xstrdup(domains[i].hostname);
		domain_done(&domains[i]);
	}
	free(domains);
	return host;
}
