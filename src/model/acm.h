/* SPDX-License-Identifier: Apache-2.0 */
/* Decides when to request a domain's automatic certificate, and how long to wait after a failure.
 * Times are wall-clock milliseconds. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct acm_facts {
	bool enabled;	  /* for its app */
	bool wildcard;	  /* which takes a DNS challenge, that we have none for */
	bool own;	  /* the domain has a certificate that its owner brought */
	bool issued;	  /* it has one that we got */
	int64_t renew_ms; /* of that one */
	int64_t failures; /* in a row */
	int64_t next_ms;  /* after a failure: not before */
};

#define ACM_NEVER INT64_MAX

/* When to ask; in the past: now. ACM_NEVER: not at all. */
int64_t acm_due_ms(const struct acm_facts *f);

/* A domain that waits for its turn. There is one order at a time. */
struct acm_turn {
	int64_t due_ms; /* acm_due_ms() */
	bool routed;	/* the challenge would be answered by now */
};

#define ACM_NOBODY SIZE_MAX

/*
 * The index of the domain whose turn it is: the one that has been due longest among those that are
 * due and routed; the first if several are equal. A domain that is not routed yet does not block
 * others. ACM_NOBODY if there is none; then *ret_pause_ms says when to look again: soon if a domain
 * is due but not routed, else when the next one is due, or after an hour.
 */
size_t acm_next(const struct acm_turn *turns, size_t n, int64_t now_ms, int64_t *ret_pause_ms);

/*
 * The pause after the n-th failure in a row (from 1 on): 5 minutes, doubled each time, a day at
 * most, less or more by a quarter as `random` says. So there are four tries in the first hour,
 * where Let's Encrypt allows five failed validations of a host name. When the authority said that
 * there were too many: 3 hours at least.
 */
int64_t acm_pause_ms(int64_t failures, bool rate_limited, uint32_t random);

/* The status in Heroku's terms: "cert issued", "pending", "failing", "failed" (permanently); NULL
 * if the domain has no automatic certificate. */
const char *acm_status(const struct acm_facts *f);
