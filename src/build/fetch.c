/* SPDX-License-Identifier: Apache-2.0 */
/* A source that stands elsewhere; see fetch.h. */
#include "build/fetch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/proc.h"
#include "base/str.h"
#include "build/fetch-priv.h"

#define POLL_MS 500

/* ---- the URL ---- */

static bool has_scheme(const char *url, const char *scheme)
{
	return strncasecmp(url, scheme, strlen(scheme)) == 0;
}

char *fetch_url_for_show(const char *url)
{
	return xstrndup(url, strcspn(url, "?#"));
}

static bool is_printable(const char *s)
{
	for (; *s; s++)
		if (*s <= ' ' || *s > '~')
			return false;
	return true;
}

int fetch_check_url(const char *url, bool has_checksum, struct error *err)
{
	const char *authority = strstr(url, "://");
	size_t n;

	if (!authority || !is_printable(url) || strlen(url) > FETCH_URL_MAX ||
	    (!has_scheme(url, "https://") && !has_scheme(url, "http://")))
		return error_set(err, ERROR_INVALID,
				 "\"source_blob.url\" must be a get_url of POST /sources, or an "
				 "https:// URL of an archive, with at most %d characters",
				 FETCH_URL_MAX);
	authority += strlen("://");
	n = strcspn(authority, "/?#");
	if (!n)
		return error_set(err, ERROR_INVALID, "\"source_blob.url\" names no host");
	if (memchr(authority, '@', n))
		return error_set(err, ERROR_INVALID,
				 "\"source_blob.url\" must not hold a user and password: give a "
				 "signed URL, or upload the archive "
				 "with POST /sources");
	if (has_scheme(url, "http://") && !has_checksum)
		return error_set(err, ERROR_INVALID,
				 "\"source_blob.url\" is http://, which is not verified: give "
				 "https://, or a \"source_blob.checksum\"");
	return 0;
}

/* ---- the address ---- */

struct block {
	uint32_t net;
	int bits;
};

static bool is_public_ipv4(uint32_t address)
{
	/* https://www.iana.org/assignments/iana-ipv4-special-registry, and multicast with what is
	 * reserved above it. */
	static const struct block blocks[] = {
		{ 0x00000000, 8 },  { 0x0a000000, 8 },	{ 0x64400000, 10 }, { 0x7f000000, 8 },
		{ 0xa9fe0000, 16 }, { 0xac100000, 12 }, { 0xc0000000, 24 }, { 0xc0000200, 24 },
		{ 0xc0586300, 24 }, { 0xc0a80000, 16 }, { 0xc6120000, 15 }, { 0xc6336400, 24 },
		{ 0xcb007100, 24 }, { 0xe0000000, 3 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(blocks); i++)
		if ((address ^ blocks[i].net) >> (32 - blocks[i].bits) == 0)
			return false;
	return true;
}

static bool is_public_ipv6(const uint8_t a[static 16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff },
			     nat64[12] = { 0x00, 0x64, 0xff, 0x9b };
	uint32_t ipv4 =
		(uint32_t)a[12] << 24 | (uint32_t)a[13] << 16 | (uint32_t)a[14] << 8 | a[15];

	if (memcmp(a, mapped, sizeof(mapped)) == 0 || memcmp(a, nat64, sizeof(nat64)) == 0)
		return is_public_ipv4(ipv4);
	/* 2000::/3 is what is handed out; in it are 2001::/23 (Teredo, ORCHID ...), documentation,
	 * and 6to4, which holds an IPv4 address. */
	if (a[0] >> 5 != 1)
		return false;
	if (a[0] == 0x20 && a[1] == 0x01 && (a[2] < 2 || (a[2] == 0x0d && a[3] == 0xb8)))
		return false;
	return !(a[0] == 0x20 && a[1] == 0x02) && !(a[0] == 0x3f && a[1] == 0xff && a[2] < 0x10);
}

bool fetch_is_public(const struct sockaddr *sa)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	if (sa->sa_family == AF_INET) {
		memcpy(&in, sa, sizeof(in));
		return is_public_ipv4(ntohl(in.sin_addr.s_addr));
	}
	if (sa->sa_family != AF_INET6)
		return false;
	memcpy(&in6, sa, sizeof(in6));
	return is_public_ipv6(in6.sin6_addr.s6_addr);
}

/* ---- the process that fetches ---- */

