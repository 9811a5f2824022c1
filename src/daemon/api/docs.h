/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Generates the API documents from the table of routes (api/route.h): docs/api.md for people and
 * docs/openapi.json (OpenAPI 3.1, spec.openapis.org/oas/v3.1.0) for programs. `make docs` writes
 * both; a test compares them with the files in the repository.
 */
#pragma once

/* Heap strings; the same at every call. */
char *api_docs_markdown(void);
char *api_docs_openapi(void);
