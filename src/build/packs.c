/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which buildpacks: the app's setting (names, directories, git URLs), or
 * detection in the order of buildpacks/order. All are copied into the build's own
 * folder first, so that what is digested is what runs.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fs.h"
#include "base/proc.h"
#include "base/str.h"
#include "build/build-priv.h"
#include "build/pack.h"

#define ORDER_MAX_BYTES 65536
#define CLONE_TIMEOUT_MS 120000

static int copy_tree(const char *from, const char *to, struct error *err)
{
	const char *const argv[] = { "cp", "-rL", "--preserve=mode", "--no-target-directory", from, to, NULL };

	return proc_run_simple(argv, err);
}

static bool is_git_url(const char *s)
{
	return strstr(s, "://") || str_starts(s, "git@") || strstr(s, ".git");
}

static int clone_pack(const char *url_and_ref, const char *to, struct error *err)
{
	_cleanup_free_ char *url = xstrdup(url_and_ref);
	char *ref = strchr(url, '#');
	const char *argv[12] = { "git", "-c", "protocol.ext.allow=never", "clone", "-q", "--depth", "1" };
	struct proc_options p = { .argv = argv, .timeout_ms = CLONE_TIMEOUT_MS };
	_cleanup_buf_ struct buf out = BUF_INIT;
	_cleanup_free_ char *branch = NULL, *git_dir = xasprintf("%s/.git", to);
	size_t n = 7;
	int status;

	if (ref) {
		*ref++ = '\0';
		branch = xasprintf("--branch=%s", ref);
	}
	if (branch)
		argv[n++] = branch;
	argv[n++] = "--";
	argv[n++] = url;
	argv[n++] = to;
	setenv("GIT_TERMINAL_PROMPT", "0", 1);
	if (proc_run(&p, &out, &status, err) < 0)
		return -1;
	if (status != 0)
		return error_set(err, ERROR_INVALID, "The buildpack %s could not be cloned: %.300s", url_and_ref,
				 str_trim(out.data));
	/* History is of no use, and would make each clone another digest. */
	fs_remove_tree(git_dir);
	return 0;
}

static void add_pack(struct build *b, const char *folder, const char *label)
{
	b->packs = xrealloc(b->packs, (b->n_packs + 1) * sizeof(*b->packs));
	b->packs[b->n_packs++] = (struct pack){ .folder = xstrdup(folder), .label = xstrdup(label) };
}

static int check_pack(const char *dir, const char *label, struct error *err)
{
	static const char *const scripts[] = { "bin/detect", "bin/compile" };

	for (size_t i = 0; i < ARRAY_SIZE(scripts); i++) {
		_cleanup_free_ char *path = xasprintf("%s/%s", dir, scripts[i]);

		if (access(path, X_OK) < 0)
			return error_set(err, ERROR_INVALID, "%s is not a buildpack: it has no %s that can be executed",
					 label, scripts[i]);
	}
	return 0;
}

/* One of the setting: an in-tree name, a directory, a git URL. */
static int fetch_one(struct build *b, const char *label, size_t number, struct error *err)
{
	_cleanup_free_ char *folder = xasprintf("ext-%zu", number);
	_cleanup_free_ char *to = xasprintf("%s/%s", b->packs_dir, folder);
	const char *name = str_starts(label, "heroku/") ? label + 7 : label;
	_cleanup_free_ char *by_name = xasprintf("%s/%s/bin/compile", b->packs_dir, name);

	if (!strchr(name, '/') && fs_exists(by_name)) {
		add_pack(b, name, label);
		return 0;
	}
	if (label[0] == '/') {
		if (!fs_exists(label))
			return error_set(err, ERROR_INVALID, "The buildpack directory %s does not exist", label);
		if (copy_tree(label, to, err) < 0)
			return -1;
	} else if (is_git_url(label)) {
		build_say(b, "-----> Fetching the buildpack %s\n", label);
		if (clone_pack(label, to, err) < 0)
			return -1;
	} else {
		return error_set(err, ERROR_INVALID,
				 "There is no buildpack \"%s\": the platform has python, nodejs, c and plain; "
				 "others by an absolute directory or a git URL", label);
	}
	if (check_pack(to, label, err) < 0)
		return -1;
	add_pack(b, folder, label);
	return 0;
}

