/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The settings, from the environment (factor III, for ourselves): one table of
 * records, each with the function that reads its kind of value. A variable
 * that is empty counts as not set, except TWELVE_API, where it means "none".
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/str.h"
#include "daemon/core/settings-priv.h"
#include "model/names.h"
#include "net/egress.h"
#include "net/plan.h"

/* sockaddr_un has 108 bytes (unix(7)), and the longest path is RUN/dynos/UUID/sock. */
#define RUN_DIR_MAX 55

struct setting {
	const char *name;
	int (*read)(const struct setting *t, const char *value, struct settings *s,
		    struct error *err);
	size_t offset;
	const char *fallback; /* NULL: find() it */
	char *(*find)(void);
	int64_t min, max;
	bool may_be_empty;
	const char *has; /* a file that the directory must have, if it was set */
	const char *help;
};

static int refuse(const struct setting *t, const char *expected, const char *value,
		  struct error *err)
{
	char excerpt[NAME_EXCERPT_SIZE];

	return error_set(err, ERROR_INVALID, "%s: expected %s, found \"%s\"", t->name, expected,
			 name_excerpt(excerpt, value));
}

static void set_string(const struct setting *t, const char *value, struct settings *s)
{
	*(char **)((char *)s + t->offset) = xstrdup(value);
}

static void set_number(const struct setting *t, int64_t value, struct settings *s)
{
	*(int64_t *)((char *)s + t->offset) = value;
}

static int read_path(const struct setting *t, const char *value, struct settings *s,
		     struct error *err)
{
	_cleanup_free_ char *path = xstrdup(value);
	size_t n = strlen(path);

	if (path[0] != '/')
		return refuse(t, "an absolute path", value, err);
	while (n > 1 && path[n - 1] == '/')
		path[--n] = '\0';
	if (t->max && n > (size_t)t->max)
		return error_set(
			err, ERROR_INVALID,
			"%s: expected a path of at most %lld characters, because paths of unix "
			"sockets are short, found %zu",
			t->name, (long long)t->max, n);
	if (t->has) {
		_cleanup_free_ char *file = xasprintf("%s/%s", path, t->has);

		if (!fs_exists(file))
			return error_set(err, ERROR_INVALID, "%s: %s is not there", t->name, file);
	}
	set_string(t, path, s);
	return 0;
}

/* HOST:PORT, [IPv6]:PORT or :PORT. */
static int read_address(const struct setting *t, const char *value, struct settings *s,
			struct error *err)
{
	const char *colon = strrchr(value, ':');
	const char *host_end =
		value + strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789.-*");
	int64_t port;

	if (value[0] == '[') {
		host_end = value + 1 + strspn(value + 1, "0123456789abcdefABCDEF:.");
		host_end = *host_end == ']' ? host_end + 1 : value;
	}
	if (value[0] && (!colon || host_end != colon || !str_to_i64(colon + 1, 1, 65535, &port)))
		return refuse(t, "an address such as 127.0.0.1:5000", value, err);
	set_string(t, value, s);
	return 0;
}

static int read_domain(const struct setting *t, const char *value, struct settings *s,
		       struct error *err)
{
	/* name_check_domain() wants a dot, "localhost" has none. */
	_cleanup_free_ char *below = xasprintf("app.%s", value);

	if (name_check_domain(below, NULL) < 0)
		return refuse(t, "a domain such as apps.example.com", value, err);
	for (char *p = below; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	set_string(t, below + strlen("app."), s);
	return 0;
}

static int read_directory(const struct setting *t, const char *value, struct settings *s,
			  struct error *err)
{
	if (*value && (!str_starts(value, "https://") || value[strcspn(value, " \"'\t\n")]))
		return refuse(t, "an https:// URL of an ACME directory", value, err);
	set_string(t, value, s);
	return 0;
}

static int read_email(const struct setting *t, const char *value, struct settings *s,
		      struct error *err)
{
	if (*value && (!strchr(value, '@') || value[0] == '-' || value[strcspn(value, " \"'\t\n")]))
		return refuse(t, "an e-mail address", value, err);
	set_string(t, value, s);
	return 0;
}

/* A path that may be left out. */
static int read_file(const struct setting *t, const char *value, struct settings *s,
		     struct error *err)
{
	if (*value && (value[0] != '/' || !fs_exists(value)))
		return refuse(t, "the absolute path of a file that is there", value, err);
	set_string(t, value, s);
	return 0;
}

/* Addresses and networks, as haproxy's ACLs take them. */
static int read_networks(const struct setting *t, const char *value, struct settings *s,
			 struct error *err)
{
	_cleanup_free_ char *words = xstrdup(value);
	_cleanup_buf_ struct buf list = BUF_INIT;
	char *save = NULL;

