/* SPDX-License-Identifier: Apache-2.0 */
/* Transfers of libcurl's, inside its module. */
#pragma once

#include <curl/curl.h>

#include "logsd/curl.h"

/* From transfer_add() until its fn is called, or transfer_remove(). */
struct transfer {
	CURL *easy;
	void (*fn)(struct transfer *t, CURLcode result);
	bool added;
	char error[CURL_ERROR_SIZE];
};

/* Sets the options that all transfers share: timeouts, verification, the drain's own authorities.
 */
void transfer_prepare(struct transfer *t, const struct drain *d);
int transfer_add(struct logsd *l, struct transfer *t);
void transfer_remove(struct logsd *l, struct transfer *t);
/* The drain's failure, by curl's words. */
void transfer_fail(struct drain *d, const struct transfer *t, CURLcode result);

extern const struct drain_mover mover_http;
