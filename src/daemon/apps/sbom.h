/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `twelved sbom`: creates the bill of materials of a release from its slug and its stack
 * (docs/decisions/0033). It is a child process, because a slug may have half a million files, and
 * because the files are untrusted: it can access them and nothing else (build/confine.h).
 */
#pragma once

/* Order as JSON on stdin, the document on stdout; or a sentence there and exit code 1. */
int sbom_reader_main(void);
