/* SPDX-License-Identifier: Apache-2.0 */
/* `twelved fetch`: libcurl and the resolver in a process that has nothing to lose; see fetch.h. */
#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <string.h>
#include <strings.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "build/confine.h"
#include "build/fetch-priv.h"

#define CONNECT_MS 20000L
#define TIMEOUT_S 900L
#define TIMEOUT_REFS_S 60L
/* Slower than this for so long is as good as gone. */
#define SLOW_BYTES_A_SECOND 1024L
#define SLOW_S 60L
#define REDIRECTS_MAX 5L
/* How often the disk is looked at. */
#define LOOK_BYTES (8 << 20)

/* ---- the transfer ---- */

struct transfer {
	const struct fetch_order *o;
	uint64_t bytes, looked_at;
	bool is_private; /* an address was refused */
	bool too_large, too_full, answered;
	int write_errno;
};

static curl_socket_t open_socket(void *userdata, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct transfer *t = userdata;

	(void)purpose;
	if (!t->o->private_too && !fetch_is_public(&a->addr)) {
		t->is_private = true;
		return CURL_SOCKET_BAD;
	}
	return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

static bool disk_has_room(struct transfer *t)
{
	struct statvfs st;

	if (t->bytes - t->looked_at < LOOK_BYTES && t->bytes)
		return true;
	t->looked_at = t->bytes;
	return fstatvfs(FETCH_FILE_FD, &st) < 0 ||
	       (uint64_t)st.f_bavail * st.f_frsize > t->o->reserve_bytes;
}

static size_t on_data(char *data, size_t size, size_t n, void *userdata)
{
	struct transfer *t = userdata;

	t->too_large = t->bytes + size * n > t->o->max_bytes;
	t->too_full = !disk_has_room(t);
	if (t->too_large || t->too_full)
		return 0;
	t->write_errno = fd_write_all(FETCH_FILE_FD, data, size * n);
	if (t->write_errno < 0)
		return 0;
	t->bytes += size * n;
	return size * n;
}

/* Of a repository the answer's head is enough. */
static size_t on_refs(char *data, size_t size, size_t n, void *userdata)
{
	struct transfer *t = userdata;

	(void)data;
	t->answered = size * n > 0;
	return 0;
}

static void set_up(CURL *curl, struct transfer *t, char *said)
{
	/* With a checksum http is as good; a redirect away from https is not. */
	const char *protocols = strncasecmp(t->o->url, "http://", 7) == 0 ? "http,https" : "https";

	curl_easy_setopt(curl, CURLOPT_URL, t->o->url);
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
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION,
			 t->o->what == FETCH_ARCHIVE ? on_data : on_refs);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, t);
}

static int refuse_private(const char *url, struct error *err)
{
	return error_set(
		err, ERROR_INVALID,
		"%s leads to an address of a private network, from which nothing is fetched here "
		"(TWELVE_PRIVATE_SOURCES allows it)",
		url);
}

static int explain(const struct transfer *t, CURLcode code, long status, const char *said,
		   struct error *err)
{
	_cleanup_free_ char *url = fetch_url_for_show(t->o->url);

	if (t->is_private)
		return refuse_private(url, err);
	if (t->too_large)
		return error_set(
			err, ERROR_TOO_LARGE,
			"%s is larger than the %llu MB that a source may have (TWELVE_MAX_UPLOAD)",
			url, (unsigned long long)t->o->max_bytes >> 20);
	if (t->too_full)
		return error_set(
			err, ERROR_UNAVAILABLE,
			"%s does not fit: %llu MB of the disk are reserved (TWELVE_DISK_RESERVE)",
			url, (unsigned long long)t->o->reserve_bytes >> 20);
	if (t->write_errno < 0)
		return error_set_errno(err, t->write_errno, "writing what %s sends", url);
	if (status >= 400)
		return error_set(err, ERROR_INVALID,
				 "%s could not be fetched: it responded with status %ld", url,
				 status);
	return error_set(err, ERROR_INVALID, "%s could not be fetched: %s", url,
			 said[0] ? said : curl_easy_strerror(code));
}

