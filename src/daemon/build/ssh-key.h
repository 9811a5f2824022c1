/* SPDX-License-Identifier: Apache-2.0 */
/* A new key pair for SSH (Ed25519, RFC 8709), in OpenSSH's own forms (PROTOCOL.key of its sources).
 */
#pragma once

/* *ret_private is a secret: wipe it. Both are heap strings; the public half is one line, the
 * private one ends in a newline. */
void ssh_key_make(const char *comment, char **ret_public, char **ret_private);
