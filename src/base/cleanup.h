/* SPDX-License-Identifier: Apache-2.0 */
/* Cleanup attributes: a local that owns something says so where it is declared, and frees it
 * whichever way the block is left. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((cleanup(f)))

/* Defines f_p(T *), which hands *p to f: the form the attribute wants. */
#define DEFINE_CLEANUP(type, f)           \
	static inline void f##_p(type *p) \
	{                                 \
		f(*p);                    \
	}

static inline void free_p(void *p)
{
	free(*(void **)p);
}

static inline void fclose_p(FILE **f)
{
	if (*f)
		fclose(*f);
}

#define _cleanup_free_ _cleanup_(free_p)
#define _cleanup_fclose_ _cleanup_(fclose_p)

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Returns *p and sets it to NULL, so that the cleanup does not free what is handed over. */
#define steal_ptr(p)                    \
	({                              \
		__typeof__(p) _p = (p); \
		(p) = NULL;             \
		_p;                     \
	})