static CURLcode perform(CURL *curl, struct transfer *t, long *ret_status, char *said)
{
	CURLcode code;

	set_up(curl, t, said);
	if (t->o->what == FETCH_REPOSITORY) {
		/* git shall connect to where we have connected to, and asks no proxy then. */
		curl_easy_setopt(curl, CURLOPT_PROXY, "");
		curl_easy_setopt(curl, CURLOPT_TIMEOUT, TIMEOUT_REFS_S);
	}
	code = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, ret_status);
	return code;
}

/* Where git will find it: the URL that answered, without what was asked for. */
static int take_place(CURL *curl, struct fetch_place *ret, struct error *err)
{
	char *url = NULL, *address = NULL, *end = NULL;

	curl_easy_getinfo(curl, CURLINFO_EFFECTIVE_URL, &url);
	curl_easy_getinfo(curl, CURLINFO_PRIMARY_IP, &address);
	for (char *p = url; p && (p = strstr(p, "/" FETCH_REFS)); p++)
		end = p;
	if (!end || !address || (size_t)(end - url) >= sizeof(ret->url) ||
	    strlen(address) >= sizeof(ret->address))
		return error_set(err, ERROR_INVALID, "it does not lead to a repository");
	memcpy(ret->url, url, (size_t)(end - url));
	strcpy(ret->address, address);
	return 0;
}

static int transfer(const struct fetch_order *o, struct fetch_place *ret, struct error *err)
{
	struct transfer t = { .o = o };
	char said[CURL_ERROR_SIZE] = "";
	CURL *curl = curl_easy_init();
	long status = 0;
	CURLcode code;
	int r = 0;

	if (!curl)
		return error_set(err, ERROR_SYSTEM, "out of memory while fetching the source");
	code = perform(curl, &t, &status, said);
	if (o->what == FETCH_REPOSITORY && t.answered)
		r = take_place(curl, ret, err);
	else if (code != CURLE_OK || !t.bytes) {
		if (code == CURLE_OK)
			snprintf(said, sizeof(said), "the answer is empty");
		r = explain(&t, code, status, said, err);
	}
	curl_easy_cleanup(curl);
	return r;
}

static int resolve(const struct fetch_order *o, struct fetch_place *ret, struct error *err)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list, *a;
	int e = getaddrinfo(o->url, NULL, &hints, &list);

	if (e)
		return error_set(err, ERROR_INVALID, "%s could not be found: %s", o->url,
				 gai_strerror(e));
	for (a = list; a && !fetch_is_public(a->ai_addr); a = a->ai_next)
		;
	e = a ? getnameinfo(a->ai_addr, a->ai_addrlen, ret->address, sizeof(ret->address), NULL, 0,
			    NI_NUMERICHOST)
	      : 0;
	freeaddrinfo(list);
	if (!a)
		return refuse_private(o->url, err);
	return e ? error_set(err, ERROR_SYSTEM, "the address of %s: %s", o->url, gai_strerror(e))
		 : 0;
}

/* ---- the process ---- */

static int read_order(struct fetch_order *ret, struct error *err)
{
	if (fd_read(STDIN_FILENO, ret, sizeof(*ret)) == sizeof(*ret))
		return 0;
	return error_set(err, ERROR_BAD_REQUEST,
			 "twelved fetch is started by twelved, with its order on stdin");
}

static int work(const struct fetch_order *o, struct fetch_report *report)
{
	const struct confinement c = { .file_bytes = o->what == FETCH_ARCHIVE ? o->max_bytes : 0,
				       .cpu_seconds = TIMEOUT_S };

	if (confine(&c, o->what == FETCH_ARCHIVE ? FETCH_FILE_FD : STDERR_FILENO, &report->err) < 0)
		return -1;
	return o->what == FETCH_ADDRESS ? resolve(o, &report->place, &report->err)
					: transfer(o, &report->place, &report->err);
}

int fetch_worker_main(void)
{
	static struct fetch_report report;
	static struct fetch_order order;

	signal(SIGPIPE, SIG_IGN);
	if (read_order(&order, &report.err) == 0)
		work(&order, &report);
	return fd_write_all(STDOUT_FILENO, &report, sizeof(report)) < 0;
}
