/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The release phase: where a real app would migrate its database. It runs once
 * for each release, before any process of it starts. When it fails, the release
 * is not used and the one before goes on; FAIL_RELEASE shows that.
 */
#include <stdio.h>

#include "env.h"

int main(void)
{
	const char *version = env_or("TWELVE_RELEASE_VERSION", "none");

	if (getenv("FAIL_RELEASE")) {
		fprintf(stderr, "release %s refused: FAIL_RELEASE is set\n", version);
		return 1;
	}
	printf("release %s checked: nothing to migrate\n", version);
	return 0;
}
