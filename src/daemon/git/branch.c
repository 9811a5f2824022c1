/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See branch.h. Whether anything is to be done is seen by reading the refs as files
 * (gitrepository-layout(5)), which is done often; what is to be done is done by git, in a child: it
 * has the locks, and knows whether a commit is there.
 */
#include "daemon/git/branch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/str.h"
#include "daemon/core/child.h"
#include "daemon/git/git.h"
#include "stack/names.h"

#define CHILDREN_MAX 4
#define RETRY_MS 90000
#define PATIENCE_MS 10000
#define REF_MAX_BYTES 4096
#define PACKED_MAX_BYTES (64 << 20)
#define SAID_MAX_BYTES 2000
#define ID_MAX 64
/* Commits that ran stay, whatever is pushed and collected: one can be rolled back to. Not shown to
 * clients (git/repository.c). */
#define PINS "refs/twelve/deployed"

struct branch {
	struct branches *owner;
	char app_id[UUID_SIZE];
	struct watch *push;   /* of a pidfd: a push is under way, */
	struct watch *pusher; /* and of the pipe to who pushes, if it is one */
	int push_fd, pusher_fd;
	bool moving;		 /* a child is at it, */
	int64_t since_ms;	 /* since then */
	struct watch *retry;	 /* it could not, or takes long */
	bool followed;		 /* what was asked last was done, or could not be */
	char commit[ID_MAX + 1]; /* that */
};

/* A git with something to do. */
struct branch_check {
	struct branches *owner;
	struct branch_check *next;
	struct child *child;
	/* Of a check: who is told. Of a move: the branch. */
	branch_checked_fn fn;
	void *userdata;
	char app_id[UUID_SIZE];
};

typedef void (*ended_fn)(const struct child_end *end, void *userdata);

struct branches {
	struct branches_options o;
	struct branch **all;
	size_t n, n_moving;
	struct branch_check *children;
};

static void look(struct branches *b, const char *app_id)
{
	b->o.look(app_id, b->o.userdata);
}

static void push_ended(const struct branch *br)
{
	br->owner->o.push_ended(br->app_id, br->owner->o.userdata);
}

static void on_retry(void *userdata)
{
	struct branch *br = userdata;

	br->followed = false;
	look(br->owner, br->app_id);
}

static struct branch *branch_of(struct branches *b, const char *app_id)
{
	struct branch *br;

	for (size_t i = 0; i < b->n; i++)
		if (streq(b->all[i]->app_id, app_id))
			return b->all[i];
	br = xcalloc(1, sizeof(*br));
	*br = (struct branch){ .owner = b, .push_fd = -1, .pusher_fd = -1 };
	br->retry = watch_timer(b->o.platform->loop, on_retry, br);
	memcpy(br->app_id, app_id, UUID_SIZE);
	b->all = xrealloc(b->all, (b->n + 1) * sizeof(*b->all));
	b->all[b->n++] = br;
	return br;
}

/* ---- a child ---- */

static void check_free(struct branch_check *c)
{
	struct branch_check **at = &c->owner->children;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	child_abandon(c->child);
	free(c);
}

/* "fatal: prepare: cannot lock ref ...", without what git puts before it. Heap. */
static char *words_of(const struct child_end *end)
{
	const char *at = strstr(end->output, "fatal: ");

	at = at ? at + strlen("fatal: ") : end->output;
	if (str_starts(at, "prepare: "))
		at += strlen("prepare: ");
	return *at && *at != '\n' ? xasprintf("%.*s", (int)strcspn(at, "\n"), at)
				  : xstrdup("git failed");
}

