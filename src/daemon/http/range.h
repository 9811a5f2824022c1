/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ranges of lists, as Heroku's Platform API has them: `Range: version ]3..; order=desc, max=10`
 * asks for a page, sorted by a property, and Next-Range in the answer is the Range of the next one.
 * A bracket excludes the start ("]3..") or the end ("..9["); "..9" includes it. In descending order
 * the start is the greater one. Where several items have the same value a Next-Range names the last
 * one's id, too ("created_at ]TIME ID.."), so that no page skips one.
 *
 * What a header can't bear, or what would be read as something else, stands in values as %XX, both
 * ways. Of a long text the first RANGE_TEXT_MAX bytes are what it is sorted by and what is said of
 * it; items that begin with the same ones are told apart by their ids.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/digest.h"
#include "base/error.h"

#define RANGE_MAX 1000
/* No host name or name of an app is longer. */
#define RANGE_TEXT_MAX 255

struct range {
	char property[32];		/* "" when none was named */
	char start[RANGE_TEXT_MAX + 1]; /* "" from the beginning */
	char end[RANGE_TEXT_MAX + 1];	/* "" to the end */
	char tie[UUID_SIZE]; /* among items with the start's value, those from this ID on; "":
				all */
	bool exclusive, end_exclusive;
	bool descending;
	size_t max; /* 1 to RANGE_MAX */
};

/* A page and its headers; heap strings, NULL if a header is not sent. */
struct range_page {
	json_t *items;
	char *next;    /* Next-Range; NULL after the last page */
	char *content; /* Content-Range: "version 3..7" */
	char *accept;  /* Accept-Ranges: "id, name" */
};
void range_page_done(struct range_page *p);

/* NULL, an empty header and byte ranges, which a server may ignore, mean the whole list. Other
 * invalid ranges are ERROR_RANGE. max is limited to RANGE_MAX. */
int range_parse(const char *header, struct range *ret, struct error *err);
/* Takes a page of a list. Without a property the list's order is kept. ERROR_RANGE if the items
 * don't have the property; the message names those that they have. */
int range_page(const struct range *range, json_t *list, struct range_page *ret, struct error *err);
