/* SPDX-License-Identifier: Apache-2.0 */
/* Autoscaling of web dynos; see autoscale.h. */
#include "daemon/rollout/autoscale.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/core/trail.h"
#include "daemon/dynos/dynos.h"
#include "daemon/wanted/formation.h"
#include "daemon/lines/lines.h"
#include "store/monitor.h"

/* What is known of an app. */
struct measured {
	struct measured *next;
	char app_id[UUID_SIZE];
	int64_t version; /* of the release, and */
	char size[32];	 /* the size of dyno, that it was measured with */
	struct autoscale_period periods[AUTOSCALE_PERIODS]; /* the newest first */
	size_t n_periods;
	int64_t at_ms; /* of the newest */
	/* What was told in the stream, a bit for each reason, of so many dynos, by the monitor as
	 * it was then. */
	unsigned told;
	int64_t told_quantity, told_updated_ms;
	/* Why the last change was refused, as it was told; "": it was not. */
	char refused[ERROR_MESSAGE_MAX];
};

struct autoscaler {
	struct autoscaler_options o;
	struct watch *timer;
	struct measured *apps;
};

/* One app, in one period. */
struct look {
	struct autoscaler *a;
	struct measured *m;
	struct monitor monitor;
	struct app app;
	struct formation web;
	bool has_web; /* its release does */
	bool busy;
	int64_t now_ms;
};

static struct measured *find(struct autoscaler *a, const char *app_id)
{
	struct measured *m = a->apps;

	while (m && !streq(m->app_id, app_id))
		m = m->next;
	return m;
}

static bool is_listed(const struct monitor *monitors, size_t n, const char *app_id)
{
	for (size_t i = 0; i < n; i++)
		if (streq(monitors[i].app_id, app_id))
			return true;
	return false;
}

/* What is not scaled any more begins anew when it is again. */
static void forget_others(struct autoscaler *a, const struct monitor *monitors, size_t n)
{
	for (struct measured **at = &a->apps; *at;) {
		struct measured *m = *at;

		if (is_listed(monitors, n, m->app_id)) {
			at = &m->next;
			continue;
		}
		*at = m->next;
		free(m);
	}
}

static void on_timer(void *userdata)
{
	struct autoscaler *a = userdata;
	struct error err = ERROR_INIT;
	struct monitor *monitors = NULL;
	size_t n = 0;

	watch_arm(a->timer, a->o.platform->settings.autoscale_period_ms);
	if (store_monitor_list(a->o.platform->store, &monitors, &n, &err) < 0) {
		log_error("autoscaling: %s", err.message);
		return;
	}
	forget_others(a, monitors, n);
	for (size_t i = 0; i < n; i++)
		logs_ask_load(a->o.logs, monitors[i].app_id);
	free(monitors);
}

/* ---- how it is about an app ---- */

/* A dyno that only starts does no work yet; one that crashed and is started again is no reason to
 * wait. */
static bool is_starting(const struct look *k)
{
	_cleanup_free_ struct dyno **dynos = NULL;
	size_t n = dynos_list(k->a->o.dynos, k->app.id, &dynos);

	for (size_t i = 0; i < n; i++) {
		const struct dyno *dyno = dynos[i];

		if (streq(dyno->type, "web") && !dyno->one_off && !dyno->addon && !dyno->draining &&
		    !dyno->restarts &&
		    (dyno->state == DYNO_STARTING || (dyno->state == DYNO_UP && !dyno->ready)))
			return true;
	}
	return false;
}

static int look_at_releases(struct look *k, struct error *err)
{
	struct store *s = k->a->o.platform->store;
	struct release release = { 0 };
	int r = 0;

	if (k->app.current_version) {
		r = store_release_get(s, k->app.id, k->app.current_version, &release, err);
		k->has_web = r == 0 && release.slug && procfile_get(&release.processes, "web");
	}
	release_done(&release);
	if (r < 0 || k->app.last_version == k->app.current_version)
		return r;
	r = store_release_get(s, k->app.id, k->app.last_version, &release, err);
	k->busy = r == 0 && release.status == RELEASE_PENDING;
	release_done(&release);
	return r;
}

