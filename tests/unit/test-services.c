/* SPDX-License-Identifier: Apache-2.0 */
/*
 * services: turns and changes of add-ons, with the real store and event loop, and no dyno. Jobs run
 * this program again, which then is a worker that always succeeds.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <sys/wait.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../skip.h"

#include "base/fs.h"
#include "base/str.h"
#include "daemon/build/collect.h"
#include "daemon/core/remove.h"
#include "daemon/core/state.h"
#include "daemon/edge/ca.h"
#include "daemon/lines/last-lines.h"
#include "daemon/lines/lines.h"
#include "daemon/services/services-priv.h"
#include "daemon/walls/walls.h"
#include "daemon/wanted/wanted.h"
#include "store/store-priv.h"

#define TICK_MS 10
/* Half a minute: what does not come until then does not come. */
#define MAX_TICKS 3000
#define SETTLE_TICKS 250

static const char manifest[] =
	"{\"name\": \"box\", \"human_name\": \"Box\", \"description\": \"Holds things\", "
	"\"version\": \"1\", \"packages\": [\"coreutils\"], \"ports\": 1, \"attachment\": \"BOX\", "
	"\"config\": {\"URL\": \"box://{user}:{password}@{host}:{port}\"}, "
	"\"plans\": [{\"name\": \"mini\", \"description\": \"Small\", \"memory\": \"64M\", "
	"\"disk\": \"64M\"}], \"backup\": \"dump\"}";
/* While this file is there, jobs do not end. */
#define HOLD "HOLD_JOBS"

/* ---- the rooms around it ---- */

size_t dynos_list(struct dynos *ds, const char *app_id, struct dyno ***ret)
{
	(void)ds;
	(void)app_id;
	*ret = NULL;
	return 0;
}

int dynos_start(struct dynos *ds, const struct dyno_start *o, struct dyno **ret, struct error *err)
{
	(void)ds;
	(void)o;
	(void)ret;
	(void)err;
	return 0;
}

struct route_place dyno_place(const struct dyno *dyno)
{
	return (struct route_place){ { htonl(INADDR_LOOPBACK) }, dyno->port };
}

void dynos_stop(struct dynos *ds, struct dyno *dyno)
{
	(void)ds;
	(void)dyno;
}

void logs_append(struct logs_client *c, const char *app_id, const char *source, const char *dyno,
		 const char *fmt, ...)
{
	(void)c;
	(void)app_id;
	(void)source;
	(void)dyno;
	(void)fmt;
}

void logs_link(struct logs_client *c, const char *addon_id, char *const *app_ids)
{
	(void)c;
	(void)addon_id;
	(void)app_ids;
}

void logs_forget(struct logs_client *c, const char *app_id)
{
	(void)c;
	(void)app_id;
}

struct last_lines *last_lines_fetch(struct logs_client *c, const struct logs_read *what,
				    last_lines_fn fn, void *userdata)
{
	(void)c;
	(void)what;
	(void)fn;
	(void)userdata;
	return NULL;
}

void last_lines_cancel(struct last_lines *l)
{
	(void)l;
}

void remove_tree_later(const struct platform *d, const char *path)
{
	(void)d;
	(void)path;
}

void remove_container_later(const struct platform *p, const char *id, const char *dir,
			    removed_fn fn, void *userdata)
{
	(void)p;
	(void)id;
	(void)dir;
	if (fn)
		fn(userdata);
}

void remover_forget(struct remover *r, const void *userdata)
{
	(void)r;
	(void)userdata;
}

bool state_is_gone(struct store *s, const char *kind, const char *id)
{
	(void)s;
	(void)kind;
	(void)id;
	return true;
}

bool collect_is_running(const struct collect *c)
{
	(void)c;
	return false;
}

char *ca_path(const char *state_dir)
{
	return xasprintf("%s/no-authority", state_dir);
}

