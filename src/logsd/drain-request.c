/* SPDX-License-Identifier: Apache-2.0 */
/* One request of an HTTP drain, by libcurl; see drain-http.h. */
#include "logsd/drain-http.h"
#include "logsd/drain-report.h"

#define REQUEST_MS 30000
/* Elasticsearch may answer with a line's field, up to four times, for each line that it refuses. */
#define REPLY_MAX (4 * 1024 * 1024)
/* A connection that nobody uses; Logplex's is the same. */
#define IDLE_S 240L

static size_t on_reply(char *data, size_t size, size_t n, void *userdata)
{
	struct buf *reply = userdata;

	if (reply->len + size * n <= REPLY_MAX)
		buf_append(reply, data, size * n);
	return size * n;
}

bool http_request(struct http_link *h, struct transfer *t, const char *url,
		  struct curl_slist *headers, const struct buf *body, struct buf *reply)
{
	const struct drain_target *target = &h->drain->target;

	if (!t->easy && !(t->easy = curl_easy_init())) {
		drain_fail(h->drain, 0, "out of memory for a request");
		return false;
	}
	buf_clear(reply);
	transfer_prepare(t, h->drain);
	curl_easy_setopt(t->easy, CURLOPT_URL, url);
	curl_easy_setopt(t->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(t->easy, CURLOPT_POST, 1L);
	curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, body->data);
	curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->len);
	curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(t->easy, CURLOPT_TIMEOUT_MS, (long)REQUEST_MS);
	curl_easy_setopt(t->easy, CURLOPT_MAXAGE_CONN, IDLE_S);
	curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, on_reply);
	curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, reply);
	curl_easy_setopt(t->easy, CURLOPT_USERAGENT, "twelve-logs/" TWELVE_VERSION);
	if ((target->user || target->password) && !target->driver->has_token) {
		curl_easy_setopt(t->easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
		curl_easy_setopt(t->easy, CURLOPT_USERNAME, target->user ? target->user : "");
		curl_easy_setopt(t->easy, CURLOPT_PASSWORD,
				 target->password ? target->password : "");
	}
	if (transfer_add(h->drain->app->logsd, t) == 0)
		return true;
	drain_fail(h->drain, 0, "out of memory for a request");
	return false;
}
