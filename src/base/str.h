/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small string helpers, and the allocators for small fixed sizes, which abort
 * when memory is gone.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

void *xrealloc(void *p, size_t size);
void *xcalloc(size_t n, size_t size);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static inline bool streq(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);

/* A whole decimal number within [min, max]. False when s is anything else; *ret is then untouched.
 */
bool str_to_i64(const char *s, int64_t min, int64_t max, int64_t *ret);

/* The ending of a noun after the number n: "" for one, else "s". */
static inline const char *str_plural(int64_t n)
{
	return n == 1 ? "" : "s";
}

/* Removes white space at both ends, in place; returns the start. */
char *str_trim(char *s);

/* The next line of *at, without its end (LF or CRLF), in place; *at goes on to the one after. NULL at
 * the end. */
char *str_next_line(char **at);

/*
 * A NULL-terminated array of heap strings. An empty one is NULL or { NULL }.
 */
size_t strv_len(char *const *v);
/* Appends a copy of s; *v is reallocated. */
void strv_push(char ***v, const char *s);
void strv_push_take(char ***v, char *s);
bool strv_has(char *const *v, const char *s);
void strv_free(char **v);
void strv_free_p(char ***v);
/* Sorts by strcmp and drops doubles. */
void strv_sort_unique(char **v);

#define _cleanup_strv_ __attribute__((cleanup(strv_free_p)))