static int spawn(const struct fetch_order *order, int file_fd, pid_t *ret_pid, int *ret_fd,
		 struct error *err)
{
	static const char *const argv[] = { "/proc/self/exe", "fetch", NULL };
	_cleanup_fd_ int order_fd = fd_memfile("fetch", order, sizeof(*order)), read_fd = -1,
			 write_fd = -1, null_fd = -1;
	struct proc_options o = {
		.argv = argv, .stdin_fd = order_fd, .fd3 = file_fd, .dir = "/", .die_with_us = true
	};
	int fds[2];

	if (order_fd < 0 || pipe2(fds, O_CLOEXEC) < 0)
		return error_set_errno(err, order_fd < 0 ? order_fd : errno,
				       "starting the process that fetches");
	read_fd = fds[0];
	write_fd = fds[1];
	null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (null_fd < 0)
		return error_set_errno(err, errno, "/dev/null");
	o.stdout_fd = write_fd;
	o.stderr_fd = null_fd;
	if (proc_spawn(&o, ret_pid, err) < 0)
		return -1;
	*ret_fd = fd_steal(&read_fd);
	return 0;
}

/* Its report, or as much of it as there is: how many bytes. */
static size_t await(int fd, pid_t pid, bool (*should_stop)(void), struct fetch_report *report)
{
	size_t n = 0;
	ssize_t got = 1;

	while (got > 0 && n < sizeof(*report)) {
		struct pollfd p = { .fd = fd, .events = POLLIN };

		if (should_stop && should_stop())
			kill(pid, SIGKILL);
		if (poll(&p, 1, POLL_MS) <= 0)
			continue;
		got = fd_read(fd, (char *)report + n, sizeof(*report) - n);
		n += got > 0 ? (size_t)got : 0;
	}
	return n;
}

/* What it says is what a stranger may have made it say: text, and no more. */
static int run(const struct fetch_order *order, int file_fd, bool (*should_stop)(void),
	       struct fetch_place *ret, struct error *err)
{
	struct fetch_report report = { 0 };
	_cleanup_fd_ int fd = -1;
	pid_t pid;
	size_t n;

	if (spawn(order, file_fd, &pid, &fd, err) < 0)
		return -1;
	n = await(fd, pid, should_stop, &report);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	report.err.message[sizeof(report.err.message) - 1] = '\0';
	report.place.url[sizeof(report.place.url) - 1] = '\0';
	report.place.address[sizeof(report.place.address) - 1] = '\0';
	if (n < sizeof(report) || (unsigned)report.err.kind >= _ERROR_KIND_MAX)
		return error_set(err, ERROR_SYSTEM, "the process that fetches was ended");
	if (report.err.kind != ERROR_NONE)
		return error_set(err, report.err.kind, "%s", report.err.message);
	if (ret)
		*ret = report.place;
	return 0;
}

static int take_url(const char *url, struct fetch_order *order, struct error *err)
{
	if (strlen(url) >= sizeof(order->url))
		return error_set(err, ERROR_INVALID, "A URL has at most %d characters",
				 FETCH_URL_MAX);
	strcpy(order->url, url);
	return 0;
}

int fetch_archive(const struct fetch *f, struct error *err)
{
	struct fetch_order order = { .what = FETCH_ARCHIVE,
				     .max_bytes = f->max_bytes,
				     .reserve_bytes = f->reserve_bytes,
				     .private_too = f->private_too };
	_cleanup_fd_ int fd = open(f->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0)
		return error_set_errno(err, errno, "%s", f->path);
	return take_url(f->url, &order, err) < 0 ? -1 : run(&order, fd, f->should_stop, NULL, err);
}

int fetch_find_repository(const char *url, bool (*should_stop)(void), struct fetch_place *ret,
			  struct error *err)
{
	struct fetch_order order = { .what = FETCH_REPOSITORY };
	_cleanup_free_ char *refs = xasprintf("%s%s" FETCH_REFS "?service=git-upload-pack", url,
					      str_ends(url, "/") ? "" : "/");

	return take_url(refs, &order, err) < 0 ? -1 : run(&order, 0, should_stop, ret, err);
}

int fetch_find_host(const char *host, bool (*should_stop)(void), struct fetch_place *ret,
		    struct error *err)
{
	struct fetch_order order = { .what = FETCH_ADDRESS };

	return take_url(host, &order, err) < 0 ? -1 : run(&order, 0, should_stop, ret, err);
}
