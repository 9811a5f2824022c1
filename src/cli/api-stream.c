/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams down (build output, logs) and up (sources). A signal that the caller
 * notes in cli_interrupted ends both within a second.
 */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/str.h"
#include "cli/api-priv.h"
#include "cli/signals.h"

/* Of a body that says why it was refused, this much is enough. */
#define MAX_REFUSAL 65536

struct transfer {
	CURL *curl;
	const struct api_stream *o;
	int fd;
	struct buf refusal;
	bool ended; /* the reader wants no more */
};

static long status_of(CURL *curl)
{
	long status = 0;

	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	return status;
}

static size_t on_chunk(char *data, size_t size, size_t n, void *userdata)
{
	struct transfer *t = userdata;
	long status = status_of(t->curl);

	(void)size;
	if (status < 200 || status >= 300 || !t->o) {
		if (t->refusal.len + n <= MAX_REFUSAL)
			buf_append(&t->refusal, data, n);
		return n;
	}
	t->ended = !t->o->fn(data, n, t->o->userdata);
	return t->ended ? 0 : n;
}

static size_t on_more(char *data, size_t size, size_t n, void *userdata)
{
	struct transfer *t = userdata;
	ssize_t r = fd_read(t->fd, data, size * n);

	return r < 0 ? CURL_READFUNC_ABORT : (size_t)r;
}

static int on_tick(void *userdata, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	(void)userdata, (void)a, (void)b, (void)c, (void)d;
	return cli_interrupted != 0;
}

static int perform(struct api *a, struct transfer *t, struct curl_slist *headers, struct error *err)
{
	CURL *curl = a->curl;
	CURLcode code;
	json_t *body;

	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_chunk);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_tick);
	curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
	code = curl_easy_perform(curl);
	if (t->ended)
		return 0;
	/* A refusal that came before all was sent counts more than that it could not be sent. */
	if (code != CURLE_OK && !(status_of(curl) >= 400 && t->refusal.len))
		return api_transport_error(a, curl, code, err);
	if (status_of(curl) >= 200 && status_of(curl) < 300)
		return 0;
	body = json_loadb(t->refusal.data, t->refusal.len, 0, NULL);
	api_error(status_of(curl), body, err);
	json_decref(body);
	return -1;
}

int api_stream(struct api *a, const struct api_stream *o, struct error *err)
{
	_cleanup_slist_ struct curl_slist *headers = NULL;
	struct transfer t = { .curl = a->curl, .o = o, .fd = -1, .refusal = BUF_INIT };
	int r;

	api_prepare(a, a->curl, url_path(o->url), &headers);
	if (o->accept) {
		_cleanup_free_ char *line = xasprintf("Accept: %s", o->accept);

		headers = curl_slist_append(headers, line);
	}
	if (o->last_event_id) {
		_cleanup_free_ char *line = xasprintf("Last-Event-ID: %s", o->last_event_id);

		headers = curl_slist_append(headers, line);
	}
	if (o->post) {
		headers = curl_slist_append(headers, "Content-Type: application/json");
		curl_easy_setopt(a->curl, CURLOPT_POSTFIELDS, o->post);
	}
	r = perform(a, &t, headers, err);
	buf_done(&t.refusal);
	return r;
}

int api_upload(struct api *a, const char *url, int fd, int64_t size_bytes, struct error *err)
{
	_cleanup_slist_ struct curl_slist *headers = NULL;
	struct transfer t = { .curl = a->curl, .fd = fd, .refusal = BUF_INIT };
	int r;

	api_prepare(a, a->curl, url_path(url), &headers);
	headers = curl_slist_append(headers, "Content-Type: application/x-tar");
	curl_easy_setopt(a->curl, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(a->curl, CURLOPT_READFUNCTION, on_more);
	curl_easy_setopt(a->curl, CURLOPT_READDATA, &t);
	if (size_bytes >= 0)
		curl_easy_setopt(a->curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)size_bytes);
	r = perform(a, &t, headers, err);
	buf_done(&t.refusal);
	return r;
}
