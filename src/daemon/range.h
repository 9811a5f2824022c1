/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ranges of lists, as Heroku's Platform API has them: `Range: version ]3..; order=desc, max=10`
 * asks for a page, and Next-Range in the answer is the Range of the next one. A bracket
 * excludes the start.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define RANGE_MAX 1000

struct range {
	char property[32]; /* "" when none was named */
	char start[128];   /* "" from the beginning */
	bool exclusive;
	bool descending;
	size_t max; /* 1 to RANGE_MAX */
};

/* NULL is the whole list. What can't be understood is left out: Heroku's own clients send empty ones. */
void range_parse(const char *header, struct range *ret);
/*
 * The page of an ascending list, as a new array; *ret_next is a heap string for Next-Range, or
 * NULL after the last page. Items are told apart by the member `property` ("id" when there is none).
 */
json_t *range_page(const struct range *range, json_t *list, char **ret_next);
