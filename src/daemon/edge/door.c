/* SPDX-License-Identifier: Apache-2.0 */
/* The platform's door; see door.h. */
#include "daemon/edge/door.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fs.h"
#include "base/str.h"
#include "daemon/edge/ca.h"

#define HAPROXY_USER "haproxy"
#define CERT_MAX_BYTES (1 << 20)
#define LIST_MAX_BYTES (16 << 20)

void door_find_user(struct platform *p)
{
	const struct passwd *pw = geteuid() == 0 ? getpwnam(HAPROXY_USER) : NULL;

	if (!pw)
		return;
	p->proxy_user = HAPROXY_USER;
	p->proxy_uid = pw->pw_uid;
	p->proxy_gid = pw->pw_gid;
}

static int give_to_haproxy(const struct platform *p, const char *path, struct error *err)
{
	if (p->proxy_user && chown(path, p->proxy_uid, p->proxy_gid) < 0)
		return error_set_errno(err, errno, "giving %s to %s", path, p->proxy_user);
	return 0;
}

/* The names that the local certificate is for. A wildcard of a single label is one that no client
 * takes. */
static char **local_names(const struct settings *s)
{
	char **names = NULL, host[256] = "";

	strv_push(&names, "localhost");
	strv_push(&names, "127.0.0.1");
	strv_push(&names, "::1");
	if (!streq(s->apps_domain, "localhost"))
		strv_push(&names, s->apps_domain);
	for (size_t i = 0; i < 3; i++) {
		_cleanup_free_ char *name = xasprintf(
			"%s.%s", ((const char *const[]){ "api", "git", "*" })[i], s->apps_domain);

		strv_push(&names, name);
	}
	if (gethostname(host, sizeof(host) - 1) == 0 && host[0] && !streq(host, "localhost"))
		strv_push(&names, host);
	return names;
}

int door_renew(const struct platform *p, struct error *err)
{
	_cleanup_strv_ char **names = local_names(&p->settings);
	bool changed;

	return ca_prepare(p->settings.state_dir, names, &changed, err);
}

int door_prepare(struct platform *p, struct error *err)
{
	int r;

	door_find_user(p);
	p->door_dir = xasprintf("%s/door", p->settings.run_dir);
	r = fs_mkdirs(p->door_dir, 0700);
	if (r < 0)
		return error_set_errno(err, r, "making the directory %s", p->door_dir);
	return give_to_haproxy(p, p->door_dir, err) < 0 ? -1 : door_renew(p, err);
}

int door_listen(const struct platform *p, const char *name, struct error *err)
{
	_cleanup_free_ char *path = xasprintf("%s/%s.sock", p->door_dir, name);
	int fd = sock_listen_unix(path, SOCK_STREAM, 0600);

	if (fd < 0)
		return error_set_errno(err, fd, "listening on %s", path);
	return give_to_haproxy(p, path, err) < 0 ? fd_close(fd) : fd;
}

char *door_certs_digest(const struct platform *p)
{
	_cleanup_free_ char *list = xasprintf("%s/certs.list", p->door_dir);
	_cleanup_free_ char *local = ca_local_path(p->settings.state_dir);
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct digest *digest = digest_new();
	char hex[DIGEST_HEX_SIZE];

	/* Other files than the local one are named by what they hold. */
	if (fs_read_file(local, CERT_MAX_BYTES, &text) == 0 &&
	    fs_read_file(list, LIST_MAX_BYTES, &text) == 0)
		digest_update(digest, text.data, text.len);
	digest_finish(digest, hex);
	digest_free(digest);
	return xstrdup(hex);
}

void door_fill(const struct platform *p, struct route_config *c)
{
	c->user = p->proxy_user ? xstrdup(p->proxy_user) : NULL;
	if (!p->door_dir)
		return;
	c->https_address = xstrdup(p->settings.https_address);
	c->api_address = xstrdup(p->settings.api_address);
	c->door_dir = xstrdup(p->door_dir);
	c->cert_list = xasprintf("%s/certs.list", p->door_dir);
	c->certs_digest = door_certs_digest(p);
}

char *door_authority(const struct platform *p, const char *host)
{
	const char *port = strrchr(p->settings.api_address, ':');
	/* "[::1]:5000" has more colons than one. */
	size_t n = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");

	return xasprintf("%.*s%s", (int)n, host, port ? port : "");
}
