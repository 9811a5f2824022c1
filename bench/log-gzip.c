/* SPDX-License-Identifier: Apache-2.0 */
/* The compressor alone: log-gzip FILE TIMES prints the CPU seconds for compressing the file so
 * often (libdeflate, level 1). */
#include <libdeflate.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int main(int argc, char **argv)
{
	FILE *f = argc == 3 ? fopen(argv[1], "rb") : NULL;
	static char data[16 << 20], out[16 << 20];
	size_t n = f ? fread(data, 1, sizeof(data), f) : 0;
	/* As a busy drain does: one for all batches. */
	struct libdeflate_compressor *c = libdeflate_alloc_compressor(1);
	clock_t start = clock();

	if (!n || !c)
		return 1;
	for (int i = atoi(argv[2]); i > 0; i--)
		if (!libdeflate_gzip_compress(c, data, n, out, sizeof(out)))
			return 1;
	printf("%.6f\n", (double)(clock() - start) / CLOCKS_PER_SEC);
	libdeflate_free_compressor(c);
	return 0;
}