/* 1, or 0 when the app is not to be scaled any more, or -1. */
static int look_at(struct look *k, const char *app_id, struct error *err)
{
	const struct autoscaler_options *o = &k->a->o;
	int r = store_monitor_get(o->platform->store, app_id, &k->monitor, err);

	if (r <= 0 || !k->monitor.active)
		return r < 0 ? -1 : 0;
	if (store_app_get(o->platform->store, app_id, &k->app, err) < 0 ||
	    look_at_releases(k, err) < 0 ||
	    formation_find(o->wanted, &k->app, "web", &k->web, err) < 0)
		return -1;
	k->busy = k->busy || k->app.maintenance || is_starting(k);
	k->now_ms = clock_wall_ms();
	return k->has_web;
}

static void look_done(struct look *k)
{
	app_done(&k->app);
	formation_done(&k->web);
}

/* ---- remembering ---- */

static void begin_anew(struct look *k)
{
	struct autoscaler *a = k->a;

	if (!k->m) {
		k->m = xcalloc(1, sizeof(*k->m));
		memcpy(k->m->app_id, k->app.id, UUID_SIZE);
		k->m->next = a->apps;
		a->apps = k->m;
	}
	if (k->m->version == k->app.current_version && streq(k->m->size, k->web.size))
		return;
	k->m->version = k->app.current_version;
	snprintf(k->m->size, sizeof(k->m->size), "%s", k->web.size);
	k->m->n_periods = 0;
}

static void remember(struct look *k, const struct logs_load *load)
{
	struct measured *m = k->m;
	/* When the quantity changed within the period, by a person, it is of no quantity. */
	int64_t since_ms = k->now_ms - k->web.updated_ms;
	bool whole =
		since_ms < 0 || since_ms * 10 >= k->a->o.platform->settings.autoscale_period_ms * 9;

	memmove(m->periods + 1, m->periods, (AUTOSCALE_PERIODS - 1) * sizeof(m->periods[0]));
	m->periods[0] = (struct autoscale_period){
		.requests = load->requests,
		.failed = load->failed,
		.p95_ms = load->p95_ms,
		.quantity = whole ? k->web.quantity : 0,
	};
	m->n_periods += m->n_periods < AUTOSCALE_PERIODS;
	m->at_ms = k->now_ms;
}

/* ---- acting ---- */

/* What is not fresh says nothing; bounds are kept all the same. */
static struct autoscale_decision decide(const struct look *k, bool fresh)
{
	const struct settings *s = &k->a->o.platform->settings;
	int64_t max = k->monitor.max < s->max_dynos ? k->monitor.max : s->max_dynos;
	struct autoscale_facts f = {
		.min = k->monitor.min < max ? k->monitor.min : max,
		.max = max,
		.target_ms = k->monitor.target_ms,
		.quantity = k->web.quantity,
		.periods = k->m->periods,
		.n_periods = fresh ? k->m->n_periods : 0,
		.period_ms = s->autoscale_period_ms,
		.now_ms = k->now_ms,
		.changed_ms = k->web.updated_ms,
		.busy = k->busy,
	};

	return autoscale_decide(&f);
}

static int scale(struct look *k, int64_t quantity, struct error *err)
{
	_cleanup_free_ char *text = NULL, *note = NULL;
	int64_t before = k->web.quantity;

	k->web.quantity = quantity;
	if (formation_set(k->a->o.wanted, &k->app, &k->web, 1, "autoscaling", &text, err) < 0)
		return -1;
	note = xasprintf("%s, from %lld", text, (long long)before);
	trail_platform(k->a->o.platform->store, "autoscaling", &k->app, "scale", note);
	return 0;
}