/* It has the descriptors that it needs and none of ours, and ends with us. */
static int start(struct branches *b, const char *app_name, const char *const *argv,
		 const char *input, ended_fn fn, struct branch_check **ret, struct error *err)
{
	_cleanup_free_ char *repo = git_path(b->o.platform, app_name),
			    *path = xasprintf("PATH=%s",
					      getenv("PATH") ? getenv("PATH") : "/usr/bin:/bin");
	/* Where it stands and not what it is called: when the app is renamed meanwhile, git would
	 * make folders of the old name. */
	const char *const env[] = {
		"GIT_DIR=.", path, "HOME=/", "LANG=C.UTF-8", "GIT_CONFIG_NOSYSTEM=1", NULL
	};
	struct branch_check *c = xcalloc(1, sizeof(*c));
	const struct child_options o = { .argv = argv,
					 .env = env,
					 .dir = repo,
					 .input = input,
					 .max_output = SAID_MAX_BYTES,
					 .on_end = fn,
					 .userdata = c };

	*c = (struct branch_check){ .owner = b, .next = b->children };
	b->children = c;
	if (child_start(b->o.platform->loop, &o, &c->child, err) < 0) {
		check_free(c);
		return -1;
	}
	*ret = c;
	return 0;
}

/* ---- would git take it? ---- */

static void on_checked(const struct child_end *end, void *userdata)
{
	struct branch_check *c = userdata;
	_cleanup_free_ char *why = end->status == 0 ? NULL : words_of(end);
	branch_checked_fn fn = c->fn;
	void *whose = c->userdata;

	c->child = NULL;
	check_free(c);
	fn(why, whose);
}

static void put_update(struct buf *text, const char *update)
{
	_cleanup_free_ char *copy = xstrdup(update);
	char *save = NULL, *old = strtok_r(copy, " ", &save), *new = strtok_r(NULL, " ", &save),
	     *ref = strtok_r(NULL, "", &save);

	if (new[strspn(new, "0")] == '\0')
		buf_printf(text, "delete %s %s\n", ref, old);
	else
		buf_printf(text, "update %s %s %s\n", ref, new, old);
}

int branch_check(struct branches *b, const char *app_name, char *const *updates,
		 branch_checked_fn fn, void *userdata, struct error *err)
{
	static const char *const argv[] = { "git", "update-ref", "--stdin", NULL };
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct branch_check *c;

	buf_puts(&text, "start\n");
	for (; *updates; updates++)
		put_update(&text, *updates);
	buf_puts(&text, "prepare\nabort\n");
	if (start(b, app_name, argv, text.data, on_checked, &c, err) < 0)
		return -1;
	c->fn = fn;
	c->userdata = userdata;
	return 0;
}

/* ---- a push ---- */

static void end_push(struct branch *br)
{
	watch_free(steal_ptr(br->push));
	watch_free(steal_ptr(br->pusher));
	br->push_fd = fd_close(br->push_fd);
	br->pusher_fd = fd_close(br->pusher_fd);
	br->followed = false;
}

/* However it ended: whether the branch names what runs is looked at. */
static void on_push_end(void *userdata)
{
	struct branch *br = userdata;

	end_push(br);
	push_ended(br);
	look(br->owner, br->app_id);
}

/* Who pushes is gone, and git would notice with the next thing that it has to say. */
static void on_pusher_gone(void *userdata)
{
	struct branch *br = userdata;

	watch_free(steal_ptr(br->pusher));
	push_ended(br);
}

/* A pipe that we could write to is never readable: what is told of it is that nobody reads it any
 * more. */
static void watch_pusher(struct branch *br, pid_t pid)
{
	_cleanup_free_ char *path = xasprintf("/proc/%d/fd/1", pid);
	struct stat st;

	if (stat(path, &st) < 0 || !S_ISFIFO(st.st_mode))
		return;
	br->pusher_fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	if (br->pusher_fd >= 0)
		br->pusher = watch_readable(br->owner->o.platform->loop, br->pusher_fd,
					    on_pusher_gone, br);
}

/* Its parent may be gone, and another process be the parent of what is left. */
static bool is_git(pid_t pid)
{
	_cleanup_free_ char *path = xasprintf("/proc/%d/comm", pid);
	_cleanup_buf_ struct buf name = BUF_INIT;

	return fs_read_file(path, 64, &name) == 0 && str_starts(name.data, "git");
}