	for (char *word = strtok_r(words, ", ", &save); word; word = strtok_r(NULL, ", ", &save)) {
		_cleanup_free_ char *address = xstrndup(word, strcspn(word, "/"));
		const char *bits = strchr(word, '/');
		bool v6 = strchr(address, ':');
		unsigned char ignored[16];
		int64_t n;

		if (inet_pton(v6 ? AF_INET6 : AF_INET, address, ignored) != 1 ||
		    (bits && !str_to_i64(bits + 1, 0, v6 ? 128 : 32, &n)))
			return refuse(t, "addresses and networks such as 10.0.0.0/8 192.0.2.7",
				      value, err);
		buf_printf(&list, "%s%s", list.len ? " " : "", word);
	}
	set_string(t, list.data, s);
	return 0;
}

/* Destinations of sandboxes, as net_egress_parse() takes them. */
static int read_destinations(const struct setting *t, const char *value, struct settings *s,
			     struct error *err)
{
	_cleanup_free_ char *words = xstrdup(value);
	_cleanup_buf_ struct buf list = BUF_INIT;
	char *save = NULL;

	for (char *word = strtok_r(words, ", ", &save); word; word = strtok_r(NULL, ", ", &save)) {
		struct net_egress e = { 0 };
		char text[NET_EGRESS_TEXT_MAX];

		if (net_egress_parse(word, &e, err) < 0)
			return error_prefix(err, "%s", t->name);
		net_egress_print(&e, text);
		buf_printf(&list, "%s%s", list.len ? " " : "", text);
	}
	set_string(t, list.len ? list.data : "", s);
	return 0;
}

static int read_network(const struct setting *t, const char *value, struct settings *s,
			struct error *err)
{
	struct net_range r;

	if (!net_range_parse(value, &r))
		return refuse(t, "a network of 8 to 16 bits such as 10.212.0.0/16", value, err);
	set_string(t, value, s);
	return 0;
}

static int read_group(const struct setting *t, const char *value, struct settings *s,
		      struct error *err)
{
	if (name_check_type(value, NULL) < 0)
		return refuse(t, "the name of a group", value, err);
	set_string(t, value, s);
	return 0;
}

/* Digits, then one of the units; false when it is anything else or too big. */
static bool with_unit(const char *value, const char *units, const int64_t *factors, int64_t *ret)
{
	size_t n = strspn(value, "0123456789");
	_cleanup_free_ char *digits = xstrndup(value, n);
	const char *unit = value[n] ? strchr(units, toupper((unsigned char)value[n])) : NULL;
	int64_t number, factor;

	if (value[n] && (!unit || value[n + 1]))
		return false;
	factor = unit ? factors[unit - units] : factors[strlen(units)];
	if (!factor || !str_to_i64(digits, 0, INT64_MAX / factor, &number))
		return false;
	*ret = number * factor;
	return true;
}

static int out_of_range(const struct setting *t, const char *least, const char *value,
			struct error *err)
{
	_cleanup_free_ char *expected = xasprintf("at least %s", least);

	return refuse(t, expected, value, err);
}

/* Bytes, with K, M, G or T for powers of 1024. */
static int read_size(const struct setting *t, const char *value, struct settings *s,
		     struct error *err)
{
	static const int64_t factors[] = { INT64_C(1) << 10, INT64_C(1) << 20, INT64_C(1) << 30,
					   INT64_C(1) << 40, 1 };
	int64_t bytes;

	if (!with_unit(value, "KMGT", factors, &bytes))
		return refuse(t, "a size such as 2G", value, err);
	if (bytes < t->min)
		return out_of_range(t, "1M", value, err);
	set_number(t, bytes, s);
	return 0;
}

/* With S, M or H; a bare number could mean anything, and is refused. */
static int read_duration(const struct setting *t, const char *value, struct settings *s,
			 struct error *err)
{
	static const int64_t factors[] = { 1000, 60000, 3600000, 86400000, 0 };
	int64_t ms;

