/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which buildpacks: the app's setting (names, directories, git URLs), its file
 * .buildpacks, or detection in the order of buildpacks/order. All are copied into the build's own
 * folder first, so that what is digested is what runs.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fs.h"
#include "base/str.h"
#include "build/build-priv.h"
#include "build/copy.h"
#include "build/git-fetch.h"
#include "build/git-url.h"
#include "build/pack.h"
#include "model/pack-name.h"

#define ORDER_MAX_BYTES 65536
#define NAME_MAX_CHARS 60

/* Of the platform's own (public_only: false), or one that an administrator has named. */
static int copy_tree(const struct build *b, const char *from, const char *to, bool public_only,
		     struct error *err)
{
	const struct copy c = { .from = from,
				.to = to,
				.public_only = public_only,
				.apart = public_only ? b->o->state_dir : NULL,
				.max_bytes = b->o->disk_bytes,
				.max_entries = b->o->max_files };

	return copy_directory(&c, err);
}

static int clone_pack(struct build *b, const char *url_and_ref, const char *to, struct error *err)
{
	_cleanup_free_ char *url = xstrdup(url_and_ref),
			    *subject = xasprintf("The buildpack %s", url_and_ref);
	struct git_fetch f = { .url = url, .to = to, .subject = "The buildpack's address" };
	char *ref = strchr(url, '#');

	if (ref) {
		*ref++ = '\0';
		f.ref = ref;
	}
	if (git_fetch_check(&f, err) < 0)
		return -1;
	/* Now that it holds no password. */
	f.subject = subject;
	build_say(b, "-----> Fetching the buildpack %s\n", url_and_ref);
	return git_fetch(b, &f, err);
}

static void add_pack(struct build *b, const char *folder, const char *label)
{
	b->packs = xrealloc(b->packs, (b->n_packs + 1) * sizeof(*b->packs));
	b->packs[b->n_packs++] =
		(struct pack){ .folder = xstrdup(folder), .label = xstrdup(label) };
}

static int check_pack(const char *dir, const char *label, struct error *err)
{
	static const char *const scripts[] = { "bin/detect", "bin/compile" };

	for (size_t i = 0; i < ARRAY_SIZE(scripts); i++)
		if (!pack_is_program(dir, scripts[i]))
			return error_set(err, ERROR_INVALID,
					 "%s is not a buildpack: it has no %s that can be executed",
					 label, scripts[i]);
	return 0;
}

/* A name that the platform has a buildpack for, perhaps as others call it. */
static bool take_own(struct build *b, const char *label)
{
	const char *name = pack_name_here(label);
	_cleanup_free_ char *compile =
		xasprintf("%s/%s/bin/compile", b->packs_dir, name ? name : "");

	if (pack_name_is_apt(label)) {
		build_say(b, "-----> %s: the Aptfile is read without a buildpack here\n", label);
		return true;
	}
	if (!name || !fs_exists(compile))
		return false;
	if (git_url_is_meant(label))
		build_say(b,
			  "-----> %s is the platform's own buildpack %s here (with #BRANCH behind "
			  "the address it is fetched as it is)\n",
			  label, name);
	add_pack(b, name, label);
	return true;
}

