/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers of apps and add-ons on this machine, from 1: the kernel knows what belongs to them by it
 * (network interfaces: docs/decisions/0043). A number is never two's at a time. Conventions:
 * store/store.h.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/digest.h"

struct store;

#define STORE_NUMBER_MAX 4095

struct number {
	char id[UUID_SIZE]; /* of the app or add-on, which may be gone */
	int64_t number;
};

/* The one that it has, or else the smallest that nobody has, which it has from now on. ERROR_CONFLICT
 * when all are given. */
int store_number_give(struct store *s, const char *id, int64_t *ret, struct error *err);
/* All, by number; the caller frees the array. */
int store_number_list(struct store *s, struct number **ret, size_t *ret_n, struct error *err);
/* From now on it is nobody's. */
int store_number_forget(struct store *s, int64_t number, struct error *err);