int64_t ca_renew_ms(int64_t until_ms)
{
	return until_ms;
}

int ca_issue(const char *state_dir, char *const *names, char **ret_chain, char **ret_key,
	     int64_t *ret_until_ms, struct error *err)
{
	(void)state_dir;
	(void)names;
	(void)ret_chain;
	(void)ret_key;
	(void)ret_until_ms;
	return error_set(err, ERROR_SYSTEM, "There is no authority");
}

/* ---- the fixture ---- */

struct fixture {
	char dir[32];
	struct platform p;
	struct walls *walls;
	struct wanted *wanted;
	struct services *sv;
	struct watch *tick;
	int ticks;
	bool (*until)(struct fixture *f);
	struct app app;
	char addon_id[UUID_SIZE];
	int answers; /* of the change */
	char message[1024];
};

static void must(int r, const struct error *err)
{
	if (r < 0)
		fail_msg("%s", err->message);
}

static void on_tick(void *userdata)
{
	struct fixture *f = userdata;

	if (f->until(f) || ++f->ticks >= MAX_TICKS)
		loop_stop(f->p.loop);
	else
		watch_arm(f->tick, TICK_MS);
}

/* Runs the loop until this is so, or never is. */
static bool happens(struct fixture *f, bool (*until)(struct fixture *f))
{
	f->until = until;
	f->ticks = 0;
	watch_arm(f->tick, 0);
	loop_run(f->p.loop);
	return until(f);
}

static bool after_some_turns(struct fixture *f)
{
	return f->ticks >= 5;
}

static struct app make_app(struct fixture *f, const char *name, json_t *attachments)
{
	struct app a = { .name = xstrdup(name),
			 .stack = xstrdup("debian-12"),
			 .buildpacks = xstrdup("[]"),
			 .branch = xstrdup("main") };
	struct error err = ERROR_INIT;
	struct release r = { .status = RELEASE_SUCCEEDED };

	must(store_app_create(f->p.store, &a, &err), &err);
	memcpy(r.app_id, a.id, sizeof(r.app_id));
	r.description = xstrdup("First");
	r.user = xstrdup("somebody");
	r.commit = xstrdup("");
	r.stack_name = xstrdup("debian-12");
	r.config = json_object();
	r.attachments = attachments;
	must(store_begin(f->p.store, &err), &err);
	must(store_release_create(f->p.store, &r, &err), &err);
	must(store_commit(f->p.store, &err), &err);
	a.current_version = r.version;
	must(store_app_update(f->p.store, &a, &err), &err);
	release_done(&r);
	app_done(&a);
	must(store_app_get(f->p.store, name, &a, &err), &err);
	return a;
}

static void make_addon(struct fixture *f, const char *name, const char *service, int64_t port,
		       char id[static UUID_SIZE])
{
	struct addon a = { .app_name = xstrdup(f->app.name),
			   .name = xstrdup(name),
			   .service = xstrdup(service),
			   .plan = xstrdup("mini"),
			   .state = ADDON_PROVISIONED,
			   .first_port = port,
			   .schedule_minute = -1 };
	struct error err = ERROR_INIT;

	memcpy(a.app_id, f->app.id, sizeof(a.app_id));
	a.secret = json_pack("{s:s, s:s}", "made_by", "somebody", "url", "http://127.0.0.1:1/");
	must(store_addon_create(f->p.store, &a, &err), &err);
	memcpy(id, a.id, UUID_SIZE);
	addon_done(&a);
}

