/* SPDX-License-Identifier: Apache-2.0 */
/* What an operator sets, from the environment (docs: twelved(8)). */
#pragma once

#include <stdint.h>
#include <stdio.h>

#include "base/error.h"

/* From the environment (docs: twelved(8)); all strings set. */
struct settings {
	char *state_dir;    /* TWELVE_STATE_DIR   /var/lib/twelve */
	char *run_dir;	    /* TWELVE_RUN_DIR     /run/twelve; short, a tmpfs best */
	char *libexec_dir;  /* TWELVE_LIBEXEC_DIR where twelve-dyno, twelve-init, twelve-logs are */
	char *data_dir;	    /* TWELVE_DATA_DIR    where buildpacks/ and stacks/ are */
	char *cli_path;	    /* TWELVE_CLI         the twelve program, for git's hooks */
	char *http_address; /* TWELVE_HTTP        127.0.0.1:5080: where haproxy listens for apps */
	char *https_address; /* TWELVE_HTTPS       127.0.0.1:5443: the same over TLS; "" for none */
	char *api_address;   /* TWELVE_API         127.0.0.1:5000: where haproxy listens for the
				platform itself: API, git, rendezvous; "" for none */
	char *apps_domain;   /* TWELVE_APPS_DOMAIN localhost */
	char *group; /* TWELVE_GROUP       twelve: who may use the unix socket besides root */
	int64_t port_first, port_last; /* TWELVE_PORTS 20000-24999: $PORT of dynos */
	int64_t build_memory_bytes; /* TWELVE_BUILD_MEMORY by the memory of the machine, 2G to 8G */
	int64_t build_disk_bytes;   /* TWELVE_BUILD_DISK 4G */
	int64_t build_timeout_ms;   /* TWELVE_BUILD_TIMEOUT 15m */
	int64_t build_slots;  /* TWELVE_BUILDS by the number of cores, 2 at least: at a time */
	int64_t owner_builds; /* TWELVE_OWNER_BUILDS 0: of an owner's apps at a time; 0: all but one
				 of these, all where there is one owner */
	int64_t owner_apps, owner_dynos, owner_addons, owner_memory_bytes; /* TWELVE_OWNER_APPS ...
									      0: no limit */
	int64_t build_files;	    /* TWELVE_BUILD_FILES 500000: files and folders of a build */
	int64_t prepare_stacks;	    /* TWELVE_PREPARE_STACKS 1: the stack of new apps is made at the
				       start */
	int64_t disk_reserve_bytes; /* TWELVE_DISK_RESERVE 1G: builds are refused before the disk
				       gets fuller */
	int64_t private_sources;    /* TWELVE_PRIVATE_SOURCES 0: sources of addresses that are not
				       public, too */
	int64_t max_upload_bytes;   /* TWELVE_MAX_UPLOAD 2G: a source tarball */
	int64_t rate_limit;	    /* TWELVE_RATE_LIMIT 360000: requests an hour of one token */
	int64_t max_connections, source_connections, api_connections, api_source_connections,
		source_rate; /* route.h: route_limits */
	char *unlimited_sources;
	int64_t max_dynos; /* TWELVE_MAX_DYNOS 200: of one process type */
	char *addons_dir;  /* TWELVE_ADDONS_DIR /etc/twelve/addons: services besides those in
			      data_dir */
	int64_t addon_port_first, addon_port_last; /* TWELVE_ADDON_PORTS 25000-26999: where servers
						      of add-ons listen */
	int64_t session_keep_ms; /* TWELVE_SESSION_KEEP 1h: how long a session whose client is gone
				    waits for another */
	char *acme_directory; /* TWELVE_ACME_DIRECTORY Let's Encrypt: where certificates for domains
				 are got; "" for nowhere */
	char *acme_email;     /* TWELVE_ACME_EMAIL  whom the authority writes to; "" for nobody */
	char *acme_ca; /* TWELVE_ACME_CA     a file with what the directory's own certificate is
			  trusted by, besides the system's; "" */
	int64_t autoscale_period_ms; /* TWELVE_AUTOSCALE_PERIOD 60s: how often autoscaling measures
					and decides */
	int64_t keep_releases;	/* TWELVE_KEEP_RELEASES 10: of each app, whose slugs are kept */
	int64_t stack_updates;	/* TWELVE_STACK_UPDATES manual: 1 for auto */
	char *network;		/* TWELVE_NETWORK 10.212.0.0/16: of the sandboxes' addresses */
	int64_t shared_network; /* TWELVE_SHARED_NETWORK 0: 1: sandboxes share the machine's */
	char *private_networks; /* TWELVE_PRIVATE_NETWORKS: of those that are not public, what all
				   sandboxes reach; "10.0.3.7:5432 192.168.20.0/24"; "" */
	char *resolvers;	/* TWELVE_RESOLVERS: of sandboxes; "": the machine's */
	int64_t last_backup_ms; /* TWELVE_LAST_BACKUP 7d: how long the last backup of a destroyed
				   add-on is kept */
};

/* A value that can't be understood is ERROR_INVALID: TWELVE_BUILD_MEMORY: expected a size such as
 * 2G, found "abc". */
int settings_load(struct settings *ret, struct error *err);
void settings_done(struct settings *s);
/* The settings with their defaults, for --help. */
void settings_print_help(FILE *f);
/*
 * The path of one of our programs, which the caller frees: in libexec_dir,
 * beside this program, in the build tree that this program stands in, or where
 * it was installed. "twelve" is cli_path. When it is nowhere, the path at which
 * it was expected, so that the error of starting it names that.
 */
char *settings_program(const struct settings *s, const char *name);
