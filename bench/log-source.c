/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes numbered lines to stdout, for the bench of the log path:
 *     log-source FIRST N BYTES [LINES_PER_SECOND]
 * A line is "#0000000012# " and filling, BYTES with its newline.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CHUNK 65536

static void put_all(const char *data, size_t n)
{
	while (n) {
		ssize_t w = write(STDOUT_FILENO, data, n);

		if (w <= 0)
			exit(1);
		data += w;
		n -= (size_t)w;
	}
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void number(char *p, unsigned long v)
{
	for (int i = 9; i >= 0; i--, v /= 10)
		p[i] = (char)('0' + v % 10);
}

int main(int argc, char **argv)
{
	static char chunk[CHUNK];
	unsigned long first, n, bytes, rate, done = 0;
	double start = now_s();

	if (argc < 4)
		return 2;
	first = strtoul(argv[1], NULL, 10);
	n = strtoul(argv[2], NULL, 10);
	bytes = strtoul(argv[3], NULL, 10);
	rate = argc > 4 ? strtoul(argv[4], NULL, 10) : 0;
	if (bytes < 14 || bytes > CHUNK)
		return 2;
	memset(chunk, 'x', sizeof(chunk));
	for (unsigned long i = 0; i < CHUNK / bytes; i++) {
		chunk[i * bytes] = chunk[i * bytes + 11] = '#';
		chunk[i * bytes + 12] = ' ';
		chunk[i * bytes + bytes - 1] = '\n';
	}
	while (done < n) {
		unsigned long k = CHUNK / bytes;

		if (rate && k > rate / 100 + 1)
			k = rate / 100 + 1;
		if (k > n - done)
			k = n - done;
		for (unsigned long i = 0; i < k; i++)
			number(chunk + i * bytes + 1, first + done + i);
		put_all(chunk, k * bytes);
		done += k;
		if (rate && (double)done / (double)rate > now_s() - start) {
			double s = (double)done / (double)rate - (now_s() - start);
			struct timespec t = { (time_t)s, (long)((s - (double)(time_t)s) * 1e9) };

			nanosleep(&t, NULL);
		}
	}
	return 0;
}
