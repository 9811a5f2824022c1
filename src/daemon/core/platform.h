/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every room stands on: values, the event loop, the database, the container runtime. A room
 * gets other rooms by name, in its x_new(); so a signature says what a function can touch.
 */
#pragma once

#include <sys/types.h>

#include "daemon/core/settings.h"
#include "event/loop.h"
#include "sandbox/sandbox.h"
#include "store/store.h"

struct platform {
	struct settings settings;
	struct loop *loop;
	struct store *store;
	struct remover *remover; /* core/remove.h */
	struct sandbox_runtime runtime;
	char *api_socket;   /* RUN/twelved.sock */
	char *door_dir;	    /* RUN/door: sockets between haproxy and us */
	char *runtime_root; /* RUN/oci */
	/* What haproxy's workers run as, looked up once, at the start (edge/door.h); NULL: as we
	 * do. */
	const char *proxy_user;
	uid_t proxy_uid;
	gid_t proxy_gid;
	int64_t started_ms;
};
