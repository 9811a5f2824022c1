/* SPDX-License-Identifier: Apache-2.0 */
/* Transfers of libcurl's; see transfer.h. */
#include "logsd/transfer.h"

#include <errno.h>
#include <string.h>

#include "logsd/drain-report.h"

#define CONNECT_MS 5000

void transfer_prepare(struct transfer *t, const struct drain *d)
{
	struct curl_blob ca = { .data = d->ca,
				.len = d->ca ? strlen(d->ca) : 0,
				.flags = CURL_BLOB_COPY };

	curl_easy_reset(t->easy);
	t->error[0] = '\0';
	curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t);
	curl_easy_setopt(t->easy, CURLOPT_ERRORBUFFER, t->error);
	curl_easy_setopt(t->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(t->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	curl_easy_setopt(t->easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(t->easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(t->easy, CURLOPT_PROXY, "");
	if (d->ca)
		curl_easy_setopt(t->easy, CURLOPT_CAINFO_BLOB, &ca);
}

int transfer_add(struct logsd *l, struct transfer *t)
{
	if (curl_multi_add_handle(l->multi, t->easy) != CURLM_OK)
		return -ENOMEM;
	t->added = true;
	return 0;
}

void transfer_remove(struct logsd *l, struct transfer *t)
{
	if (t->added)
		curl_multi_remove_handle(l->multi, t->easy);
	t->added = false;
}

void transfer_fail(struct drain *d, const struct transfer *t, CURLcode result)
{
	const char *why = t->error[0] ? t->error : curl_easy_strerror(result);

	if (result == CURLE_PEER_FAILED_VERIFICATION || result == CURLE_SSL_CACERT_BADFILE)
		drain_fail_certificate(d, why);
	else
		drain_fail(d, 0, "%s", why);
}