static void write_manifest(const char *dir)
{
	_cleanup_free_ char *box = xasprintf("%s/addons/box", dir),
			    *path = xasprintf("%s/addon.json", box);
	FILE *file;

	assert_int_equal(fs_mkdirs(box, 0755), 0);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(manifest, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* A du(1) that notes when it begins and ends. */
static void write_du(const char *dir)
{
	_cleanup_free_ char *bin = xasprintf("%s/bin", dir), *path = xasprintf("%s/du", bin),
			    *search = xasprintf("%s:%s", bin, getenv("PATH"));
	FILE *file;

	assert_int_equal(fs_mkdirs(bin, 0755), 0);
	file = fopen(path, "w");
	assert_non_null(file);
	fprintf(file,
		"#!/bin/sh\necho begin >>%s/du.log\nsleep 0.05\necho end >>%s/du.log\necho 4096\n",
		dir, dir);
	assert_int_equal(fchmod(fileno(file), 0755), 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(setenv("PATH", search, 1), 0);
}

static void on_wanted(const char *app_id, void *userdata)
{
	(void)app_id;
	(void)userdata;
}

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	struct error err = ERROR_INIT;

	snprintf(f->dir, sizeof(f->dir), "/tmp/test-services-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	write_manifest(f->dir);
	f->p.settings = (struct settings){ .state_dir = f->dir,
					   .run_dir = f->dir,
					   .data_dir = f->dir,
					   .libexec_dir = f->dir,
					   .addons_dir = f->dir,
					   .shared_network = 1 };
	f->p.runtime_root = f->dir;
	f->p.runtime = (struct sandbox_runtime){ .path = f->dir, .name = f->dir };
	f->p.loop = loop_new();
	must(store_open(f->dir, &f->p.store, &err), &err);
	must(walls_new(&f->p, &f->walls, &err), &err);
	f->wanted = wanted_new(&(struct wanted_options){
		.platform = &f->p, .walls = f->walls, .changed = on_wanted, .userdata = f });
	f->tick = watch_timer(f->p.loop, on_tick, f);
	f->app = make_app(f, "owner", json_array());
	f->sv = services_new(&(struct services_options){
		.platform = &f->p, .walls = f->walls, .wanted = f->wanted });
	*state = f;
	return 0;
}

static bool all_are_reaped(struct fixture *f)
{
	siginfo_t info;

	(void)f;
	return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 && errno == ECHILD;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	services_free(f->sv);
	/* Those that were abandoned are freed by the loop, when they have ended. */
	assert_true(happens(f, all_are_reaped));
	walls_free(f->walls);
	app_done(&f->app);
	wanted_free(f->wanted);
	watch_free(f->tick);
	store_close(f->p.store);
	loop_free(f->p.loop);
	fs_remove_tree(f->dir);
	free(f);
	return 0;
}

static void sql(struct fixture *f, const char *text)
{
	assert_int_equal(sqlite3_exec(f->p.store->db, text, NULL, NULL, NULL), SQLITE_OK);
}

static bool is_listed(struct fixture *f)
{
	return resource_find(f->sv, f->addon_id) && !resource_find(f->sv, f->addon_id)->job;
}

static bool is_gone(struct fixture *f)
{
	return !resource_find(f->sv, f->addon_id);
}

static void want_away(struct fixture *f)
{
	struct error err = ERROR_INIT;
	struct addon a = { 0 };

	must(store_addon_get(f->p.store, f->addon_id, &a, &err), &err);
	a.state = ADDON_DEPROVISIONING;
	must(store_addon_update(f->p.store, &a, &err), &err);
	addon_done(&a);
}

/* ---- the cases ---- */

static void test_a_database_error_does_not_end_the_turns(void **state)
{
	struct fixture *f = *state;

	make_addon(f, "elsewhere", SERVICE_EXTERNAL, 0, f->addon_id);
	assert_true(happens(f, is_listed));
	want_away(f);
	sql(f, "ALTER TABLE addon RENAME TO aside");
	services_kick_one(f->sv, f->addon_id);
	assert_true(happens(f, after_some_turns));
	sql(f, "ALTER TABLE aside RENAME TO addon");
	assert_true(happens(f, is_gone));
}

static void on_changed(struct error *err, const char *attachment_id, int64_t version,
		       void *userdata)
{
	struct fixture *f = userdata;

	(void)attachment_id;
	(void)version;
	f->answers++;
	snprintf(f->message, sizeof(f->message), "%s", err ? err->message : "");
}

static void test_a_change_ends_with_its_addon(void **state)
{
	struct fixture *f = *state;
	struct caller who = { .name = "somebody" };
	struct addon_change c = { .app = &f->app, .who = &who, .fn = on_changed, .userdata = f };
	struct error err = ERROR_INIT;
	struct addon a = { 0 };

	make_addon(f, "box-1", "box", 25000, f->addon_id);
	assert_true(happens(f, is_listed));
	must(store_addon_get(f->p.store, f->addon_id, &a, &err), &err);
	services_attach(f->sv, &c, &a, NULL, false);
	addon_done(&a);
	assert_int_equal(f->answers, 0);
	assert_int_equal(f->sv->n_changes, 1);
	want_away(f);
	services_kick_one(f->sv, f->addon_id);
	assert_true(happens(f, is_gone));
	assert_int_equal(f->sv->n_changes, 0);
	assert_int_equal(f->answers, 1);
	assert_string_equal(f->message, "The add-on was destroyed");
}

/* ---- backups ---- */

static char *hold_path(const struct fixture *f)
{
	return xasprintf("%s/hold", f->dir);
}

/* A backup of a server that is there, which goes on until the file is removed. */
static void begin_backup(struct fixture *f, struct backup *ret)
{
	_cleanup_free_ char *hold = hold_path(f);
	struct error err = ERROR_INIT;
	struct addon a = { 0 };

	assert_int_equal(fs_write_fleeting(hold, 0600, "", 0), 0);
	assert_int_equal(setenv(HOLD, hold, 1), 0);
	make_addon(f, "box-1", "box", 25000, f->addon_id);
	must(store_addon_get(f->p.store, f->addon_id, &a, &err), &err);
	a.stack = xstrdup("made");
	must(store_addon_update(f->p.store, &a, &err), &err);
	assert_true(happens(f, is_listed));
	must(services_backup(f->sv, &a, "manual", ret, &err), &err);
	assert_string_equal(ret->status, "running");
	addon_done(&a);
}

static void let_jobs_end(const struct fixture *f)
{
	_cleanup_free_ char *hold = hold_path(f);

	assert_int_equal(unlink(hold), 0);
}

/*
 * The job that was ended has been reaped, and what it left is removed by a child, too; so that the loop
 * goes without a child that nobody frees. Where no OCI runtime works, the removal is tried for ever.
 */
static bool has_settled(struct fixture *f)
{
	siginfo_t si;

	return f->ticks >= SETTLE_TICKS ||
	       (waitid(P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT) < 0 && errno == ECHILD);
}

static bool backup_has_ended(struct fixture *f)
{
	return !resource_find(f->sv, f->addon_id)->backup_job;
}

static char *status_of(struct fixture *f)
{
	struct error err = ERROR_INIT;
	struct backup *list = NULL;
	char *status = NULL;
	size_t n = 0;

	must(store_backup_list(f->p.store, f->addon_id, NULL, &list, &n, &err), &err);
	if (n == 1)
		status = xasprintf("%s: %s", list[0].status,
				   list[0].error ? list[0].error : list[0].summary);
	backup_free_array(list, n);
	return status;
}

static bool is_recorded(struct fixture *f)
{
	_cleanup_free_ char *status = status_of(f);

	return streq(status, "succeeded: 3 rows");
}

static void test_the_end_of_a_backup_is_recorded_when_the_database_can(void **state)
{
	struct fixture *f = *state;
	struct backup b = { 0 };

	if (geteuid() != 0)
		SKIP_BECAUSE("giving files away takes root");
	begin_backup(f, &b);
	sql(f, "ALTER TABLE backup RENAME TO aside");
	let_jobs_end(f);
	assert_true(happens(f, backup_has_ended));
	sql(f, "ALTER TABLE aside RENAME TO backup");
	assert_true(happens(f, is_recorded));
	assert_null(f->sv->unsaved);
	backup_done(&b);
}

static void test_a_backup_of_an_addon_that_is_destroyed_has_failed(void **state)
{
	struct fixture *f = *state;
	_cleanup_free_ char *status = NULL;
	struct error err = ERROR_INIT;
	struct backup b = { 0 };
	struct addon a = { 0 };

	if (geteuid() != 0)
		SKIP_BECAUSE("giving files away takes root");
	begin_backup(f, &b);
	must(store_addon_get(f->p.store, f->addon_id, &a, &err), &err);
	a.state = ADDON_DEPROVISIONED;
	must(store_addon_update(f->p.store, &a, &err), &err);
	addon_done(&a);
	services_kick_one(f->sv, f->addon_id);
	assert_true(happens(f, is_gone));
	let_jobs_end(f);
	assert_true(happens(f, has_settled));
	status = status_of(f);
	assert_string_equal(status, "failed: The add-on was destroyed while it was being made");
	backup_done(&b);
}

static bool all_are_counted(struct fixture *f)
{
	size_t n = 0;

	for (size_t i = 0; i < f->sv->n; i++)
		n += f->sv->list[i]->disk_used == 4096;
	return n == 4;
}

static void test_one_volume_is_counted_at_a_time(void **state)
{
	struct fixture *f = *state;
	_cleanup_free_ char *log = xasprintf("%s/du.log", f->dir),
			    *volumes = xasprintf("%s/volumes", f->dir),
			    *before = xstrdup(getenv("PATH"));
	_cleanup_buf_ struct buf text = BUF_INIT;
	char id[UUID_SIZE];

	write_du(f->dir);
	assert_int_equal(fs_mkdirs(volumes, 0755), 0);
	for (int i = 0; i < 4; i++) {
		_cleanup_free_ char *name = xasprintf("box-%d", i);

		make_addon(f, name, "box", 25000 + 10 * i, id);
	}
	services_kick(f->sv);
	assert_true(happens(f, all_are_counted));
	setenv("PATH", before, 1);
	assert_int_equal(fs_read_file(log, 4096, &text), 0);
	/* None begins before the one before it has ended. */
	assert_non_null(strstr(text.data, "begin\nend\n"));
	assert_null(strstr(text.data, "begin\nbegin\n"));
}

/* A du(1) that does not end, and says who it is. */
static void write_stuck_du(const char *dir)
{
	_cleanup_free_ char *bin = xasprintf("%s/bin", dir), *path = xasprintf("%s/du", bin),
			    *search = xasprintf("%s:%s", bin, getenv("PATH"));
	FILE *file;

	assert_int_equal(fs_mkdirs(bin, 0755), 0);
	file = fopen(path, "w");
	assert_non_null(file);
	fprintf(file, "#!/bin/sh\necho $$ >%s/pid.tmp\nmv %s/pid.tmp %s/pid\nexec sleep 1000\n",
		dir, dir, dir);
	assert_int_equal(fchmod(fileno(file), 0755), 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(setenv("PATH", search, 1), 0);
}

static pid_t stuck_pid(struct fixture *f)
{
	_cleanup_free_ char *path = xasprintf("%s/pid", f->dir);
	_cleanup_buf_ struct buf text = BUF_INIT;

	return fs_read_file(path, 64, &text) == 0 ? (pid_t)strtol(text.data, NULL, 10) : 0;
}

static bool du_is_stuck(struct fixture *f)
{
	return stuck_pid(f) > 0;
}

static bool du_has_ended(struct fixture *f)
{
	return kill(stuck_pid(f), 0) < 0;
}

static void test_a_count_ends_with_its_services(void **state)
{
	struct fixture *f = *state;
	_cleanup_free_ char *volumes = xasprintf("%s/volumes", f->dir),
			    *before = xstrdup(getenv("PATH"));
	char id[UUID_SIZE];
	bool ended;

	write_stuck_du(f->dir);
	assert_int_equal(fs_mkdirs(volumes, 0755), 0);
	make_addon(f, "box-0", "box", 25000, id);
	services_kick(f->sv);
	assert_true(happens(f, du_is_stuck));
	setenv("PATH", before, 1);
	services_free(f->sv);
	f->sv = NULL;
	ended = happens(f, du_has_ended);
	if (!ended)
		kill(stuck_pid(f), SIGKILL);
	assert_true(ended);
}

static int on_statement(unsigned what, void *userdata, void *statement, void *text)
{
	int *n = userdata;

	(void)what;
	(void)statement;
	(void)text;
	(*n)++;
	return 0;
}

/* An app that has each add-on under a name of its own. */
static void make_attached(struct fixture *f, const char *name, char (*ids)[UUID_SIZE], int n)
{
	json_t *list = json_array(), *vars = json_pack("{s:s}", "BOX_URL", "box://");
	char id[UUID_SIZE];
	struct app app;

	for (int i = 0; i < n; i++) {
		_cleanup_free_ char *as = xasprintf("BOX_%d", i);

		json_array_append_new(list,
				      attach_make(uuid_make(id), as, ids[i], "", false, 1, vars));
	}
	json_decref(vars);
	app = make_app(f, name, list);
	app_done(&app);
}

static int statements_of_a_look(struct fixture *f, const char *addon_id, size_t n_expected)
{
	struct services_links *l = NULL;
	struct error err = ERROR_INIT;
	int n_statements = 0;
	size_t n = 0;

	sqlite3_trace_v2(f->p.store->db, SQLITE_TRACE_STMT, on_statement, &n_statements);
	must(services_links_read(f->sv, &l, &err), &err);
	sqlite3_trace_v2(f->p.store->db, 0, NULL, NULL);
	services_links_of(l, addon_id, &n);
	assert_int_equal(n, n_expected);
	assert_non_null(services_links_app(l, f->app.id));
	services_links_free(l);
	return n_statements;
}

static void test_who_is_attached_is_read_at_once(void **state)
{
	struct fixture *f = *state;
	char ids[12][UUID_SIZE];
	int few;

	for (int i = 0; i < 12; i++) {
		_cleanup_free_ char *name = xasprintf("box-%d", i);

		make_addon(f, name, SERVICE_EXTERNAL, 0, ids[i]);
	}
	make_attached(f, "app-0", ids, 12);
	few = statements_of_a_look(f, ids[3], 1);
	for (int i = 1; i < 20; i++) {
		_cleanup_free_ char *name = xasprintf("app-%d", i);

		make_attached(f, name, ids, 12);
	}
	assert_int_equal(statements_of_a_look(f, ids[3], 20), few);
	statements_of_a_look(f, f->app.id, 0);
}

int main(int argc, char **argv)
{
	static const char result[] = "{\"ok\": true, \"stack\": \"made\", \"bytes\": 4, "
				     "\"sha256\": \"a digest\", \"output\": \"3 rows\\n\"}";
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_database_error_does_not_end_the_turns, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_a_change_ends_with_its_addon, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_the_end_of_a_backup_is_recorded_when_the_database_can, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			test_a_backup_of_an_addon_that_is_destroyed_has_failed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_one_volume_is_counted_at_a_time, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_a_count_ends_with_its_services, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_who_is_attached_is_read_at_once, setup,
						teardown),
	};

	while (argc > 1 && getenv(HOLD) && fs_exists(getenv(HOLD)))
		usleep(TICK_MS * 1000);
	if (argc > 1 && streq(argv[1], "addon"))
		return write(3, result, strlen(result)) == (ssize_t)strlen(result) ? 0 : 1;
	return cmocka_run_group_tests_name("services", tests, NULL, NULL);
}