/* All in-tree ones, in the order of detection. */
static int list_in_tree(struct build *b, struct error *err)
{
	_cleanup_free_ char *path = xasprintf("%s/order", b->packs_dir);
	_cleanup_buf_ struct buf text = BUF_INIT;
	int r = fs_read_file(path, ORDER_MAX_BYTES, &text);
	char *save = NULL;

	if (r < 0)
		return error_set_errno(err, r, "reading buildpacks/order");
	for (char *line = strtok_r(text.data, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		line[strcspn(line, "#")] = '\0';
		line = str_trim(line);
		if (*line)
			add_pack(b, line, line);
	}
	return 0;
}

int packs_fetch(struct build *b, struct error *err)
{
	_cleanup_free_ char *from = xasprintf("%s/buildpacks", b->o->data_dir);
	uint64_t size;
	size_t n = 0;

	if (copy_tree(from, b->packs_dir, err) < 0)
		return error_prefix(err, "copying the buildpacks");
	for (char *const *p = b->o->buildpacks; p && *p; p++)
		if (fetch_one(b, *p, ++n, err) < 0)
			return -1;
	if (!n && list_in_tree(b, err) < 0)
		return -1;
	if (pack_normalise(b->packs_dir, 0, 0, err) < 0)
		return -1;
	return pack_digest(b->packs_dir, b->o->disk_bytes, b->packs_digest, &size, err);
}

/* Prints FOLDER TAB NAME for the first that says yes, or, with "all" as first argument, for each that says yes. */
static const char detect_script[] =
	"mode=$1; shift; found=1\n"
	"for p in \"$@\"; do\n"
	"  if name=$(/buildpacks/$p/bin/detect /app 2>/tmp/detect.err); then\n"
	"    printf '%s\\t%s\\n' \"$p\" \"$name\"; found=0\n"
	"    [ \"$mode\" = all ] || exit 0\n"
	"  elif [ \"$mode\" = all ]; then\n"
	"    cat /tmp/detect.err >&2; printf '%s\\t\\n' \"$p\"\n"
	"  fi\n"
	"done\n"
	"exit $found\n";

static int no_pack(const struct build *b, struct error *err)
{
	_cleanup_buf_ struct buf looked = BUF_INIT;

	for (size_t i = 0; i < b->n_packs; i++)
		buf_printf(&looked, "%s%s", i ? ", " : "", b->packs[i].label);
	return error_set(err, ERROR_INVALID,
			 "No buildpack recognises this app (looked for: %s): add a requirements.txt, package.json, Makefile "
			 "or at least a Procfile with a line such as \"web: ./server\"", looked.data);
}

static void keep_only(struct build *b, const char *folder, const char *name)
{
	size_t kept = 0;

	for (size_t i = 0; i < b->n_packs; i++) {
		struct pack *p = &b->packs[i];

		if (kept == 0 && streq(p->folder, folder)) {
			p->name = xstrdup(name);
			b->packs[kept++] = *p;
			continue;
		}
		free(p->folder);
		free(p->label);
	}
	b->n_packs = kept;
}

/* The lines of the script, for the setting's buildpacks: each has to recognise the app. */
static int name_all(struct build *b, char *text, struct error *err)
{
	char *save = NULL;
	size_t i = 0;

	for (char *line = strtok_r(text, "\n", &save); line && i < b->n_packs; line = strtok_r(NULL, "\n", &save)) {
		char *tab = strchr(line, '\t');

		if (!tab)
			continue;
		if (!tab[1])
			return error_set(err, ERROR_INVALID, "The buildpack %s does not recognise this app",
					 b->packs[i].label);
		b->packs[i++].name = xstrdup(tab + 1);
	}
	return i == b->n_packs ? 0 : error_set(err, ERROR_INVALID, "The buildpack %s does not recognise this app", b->packs[i].label);
}

static int read_all(int fd, struct buf *text)
{
	ssize_t n;

	if (lseek(fd, 0, SEEK_SET) < 0)
		return -1;
	while ((n = fd_read(fd, buf_reserve(text, 4096), 4096)) > 0)
		buf_added(text, (size_t)n);
	return (int)n;
}

int packs_detect(struct build *b, struct error *err)
{
	_cleanup_free_ char *log = xasprintf("%s/detect", b->work);
	_cleanup_fd_ int fd = open(log, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	_cleanup_buf_ struct buf text = BUF_INIT;
	_cleanup_strv_ char **args = NULL;
	bool chosen = b->o->buildpacks && b->o->buildpacks[0];
	char *tab;
	int code;

	strv_push(&args, chosen ? "all" : "first");
	for (size_t i = 0; i < b->n_packs; i++)
		strv_push(&args, b->packs[i].folder);
	if (fd < 0)
		return error_set_errno(err, errno, "opening %s", log);
	if (steps_run(b, &b->base, detect_script, args, fd, &code, err) < 0)
		return -1;
	if (read_all(fd, &text) < 0)
		return error_set_errno(err, errno, "reading %s", log);
	if (chosen)
		return name_all(b, text.data, err);
	tab = strchr(text.data, '\t');
	if (code != 0 || !tab)
		return no_pack(b, err);
	*tab = '\0';
	tab[1 + strcspn(tab + 1, "\n")] = '\0';
	keep_only(b, text.data, tab + 1);
	return 0;
}

static int add_list(const char *path, const char *label, char ***packages, struct error *err)
{
	return fs_exists(path) ? stack_read_packages(path, label, packages, err) : 0;
}

int packs_packages(struct build *b, struct error *err)
{
	_cleanup_free_ char *aptfile = xasprintf("%s/Aptfile", b->app);

	for (size_t i = 0; i < b->n_packs; i++) {
		_cleanup_free_ char *run = xasprintf("%s/%s/packages.run", b->packs_dir, b->packs[i].folder);
		_cleanup_free_ char *build = xasprintf("%s/%s/packages.build", b->packs_dir, b->packs[i].folder);

		if (add_list(run, "packages.run", &b->packages_run, err) < 0 ||
		    add_list(run, "packages.run", &b->packages_build, err) < 0 ||
		    add_list(build, "packages.build", &b->packages_build, err) < 0)
			return error_prefix(err, "buildpack %s", b->packs[i].label);
	}
	if (add_list(aptfile, "Aptfile", &b->packages_run, err) < 0 ||
	    add_list(aptfile, "Aptfile", &b->packages_build, err) < 0)
		return -1;
	return 0;
}
