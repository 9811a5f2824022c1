/* SPDX-License-Identifier: Apache-2.0 */
/* The compilation: bin/compile of each buildpack in its turn, in the sandbox of steps.c. */

#include "base/buf.h"
#include "base/str.h"
#include "build/build-priv.h"

/* What a second language brings along need not be the app's. */
#define BESIDE_ADVICE                                                                              \
	" !     That was the buildpack $p, which was added since files of its language are here: " \
	"if the app does without it, leave it out "                                                \
	"with \\\"twelve buildpacks:set ${@: -1}\\\" or a file .buildpacks that has the line "     \
	"${@: -1}"

/*
 * The last buildpack says what the app runs, as on Heroku. What earlier ones have left to be
 * sourced is others' text. Classic buildpacks write theirs into their own folder, as "export", so
 * that others' have a copy that they may write to. It is in a shell of its own, whose next command
 * was read before it, so that no variable of theirs is one of ours.
 */
static const char compile_script[] =
	"set -e\n"
	"beside=$1 last=$2; shift 2\n"
	"trap 'code=$?; case \" $beside \" in *\" $p \"*) [ $code = 0 ] || echo \"" BESIDE_ADVICE
	"\" ;; esac' EXIT\n"
	"for p in \"$@\"; do\n"
	"  d=/buildpacks/$p\n"
	"  case $p in ext-*) d=/tmp/buildpacks/$p; rm -rf $d; mkdir -p /tmp/buildpacks; cp -R "
	"/buildpacks/$p $d ;; esac\n"
	"  (eval \"for e in /app/.twelve/export/*.sh; do [ ! -r \\\"\\$e\\\" ] || . \\\"\\$e\\\"; "
	"done\n"
	"  TWELVE_LAST_PACK=${!#} exec $d/bin/compile /app /cache /env\")\n"
	"  case $p in ext-*) [ ! -f $d/export ] || { mkdir -p /app/.twelve/export; cp $d/export "
	"/app/.twelve/export/$p.sh; } ;; esac\n"
	"done\n"
	"[ $last = yes ] || exit 0\n"
	"mkdir -p /app/.twelve\n"
	"rm -rf /app/.twelve/release.yml\n"
	": >/app/.twelve/release.yml\n"
	"[ ! -x $d/bin/release ] || $d/bin/release /app "
	">/app/.twelve/release.yml\n";

/* Buildpacks one after the other, in one sandbox. */
static int compile_some(struct build *b, size_t from, size_t n, struct error *err)
{
	_cleanup_strv_ char **args = NULL;
	_cleanup_buf_ struct buf beside = BUF_INIT;
	int code;

	for (size_t i = 0; !b->chosen && i + 1 < b->n_packs; i++)
		buf_printf(&beside, "%s ", b->packs[i].folder);
	strv_push(&args, beside.len ? beside.data : "");
	strv_push(&args, from + n == b->n_packs ? "yes" : "no");
	for (size_t i = from; i < from + n; i++)
		strv_push(&args, b->packs[i].folder);
	if (steps_run(b, &b->build, compile_script, args, b->o->output_fd, &code, err) < 0)
		return -1;
	if (code == 0)
		return 0;
	return error_set(err, ERROR_INVALID,
			 "The build failed with exit code %d: the lines above say why", code);
}

int compile_packs(struct build *b, struct error *err)
{
	if (!b->chosen)
		return compile_some(b, 0, b->n_packs, err);
	for (size_t i = 0; i < b->n_packs; i++) {
		if ((i > 0 && packs_detect_chosen(b, i, err) < 0) || compile_some(b, i, 1, err) < 0)
			return -1;
		b->keep_tmp = true;
	}
	return 0;
}
