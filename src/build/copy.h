/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies a directory of the machine into a build. An administrator named it, but others may be
 * writing to it, so no path is resolved twice: the directory is opened once, without following
 * symbolic links, and each step opens a name relative to a directory's descriptor. Only files that
 * everybody on the machine may read are copied, so it does not matter who put them there.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct copy {
	const char *from;
	const char *to; /* is made; nobody else writes there */
	/* Files and folders that are not world-readable are an error; if false, for the platform's
	 * own files, they are copied. */
	bool public_only;
	const char *apart; /* a directory that must not contain `from` or be in it; NULL: none */
	uint64_t max_bytes, max_entries;
};

/* Checks that the directory exists, and that neither it nor `apart` contains the other. */
int copy_check(const char *from, const char *apart, struct error *err);
/* Links stay links. Files get the modes 0644 or 0755. Devices, sockets and FIFOs are errors. */
int copy_directory(const struct copy *c, struct error *err);
