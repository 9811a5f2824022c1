/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine's own settings. Sandboxes' packages pass through it, so it has to forward; what else
 * it would then forward is dropped by the rules, unless it was a router before. What it was is noted
 * in RUN, with the number of this boot, as a twelved that comes back finds it forwarding.
 *
 * IPv6 has one switch for all interfaces (ip-sysctl: conf/all/forwarding), and a host that forwards
 * ignores router advertisements unless accept_ra is 2.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/walls/walls-priv.h"

#define FORWARD4 "/proc/sys/net/ipv4/ip_forward"
#define CONF6 "/proc/sys/net/ipv6/conf"
#define FORWARD6 CONF6 "/all/forwarding"
#define BOOT_ID "/proc/sys/kernel/random/boot_id"
#define INTERFACES "/sys/class/net"
#define ROUTES_MAX_BYTES (16 << 20)

/* ---- what is there ---- */

bool machine_overlap(const char *routes, const struct net_range *range, char iface[static 16])
{
	_cleanup_free_ char *text = xstrdup(routes);
	uint32_t own = ntohl(range->v4.s_addr), own_mask = UINT32_MAX << (32 - range->bits),
		 to_mask;
	char *save = NULL;

	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		unsigned to, mask;

		/* Iface Destination Gateway Flags RefCnt Use Metric Mask ...: in the order of memory */
		if (sscanf(l, "%15s %8x %*8x %*x %*d %*d %*d %8x", iface, &to, &mask) != 3 ||
		    str_starts(iface, NET_NAME_PREFIX))
			continue;
		/* A wider one, such as that of a VPN, goes on: a sandbox's is more specific. */
		to_mask = ntohl(mask);
		if (to_mask >= own_mask && ((ntohl(to) ^ own) & own_mask) == 0)
			return true;
	}
	return false;
}

bool machine_has_ipv6(const char *routes)
{
	static const char everywhere[] = "00000000000000000000000000000000 00 ";
	_cleanup_free_ char *text = xstrdup(routes);
	char *save = NULL;

	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save))
		if (str_starts(l, everywhere) && !str_ends(l, " lo"))
			return true;
	return false;
}

static void read_text(const char *path, struct buf *ret)
{
	if (fs_read_file(path, ROUTES_MAX_BYTES, ret) < 0)
		buf_clear(ret);
}

static bool file_says(const char *path, const char *text)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	return fs_read_file(path, 64, &b) == 0 && streq(str_trim(b.data), text);
}

/* The database's own number, of which no two platforms have the same. */
static int own_uuid(const struct platform *p, struct buf *ret, struct error *err)
{
	_cleanup_free_ char *path = xasprintf("%s/identity", p->settings.state_dir);
	int r = fs_read_file(path, 64, ret);

	return r < 0 ? error_set_errno(err, r, "reading %s", path) : 0;
}

int machine_look(struct walls *w, struct error *err)
{
	_cleanup_buf_ struct buf routes = BUF_INIT, routes6 = BUF_INIT, uuid = BUF_INIT;
	const char *network = w->platform->settings.network;
	char iface[16];

	/* It was checked when it was read. */
	if (!net_range_parse(network, &w->range))
		return error_set(err, ERROR_INVALID, "TWELVE_NETWORK: %s is no network", network);
	read_text("/proc/net/route", &routes);
	if (routes.len && machine_overlap(routes.data, &w->range, iface))
		return error_set(err, ERROR_INVALID,
				 "TWELVE_NETWORK: %s is in use on %s: set it to a network of 8 to "
				 "16 bits that this machine does not reach, such as 10.76.0.0/16",
				 network, iface);
	read_text("/proc/net/ipv6_route", &routes6);
	if (!routes6.len || !machine_has_ipv6(routes6.data))
		return 0;
	if (own_uuid(w->platform, &uuid, err) < 0)
		return -1;
	net_range_set_local6(&w->range, uuid.data);
	return 0;
}

/* ---- whether it can ---- */