int branch_push_begins(struct branches *b, const struct app *app, pid_t pid, struct error *err)
{
	struct branch *br = branch_of(b, app->id);
	int fd;

	/* One that is being moved just now may go on: what it changes is seen when the push is
	 * compared again. */
	if (br->push)
		return error_set(err, ERROR_CONFLICT,
				 "Another push of %s is running: push again when it has finished",
				 app->name);
	fd = proc_pidfd_open(pid);
	if (fd < 0 || !is_git(pid)) {
		fd_close(fd);
		return error_set(err, ERROR_CONFLICT, "The push has ended already");
	}
	br->push_fd = fd;
	br->push = watch_readable(b->o.platform->loop, fd, on_push_end, br);
	watch_pusher(br, pid);
	return 0;
}

/* ---- what runs ---- */

/* A line of packed-refs: "ID REF". */
static void read_packed(const char *repo, const char *ref, char ret[static ID_MAX + 1])
{
	_cleanup_free_ char *path = xasprintf("%s/packed-refs", repo),
			    *end = xasprintf(" %s\n", ref);
	_cleanup_buf_ struct buf text = BUF_INIT;
	const char *at, *line;

	if (fs_read_file(path, PACKED_MAX_BYTES, &text) < 0 || !(at = strstr(text.data, end)))
		return;
	for (line = at; line > text.data && line[-1] != '\n';)
		line--;
	if (at - line <= ID_MAX)
		memcpy(ret, line, (size_t)(at - line));
}

/* "" when it is not there. */
static void read_ref(const char *repo, const char *ref, char ret[static ID_MAX + 1])
{
	_cleanup_free_ char *path = xasprintf("%s/%s", repo, ref);
	_cleanup_buf_ struct buf text = BUF_INIT;

	memset(ret, 0, ID_MAX + 1);
	if (fs_read_file(path, REF_MAX_BYTES, &text) == 0)
		memcpy(ret, text.data,
		       strcspn(text.data, "\n") <= ID_MAX ? strcspn(text.data, "\n") : ID_MAX);
	else
		read_packed(repo, ref, ret);
}

/* main, and master, which stands for it where it is there. */
static bool names(const char *repo, const struct app *app, const char *commit)
{
	const char *const both[] = { app->branch,
				     streq(app->branch, "main") ? "master" : app->branch };
	char id[ID_MAX + 1];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(both); i++) {
		_cleanup_free_ char *ref = xasprintf("refs/heads/%s", both[i]);

		read_ref(repo, ref, id);
		n += id[0] != '\0';
		if (id[0] && !streq(id, commit))
			return false;
	}
	return commit[0] ? n > 0 : n == 0;
}

static bool is_pinned(const char *repo, const char *commit)
{
	_cleanup_free_ char *ref = xasprintf(PINS "/%s", commit);
	char id[ID_MAX + 1];

	read_ref(repo, ref, id);
	return !commit[0] || streq(id, commit);
}

/*
 * $1 is the commit, the others are the branches, the app's own first. A branch that is there is
 * moved, or goes when what runs has no commit here; when none is there the first is made.
 */
static const char move_script[] =
	"c=$1; shift\n"
	"[ -n \"$c\" ] && git cat-file -e \"$c^{commit}\" 2>/dev/null || c=\n"
	"none=$1\n"
	"{\n"
	"echo start\n"
	"for r; do\n"
	"  old=$(git rev-parse -q --verify \"$r\") || continue\n"
	"  none=\n"
	"  if [ -z \"$c\" ]; then echo \"delete $r $old\"; elif [ \"$c\" != \"$old\" ]; then echo "
	"\"update $r $c $old\"; fi\n"
	"done\n"
	"[ -z \"$c\" ] || [ -z \"$none\" ] || echo \"create $none $c\"\n"
	"[ -z \"$c\" ] || echo \"update " PINS "/$c $c\"\n"
	"echo prepare\n"
	"echo commit\n"
	"} | git update-ref --stdin\n";

