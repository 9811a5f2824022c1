/* SPDX-License-Identifier: Apache-2.0 */
/* Garbage collection (build/collect.h): the request waits for its end. */
#include <stdlib.h>

#include "base/str.h"
#include "daemon/api/table.h"
#include "daemon/build/builds.h"
#include "daemon/build/collect.h"
#include "daemon/build/stack-updates.h"
#include "daemon/build/stacks.h"
#include "daemon/services/services.h"

struct waiting {
	struct request *request;
	struct collect *collect;
	json_t *result; /* NULL: an error */
	struct error err;
};

static int check_no_builds(struct parts *parts, struct error *err)
{
	_cleanup_free_ char *running = NULL;
	struct app *apps = NULL;
	size_t n = 0;

	if (stacks_are_prepared(parts->stacks) && !collect_spares_stacks(parts->collect))
		return error_set(err, ERROR_CONFLICT,
				 "The stack of new apps is being made since the start: try again "
				 "in a minute");
	if (stack_updates_running(parts->stack_updates))
		return error_set(err, ERROR_CONFLICT,
				 "Stacks are being made anew: try again when twelve stacks:update "
				 "has ended");
	if (services_have_jobs(parts->services))
		return error_set(err, ERROR_CONFLICT,
				 "An add-on is being worked on: try again in a moment");
	if (store_app_list(parts->platform.store, &apps, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (!running && builds_running(parts->builds, apps[i].id))
			running = xstrdup(apps[i].name);
		app_done(&apps[i]);
	}
	free(apps);
	if (running)
		return error_set(err, ERROR_CONFLICT,
				 "A build of %s is running: try again when it has ended", running);
	return 0;
}

static void on_collected(const json_t *result, const struct error *err, void *userdata)
{
	struct waiting *w = userdata;

	if (result)
		w->result = json_copy((json_t *)result);
	else
		w->err = *err;
	request_resume(w->request);
}

static int answer(struct request *r, struct error *err)
{
	struct waiting *w = request_work(r);

	if (!w->result) {
		*err = w->err;
		return -1;
	}
	return request_answer(r, 200, steal_ptr(w->result));
}

/* The request ends; the collection goes on. */
static void let_go(void *work)
{
	struct waiting *w = work;

	collect_forget(w->collect, w);
	json_decref(w->result);
	free(w);
}

static int api_gc(struct request *r, struct error *err)
{
	struct parts *parts = request_parts(r);
	struct waiting *w;

	if (check_no_builds(parts, err) < 0)
		return -1;
	w = xcalloc(1, sizeof(*w));
	*w = (struct waiting){ .request = r, .collect = parts->collect, .err = ERROR_INIT };
	if (collect_start(parts->collect, on_collected, w, err) < 0) {
		free(w);
		return -1;
	}
	request_defer(r, answer, w, let_go);
	return 0;
}

const struct api_route gc_routes[] = {
	{ "POST", "/twelve/gc", NEED_ADMIN, api_gc,
	  "delete unused slugs and stacks; shows disk usage", .answer = "collection" },
	{ 0 },
};
