/* SPDX-License-Identifier: Apache-2.0 */
/* One HTTP request, by libcurl; see services/ask.h. */
#include "daemon/services/ask.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"

static const char *text(json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));

	return s ? s : "";
}

static size_t on_body(char *data, size_t size, size_t n, void *userdata)
{
	struct buf *body = userdata;

	(void)size;
	if (body->len + n > HTTP_ANSWER_MAX_BYTES)
		return 0;
	buf_append(body, data, n);
	return n;
}

static void prepare(CURL *curl, json_t *request, struct curl_slist *headers, struct buf *body)
{
	curl_easy_setopt(curl, CURLOPT_URL, text(request, "url"));
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, text(request, "method"));
	curl_easy_setopt(curl, CURLOPT_USERNAME, text(request, "user"));
	curl_easy_setopt(curl, CURLOPT_PASSWORD, text(request, "password"));
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https,http");
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
	if (text(request, "body")[0])
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, text(request, "body"));
}

static struct curl_slist *make_headers(json_t *request)
{
	_cleanup_free_ char *type = xasprintf("Content-Type: %s", text(request, "type"));
	_cleanup_free_ char *accept = xasprintf("Accept: %s", text(request, "type"));
	struct curl_slist *headers = curl_slist_append(NULL, type);

	headers = curl_slist_append(headers, accept);
	/* libcurl would wait for a go-ahead before it sends a long body. */
	return curl_slist_append(headers, "Expect:");
}

void http_ask(json_t *request, int64_t timeout_ms, struct http_answer *ret)
{
	CURL *curl = curl_easy_init();
	struct curl_slist *headers = make_headers(request);
	struct buf body = BUF_INIT;
	curl_off_t retry = 0;
	CURLcode code;

	prepare(curl, request, headers, &body);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
	code = curl_easy_perform(curl);
	*ret = (struct http_answer){ 0 };
	if (code == CURLE_OK) {
		curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &ret->status);
		curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &retry);
		ret->retry_after_s = retry;
		ret->body = buf_steal(&body);
	} else {
		ret->body = xstrdup(code == CURLE_WRITE_ERROR ? "its answer is too long"
							      : curl_easy_strerror(code));
		buf_done(&body);
	}
	curl_slist_free_all(headers);
	curl_easy_cleanup(curl);
}
