/* SPDX-License-Identifier: Apache-2.0 */
/* What a drain over HTTP has under way: one request, and Splunk's acknowledgements. */
#pragma once

#include "logsd/transfer.h"

/* A batch that Splunk took and has not indexed yet. */
struct ack {
	int64_t id;
	uint64_t first, end;
	uint64_t lost; /* told by its notice */
	int64_t lost_since_ns, asked_ms;
};

#define ACKS_MAX 256

struct http_link {
	struct drain *drain;
	char *url;
	struct batch batch;
	struct transfer transfer;
	struct curl_slist *headers;
	struct buf reply;
	bool has_batch, is_sent, is_test;
	unsigned tries;	    /* of this batch, that had an answer */
	uint64_t n_refused; /* of this batch, in earlier tries */
	/* drain-acks.c */
	struct ack *acks; /* the oldest first */
	size_t n_acks;
	struct transfer poll;
	struct curl_slist *poll_headers;
	struct buf poll_body, poll_reply;
	char *poll_url;
	bool is_polling;
	int64_t poll_ms, poll_pause_ms;
};

/* drain-request.c: begins a request; `body` and `reply` have to stay. False after a drain_fail().
 */
bool http_request(struct http_link *h, struct transfer *t, const char *url,
		  struct curl_slist *headers, const struct buf *body, struct buf *reply);

/* drain-acks.c */
void acks_init(struct http_link *h);
void acks_done(struct http_link *h);
/* The batch was taken: its lines are known to have arrived when Splunk says so. */
void acks_add(struct http_link *h);
/* Asks, when it is time. */
void acks_pump(struct http_link *h);
