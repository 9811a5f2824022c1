/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The resolvers of sandboxes: those of the machine, but for one on its loopback, such as that of
 * systemd-resolved, which then has a file of those behind it (systemd-resolved.service(8)).
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/walls/walls-priv.h"

#define CONF "/etc/resolv.conf"
#define CONF_BEHIND "/run/systemd/resolve/resolv.conf"
#define CONF_MAX_BYTES 65536

/* An address that a sandbox can reach. */
static bool parse_resolver(const char *word, struct net_egress *ret)
{
	*ret = (struct net_egress){ .family = strchr(word, ':') ? AF_INET6 : AF_INET };
	if (inet_pton(ret->family, word, &ret->address) != 1)
		return false;
	return ret->family == AF_INET ? ntohl(ret->address.v4.s_addr) >> 24 != IN_LOOPBACKNET
				      : !IN6_IS_ADDR_LOOPBACK(&ret->address.v6);
}

static void take(const char *word, struct buf *text, struct net_egress *ret, size_t *ret_n)
{
	struct net_egress e;

	if (*ret_n == WALLS_MAX_RESOLVERS || !parse_resolver(word, &e))
		return;
	buf_printf(text, "nameserver %s\n", word);
	ret[(*ret_n)++] = e;
}

char *resolvers_text(const char *conf, const char *instead, struct net_egress *ret, size_t *ret_n)
{
	_cleanup_free_ char *lines = xstrdup(conf), *words = xstrdup(instead);
	_cleanup_buf_ struct buf text = BUF_INIT;
	char *save = NULL;

	*ret_n = 0;
	for (char *w = strtok_r(words, " ", &save); w; w = strtok_r(NULL, " ", &save))
		take(w, &text, ret, ret_n);
	for (char *l = strtok_r(lines, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		char *line = str_trim(l);

		if (!*line || *line == '#' || *line == ';')
			continue;
		if (!str_starts(line, "nameserver"))
			buf_printf(&text, "%s\n", line);
		else if (!*instead)
			take(str_trim(line + strlen("nameserver")), &text, ret, ret_n);
	}
	/* An empty file would mean the loopback to resolvers (resolv.conf(5)). */
	if (!text.len)
		buf_puts(&text, "# This machine has no resolver that a sandbox could reach.\n");
	return buf_steal(&text);
}

/* In place: sandboxes that run have this very file. */
static int write_in_place(const char *path, const char *text)
{
	_cleanup_fd_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	return fd < 0 ? -errno : fd_write_all(fd, text, strlen(text));
}

static char *read_conf(const char *path, const char *instead, struct net_egress *ret, size_t *ret_n)
{
	_cleanup_buf_ struct buf conf = BUF_INIT;

	if (fs_read_file(path, CONF_MAX_BYTES, &conf) < 0)
		buf_clear(&conf);
	return resolvers_text(conf.len ? conf.data : "", instead, ret, ret_n);
}

bool resolvers_read(struct walls *w)
{
	const char *instead = w->platform->settings.resolvers;
	char *text = read_conf(CONF, instead, w->resolvers, &w->n_resolvers);
	int r;

	if (!w->n_resolvers && fs_exists(CONF_BEHIND)) {
		free(text);
		text = read_conf(CONF_BEHIND, instead, w->resolvers, &w->n_resolvers);
	}
	if (w->resolv_text && streq(w->resolv_text, text)) {
		free(text);
		return false;
	}
	free(w->resolv_text);
	w->resolv_text = text;
	r = write_in_place(w->resolv_path, text);
	if (r < 0)
		log_error("writing %s: %s", w->resolv_path, strerror(-r));
	return true;
}
