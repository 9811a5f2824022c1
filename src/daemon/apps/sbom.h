/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `twelved sbom`: the bill of materials of a release, out of its slug and its stack
 * (docs/decisions/0033). A child, since a slug may have half a million files, and since they are a
 * tenant's: what reads them has them and nothing else (build/confine.h).
 */
#pragma once

/* Order as JSON on stdin, the document on stdout; or a sentence there and exit code 1. */
int sbom_reader_main(void);
