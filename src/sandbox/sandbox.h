/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sandboxes: OCI runtime bundles (opencontainers/runtime-spec 1.0, config.md
 * and config-linux.md) and the runtime that runs them, by its command line.
 *
 * What is in a sandbox: the stack as a read-only root, /app, a capped /tmp, a /sys
 * with its own limits and the processors, /etc/hosts with its host name,
 * its own PID, mount, IPC, UTS and cgroup namespaces, and the network namespace
 * of whoever starts it (docs/decisions/0043). No root, no capabilities, no new
 * privileges, a seccomp filter, masked /proc paths, limits by cgroup (version 1 or
 * 2): docs/sandbox.md has all of it beside Docker's.
 *
 * sandbox_config() is a pure function; the rest is a thin shell around it.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"
#include "sandbox/scratch.h"

/* Everything in a sandbox runs as this user and group, which owns /app. The ID is outside the
 * ranges that Debian and systemd assign. */
#define SANDBOX_UID 59012
#define SANDBOX_GID 59012
#define SANDBOX_USER "app"

/* Where the init and the environment's descriptor are, inside. */
#define SANDBOX_INIT_PATH "/.twelve/init"
#define SANDBOX_ENV_FD 3
/* Where the volume of an add-on is, inside. */
#define SANDBOX_VOLUME_PATH "/app/data"
/* Where dynos find the local authority's certificate: a path that no stack or slug has to provide.
 */
#define SANDBOX_CA_PATH "/dev/twelve/ca.pem"

enum sandbox_cgroup {
	SANDBOX_CGROUP_NONE,   /* no controllers: limits can't be kept */
	SANDBOX_CGROUP_V1,     /* version 1 alone */
	SANDBOX_CGROUP_HYBRID, /* both side by side: crun refuses, runc works */
	SANDBOX_CGROUP_V2,
};

struct sandbox_runtime {
	char *path; /* of crun, runc or runsc */
	char *name; /* "crun" */
	char *version;
	enum sandbox_cgroup cgroup;
	char *why; /* a sentence for `twelve doctor`: which, and why not another */
};

/* The layout found below root ("" on a machine, a directory in tests): by the mounts of
 * ROOT/proc/self/mountinfo. */
enum sandbox_cgroup sandbox_cgroup_detect(const char *root);

/*
 * Picks the runtime: the one in TWELVE_RUNTIME if set (a name or a path), else
 * crun where it accepts the cgroup layout, else runc. An error names the
 * Debian package to install.
 */
int sandbox_runtime_detect(struct sandbox_runtime *ret, struct error *err);
void sandbox_runtime_done(struct sandbox_runtime *r);

struct sandbox_limits {
	uint64_t memory_bytes;	/* memory and swap together; 0: none */
	uint64_t cpu_shares;	/* relative weight as of cgroup v1, 1024 is one, also at the disks
				   (io-weight.h); 0: default */
	double cpus;		/* hard cap in CPUs; 0: none */
	uint64_t pids;		/* processes and threads; 0: none */
	uint64_t scratch_bytes; /* cap of /tmp and of what is written below /app; 0: 512 MiB */
};

struct sandbox_bind {
	const char *source, *target;
	bool writable;
};

struct sandbox_spec {
	const char *id;
	const char *hostname;
	/* The directories of the stack, top first; never written. Whoever runs the bundle mounts
	 * them together when there are several. */
	char *const *layers;
	const char *rootfs; /* the root as one directory; sandbox_write_bundle() sets it where there
			       are layers */
	/*
	 * /app: either a slug, shown through an overlay whose upper layer is
	 * thrown away (app_lower), or a directory that is written for real, as
	 * builds need it (app_dir).
	 */
	const char *app_lower;
	const char *app_dir;
	/* Where whoever runs the bundle mounts the scratch file system, which holds upper, work,
	 * tmp and root. */
	const char *scratch_dir;
	const struct sandbox_bind
		*binds; /* more mounts; targets must exist in the stack or below /tmp or /app */
	size_t n_binds;
	const char *hosts_path;	 /* what /etc/hosts is; sandbox_write_bundle() sets it: see
				    sandbox_hosts() */
	const char *resolv_path; /* what /etc/resolv.conf is; NULL: the machine's */
	int net_fd;	       /* of sandbox_run(): its network namespace (net_make(), net/link.h);
				    0: that of the caller */
	const char *init_path; /* of twelve-init on the host */
	const char *const *argv; /* what the init runs */
	/* Written to config.json, so never secret: config vars are passed by SANDBOX_ENV_FD. PATH,
	 * HOME and LANG are added if missing. */
	const char *const *env;
	struct sandbox_limits limits;
	bool terminal;
	const char *cgroup_path; /* always "/twelve/ID" */
	enum sandbox_cgroup cgroup;
};

