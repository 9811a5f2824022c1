/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor: what rules of packet filters do to the platform, ours and other programs': who is let in,
 * what sandboxes send to the outside.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "cli/host/doctor.h"
#include "net/link.h"

/* "443/tcp ALLOW", "443 ALLOW", "80,443/tcp ALLOW", as `ufw status` lists them. */
static bool ufw_lets_in(const char *text, const char *port)
{
	for (const char *at = text; (at = strstr(at, port)); at++) {
		const char *line_end = at + strcspn(at, "\n"), *allow = strstr(at, "ALLOW");
		char before = at == text ? '\n' : at[-1], after = at[strlen(port)];

		if ((before == '\n' || before == ',') && strchr("/ ,\t", after) && allow &&
		    allow < line_end)
			return true;
	}
	return false;
}

/* Whether a chain of nftables on this hook drops what no rule of it takes. */
static bool nft_drops(const char *nft, const char *hook)
{
	while (nft && (nft = strstr(nft, hook))) {
		size_t n = strcspn(nft, "\n");
		const char *drop = strstr(nft, "policy drop");

		if (drop && drop < nft + n)
			return true;
		nft += n;
	}
	return false;
}

static bool drops_by_default(const char *iptables, const char *nft)
{
	if (iptables && (strstr(iptables, "-P INPUT DROP") || strstr(iptables, "-P INPUT REJECT")))
		return true;
	return nft_drops(nft, "hook input");
}

enum verdict doctor_judge_firewall(const struct firewall *f, struct buf *text)
{
	_cleanup_strv_ char **closed = NULL;
	bool ufw = f->ufw && strstr(f->ufw, "Status: active");

	for (char *const *p = f->ports; ufw && p && *p; p++)
		if (!ufw_lets_in(f->ufw, *p))
			strv_push(&closed, *p);
	if (closed) {
		buf_puts(text, "ufw is active and does not let in port ");
		doctor_put_list(text, closed);
		buf_printf(text, ": ufw allow %s/tcp", closed[0]);
		return VERDICT_WARN;
	}
	if (!ufw && drops_by_default(f->iptables, f->nft)) {
		buf_puts(text, "what comes in is dropped unless a rule lets it in: see that there "
			       "is one for port ");
		doctor_put_list(text, f->ports);
		buf_puts(text, " (iptables -S INPUT, nft list ruleset)");
		return VERDICT_WARN;
	}
	buf_puts(text, "no rule of this machine is in the way; one outside of it (a cloud's "
		       "security group) can't be seen from here");
	return VERDICT_OK;
}

enum verdict doctor_judge_forward(const char *forward, const char *nft, struct buf *text)
{
	bool drops =
		(forward && strstr(forward, "-P FORWARD DROP")) || nft_drops(nft, "hook forward");

	/* As Docker and ufw have it: an accept of ours does not overrule theirs. */
	if (drops && !(forward && strstr(forward, NET_NAME_PREFIX "+"))) {
		buf_puts(text,
			 "another program's rules drop what this machine forwards (Docker and "
			 "ufw do), so dynos can't reach the outside: iptables -I FORWARD -i "
			 "tw+ -j ACCEPT; iptables -I FORWARD -o tw+ -m conntrack --ctstate "
			 "ESTABLISHED,RELATED -j ACCEPT");
		return VERDICT_WARN;
	}
	buf_puts(text, "each sandbox has a network of its own; rules of other programs leave it "
		       "alone");
	return VERDICT_OK;
}

void doctor_walls(struct checkup *d, const json_t *status)
{
	static const char *const iptables[] = { "iptables", "-S", "FORWARD", NULL },
				 *const nft[] = { "nft", "list", "ruleset", NULL };
	_cleanup_free_ char *said_iptables = NULL, *said_nft = NULL;
	_cleanup_buf_ struct buf text = BUF_INIT;
	enum verdict v;

	if (!json_bool(status, "network.walls")) {
		doctor_add(d, VERDICT_WARN, "walls",
			   "%s. Every app reaches every other, so apps of people who do not trust "
			   "each other belong on different machines",
			   json_str(status, "network.why_not", ""));
		return;
	}
	if (geteuid() != 0) {
		doctor_add(d, VERDICT_WARN, "walls",
			   "each sandbox has a network of its own; only root may look at other "
			   "programs' rules: sudo twelve doctor");
		return;
	}
	said_iptables = doctor_ask(iptables);
	said_nft = doctor_ask(nft);
	v = doctor_judge_forward(said_iptables, said_nft, &text);
	doctor_add(d, v, "walls", "%s", text.data);
}

void doctor_firewall(struct checkup *d, char *const *ports)
{
	static const char *const ufw[] = { "ufw", "status", NULL },
				 *const iptables[] = { "iptables", "-S", "INPUT", NULL },
				 *const nft[] = { "nft", "list", "ruleset", NULL };
	_cleanup_free_ char *said_ufw = NULL, *said_iptables = NULL, *said_nft = NULL;
	_cleanup_buf_ struct buf text = BUF_INIT;
	enum verdict v;

	if (!strv_len(ports))
		return;
	if (geteuid() != 0) {
		doctor_add(d, VERDICT_WARN, "firewall",
			   "only root may look at its rules: sudo twelve doctor");
		return;
	}
	said_ufw = doctor_ask(ufw);
	said_iptables = doctor_ask(iptables);
	said_nft = doctor_ask(nft);
	v = doctor_judge_firewall(&(struct firewall){ .ufw = said_ufw,
						      .iptables = said_iptables,
						      .nft = said_nft,
						      .ports = ports },
				  &text);
	doctor_add(d, v, "firewall", "%s", text.data);
}