/* The names in the file "order", in the order of detection; a strv. */
static int read_order(const char *packs_dir, char ***ret)
{
	_cleanup_free_ char *path = xasprintf("%s/order", packs_dir);
	_cleanup_buf_ struct buf text = BUF_INIT;
	int r = fs_read_file(path, ORDER_MAX_BYTES, &text);
	char *save = NULL;

	for (char *line = r < 0 ? NULL : strtok_r(text.data, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		line[strcspn(line, "#")] = '\0';
		line = str_trim(line);
		if (*line)
			strv_push(ret, line);
	}
	return r;
}

char *build_pack_names(const char *packs_dir)
{
	_cleanup_buf_ struct buf names = BUF_INIT;
	_cleanup_strv_ char **order = NULL;

	if (read_order(packs_dir, &order) < 0)
		return xstrdup("none of its own");
	for (char **name = order; name && *name; name++)
		buf_printf(&names, "%s%s", names.len ? ", " : "", *name);
	return xstrdup(names.len ? names.data : "none of its own");
}

/* One of the setting: an in-tree name, a directory, a git URL. */
static int fetch_one(struct build *b, const char *label, size_t number, struct error *err)
{
	_cleanup_free_ char *folder = xasprintf("ext-%zu", number);
	_cleanup_free_ char *to = xasprintf("%s/%s", b->packs_dir, folder);

	if (take_own(b, label))
		return 0;
	if (label[0] == '/') {
		/* Since an administrator may have set it before that was asked for, or the row may
		 * be of another machine. */
		if (!strv_has(b->o->directories, label))
			return error_set(err, ERROR_INVALID,
					 "The buildpack %s is a directory of this machine, which "
					 "no administrator has set: one has to, with "
					 "\"twelve buildpacks:set\"",
					 label);
		/* Before it is copied: it may be anything. */
		if (copy_check(label, b->o->state_dir, err) < 0 ||
		    check_pack(label, label, err) < 0 || copy_tree(b, label, to, true, err) < 0)
			return -1;
	} else if (git_url_is_meant(label)) {
		if (clone_pack(b, label, to, err) < 0)
			return -1;
	} else {
		_cleanup_free_ char *names = build_pack_names(b->packs_dir);

		return error_set(err, ERROR_INVALID,
				 "There is no buildpack \"%s\": the platform has %s; others by an "
				 "absolute directory or a git URL",
				 label, names);
	}
	if (check_pack(to, label, err) < 0)
		return -1;
	add_pack(b, folder, label);
	return 0;
}

/* All in-tree ones, in the order of detection. */
static int list_in_tree(struct build *b, struct error *err)
{
	_cleanup_strv_ char **order = NULL;
	int r = read_order(b->packs_dir, &order);

	if (r < 0)
		return error_set_errno(err, r, "reading buildpacks/order");
	for (char **name = order; name && *name; name++)
		add_pack(b, *name, *name);
	return 0;
}

/*
 * .buildpacks of the source: names and git URLs, one a line. No directories, since who
 * may push need not be who may read this machine's files.
 */
static int fetch_listed(struct build *b, struct error *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	int r = build_read_text(b, ".buildpacks", &text, err), number = 0;
	char *rest = text.data, *line;

	if (r < 0)
		return r == -ENOENT ? 0 : -1;
	while ((line = strsep(&rest, "\n"))) {
		number++;
		line = str_trim(line);
		/* Within a line # is a URL's. */
		if (!line[0] || line[0] == '#')
			continue;
		r = line[0] == '/'
			    ? error_set(
				      err, ERROR_INVALID,
				      "a directory can be set with \"twelve buildpacks:set\" only")
			    : fetch_one(b, line, (size_t)number, err);
		if (r < 0)
			return error_prefix(err, ".buildpacks:%d", number);
	}
	return 0;
}

int packs_fetch(struct build *b, struct error *err)
{
	_cleanup_free_ char *from = xasprintf("%s/buildpacks", b->o->data_dir);
	uint64_t size;
	size_t n = 0;

	if (copy_tree(b, from, b->packs_dir, false, err) < 0)
		return error_prefix(err, "copying the buildpacks");
	for (char *const *p = b->o->buildpacks; p && *p; p++)
		if (fetch_one(b, *p, ++n, err) < 0)
			return -1;
	if (!n && fetch_listed(b, err) < 0)
		return -1;
	b->chosen = b->n_packs > 0;
	if (!b->chosen && list_in_tree(b, err) < 0)
		return -1;
	if (pack_normalise(b->packs_dir, 0, 0, PACK_EPOCH, err) < 0)
		return -1;
	return pack_digest(b->packs_dir, b->o->disk_bytes, b->packs_digest, &size, err);
}

/*
 * Prints "twelve-detect FOLDER NAME", with tabs between, or the words of one that says no. When
 * none was chosen, a line for each that says yes, and three fields more: whether it knows a web
 * process, whether it wants to be built beside another, and why.
 */
#define MARK "twelve-detect\t"
static const char chosen_script[] =
	"if name=$(/buildpacks/$1/bin/detect /app 2>/tmp/detect.err); then\n"
	"  printf '" MARK "%s\\t%s\\n' \"$1\" \"${name%%$'\\n'*}\"\n"
	"else\n"
	"  echo \"$name\"; cat /tmp/detect.err; exit 1\n"
	"fi\n";
static const char detect_script[] =
	"for p in \"$@\"; do\n"
	"  cd /buildpacks/$p; name=$(bin/detect /app 2>/dev/null) || continue\n"
	"  serves=no wanted=no why=\n"
	"  [[ ! -x bin/release ]] || ! bin/release /app 2>/dev/null | grep -Eq "
	"'^[[:space:]]+.?web.?:' || serves=yes\n"
	"  [[ ! -x bin/beside ]] || ! why=$(bin/beside /app) || wanted=yes\n"
	"  printf '" MARK "%s\\t%s\\t%s\\t%s\\t%s\\n' \"$p\" \"${name%%$'\\n'*}\" $serves $wanted "
	"\"${why%%$'\\n'*}\"\n"
	"done\n";

/* What people see of a buildpack that others wrote. */
static char *clean_name(const char *name)
{
	char *clean = xstrndup(name, strcspn(name, "\n"));

	for (char *c = clean; *c; c++)
		if ((unsigned char)*c < 0x20 || (unsigned char)*c > 0x7e)
			*c = '?';
	if (strlen(clean) > NAME_MAX_CHARS)
		clean[NAME_MAX_CHARS] = '\0';
	return clean;
}

static struct pack *find_unnamed(struct build *b, const char *folder)
{
	for (size_t i = 0; folder && i < b->n_packs; i++)
		if (!b->packs[i].name && streq(b->packs[i].folder, folder))
			return &b->packs[i];
	return NULL;
}

/* A line of the script, without its mark. */
static void take_line(struct build *b, char *line)
{
	const char *folder = strsep(&line, "\t"), *name = strsep(&line, "\t"),
		   *serves = strsep(&line, "\t"), *wanted = strsep(&line, "\t");
	struct pack *p = name ? find_unnamed(b, folder) : NULL;

	if (!p)
		return;
	p->name = clean_name(name);
	p->serves = serves && streq(serves, "yes");
	p->wanted = wanted && streq(wanted, "yes");
	p->why = line && *line ? clean_name(line) : NULL;
}

/* Takes the names from the script's lines. The rest of the text is at *ret_rest. */
static void take_names(struct build *b, char *text, char **ret_rest)
{
	while (str_starts(text, MARK) && strchr(text, '\n'))
		take_line(b, strsep(&text, "\n") + strlen(MARK));
	*ret_rest = text;
}

/* Those of the platform that recognise the app: "nodejs python"; empty when it can't be told. */
static char *who_does(struct build *b)
{
	_cleanup_buf_ struct buf text = BUF_INIT, names = BUF_INIT;
	_cleanup_strv_ char **args = NULL;
	struct error ignored = ERROR_INIT;
	char *rest, *line;
	int code;

	if (read_order(b->packs_dir, &args) < 0 ||
	    steps_capture(b, &b->base, detect_script, args, &text, &code, &ignored) < 0)
		return xstrdup("");
	for (rest = text.data; (line = strsep(&rest, "\n"));) {
		if (!str_starts(line, MARK))
			continue;
		line += strlen(MARK);
		buf_printf(&names, "%s%.*s", names.len ? " " : "", (int)strcspn(line, "\t"), line);
	}
	return xstrdup(names.len ? names.data : "");
}

static int refuse_chosen(struct build *b, const struct pack *p, char *said, struct error *err)
{
	_cleanup_free_ char *others = str_starts(p->folder, "ext-") ? xstrdup("") : who_does(b),
			    *advice = NULL;

	if (others[0] && !streq(others, "plain"))
		advice = xasprintf("; \"twelve buildpacks:set %s\" sets the right one, \"twelve "
				   "buildpacks:clear\" detects it",
				   others);
	return error_set(err, ERROR_INVALID,
			 "The buildpack %s does not recognise this app: %.300s%s", p->label,
			 *str_trim(said) ? str_trim(said) : "its bin/detect gave no reason",
			 advice ? advice : "");
}

/*
 * One of those that were chosen. As on Heroku the second looks at what the first has left, so each
 * is asked when its turn comes (compile_packs()), and the first before anything long.
 */
int packs_detect_chosen(struct build *b, size_t i, struct error *err)
{
	char *args[] = { b->packs[i].folder, NULL }, *rest;
	_cleanup_buf_ struct buf text = BUF_INIT;
	int code;

	if (steps_capture(b, i == 0 ? &b->base : &b->build, chosen_script, args, &text, &code,
			  err) < 0)
		return -1;
	take_names(b, text.data, &rest);
	if (!b->packs[i].name)
		return refuse_chosen(b, &b->packs[i], rest, err);
	build_say(b, "-----> %s app, by the buildpack %s\n", b->packs[i].name, b->packs[i].label);
	return 0;
}

static int detect_all(struct build *b, struct error *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	_cleanup_strv_ char **args = NULL;
	char *rest;
	int code;

	for (size_t i = 0; i < b->n_packs; i++)
		strv_push(&args, b->packs[i].folder);
	if (steps_capture(b, &b->base, detect_script, args, &text, &code, err) < 0)
		return -1;
	take_names(b, text.data, &rest);
	return packs_choose(b, err);
}

int packs_detect(struct build *b, struct error *err)
{
	if (b->chosen)
		return packs_detect_chosen(b, 0, err);
	if (detect_all(b, err) < 0)
		return -1;
	for (size_t i = 0; i < b->n_packs; i++)
		build_say(b, "-----> %s app, by the buildpack %s\n", b->packs[i].name,
			  b->packs[i].label);
	return 0;
}

static int add_list(const struct build *b, const char *folder, const char *name, char ***packages,
		    struct error *err)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", folder, name);
	_cleanup_buf_ struct buf text = BUF_INIT;
	int r = pack_read_file(b->packs_dir, path, STACK_LIST_MAX_BYTES, &text);

	if (r == -ENOENT)
		return 0;
	return r < 0 ? error_set_errno(err, r, "reading %s", name)
		     : stack_parse_packages(text.data, name, packages, err);
}

