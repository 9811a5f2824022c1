/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The documents of the API, made from its table (api/route.h): docs/api.md for people,
 * docs/openapi.json (OpenAPI 3.1, spec.openapis.org/oas/v3.1.0) for programs. `make docs` writes
 * both anew; a test compares them with what is checked in.
 */
#pragma once

/* Heap strings, the same each time. */
char *api_docs_markdown(void);
char *api_docs_openapi(void);
