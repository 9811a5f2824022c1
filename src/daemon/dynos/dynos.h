/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What runs: the supervisors (twelve-dyno) below RUN/dynos, started here or
 * found at start and adopted. The world is asked, not remembered: each
 * supervisor reports over its socket (ipc/dyno-proto.h), and its end of the
 * connection is its life.
 *
 * Readiness is watched here too: a web dyno is ready when it listens on its $PORT and a
 * request there gets an HTTP answer, with a check path one below 400 (TWELVE_CHECK=port: when it
 * listens); another type when it has run for a second. What has ended since is not ready.
 */
#pragma once

#include "daemon/core/platform.h"
#include "ipc/dyno-proto.h"
#include "net/link.h"
#include "route/route.h"

struct dyno {
	char id[UUID_SIZE];
	char app_id[UUID_SIZE];
	char name[64]; /* web.1 */
	char type[64];
	int64_t number;
	int64_t release;
	char release_id[UUID_SIZE];
	char size[32];
	char slug[DIGEST_HEX_SIZE],
		stack[DIGEST_HEX_SIZE]; /* what it runs from; "": none, or a supervisor of before
					   these were noted */
	char *command;
	uint16_t port;	      /* 0: none */
	struct net_link link; /* its network; host_name "": it shares the machine's */
	enum dyno_state state;
	bool known; /* its supervisor has reported */
	bool ready;
	bool ever_ready;
	bool unwell;		/* see dyno_is_unwell() */
	bool one_off;		/* run.N and release.N: not of the formation */
	bool addon;		/* the server of an add-on: app_id is the add-on's id */
	char inside[UUID_SIZE]; /* id of the dyno in whose sandbox it runs; "": it has its own */
	bool attached;		/* its stdio is a session's */
	bool terminal;		/* which has a terminal */
	char rendezvous[DIGEST_HEX_SIZE]; /* of the secret for the first client; "": none, or used
					   */
	const char *told; /* the state that webhooks were told last; NULL: none yet */
	bool adopted;	  /* a twelved before this one started it */
	/* Set by the reconciler as it routes and drains; after a restart of twelved, by what
	 * haproxy has. */
	bool routed, draining;
	int64_t drain_since_ms; /* wall clock */
	int64_t drain_from_ms;	/* the same as clock_now_ms(), for the router */
	int64_t sessions;
	int64_t created_ms;	   /* wall clock */
	int64_t starting_since_ms; /* wall clock: of the present process */
	int64_t ready_ms;	   /* wall clock; 0: not yet */
	int64_t since_ms;	   /* wall clock of the last change of state */
	int64_t restarts;
	int exit_code; /* of the last run; -1: none */
	bool oom;
	char *reason; /* why it crashed or ended, never NULL */
	char *health; /* what readiness waits for, for people; never NULL */
	pid_t pid;    /* of the container's init in the host's PID namespace, or 0 */
	struct dyno_private *priv;
};

struct dynos;
struct logs_client;
struct walls;

/* Where it serves: port 0 for one that does not. */
struct route_place dyno_place(const struct dyno *dyno);

/* Called on each change of a dyno, its removal included (state DYNO_EXITED, known). */
typedef void (*dynos_changed_fn)(struct dyno *dyno, void *userdata);

/* Adopts what runs; dead directories are cleaned. */
int dynos_new(const struct platform *p, struct logs_client *logs, struct walls *walls,
	      struct dynos **ret, struct error *err);
void dynos_on_change(struct dynos *ds, dynos_changed_fn fn, void *userdata);
/* Frees the list; the supervisors go on. */
void dynos_free(struct dynos *ds);

/* Runs instead of a release's slug: a service's server or client. Its whole environment is
 * dyno_start.env. */
struct dyno_program {
	const char *stack;  /* digest */
	const char *lower;  /* the directory that is shown at /app */
	const char *volume; /* the directory at /app/data, or NULL */
	char *const *argv;  /* what the init runs, the init left out */
	struct sandbox_limits limits;
	int64_t stop_ms;
	bool addon; /* see struct dyno */
};

struct dyno_start {
	const struct app *app;
	const struct release *release; /* with config */
	const char *type;
	int64_t number;
	const char *size;
	const char *command; /* NULL: the release's process type */
	bool one_off;
	bool attach;
	bool terminal;
	const char *rendezvous; /* the digest of a secret (rendezvous.h), or NULL */
	int columns, rows;
	json_t *env; /* more variables, or NULL */
	int64_t time_limit_ms;
	const struct dyno_program *program; /* or NULL: the release's slug */
	/* If not NULL, no sandbox of its own but an additional process in the sandbox of this dyno,
	 * which is up: with its environment and limits, until it ends. Release and size are those
	 * of that dyno. */
	const struct dyno *inside;
};

/* Starts a supervisor. The dyno is in the list when this returns. */
int dynos_start(struct dynos *ds, const struct dyno_start *o, struct dyno **ret, struct error *err);
/* SIGTERM, window, SIGKILL. */
void dynos_stop(struct dynos *ds, struct dyno *dyno);
/* A client of a session, as DYNO_ATTACH tells it (ipc/dyno-proto.h). */
struct dyno_client {
	bool raw;
	int64_t session, position; /* 0: it comes anew */
};
/* Passes a client's stream socket to a dyno that was started with attach. fd is borrowed. */
int dynos_attach(struct dynos *ds, struct dyno *dyno, int fd, const struct dyno_client *client,
		 struct error *err);

/* How long a dyno may take to get ready without TWELVE_START_TIMEOUT. */
#define DYNO_START_TIMEOUT_MS 60000
/* A setting in seconds among a release's config vars, in ms. It was checked when it was set. */
int64_t dyno_config_ms(const struct release *r, const char *key, int64_t fallback_ms);

/* All dynos of an app (NULL: of all), in no order: an array of borrowed pointers that the caller
 * frees. */
size_t dynos_list(struct dynos *ds, const char *app_id, struct dyno ***ret);
/* By name or id; NULL when there is none. With two of one name, the newest. */
struct dyno *dynos_find(struct dynos *ds, const char *app_id, const char *name_or_id);
/* False if its init has ended, whether the supervisor has reported it yet or not. */
bool dyno_is_alive(const struct dyno *dyno);
/* Asks the kernel whether it is still ready. If not, watches it until it is. */
bool dyno_look_again(struct dyno *dyno);
/* Whether it seems to crash repeatedly: its last run ended before it was ready, and it has not been
 * ready since. Without a port, where a second is enough to be ready: its last run ended within a
 * minute, and this one has not lasted a minute yet. */
bool dyno_is_unwell(const struct dyno *dyno);
/* "up", "starting", "crashed" or "down", Heroku's terms. A dyno that crashes before it is ready
 * stays "crashed" while it is restarted. */
const char *dyno_state_word(const struct dyno *dyno);
