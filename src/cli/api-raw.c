/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Upgraded connections: a handle of their own with CURLOPT_CONNECT_ONLY, so
 * that unix sockets, TCP, TLS and ssh are the same to the caller.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "cli/api-priv.h"

#define MAX_HEAD 16384
#define ANSWER_TIMEOUT_MS 60000

struct api_raw {
	CURL *curl;
	curl_socket_t fd;
	struct buf early; /* came together with the head of the answer */
};

void api_raw_free(struct api_raw *r)
{
	if (!r)
		return;
	curl_easy_cleanup(r->curl);
	buf_done(&r->early);
	free(r);
}

static void api_raw_free_p(struct api_raw **r)
{
	api_raw_free(*r);
}

int api_raw_fd(const struct api_raw *r)
{
	return r->fd;
}

ssize_t api_raw_read(struct api_raw *r, void *data, size_t n)
{
	size_t got = 0;

	if (r->early.len) {
		got = n < r->early.len ? n : r->early.len;
		memcpy(data, r->early.data, got);
		buf_consume(&r->early, got);
		return (ssize_t)got;
	}
	switch (curl_easy_recv(r->curl, data, n, &got)) {
	case CURLE_OK:
		return (ssize_t)got;
	case CURLE_AGAIN:
		return -EAGAIN;
	default:
		return -ECONNRESET;
	}
}

int api_raw_write(struct api_raw *r, const void *data, size_t n)
{
	const char *p = data;

	while (n) {
		struct pollfd out = { .fd = r->fd, .events = POLLOUT };
		size_t sent = 0;
		CURLcode code = curl_easy_send(r->curl, p, n, &sent);

		if (code == CURLE_AGAIN) {
			if (poll(&out, 1, -1) < 0 && errno != EINTR)
				return -errno;
		} else if (code != CURLE_OK) {
			return -EPIPE;
		}
		p += sent;
		n -= sent;
	}
	return 0;
}

/* Reads up to the blank line; what comes after stays in r->early. */
static int read_head(struct api_raw *r, struct buf *head, struct error *err)
{
	char *end;

	while (!(end = strstr(head->data, "\r\n\r\n"))) {
		struct pollfd in = { .fd = r->fd, .events = POLLIN };
		ssize_t n = api_raw_read(r, buf_reserve(head, 4096), 4096);

		if (n == -EAGAIN && poll(&in, 1, ANSWER_TIMEOUT_MS) == 0)
			return error_set(err, ERROR_UNAVAILABLE, "twelved does not answer");
		if (n == -EAGAIN)
			continue;
		if (n <= 0 || head->len > MAX_HEAD)
			return error_set(err, ERROR_UNAVAILABLE,
					 "The connection to twelved was lost");
		buf_added(head, (size_t)n);
	}
	end += strlen("\r\n\r\n");
	buf_append(&r->early, end, head->len - (size_t)(end - head->data));
	return 0;
}

static int refused(const struct api_raw *r, long status, struct error *err)
{
	json_t *body = json_loadb(r->early.data, r->early.len, JSON_DISABLE_EOF_CHECK, NULL);

	api_error(status, body, err);
	json_decref(body);
	return -1;
}

static int say_hello(struct api *a, struct api_raw *r, const char *path, const char *protocol,
		     struct error *err)
{
	_cleanup_buf_ struct buf head = BUF_INIT;
	int status = 0;

	buf_printf(&head, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: %s\r\n",
		   path, a->host.kind == HOST_HTTP ? a->host.machine : "localhost", protocol);
	if (a->token && a->host.kind == HOST_HTTP)
		buf_printf(&head, "Authorization: Bearer %s\r\n", a->token);
	if (a->user)
		buf_printf(&head, "Twelve-User: %s\r\n", a->user);
	buf_puts(&head, "\r\n");
	if (api_raw_write(r, head.data, head.len) < 0)
		return error_set(err, ERROR_UNAVAILABLE, "The connection to twelved was lost");
	buf_clear(&head);
	if (read_head(r, &head, err) < 0)
		return -1;
	if (sscanf(head.data, "HTTP/1.%*d %d", &status) != 1)
		return error_set(err, ERROR_SYSTEM, "twelved sent no HTTP response");
	return status == 101 ? 0 : refused(r, status, err);
}

int api_upgrade(struct api *a, const char *url, const char *protocol, struct api_raw **ret,
		struct error *err)
{
	_cleanup_slist_ struct curl_slist *headers = NULL;
	_cleanup_(api_raw_free_p) struct api_raw *r = xcalloc(1, sizeof(*r));
	CURLcode code;

	r->early = BUF_INIT;
	r->curl = curl_easy_init();
	if (!r->curl)
		return error_set(err, ERROR_SYSTEM, "libcurl can't be started");
	api_prepare(a, r->curl, url_path(url), &headers);
	curl_easy_setopt(r->curl, CURLOPT_CONNECT_ONLY, 1L);
	code = curl_easy_perform(r->curl);
	/* There is no request for curl to send, so it does not tell that it is ready. */
	if (code != CURLE_OK || (a->host.kind == HOST_SSH && api_ssh_join(a) < 0))
		return api_transport_error(a, r->curl, code, err);
	if (curl_easy_getinfo(r->curl, CURLINFO_ACTIVESOCKET, &r->fd) != CURLE_OK)
		return error_set(err, ERROR_SYSTEM, "libcurl gave no socket");
	if (say_hello(a, r, url_path(url), protocol, err) < 0)
		return -1;
	*ret = steal_ptr(r);
	return 0;
}