int machine_try(const struct net_link *l, struct error *err)
{
	int fd;

	if (!fs_find_program("nft", NULL))
		return error_set(err, ERROR_UNAVAILABLE,
				 "nft is not installed: apt-get install nftables");
	if (net_make(l, &fd, err) < 0)
		return -1;
	/* And with it the namespace. */
	fd_close(fd);
	return 0;
}

/* ---- forwarding ---- */

static int write_setting(const char *path, const char *value, struct error *err)
{
	_cleanup_fd_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || fd_write_all(fd, value, strlen(value)) < 0)
		return error_set_errno(err, errno, "%s", path);
	return 0;
}

/* An interface that takes its routes from advertisements goes on doing so. */
static void keep_advertisements(void)
{
	_cleanup_strv_ char **names = NULL;
	struct error err = ERROR_INIT;

	fs_list(CONF6, &names);
	for (char **n = names; n && *n; n++) {
		_cleanup_free_ char *path = xasprintf(CONF6 "/%s/accept_ra", *n);

		if (!str_starts(*n, NET_NAME_PREFIX) && file_says(path, "1") &&
		    write_setting(path, "2", &err) < 0)
			log_warn("%s", err.message);
	}
}

static char *note_path(const struct walls *w)
{
	return xasprintf("%s/forwarded", w->platform->settings.run_dir);
}

/* "BOOT 4=0 6=1": what it was before; of this boot. */
static bool read_note(const struct walls *w, bool *ret4, bool *ret6)
{
	_cleanup_free_ char *path = note_path(w);
	_cleanup_buf_ struct buf note = BUF_INIT, boot = BUF_INIT;
	int four, six;

	if (fs_read_file(path, 128, &note) < 0 || fs_read_file(BOOT_ID, 64, &boot) < 0 ||
	    !str_starts(note.data, str_trim(boot.data)) ||
	    sscanf(note.data, "%*s 4=%d 6=%d", &four, &six) != 2)
		return false;
	*ret4 = four;
	*ret6 = six;
	return true;
}

static int write_note(const struct walls *w, bool four, bool six, struct error *err)
{
	_cleanup_free_ char *path = note_path(w), *text = NULL;
	_cleanup_buf_ struct buf boot = BUF_INIT;
	int r = fs_read_file(BOOT_ID, 64, &boot);

	text = xasprintf("%s 4=%d 6=%d\n", r < 0 ? "" : str_trim(boot.data), four, six);
	if (r == 0)
		r = fs_write_fleeting(path, 0644, text, strlen(text));
	return r < 0 ? error_set_errno(err, r, "writing %s", path) : 0;
}

int machine_forward(struct walls *w, struct error *err)
{
	bool four = file_says(FORWARD4, "1"), six = file_says(FORWARD6, "1");

	/* Noted before anything is changed: a kill in between leaves a note that is right. */
	if (!read_note(w, &four, &six) && write_note(w, four, six, err) < 0)
		return -1;
	w->was_router = four;
	if (!file_says(FORWARD4, "1") && write_setting(FORWARD4, "1", err) < 0)
		return -1;
	if (!w->range.ipv6 || file_says(FORWARD6, "1"))
		return 0;
	keep_advertisements();
	return write_setting(FORWARD6, "1", err);
}

/* Of another platform on this machine, which needs it. */
static bool others_have_links(void)
{
	_cleanup_strv_ char **names = NULL;
	bool found = false;

	fs_list(INTERFACES, &names);
	for (char **n = names; n && *n; n++)
		found = found || str_starts(*n, NET_NAME_PREFIX);
	return found;
}

void machine_restore(const struct walls *w)
{
	_cleanup_free_ char *path = note_path(w);
	struct error err = ERROR_INIT;
	bool four, six;

	if (!read_note(w, &four, &six) || others_have_links())
		return;
	if ((!four && write_setting(FORWARD4, "0", &err) < 0) ||
	    (!six && w->range.ipv6 && write_setting(FORWARD6, "0", &err) < 0))
		log_warn("%s", err.message);
	unlink(path);
}
