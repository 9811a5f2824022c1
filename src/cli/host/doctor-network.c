/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor: whether people reach what runs here. A name below the apps' domain is looked up; each
 * port is asked over the loopback for the certificate of the local authority, which only we have,
 * so another program that answers is found out.
 */
#include <arpa/inet.h>
#include <curl/curl.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/fs.h"
#include "base/str.h"
#include "cli/host/doctor.h"

#define SETTINGS_FILE "/etc/twelve/twelved.env"
/* No app is likely to have this name; any that is below the domain would do. */
#define SOME_NAME "twelve-doctor"
#define PROBE_MS 5000L
#define PROBE_MAX_BYTES 65536

/* ---- addresses and DNS ---- */

static const char *port_of(const char *address)
{
	const char *colon = strrchr(address, ':');

	return colon ? colon + 1 : address;
}

bool doctor_is_loopback(const char *address)
{
	return str_starts(address, "127.") || str_starts(address, "localhost:") ||
	       str_starts(address, "[::1]:");
}

enum verdict doctor_judge_dns(const char *domain, char *const *leads_to, char *const *own,
			      struct buf *text)
{
	bool ours = false;

	if (!strv_len(leads_to)) {
		buf_printf(text,
			   "names below %s lead nowhere: add a DNS record *.%s with this machine's "
			   "address (",
			   domain, domain);
		doctor_put_list(text, own);
		buf_puts(text, ")");
		return VERDICT_FAIL;
	}
	for (size_t i = 0; i < strv_len(leads_to); i++)
		ours |= strv_has(own, leads_to[i]);
	buf_printf(text, "*.%s leads to ", domain);
	doctor_put_list(text, leads_to);
	if (ours)
		return VERDICT_OK;
	buf_puts(text, ", which is not an address of this machine (");
	doctor_put_list(text, own);
	buf_puts(text, "): right behind a router or a load balancer that hands it on, else change "
		       "the record");
	return VERDICT_WARN;
}