/* Why there are no more dynos though the app is slow: once, until it is otherwise. */
static void tell(struct look *k, const struct autoscale_decision *d)
{
	struct measured *m = k->m;
	const struct autoscale_period *p = &m->periods[0];
	char why[128];

	if (m->told_quantity != d->quantity || m->told_updated_ms != k->monitor.updated_ms)
		m->told = 0;
	if ((d->reason != AUTOSCALE_AT_MAX && d->reason != AUTOSCALE_FAILING) ||
	    m->told & 1u << d->reason)
		return;
	if (d->reason == AUTOSCALE_AT_MAX)
		snprintf(why, sizeof(why), "web is at its maximum of %lld", (long long)d->quantity);
	else
		snprintf(why, sizeof(why),
			 "%lld of %lld requests failed, which more dynos will not fix",
			 (long long)p->failed, (long long)p->requests);
	logs_append(k->a->o.logs, k->app.id, "app", "api",
		    "Autoscaling adds no dynos: %s; p95 is %lld ms, to be below %lld ms", why,
		    (long long)p->p95_ms, (long long)k->monitor.target_ms);
	m->told |= 1u << d->reason;
	m->told_quantity = d->quantity;
	m->told_updated_ms = k->monitor.updated_ms;
}

/* A limit of the owner: that is theirs to know, and once. */
static void tell_refused(struct look *k, const struct error *err)
{
	if (err->kind != ERROR_INVALID) {
		log_error("autoscaling %s: %s", k->app.name, err->message);
		return;
	}
	if (streq(k->m->refused, err->message))
		return;
	snprintf(k->m->refused, sizeof(k->m->refused), "%s", err->message);
	logs_append(k->a->o.logs, k->app.id, "app", "api", "Autoscaling adds no dynos: %s",
		    err->message);
}

static void act(struct look *k, bool fresh)
{
	struct autoscale_decision d = decide(k, fresh);
	struct error err = ERROR_INIT;

	tell(k, &d);
	if (d.quantity == k->web.quantity)
		return;
	if (scale(k, d.quantity, &err) < 0)
		tell_refused(k, &err);
	else
		k->m->refused[0] = '\0';
}

/* Of less than half a period, or of more than two, it would mean something else: after a kill, or
 * when nobody asked. */
static bool is_a_period(const struct autoscaler *a, const struct logs_load *load)
{
	int64_t period_ms = a->o.platform->settings.autoscale_period_ms;

	return !load->requests || (load->for_ms * 2 >= period_ms && load->for_ms <= 2 * period_ms);
}

static void on_load(const struct logs_load *load, void *userdata)
{
	struct autoscaler *a = userdata;
	struct look k = { .a = a, .m = find(a, load->app_id) };
	struct error err = ERROR_INIT;
	int r = look_at(&k, load->app_id, &err);

	if (r < 0)
		log_error("autoscaling app %s: %s", load->app_id, err.message);
	if (r > 0) {
		bool fresh = is_a_period(a, load);

		begin_anew(&k);
		if (fresh)
			remember(&k, load);
		act(&k, fresh);
	}
	look_done(&k);
}

/* ---- life ---- */

struct autoscaler *autoscaler_new(const struct autoscaler_options *o)
{
	struct autoscaler *a = xcalloc(1, sizeof(*a));

	a->o = *o;
	a->timer = watch_timer(o->platform->loop, on_timer, a);
	watch_arm(a->timer, o->platform->settings.autoscale_period_ms);
	logs_on_load(o->logs, on_load, a);
	return a;
}

void autoscaler_free(struct autoscaler *a)
{
	if (!a)
		return;
	logs_on_load(a->o.logs, NULL, NULL);
	watch_free(a->timer);
	forget_others(a, NULL, 0);
	free(a);
}

bool autoscaler_last(struct autoscaler *a, const char *app_id, struct autoscale_period *ret,
		     int64_t *ret_at_ms)
{
	const struct measured *m = find(a, app_id);

	if (!m || !m->n_periods)
		return false;
	*ret = m->periods[0];
	*ret_at_ms = m->at_ms;
	return true;
}