	if (!with_unit(value, "SMHD", factors, &ms))
		return refuse(t, "a duration such as 15m or 30s", value, err);
	if (ms < t->min)
		return out_of_range(t, "1s", value, err);
	set_number(t, ms, s);
	return 0;
}

static int read_count(const struct setting *t, const char *value, struct settings *s,
		      struct error *err)
{
	int64_t n;

	if (!str_to_i64(value, t->min, t->max, &n)) {
		_cleanup_free_ char *expected = xasprintf("a number from %lld to %lld",
							  (long long)t->min, (long long)t->max);

		return refuse(t, expected, value, err);
	}
	set_number(t, n, s);
	return 0;
}

static int read_updates(const struct setting *t, const char *value, struct settings *s,
			struct error *err)
{
	if (!streq(value, "manual") && !streq(value, "auto"))
		return refuse(t, "manual or auto", value, err);
	set_number(t, streq(value, "auto"), s);
	return 0;
}

static int read_ports(const struct setting *t, const char *value, struct settings *s,
		      struct error *err)
{
	/* The first and the last stand one behind the other. */
	int64_t *range = (int64_t *)(void *)((char *)s + t->offset);
	_cleanup_free_ char *first = xstrdup(value);
	char *dash = strchr(first, '-');

	if (dash)
		*dash = '\0';
	if (!dash || !str_to_i64(first, 1024, 65535, &range[0]) ||
	    !str_to_i64(dash + 1, range[0], 65535, &range[1]))
		return refuse(t, "a range of ports from 1024 to 65535 such as 20000-24999", value,
			      err);
	return 0;
}

#define MIB (INT64_C(1) << 20)
#define FIELD(f) .offset = offsetof(struct settings, f)

static const struct setting settings[] = {
	{ "TWELVE_STATE_DIR", read_path, FIELD(state_dir), "/var/lib/twelve",
	  .help = "apps, releases, slugs, stacks and git repositories" },
	{ "TWELVE_RUN_DIR", read_path, FIELD(run_dir), "/run/twelve", .max = RUN_DIR_MAX,
	  .help = "sockets and what runs; a memory-backed file system is best" },
	{ "TWELVE_LIBEXEC_DIR", read_path, FIELD(libexec_dir), .find = settings_find_libexec,
	  .has = "twelve-dyno", .help = "where twelve-dyno, twelve-init and twelve-logs are" },
	{ "TWELVE_DATA_DIR", read_path, FIELD(data_dir), .find = settings_find_data,
	  .has = "buildpacks", .help = "where buildpacks/ and stacks/ are" },
	{ "TWELVE_CLI", read_path, FIELD(cli_path), .find = settings_find_cli,
	  .help = "the twelve program, for git's hooks" },
	{ "TWELVE_HTTP", read_address, FIELD(http_address), "127.0.0.1:5080",
	  .help = "where apps are served" },
	{ "TWELVE_HTTPS", read_address, FIELD(https_address), "127.0.0.1:5443",
	  .may_be_empty = true, .help = "where apps are served over TLS; empty for nowhere" },
	{ "TWELVE_API", read_address, FIELD(api_address), "127.0.0.1:5000", .may_be_empty = true,
	  .help = "the API, git and `heroku run` over TCP, plain and TLS, by token; empty for "
		  "none" },
	{ "TWELVE_APPS_DOMAIN", read_domain, FIELD(apps_domain), "localhost",
	  .help = "an app is at NAME.DOMAIN" },
	{ "TWELVE_GROUP", read_group, FIELD(group), "twelve",
	  .help = "who may use the API's unix socket besides root" },
	{ "TWELVE_PORTS", read_ports, FIELD(port_first), "20000-24999",
	  .help = "for the PORT of dynos" },
	{ "TWELVE_NETWORK", read_network, FIELD(network), "10.212.0.0/16",
	  .help = "the network of sandboxes, which nothing else on the machine may have" },
	{ "TWELVE_PRIVATE_NETWORKS", read_destinations, FIELD(private_networks), "",
	  .may_be_empty = true,
	  .help = "what all sandboxes reach though it is not public: 10.0.3.7:5432 "
		  "192.168.20.0/24" },
	{ "TWELVE_RESOLVERS", read_networks, FIELD(resolvers), "", .may_be_empty = true,
	  .help = "addresses of DNS resolvers for sandboxes; empty for the machine's own" },
	{ "TWELVE_SHARED_NETWORK", read_count, FIELD(shared_network), "0", .max = 1,
	  .help = "1: sandboxes share the machine's network, and nothing stands between apps" },
	{ "TWELVE_ADDONS_DIR", read_path, FIELD(addons_dir), "/etc/twelve/addons",
	  .help = "services besides our own" },
	{ "TWELVE_ADDON_PORTS", read_ports, FIELD(addon_port_first), "25000-26999",
	  .help = "where the servers of add-ons listen" },
	{ "TWELVE_LAST_BACKUP", read_duration, FIELD(last_backup_ms), "7d", .min = 60000,
	  .help = "how long the last backup of a destroyed add-on is kept" },
	{ "TWELVE_ACME_DIRECTORY", read_directory, FIELD(acme_directory),
	  "https://acme-v02.api.letsencrypt.org/directory", .may_be_empty = true,
	  .help = "where certificates for domains are got by ACME; empty for nowhere" },
	{ "TWELVE_ACME_EMAIL", read_email, FIELD(acme_email), "", .may_be_empty = true,
	  .help = "whom that authority writes to; empty for nobody" },
	{ "TWELVE_ACME_CA", read_file, FIELD(acme_ca), "", .may_be_empty = true,
	  .help = "what its directory is trusted by, besides the system's authorities" },
	{ "TWELVE_BUILD_MEMORY", read_size, FIELD(build_memory_bytes),
	  .find = settings_find_build_memory, .min = MIB,
	  .help = "memory that a build may take; half of the machine's, 2G at least and 8G at "
		  "most" },
	{ "TWELVE_BUILD_DISK", read_size, FIELD(build_disk_bytes), "4G", .min = MIB,
	  .help = "disk that a build may take" },
	{ "TWELVE_BUILD_TIMEOUT", read_duration, FIELD(build_timeout_ms), "15m", .min = 1000,
	  .help = "time that a build may take" },
	{ "TWELVE_BUILDS", read_count, FIELD(build_slots), .find = settings_find_builds, .min = 1,
	  .max = 1000, .help = "builds at a time" },
	{ "TWELVE_OWNER_BUILDS", read_count, FIELD(owner_builds), "0", .max = 1000,
	  .help = "builds of an owner's apps at a time; 0 for all but one of TWELVE_BUILDS, and "
		  "all where there is one owner" },
	{ "TWELVE_OWNER_APPS", read_count, FIELD(owner_apps), "0", .max = 1000000,
	  .help = "apps that a user may own; 0: no limit; twelve users:limits sets it for one" },
	{ "TWELVE_OWNER_DYNOS", read_count, FIELD(owner_dynos), "0", .max = 1000000,
	  .help = "dynos that all apps of an owner may have together, one-off ones too" },
	{ "TWELVE_OWNER_ADDONS", read_count, FIELD(owner_addons), "0", .max = 1000000,
	  .help = "the same of add-ons" },
	{ "TWELVE_OWNER_MEMORY", read_size, FIELD(owner_memory_bytes), "0",
	  .help = "the same of memory, by the sizes of dynos and the plans of add-ons" },
	{ "TWELVE_BUILD_FILES", read_count, FIELD(build_files), "500000", .min = 1000,
	  .max = 100000000, .help = "files and folders that a build may make, its cache included" },
	{ "TWELVE_PREPARE_STACKS", read_count, FIELD(prepare_stacks), "1", .max = 1,
	  .help = "1: the stack of new apps is made when twelved starts; 0: by the first build" },
	{ "TWELVE_DISK_RESERVE", read_size, FIELD(disk_reserve_bytes), "1G",
	  .help = "builds are refused before less than this is free" },
	{ "TWELVE_KEEP_RELEASES", read_count, FIELD(keep_releases), "10", .min = 1, .max = 100000,
	  .help = "of each app: so many releases that ran can be rolled back to, the slugs of "
		  "older ones are let go" },
	{ "TWELVE_STACK_UPDATES", read_updates, FIELD(stack_updates), "manual",
	  .help = "auto: once a day each app gets a release on its stack with Debian's newer "
		  "packages, which is undone when it is not healthy" },
	{ "TWELVE_MAX_UPLOAD", read_size, FIELD(max_upload_bytes), "2G", .min = MIB,
	  .help = "of a source archive" },
	{ "TWELVE_PRIVATE_SOURCES", read_count, FIELD(private_sources), "0", .max = 1,
	  .help = "1: source_blob.url and git repositories of builds may lead into private "
		  "networks, too" },
	{ "TWELVE_RATE_LIMIT", read_count, FIELD(rate_limit), "360000", .min = 60,
	  .max = 1000000000, .help = "requests an hour of one token over TCP" },
	{ "TWELVE_MAX_CONNECTIONS", read_count, FIELD(max_connections), "8192", .min = 64,
	  .max = 1000000, .help = "of clients of apps, at a time" },
	{ "TWELVE_API_CONNECTIONS", read_count, FIELD(api_connections), "1024", .min = 64,
	  .max = 100000, .help = "of clients of TWELVE_API, at a time" },
	{ "TWELVE_SOURCE_CONNECTIONS", read_count, FIELD(source_connections), "1000", .min = 8,
	  .max = 1000000,
	  .help = "of one address (IPv6: a /64) to apps, at a time; requests, too" },
	{ "TWELVE_API_SOURCE_CONNECTIONS", read_count, FIELD(api_source_connections), "256",
	  .min = 8, .max = 100000, .help = "the same to TWELVE_API" },
	{ "TWELVE_SOURCE_RATE", read_count, FIELD(source_rate), "2000", .min = 1, .max = 10000000,
	  .help = "new connections of one address a second, over ten seconds" },
	{ "TWELVE_UNLIMITED_SOURCES", read_networks, FIELD(unlimited_sources), "",
	  .may_be_empty = true,
	  .help = "addresses and networks that these do not go for, such as a load balancer" },
	{ "TWELVE_SESSION_KEEP", read_duration, FIELD(session_keep_ms), "1h", .min = 1000,
	  .help = "how long a `run` goes on when its client has gone without a word" },
	{ "TWELVE_AUTOSCALE_PERIOD", read_duration, FIELD(autoscale_period_ms), "60s", .min = 1000,
	  .help = "how often autoscaling measures and decides" },
	{ "TWELVE_MAX_DYNOS", read_count, FIELD(max_dynos), "200", .min = 1, .max = 10000,
	  .help = "of one process type" },
};

static int load_one(const struct setting *t, struct settings *s, struct error *err)
{
	const char *value = getenv(t->name);

	if (value && (value[0] || t->may_be_empty))
		return t->read(t, value, s, err);
	if (t->find) {
		_cleanup_free_ char *found = t->find();

		return t->read == read_path ? (set_string(t, found, s), 0)
					    : t->read(t, found, s, err);
	}
	return t->read(t, t->fallback, s, err);
}

int settings_load(struct settings *ret, struct error *err)
{
	struct settings s = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		if (load_one(&settings[i], &s, err) < 0) {
			settings_done(&s);
			return -1;
		}
	}
	*ret = s;
	return 0;
}

void settings_done(struct settings *s)
{
	free(s->state_dir);
	free(s->run_dir);
	free(s->libexec_dir);
	free(s->data_dir);
	free(s->cli_path);
	free(s->http_address);
	free(s->https_address);
	free(s->api_address);
	free(s->apps_domain);
	free(s->group);
	free(s->addons_dir);
	free(s->acme_directory);
	free(s->acme_email);
	free(s->acme_ca);
	free(s->unlimited_sources);
	free(s->network);
	free(s->private_networks);
	free(s->resolvers);
	*s = (struct settings){ 0 };
}

void settings_print_help(FILE *f)
{
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		const struct setting *t = &settings[i];
		_cleanup_free_ char *found = t->find ? t->find() : NULL;

		fprintf(f, "  %-20s %s (%s)\n", t->name, t->help, found ? found : t->fallback);
	}
}