/* config.json as a new reference, and its member "process" alone. */
json_t *sandbox_config(const struct sandbox_spec *s);
json_t *sandbox_process(const struct sandbox_spec *s);

/* The text of a sandbox's /etc/hosts, which the caller frees: its host name resolves to the
 * loopback address, followed by the machine's own file (NULL: nothing). */
char *sandbox_hosts(const char *hostname, const char *machine);

/* Makes bundle_dir (0700) with config.json and hosts in it. */
int sandbox_write_bundle(const char *bundle_dir, const struct sandbox_spec *s, struct error *err);

/*
 * For one more process in a sandbox that runs (container_enter()): makes bundle_dir (0700) with
 * process.json in it, the "process" of config.json. Of the spec only id, argv, env and terminal
 * count.
 */
int sandbox_write_process(const char *bundle_dir, const struct sandbox_spec *s, struct error *err);

/*
 * The argv of an app's command: the init, a shell that sources .profile.d/ and
 * .profile, the command by bash. A strv that the caller frees. `guest`: for a sandbox that
 * has its init already.
 */
void sandbox_app_argv(const char *command, bool guest, char ***ret_argv);

struct sandbox_run_options {
	const struct sandbox_runtime *runtime;
	const char *runtime_root;
	const char *bundle_dir;
	int output_fd; /* stdout and stderr of the process */
	int env_fd;    /* the environment, NAME=VALUE NUL...; becomes SANDBOX_ENV_FD; -1: none */
	int64_t timeout_ms;
	/* Asked every 500 ms; true ends the run (disk full, cancelled). May be NULL. */
	bool (*should_stop)(void *userdata);
	void *userdata;
};

enum sandbox_end {
	SANDBOX_ENDED, /* by itself */
	SANDBOX_TIMEOUT,
	SANDBOX_STOPPED, /* should_stop said so */
	SANDBOX_OOM,	 /* killed by the memory limit */
};

struct sandbox_result {
	enum sandbox_end end;
	int exit_code;
};

/*
 * Runs a bundle in the foreground until it ends, for builds. Forks a helper with its own mount
 * namespace, which mounts the scratch file system, runs and deletes the container. The sandbox dies
 * with the calling thread, also by kill -9, so call it from a thread that lives as long.
 */
int sandbox_run(const struct sandbox_spec *s, const struct sandbox_run_options *o,
		struct sandbox_result *ret, struct error *err);

/* Removes what a killed supervisor or build left behind: the processes in the cgroup, the cgroup,
 * the runtime's records. Succeeds if there is nothing. */
int sandbox_delete(const struct sandbox_runtime *r, const char *runtime_root, const char *id,
		   struct error *err);

/* Pids of the processes in the cgroup (host's numbers), as an array that the caller frees. */
int sandbox_pids(const struct sandbox_runtime *r, const char *cgroup_path, pid_t **ret,
		 size_t *ret_n);
/* The kernel's ID of the sandbox's version 2 cgroup, which its sockets carry; 0 if there is none
 * (version 1 only). */
uint64_t sandbox_cgroup_id(const struct sandbox_runtime *r, const char *cgroup_path);
/* Bytes of memory in use by the cgroup. */
int sandbox_memory(const struct sandbox_runtime *r, const char *cgroup_path, uint64_t *ret_bytes);
