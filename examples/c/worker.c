/* SPDX-License-Identifier: Apache-2.0 */
/* A worker that shows it is alive, and leaves at once when it is asked to. */
#include <signal.h>
#include <stdio.h>
#include <time.h>

#include "env.h"

int main(void)
{
	const char *dyno = env_or("DYNO", "worker");
	struct timespec pause = {
		.tv_sec = (time_t)number_or(getenv("HEARTBEAT_SECONDS"), 10, 1, 86400),
	};
	unsigned long beat = 0;
	sigset_t stop;

	setvbuf(stdout, NULL, _IOLBF, 0);
	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	sigaddset(&stop, SIGINT);
	sigprocmask(SIG_BLOCK, &stop, NULL);

	printf("%s ready\n", dyno);
	while (sigtimedwait(&stop, NULL, &pause) < 0)
		printf("%s heartbeat %lu\n", dyno, ++beat);
	printf("%s done after %lu heartbeats\n", dyno, beat);
	return 0;
}
