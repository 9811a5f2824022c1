/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of `twelve doctor`: doctor.c checks the machine, doctor-network.c whether it
 * can be reached, doctor-firewall.c its rules. Judgements are pure functions, for the unit test. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/buf.h"
#include "cli/cli.h"

enum verdict { VERDICT_OK, VERDICT_WARN, VERDICT_FAIL };

struct checkup {
	json_t *rows; /* of {"result": "ok" | "warn" | "fail", "check", "text"} */
	bool failed;
};

void doctor_add(struct checkup *d, enum verdict v, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Rows on DNS, ports, firewall, sshd and the certificate, by what `GET /twelve/status` and `GET
 * /twelve/ca` answer. */
void doctor_network(struct checkup *d, const json_t *status, const json_t *ca);

/* Rows on the firewall, by the ports that should be open, and on the networks of sandboxes. */
void doctor_firewall(struct checkup *d, char *const *ports);
void doctor_walls(struct checkup *d, const json_t *status);

/* What a program prints; NULL when it is not there or fails. Heap. */
char *doctor_ask(const char *const *argv);
/* "80, 443". */
void doctor_put_list(struct buf *text, char *const *v);

/* "127.0.0.1:5080", "localhost:5080", "[::1]:5080": reached from this machine alone. */
bool doctor_is_loopback(const char *address);

/* Compares the addresses of "*.DOMAIN" (empty: none) with those of this machine; appends a sentence
 * to *text. */
enum verdict doctor_judge_dns(const char *domain, char *const *leads_to, char *const *own,
			      struct buf *text);

/* The output of firewall programs; NULL: not run, or not installed. `ufw` is `ufw status`,
 * `iptables` is `iptables -S INPUT`, `nft` is `nft list ruleset`. ports: the ports that should be
 * open, as text. */
struct firewall {
	const char *ufw, *iptables, *nft;
	char *const *ports;
};
enum verdict doctor_judge_firewall(const struct firewall *f, struct buf *text);

/* Whether a rule of another program drops what sandboxes send to the outside: `forward` is `iptables
 * -S FORWARD`, `nft` as above. Appends a sentence to *text. */
enum verdict doctor_judge_forward(const char *forward, const char *nft, struct buf *text);

/* Whether sshd, by the output of `sshd -T -C user=twelve,...`, reads the file that twelved writes.
 */
bool doctor_sshd_reads(const char *config, const char *authorized_keys);
