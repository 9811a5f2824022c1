/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of twelve-logs that needs libcurl, HTTP drains and TLS, is a module that is
 * loaded when the first such drain comes (docs/decisions): libcurl and the libraries that it brings
 * along take more memory than all the rest. This is the door between the two.
 */
#pragma once

#include "logsd/wire.h"

struct drain_curl {
	const struct drain_mover *http;
	/* 0 or -ENOMEM. */
	int (*prepare)(struct logsd *l);
	void (*done)(struct logsd *l);
	void (*tick)(struct logsd *l, int64_t now_ms);
	/* TLS: as wire.h's of the same names; open ends in wire_connected() or drain_fail(). */
	void (*open)(struct wire *w);
	void (*close)(struct wire *w);
	ssize_t (*send)(struct wire *w, const char *data, size_t n);
	ssize_t (*recv)(struct wire *w, char *data, size_t n);
};

/* The module's one symbol of use to others. */
#define DRAIN_CURL_SYMBOL "drain_curl"
/* Loads and prepares it, once; NULL and a reason when it can't be. */
const struct drain_curl *drain_curl_load(struct logsd *l, struct error *err);