/* What runs goes on meanwhile. A lock that a killed git has left is old by then, and removed. */
static void try_later(struct branch *br, const char *why)
{
	log_warn("app %s: the branch was not moved to %.12s, which runs: %s", br->app_id,
		 br->commit, why);
	watch_arm(br->retry, RETRY_MS);
}

static void on_moved(const struct child_end *end, void *userdata)
{
	struct branch_check *c = userdata;
	struct branches *b = c->owner;
	struct branch *br = branch_of(b, c->app_id);
	_cleanup_free_ char *words = words_of(end);

	watch_arm(br->retry, -1);
	if (end->status != 0)
		try_later(br, words);
	c->child = NULL;
	check_free(c);
	br->moving = false;
	br->followed = true;
	b->n_moving--;
	/* It, and those that wait for a turn. */
	for (size_t i = 0; i < b->n; i++)
		if (!b->all[i]->followed)
			look(b, b->all[i]->app_id);
	look(b, br->app_id);
}

static bool move(struct branch *br, const struct app *app, struct error *err)
{
	_cleanup_free_ char *ref = xasprintf("refs/heads/%s", app->branch);
	const char *const argv[] = { "sh",
				     "-c",
				     move_script,
				     "sh",
				     br->commit,
				     ref,
				     streq(app->branch, "main") ? "refs/heads/master" : NULL,
				     NULL };
	struct branch_check *c;

	if (start(br->owner, app->name, argv, "", on_moved, &c, err) < 0)
		return false;
	memcpy(c->app_id, br->app_id, UUID_SIZE);
	br->moving = true;
	br->since_ms = clock_now_ms();
	br->owner->n_moving++;
	watch_arm(br->retry, PATIENCE_MS);
	return true;
}

static bool is_commit(const char *s)
{
	size_t n = strlen(s);

	return (n == 40 || n == 64) && !s[strspn(s, "0123456789abcdef")];
}

/* What runs on another stack than the app's is to be built anew: any push is one then, that of the
 * same commit too. */
static bool branch_names_it(const struct app *app, const struct release *runs)
{
	return runs->commit && is_commit(runs->commit) &&
	       (!runs->stack_name || stack_is_same(runs->stack_name, app->stack));
}

bool branch_follow(struct branches *b, const struct app *app, const struct release *runs)
{
	struct branch *br = branch_of(b, app->id);
	const char *commit = branch_names_it(app, runs) ? runs->commit : "";
	_cleanup_free_ char *repo = git_path(b->o.platform, app->name);
	struct error err = ERROR_INIT;

	/* A push moves it itself, and what it has left is looked at when it has ended. */
	if (!runs->slug || br->push)
		return true;
	/* A release does not wait for a git that hangs. */
	if (br->moving)
		return clock_now_ms() - br->since_ms >= PATIENCE_MS;
	if (br->followed && streq(br->commit, commit))
		return true;
	br->followed = false;
	memcpy(br->commit, commit, strlen(commit) + 1);
	if (names(repo, app, commit) && is_pinned(repo, commit)) {
		br->followed = true;
		return true;
	}
	if (b->n_moving >= CHILDREN_MAX)
		return false;
	git_sweep_locks(repo, app->branch);
	if (move(br, app, &err))
		return false;
	try_later(br, err.message);
	br->followed = true;
	return true;
}

static void branch_free(struct branch *br)
{
	end_push(br);
	watch_free(br->retry);
	free(br);
}

void branch_forget(struct branches *b, const char *app_id)
{
	for (size_t i = 0; i < b->n; i++)
		if (streq(b->all[i]->app_id, app_id) && !b->all[i]->moving) {
			branch_free(b->all[i]);
			b->all[i] = b->all[--b->n];
			return;
		}
}

struct branches *branches_new(const struct branches_options *o)
{
	struct branches *b = xcalloc(1, sizeof(*b));

	b->o = *o;
	return b;
}

void branches_free(struct branches *b)
{
	if (!b)
		return;
	while (b->children)
		check_free(b->children);
	for (size_t i = 0; i < b->n; i++) {
		branch_free(b->all[i]);
	}
	free(b->all);
	free(b);
}
