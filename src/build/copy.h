/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copying a directory of the machine into a build. An administrator has named it, but others may be
 * writing in it, so no path is followed twice: the directory is opened once, without a symbolic
 * link on the way, and each step goes from a directory's descriptor to a name in it. What is copied
 * is what everybody on the machine may read anyway, so that it doesn't matter who put it there.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct copy {
	const char *from;
	const char *to; /* is made; nobody else writes there */
	/* Files and folders that not everybody may read are an error. Else, for what came with the
	 * platform, they are copied. */
	bool public_only;
	const char *apart; /* a directory that from may neither stand in nor hold; NULL: none */
	uint64_t max_bytes, max_entries;
};

/* Whether a directory may be named at all: it is there, and it is apart from `apart`. */
int copy_check(const char *from, const char *apart, struct error *err);
/* Links stay links. Files get the modes 0644 or 0755. Devices, sockets and FIFOs are errors. */
int copy_directory(const struct copy *c, struct error *err);
