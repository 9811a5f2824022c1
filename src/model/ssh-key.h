/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An SSH public key as a line of text, as in a .pub file: "TYPE BASE64 COMMENT" (sshd(8),
 * AUTHORIZED_KEYS FILE FORMAT). The types are those that OpenSSH takes today: ssh-ed25519 (RFC 8709),
 * ssh-rsa (RFC 4253, section 6.6), ecdsa-sha2-nistp256, -384 and -521 (RFC 5656, section 3.1), and the two of
 * security keys (OpenSSH, PROTOCOL.u2f).
 */
#pragma once

#include <stdbool.h>

#define SSH_KEY_MAX_BYTES 16384
/* "SHA256:" and 43 characters. */
#define SSH_FINGERPRINT_SIZE 51

/*
 * Whether it is a key, of a type and a size that sshd takes: no options before it, and no control
 * characters. Gives its fingerprint as `ssh-keygen -l` shows it, and its comment, which points into
 * the line; "" when there is none.
 */
bool ssh_key_parse(const char *line, char ret_fingerprint[static SSH_FINGERPRINT_SIZE],
		   const char **ret_comment);
