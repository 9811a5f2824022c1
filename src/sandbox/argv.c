/* SPDX-License-Identifier: Apache-2.0 */
/* What runs in an app's sandbox: the init, then a shell that sources .profile.d, then the command.
 */
#include "base/str.h"
#include "sandbox/sandbox.h"

/*
 * As Heroku: the .profile.d scripts, then .profile, then the command by bash. A plain
 * command replaces the shell by bash's own doing (the last command of -c is
 * exec'ed), so nothing stands between the init and the app. The shell's own variable has a
 * name that no config var may have.
 */
static const char script[] =
	"for TWELVE_FILE in /app/.profile.d/*.sh; do [ -r \"$TWELVE_FILE\" ] && . "
	"\"$TWELVE_FILE\"; done; "
	"[ -r /app/.profile ] && . /app/.profile; unset TWELVE_FILE; exec bash -c \"$0\"";

void sandbox_app_argv(const char *command, bool guest, char ***ret_argv)
{
	char **argv = NULL;

	strv_push(&argv, SANDBOX_INIT_PATH);
	if (guest)
		strv_push(&argv, "--guest");
	strv_push(&argv, "/bin/bash");
	strv_push(&argv, "-c");
	strv_push(&argv, script);
	strv_push(&argv, command);
	*ret_argv = argv;
}