/* What bin/packages of each says for a variant of the stack; those that have none say nothing. */
static const char packages_script[] =
	"variant=$1; shift\n"
	"for p in \"$@\"; do\n"
	"  [ ! -x /buildpacks/$p/bin/packages ] || TWELVE_LAST_PACK=${!#} "
	"/buildpacks/$p/bin/packages /app $variant || { echo \"# $p\"; exit 1; }\n"
	"done\n";

static int ask_packages(struct build *b, const char *variant, char ***packages, struct error *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	_cleanup_strv_ char **args = NULL;
	int code;

	strv_push(&args, variant);
	for (size_t i = 0; i < b->n_packs; i++)
		strv_push(&args, b->packs[i].folder);
	if (steps_capture(b, &b->base, packages_script, args, &text, &code, err) < 0)
		return -1;
	if (code != 0)
		return error_set(err, ERROR_INVALID,
				 "A buildpack could not say which packages it needs: %.300s",
				 str_trim(text.data));
	return stack_parse_packages(text.data, "bin/packages", packages, err);
}

static bool asks_for_packages(const struct build *b)
{
	for (size_t i = 0; i < b->n_packs; i++) {
		_cleanup_free_ char *dir = xasprintf("%s/%s", b->packs_dir, b->packs[i].folder);

		if (pack_is_program(dir, "bin/packages"))
			return true;
	}
	return false;
}

int packs_packages(struct build *b, struct error *err)
{
	int r = build_read_text(b, "Aptfile", &b->aptfile, err);

	if (r < 0 && r != -ENOENT)
		return -1;
	for (size_t i = 0; i < b->n_packs; i++) {
		const char *folder = b->packs[i].folder;

		if (add_list(b, folder, "packages.run", &b->packages_run, err) < 0 ||
		    add_list(b, folder, "packages.run", &b->packages_build, err) < 0 ||
		    add_list(b, folder, "packages.build", &b->packages_build, err) < 0)
			return error_prefix(err, "buildpack %s", b->packs[i].label);
	}
	/* What depends on the app, or on the stack: a version of Java, extensions of PHP. */
	if (asks_for_packages(b) && (ask_packages(b, "run", &b->packages_run, err) < 0 ||
				     ask_packages(b, "build", &b->packages_build, err) < 0))
		return -1;
	if (stack_parse_packages(b->aptfile.data, "Aptfile", &b->packages_run, err) < 0 ||
	    stack_parse_packages(b->aptfile.data, "Aptfile", &b->packages_build, err) < 0)
		return -1;
	return 0;
}