static void push_address(char ***v, const struct sockaddr *sa)
{
	char text[INET6_ADDRSTRLEN];
	const void *at =
		sa->sa_family == AF_INET
			? (const void *)&((const struct sockaddr_in *)(const void *)sa)->sin_addr
			: (const void *)&((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr;

	if (inet_ntop(sa->sa_family, at, text, sizeof(text)) && !strv_has(*v, text))
		strv_push(v, text);
}

static char **look_up(const char *domain)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	_cleanup_free_ char *name = xasprintf(SOME_NAME ".%s", domain);
	struct addrinfo *found = NULL;
	char **v = NULL;

	if (getaddrinfo(name, NULL, &hints, &found) != 0)
		return NULL;
	for (const struct addrinfo *a = found; a; a = a->ai_next)
		if (a->ai_family == AF_INET || a->ai_family == AF_INET6)
			push_address(&v, a->ai_addr);
	freeaddrinfo(found);
	return v;
}

/* Without the loopback and link-local ones, which lead nobody here. */
static bool is_reachable(const struct sockaddr *sa)
{
	struct in6_addr a6;

	if (sa->sa_family == AF_INET)
		return ntohl(((const struct sockaddr_in *)(const void *)sa)->sin_addr.s_addr) >>
			       24 !=
		       127;
	if (sa->sa_family != AF_INET6)
		return false;
	a6 = ((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr;
	return !IN6_IS_ADDR_LOOPBACK(&a6) && !IN6_IS_ADDR_LINKLOCAL(&a6);
}

static char **own_addresses(void)
{
	struct ifaddrs *list = NULL;
	char **v = NULL;

	if (getifaddrs(&list) < 0)
		return NULL;
	for (const struct ifaddrs *i = list; i; i = i->ifa_next)
		if (i->ifa_addr && is_reachable(i->ifa_addr))
			push_address(&v, i->ifa_addr);
	freeifaddrs(list);
	return v;
}

static bool is_local_name(const char *domain)
{
	return streq(domain, "localhost") || str_ends(domain, ".localhost");
}

static void check_dns(struct checkup *d, const char *domain, const char *http)
{
	_cleanup_strv_ char **leads_to = NULL, **own = NULL;
	_cleanup_buf_ struct buf text = BUF_INIT;
	enum verdict v;

	if (is_local_name(domain)) {
		bool alone = doctor_is_loopback(http);

		doctor_add(d, alone ? VERDICT_OK : VERDICT_WARN, "dns",
			   "apps are at NAME.%s, which leads each machine to itself%s "
			   "TWELVE_APPS_DOMAIN in " SETTINGS_FILE " names a domain of yours",
			   domain, alone ? "; for others" : ": no other machine reaches them;");
		return;
	}
	leads_to = look_up(domain);
	own = own_addresses();
	v = doctor_judge_dns(domain, leads_to, own, &text);
	doctor_add(d, v, "dns", "%s", text.data);
}

/* ---- ports ---- */

struct probe {
	CURLcode code;
	struct buf body;
	char issuer[256], until[64]; /* of the certificate; "" without one */
};

static size_t on_body(char *data, size_t size, size_t n, void *userdata)
{
	struct probe *p = userdata;

	if (p->body.len + size * n > PROBE_MAX_BYTES)
		return 0;
	buf_append(&p->body, data, size * n);
	return size * n;
}

static void take_certificate(CURL *curl, struct probe *p)
{
	struct curl_certinfo *info = NULL;

	if (curl_easy_getinfo(curl, CURLINFO_CERTINFO, &info) != CURLE_OK || !info ||
	    info->num_of_certs < 1)
		return;
	for (const struct curl_slist *l = info->certinfo[0]; l; l = l->next) {
		if (str_starts(l->data, "Issuer:"))
			snprintf(p->issuer, sizeof(p->issuer), "%s", l->data + strlen("Issuer:"));
		if (str_starts(l->data, "Expire date:"))
			snprintf(p->until, sizeof(p->until), "%s",
				 l->data + strlen("Expire date:"));
	}
}

/* Where to connect for an address that one listens at: "" and "*" are every address. */
static char *connect_to(const char *address)
{
	const char *colon = strrchr(address, ':');
	size_t n = colon ? (size_t)(colon - address) : 0;
	bool any = !n || (n == 1 && *address == '*') || str_starts(address, "0.0.0.0:");

	if (str_starts(address, "[::]:"))
		return xasprintf("::[::1]:%s", port_of(address));
	return any ? xasprintf("::127.0.0.1:%s", port_of(address)) : xasprintf("::%s", address);
}

static void probe(const char *scheme, const char *host, const char *address, struct probe *ret)
{
	_cleanup_free_ char *url =
		xasprintf("%s://%s:%s/twelve/ca", scheme, host, port_of(address));
	_cleanup_free_ char *to = connect_to(address);
	struct curl_slist *list = curl_slist_append(NULL, to);
	CURL *curl = curl_easy_init();

	*ret = (struct probe){ .code = CURLE_OUT_OF_MEMORY, .body = BUF_INIT };
	if (curl && list) {
		curl_easy_setopt(curl, CURLOPT_URL, url);
		curl_easy_setopt(curl, CURLOPT_CONNECT_TO, list);
		curl_easy_setopt(curl, CURLOPT_PROXY, "");
		curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
		curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, PROBE_MS);
		curl_easy_setopt(curl, CURLOPT_CERTINFO, 1L);
		/* It is asked who answers, not whether to believe them. */
		curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
		curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
		curl_easy_setopt(curl, CURLOPT_WRITEDATA, ret);
		ret->code = curl_easy_perform(curl);
		take_certificate(curl, ret);
	}
	curl_easy_cleanup(curl);
	curl_slist_free_all(list);
}

/* An address that is empty is not listened at, on purpose. */
static void check_port(struct checkup *d, const char *setting, const char *scheme, const char *host,
		       const char *address, const char *fingerprint)
{
	struct probe p;

	if (!*address)
		return;
	probe(scheme, host, address, &p);
	if (p.code == CURLE_COULDNT_CONNECT)
		doctor_add(d, VERDICT_FAIL, "ports",
			   "nothing listens at %s (%s): the lines of twelved say why", address,
			   setting);
	else if (p.code != CURLE_OK || !strstr(p.body.data, fingerprint))
		doctor_add(
			d, VERDICT_FAIL, "ports",
			"another program answers at %s (%s): \"ss -ltnp sport = :%s\" shows which",
			address, setting, port_of(address));
	else
		doctor_add(d, VERDICT_OK, "ports", "%s answers at %s%s", setting, address,
			   doctor_is_loopback(address) ? ", for this machine only" : "");
	buf_done(&p.body);
}

static void check_certificate(struct checkup *d, const char *domain, const char *https)
{
	_cleanup_free_ char *host = xasprintf(SOME_NAME ".%s", domain);
	struct probe p;

	if (!*https)
		return;
	probe("https", host, https, &p);
	buf_done(&p.body);
	if (!p.until[0])
		doctor_add(d, VERDICT_WARN, "certificate", "%s shows no certificate: %s", https,
			   curl_easy_strerror(p.code));
	else if (strstr(p.issuer, "twelve") && !is_local_name(domain))
		doctor_add(d, VERDICT_WARN, "certificate",
			   "*.%s is served with a certificate of the local authority, which "
			   "browsers do not know: "
			   "\"twelve certs:add\" brings one for *.%s, \"twelve certs:auto:enable\" "
			   "gets one for each domain of an app",
			   domain, domain);
	else
		doctor_add(d, VERDICT_OK, "certificate",
			   "*.%s is served with one of %s, valid until %s", domain, p.issuer,
			   p.until);
}

/* ---- sshd ---- */

bool doctor_sshd_reads(const char *config, const char *authorized_keys)
{
	const char *line = config;

	while (strncasecmp(line, "authorizedkeysfile ", strlen("authorizedkeysfile ")) != 0) {
		line = strchr(line, '\n');
		if (!line++)
			return false;
	}
	for (const char *at = line; (at = strstr(at, authorized_keys)); at++) {
		const char *end = line + strcspn(line, "\n");

		if (at < end && at[-1] == ' ' && strchr(" \n", at[strlen(authorized_keys)]))
			return true;
	}
	return false;
}

static bool sshd_answers(const char *config)
{
	const char *port =
		strncmp(config, "port ", 5) == 0 ? config + 5 : strstr(config, "\nport ");
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	_cleanup_fd_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (port && *port == '\n')
		port += strlen("\nport ");
	to.sin_port = htons((uint16_t)(port ? atoi(port) : 22));
	return fd >= 0 && connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0;
}

static void check_sshd(struct checkup *d, const char *state_dir)
{
	static const char *const argv[] = { "sshd", "-T", "-C",
					    "user=twelve,host=localhost,addr=127.0.0.1", NULL };
	_cleanup_free_ char *keys = xasprintf("%s/ssh/authorized_keys", state_dir), *config = NULL;

	if (!fs_find_program("sshd", NULL)) {
		doctor_add(d, VERDICT_WARN, "ssh",
			   "sshd is not installed (git push over SSH): apt-get install "
			   "openssh-server");
		return;
	}
	if (geteuid() != 0) {
		doctor_add(d, VERDICT_WARN, "ssh",
			   "only root may look at sshd's configuration: sudo twelve doctor");
		return;
	}
	config = doctor_ask(argv);
	if (!config)
		doctor_add(d, VERDICT_WARN, "ssh",
			   "sshd does not accept its configuration: \"sshd -t\" says why");
	else if (!doctor_sshd_reads(config, keys))
		doctor_add(d, VERDICT_WARN, "ssh",
			   "sshd does not look for the keys of \"twelve keys:add\" in %s: make "
			   "install writes "
			   "/etc/ssh/sshd_config.d/twelve.conf for the user twelve",
			   keys);
	else if (!sshd_answers(config))
		doctor_add(d, VERDICT_WARN, "ssh", "sshd does not run: systemctl enable --now ssh");
	else
		doctor_add(d, VERDICT_OK, "ssh",
			   "sshd answers, and lets the user twelve in with the keys in %s", keys);
}

/* ---- all ---- */

static void want_port(char ***ports, const char *address)
{
	if (*address && !doctor_is_loopback(address))
		strv_push(ports, port_of(address));
}

void doctor_network(struct checkup *d, const json_t *status, const json_t *ca)
{
	const char *domain = json_str(status, "apps_domain", "localhost");
	const char *http = json_str(status, "router.address", ""),
		   *https = json_str(status, "router.https_address", ""),
		   *api = json_str(status, "api_address", ""),
		   *fingerprint = json_str(ca, "fingerprint", "?");
	_cleanup_free_ char *api_host = xasprintf("api.%s", domain);
	_cleanup_strv_ char **ports = NULL;

	check_dns(d, domain, http);
	check_port(d, "TWELVE_HTTP", "http", api_host, http, fingerprint);
	check_port(d, "TWELVE_HTTPS", "https", api_host, https, fingerprint);
	check_port(d, "TWELVE_API", "http", api_host, api, fingerprint);
	want_port(&ports, http);
	want_port(&ports, https);
	want_port(&ports, api);
	doctor_firewall(d, ports);
	doctor_walls(d, status);
	check_certificate(d, domain, https);
	check_sshd(d, json_str(status, "disk.state_dir", "/var/lib/twelve"));
}
