/* SPDX-License-Identifier: Apache-2.0 */
/* Buckets of tries; see guess.h. */
#include "model/guess.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/digest.h"
#include "base/str.h"

/* A network of many people behind one address has ten wrong ones in a row, then one in 2 s. */
static const struct rate {
	int64_t refill_ms;
	int64_t burst;
} of_address = { 2000, 20 }, of_account = { 2000, 10 }, of_pair = { 3000, 8 },
  /* While an account is guessed at from everywhere, an address that is new there has this alone. */
	under_attack = { 1000, 1 };

#define SLOTS 4096
/* So long an address stays good. */
#define GOOD_MS (INT64_C(30) * 24 * 3600 * 1000)

struct bucket {
	char key[DIGEST_HEX_SIZE]; /* "": free */
	int64_t spent_ms;	   /* the debt, in milliseconds of refill */
	int64_t at_ms;
	int64_t good_until_ms; /* of a pair */
};

/* A set of buckets: a key has its place among eight neighbours. */
struct guesses {
	struct bucket slots[SLOTS];
};

#define WAYS 8

struct guesses *guesses_new(void)
{
	return xcalloc(1, sizeof(struct guesses));
}

void guesses_free(struct guesses *g)
{
	free(g);
}

/* What counts of an address: all of an IPv4 one, also when it is written as an IPv6 one; the
 * network of an IPv6 one. */
static void network_of(const char *address, char ret[static INET6_ADDRSTRLEN + 4])
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct in6_addr a;

	if (inet_pton(AF_INET6, address, &a) != 1) {
		snprintf(ret, INET6_ADDRSTRLEN, "%s", address);
		return;
	}
	if (memcmp(&a, mapped, sizeof(mapped)) == 0) {
		inet_ntop(AF_INET, a.s6_addr + 12, ret, INET6_ADDRSTRLEN);
		return;
	}
	memset(a.s6_addr + 8, 0, 8);
	inet_ntop(AF_INET6, &a, ret, INET6_ADDRSTRLEN);
}

