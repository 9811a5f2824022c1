/* SPDX-License-Identifier: Apache-2.0 */
/* A source that stands elsewhere; see fetch.h. */
#include "build/fetch.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fs.h"
#include "base/str.h"

#define CONNECT_MS 20000L
#define TIMEOUT_S 900L
/* Slower than this for so long is as good as gone. */
#define SLOW_BYTES_A_SECOND 1024L
#define SLOW_S 60L
#define REDIRECTS_MAX 5L
/* How often the disk is looked at. */
#define LOOK_BYTES (8 << 20)

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
				 "\"source_blob.url\" has to be a get_url of POST /sources, or an https:// URL of an archive, "
				 "with at most %d characters", FETCH_URL_MAX);
	authority += strlen("://");
	n = strcspn(authority, "/?#");
	if (!n)
		return error_set(err, ERROR_INVALID, "\"source_blob.url\" names no host");
	if (memchr(authority, '@', n))
		return error_set(err, ERROR_INVALID,
				 "\"source_blob.url\" must not hold a user and password: give a signed URL, or upload the archive "
				 "with POST /sources");
	if (has_scheme(url, "http://") && !has_checksum)
		return error_set(err, ERROR_INVALID,
				 "\"source_blob.url\" is http://, where nobody knows what arrives: give https://, or a "
				 "\"source_blob.checksum\"");
	return 0;
}

/* ---- the address ---- */

struct block {
	uint32_t net;
	int bits;
};

static bool is_public_ipv4(uint32_t address)
{
	/* https://www.iana.org/assignments/iana-ipv4-special-registry, and multicast with what is reserved above it. */
	static const struct block blocks[] = {
		{ 0x00000000, 8 },  { 0x0a000000, 8 },	{ 0x64400000, 10 }, { 0x7f000000, 8 },	{ 0xa9fe0000, 16 },
		{ 0xac100000, 12 }, { 0xc0000000, 24 }, { 0xc0000200, 24 }, { 0xc0586300, 24 }, { 0xc0a80000, 16 },
		{ 0xc6120000, 15 }, { 0xc6336400, 24 }, { 0xcb007100, 24 }, { 0xe0000000, 3 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(blocks); i++)
		if ((address ^ blocks[i].net) >> (32 - blocks[i].bits) == 0)
			return false;
	return true;
}

static bool is_public_ipv6(const uint8_t a[static 16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff }, nat64[12] = { 0x00, 0x64, 0xff, 0x9b };
	uint32_t ipv4 = (uint32_t)a[12] << 24 | (uint32_t)a[13] << 16 | (uint32_t)a[14] << 8 | a[15];

	if (memcmp(a, mapped, sizeof(mapped)) == 0 || memcmp(a, nat64, sizeof(nat64)) == 0)
		return is_public_ipv4(ipv4);
	/* 2000::/3 is what is handed out; in it are 2001::/23 (Teredo, ORCHID ...), documentation, and 6to4, which holds an IPv4 address. */
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

/* ---- the transfer ---- */

struct transfer {
	const struct fetch *f;
	int fd;
	uint64_t bytes, looked_at;
	bool is_private; /* an address was refused */
	bool too_large, too_full;
	int write_errno;
};

static curl_socket_t open_socket(void *userdata, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct transfer *t = userdata;

	(void)purpose;
	if (!t->f->private_too && !fetch_is_public(&a->addr)) {
		t->is_private = true;
		return CURL_SOCKET_BAD;
	}
	return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

static bool disk_has_room(struct transfer *t)
{
	uint64_t free_bytes;

	if (t->bytes - t->looked_at < LOOK_BYTES && t->bytes)
		return true;
	t->looked_at = t->bytes;
	return fs_free_bytes(t->f->path, &free_bytes) < 0 || free_bytes > t->f->reserve_bytes;
}

static size_t on_data(char *data, size_t size, size_t n, void *userdata)
{
	struct transfer *t = userdata;

	t->too_large = t->bytes + size * n > t->f->max_bytes;
	t->too_full = !disk_has_room(t);
	if (t->too_large || t->too_full)
		return 0;
	t->write_errno = fd_write_all(t->fd, data, size * n);
	if (t->write_errno < 0)
		return 0;
	t->bytes += size * n;
	return size * n;
}

static int on_progress(void *userdata, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up_now)
{
	const struct transfer *t = userdata;

	(void)total;
	(void)now;
	(void)up_total;
	(void)up_now;
	return t->f->should_stop && t->f->should_stop();
}

static void set_up(CURL *curl, struct transfer *t, char *said)
{
	/* With a checksum http is as good; a redirect away from https is not. */
	const char *protocols = has_scheme(t->f->url, "http://") ? "http,https" : "https";

	curl_easy_setopt(curl, CURLOPT_URL, t->f->url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, protocols);
	curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, protocols);
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
	curl_easy_setopt(curl, CURLOPT_MAXREDIRS, REDIRECTS_MAX);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, TIMEOUT_S);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, SLOW_BYTES_A_SECOND);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, SLOW_S);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "twelve/" TWELVE_VERSION);
	curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, said);
	curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, t);
	curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(curl, CURLOPT_XFERINFODATA, t);
	curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, t);
}

static int explain(const struct transfer *t, CURLcode code, long status, const char *said, struct error *err)
{
	_cleanup_free_ char *url = fetch_url_for_show(t->f->url);

	if (t->is_private)
		return error_set(err, ERROR_INVALID,
				 "%s leads to an address of a private network, from which sources are not fetched here "
				 "(TWELVE_PRIVATE_SOURCES allows it)", url);
	if (t->too_large)
		return error_set(err, ERROR_TOO_LARGE, "%s is larger than the %llu MB that a source may have (TWELVE_MAX_UPLOAD)", url,
				 (unsigned long long)t->f->max_bytes >> 20);
	if (t->too_full)
		return error_set(err, ERROR_UNAVAILABLE,
				 "%s does not fit: %llu MB of the disk are kept in reserve (TWELVE_DISK_RESERVE)", url,
				 (unsigned long long)t->f->reserve_bytes >> 20);
	if (t->write_errno < 0)
		return error_set_errno(err, t->write_errno, "writing what %s sends", url);
	if (status >= 400)
		return error_set(err, ERROR_INVALID, "%s could not be fetched: it answers with status %ld", url, status);
	return error_set(err, ERROR_INVALID, "%s could not be fetched: %s", url, said[0] ? said : curl_easy_strerror(code));
}

int fetch_archive(const struct fetch *f, struct error *err)
{
	_cleanup_fd_ int fd = open(f->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct transfer t = { .f = f, .fd = fd };
	char said[CURL_ERROR_SIZE] = "";
	long status = 0;
	CURLcode code;
	CURL *curl;

	if (fd < 0)
		return error_set_errno(err, errno, "%s", f->path);
	curl = curl_easy_init();
	if (!curl)
		return error_set(err, ERROR_SYSTEM, "there is no memory to fetch the source");
	set_up(curl, &t, said);
	code = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_cleanup(curl);
	if (code == CURLE_OK && t.bytes)
		return 0;
	if (code == CURLE_OK)
		snprintf(said, sizeof(said), "the answer is empty");
	return explain(&t, code, status, said, err);
}
