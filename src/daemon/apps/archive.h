/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The backup of a platform is a tar archive: manifest.json first, then what it lists, by paths as
 * below the state directory.
 *
 *     {"format": 1, "twelve": "0.1.0", "identity": UUID, "at_ms": N, "files": {"twelve.db":
 * "SHA-256", "git/shop.git/HEAD": ...}}
 *
 * Every regular file and symbolic link has a digest (a link that of its target); one that is not
 * listed, or listed and not there, is no part of a backup.
 */
#pragma once

#include <jansson.h>

#include "base/error.h"

#define ARCHIVE_FORMAT 1
#define ARCHIVE_MANIFEST "manifest.json"

/* Adds the digests of a file, or of all files of a tree, at ROOT/PATH by PATH. */
int archive_add(json_t *files, const char *root, const char *path, struct error *err);
/* Compares what is at root with the manifest there. *ret_manifest, if not NULL, gets a new
 * reference. */
int archive_check(const char *root, json_t **ret_manifest, struct error *err);