static void key_of(const char *kind, const char *account, const char *address,
		   char ret[static DIGEST_HEX_SIZE])
{
	struct digest *d = digest_new();
	char network[INET6_ADDRSTRLEN + 4] = "";
	_cleanup_free_ char *low = xstrdup(account ? account : "");

	for (char *c = low; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	if (address)
		network_of(address, network);
	digest_update_str(d, kind);
	digest_update_str(d, low);
	digest_update_str(d, network);
	digest_finish(d, ret);
	digest_free(d);
}

static size_t set_of(const char key[static DIGEST_HEX_SIZE])
{
	char head[5] = { key[0], key[1], key[2], key[3], '\0' };

	return (size_t)strtoul(head, NULL, 16) % (SLOTS / WAYS) * WAYS;
}

static struct bucket *look_up(struct guesses *g, const char key[static DIGEST_HEX_SIZE])
{
	size_t first = set_of(key);

	for (size_t i = first; i < first + WAYS; i++)
		if (streq(g->slots[i].key, key))
			return &g->slots[i];
	return NULL;
}

/* Whose place is given away: never a good one's for one of which nothing is known, while there is
 * another. */
static bool goes_before(const struct bucket *a, const struct bucket *b, int64_t now_ms)
{
	bool good_a = a->good_until_ms > now_ms, good_b = b->good_until_ms > now_ms;

	return good_a == good_b ? a->at_ms < b->at_ms : good_b;
}

static struct bucket *find(struct guesses *g, const char key[static DIGEST_HEX_SIZE],
			   int64_t now_ms)
{
	struct bucket *b = look_up(g, key), *set = &g->slots[set_of(key)];

	if (b)
		return b;
	b = set;
	for (size_t i = 1; i < WAYS; i++)
		if (goes_before(&set[i], b, now_ms))
			b = &set[i];
	*b = (struct bucket){ .at_ms = now_ms };
	memcpy(b->key, key, DIGEST_HEX_SIZE);
	return b;
}

static void refill(struct bucket *b, int64_t now_ms)
{
	b->spent_ms = b->spent_ms > now_ms - b->at_ms ? b->spent_ms - (now_ms - b->at_ms) : 0;
	b->at_ms = now_ms;
}

/* After how long a try is left; 0: now. */
static int64_t wait_for(const struct bucket *b, const struct rate *r)
{
	int64_t over_ms = b->spent_ms - (r->burst - 1) * r->refill_ms;

	return over_ms > 0 ? over_ms : 0;
}

static void spend(struct bucket *b, const struct rate *r)
{
	int64_t most_ms = r->burst * r->refill_ms;

	b->spent_ms = b->spent_ms + r->refill_ms > most_ms ? most_ms : b->spent_ms + r->refill_ms;
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

struct three {
	struct bucket *address, *account, *pair;
};

struct keys {
	char address[DIGEST_HEX_SIZE], account[DIGEST_HEX_SIZE], pair[DIGEST_HEX_SIZE];
};

static void make_keys(const char *account, const char *address, struct keys *ret)
{
	key_of("address", NULL, address, ret->address);
	key_of("account", account, NULL, ret->account);
	key_of("pair", account, address, ret->pair);
}

static struct three find_three(struct guesses *g, const struct keys *k, int64_t now_ms)
{
	struct three t;

	/* One may take another's place, once: the second time round all are the latest. */
	for (int i = 0; i < 2; i++) {
		t = (struct three){ find(g, k->address, now_ms), find(g, k->account, now_ms),
				    find(g, k->pair, now_ms) };
		refill(t.address, now_ms);
		refill(t.account, now_ms);
		refill(t.pair, now_ms);
	}
	return t;
}

/* Who makes up accounts from an address that has had its share gets no memory for them. */
static bool is_spent(struct guesses *g, const struct keys *k, int64_t now_ms, int64_t *ret_wait_ms)
{
	struct bucket *pair = look_up(g, k->pair), *address = look_up(g, k->address);

	if ((pair && pair->good_until_ms > now_ms) || !address)
		return false;
	refill(address, now_ms);
	*ret_wait_ms = wait_for(address, &of_address);
	return *ret_wait_ms > 0;
}

bool guesses_take(struct guesses *g, const char *account, const char *address, int64_t now_ms,
		  int64_t *ret_wait_ms)
{
	struct keys k;
	struct three t;
	int64_t wait_ms;

	make_keys(account, address, &k);
	if (is_spent(g, &k, now_ms, ret_wait_ms))
		return false;
	t = find_three(g, &k, now_ms);
	wait_ms = wait_for(t.pair, &of_pair);
	/* One that was right here before may make mistakes, whatever others do from its network or
	 * with its account. */
	if (t.pair->good_until_ms <= now_ms && wait_for(t.account, &of_account) > 0)
		wait_ms = later(wait_ms, wait_for(t.pair, &under_attack));
	if (wait_ms > 0) {
		*ret_wait_ms = wait_ms;
		return false;
	}
	spend(t.address, &of_address);
	spend(t.account, &of_account);
	spend(t.pair, &of_pair);
	return true;
}

static void give_back(struct bucket *b, const struct rate *r)
{
	b->spent_ms = later(0, b->spent_ms - r->refill_ms);
}

void guesses_right(struct guesses *g, const char *account, const char *address, int64_t now_ms)
{
	struct three t;
	struct keys k;

	make_keys(account, address, &k);
	t = find_three(g, &k, now_ms);
	give_back(t.address, &of_address);
	give_back(t.account, &of_account);
	t.pair->spent_ms = 0;
	t.pair->good_until_ms = now_ms + GOOD_MS;
}

bool guesses_is_good(struct guesses *g, const char *account, const char *address, int64_t now_ms)
{
	const struct bucket *pair;
	struct keys k;

	make_keys(account, address, &k);
	pair = look_up(g, k.pair);
	return pair && pair->good_until_ms > now_ms;
}
