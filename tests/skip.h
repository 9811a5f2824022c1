/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A test that can't run here says what is missing; scripts/run-tests counts it
 * and repeats the sentence at the end. Include after <cmocka.h>.
 */
#pragma once

#define SKIP_BECAUSE(why)                                          \
	do {                                                       \
		print_message("skipped: %s: %s\n", __func__, why); \
		skip();                                            \
	} while (0)
