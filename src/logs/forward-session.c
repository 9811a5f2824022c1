/* SPDX-License-Identifier: Apache-2.0 */
/* What the server says, and the handshake; see forward.h. */
#include "logs/forward.h"

#include <msgpack.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

/* A server says nothing longer. */
#define ANSWER_MAX 16384
#define SHA512_HEX_SIZE 129

enum state {
	WAIT_HELO,
	WAIT_PONG,
	IS_READY,
};

struct forward_session {
	const struct drain_target *target;
	const char *host, *key;
	enum state state;
	bool told_ready;
	struct buf in;
	char salt[33];
	char *nonce;
	size_t nonce_len;
};

struct forward_session *forward_session_new(const struct drain_target *target, const char *host)
{
	struct forward_session *s = xcalloc(1, sizeof(*s));

	*s = (struct forward_session){ .target = target,
				       .host = host,
				       .key = drain_option(target, "shared_key"),
				       .in = BUF_INIT };
	s->state = s->key ? WAIT_HELO : IS_READY;
	random_hex(s->salt, 16);
	return s;
}

void forward_session_free(struct forward_session *s)
{
	if (!s)
		return;
	buf_done(&s->in);
	free(s->nonce);
	free(s);
}

void forward_session_feed(struct forward_session *s, const char *data, size_t n)
{
	buf_append(&s->in, data, n);
}

bool forward_session_is_ready(const struct forward_session *s)
{
	return s->state == IS_READY;
}

struct bytes {
	const void *data;
	size_t n;
};

static struct bytes text(const char *s)
{
	return (struct bytes){ s, strlen(s) };
}

static void digest(char hex[static SHA512_HEX_SIZE], const struct bytes *parts, size_t n)
{
	unsigned char md[crypto_hash_sha512_BYTES];
	crypto_hash_sha512_state state;

	crypto_hash_sha512_init(&state);
	for (size_t i = 0; i < n; i++)
		crypto_hash_sha512_update(&state, parts[i].data, parts[i].n);
	crypto_hash_sha512_final(&state, md);
	sodium_bin2hex(hex, SHA512_HEX_SIZE, md, sizeof(md));
}

static bool is_text(const msgpack_object *o)
{
	return o->type == MSGPACK_OBJECT_STR || o->type == MSGPACK_OBJECT_BIN;
}

/* str and bin lie alike in a msgpack_object's union. */
static struct bytes bytes_of(const msgpack_object *o)
{
	return o->type == MSGPACK_OBJECT_STR ? (struct bytes){ o->via.str.ptr, o->via.str.size }
					     : (struct bytes){ o->via.bin.ptr, o->via.bin.size };
}

static bool is_word(const msgpack_object *o, const char *word)
{
	struct bytes b;

	if (!is_text(o))
		return false;
	b = bytes_of(o);
	return b.n == strlen(word) && memcmp(b.data, word, b.n) == 0;
}

static const msgpack_object *member(const msgpack_object *map, const char *name)
{
	if (map->type != MSGPACK_OBJECT_MAP)
		return NULL;
	for (uint32_t i = 0; i < map->via.map.size; i++)
		if (is_word(&map->via.map.ptr[i].key, name))
			return &map->via.map.ptr[i].val;
	return NULL;
}

static bool is_array_of(const msgpack_object *o, const char *word, uint32_t min)
{
	return o->type == MSGPACK_OBJECT_ARRAY && o->via.array.size >= min &&
	       is_word(&o->via.array.ptr[0], word);
}

static int write_buf(void *data, const char *bytes, size_t n)
{
	buf_append(data, bytes, n);
	return 0;
}

static void pack_bytes(msgpack_packer *pk, struct bytes b)
{
	msgpack_pack_str(pk, b.n);
	msgpack_pack_str_body(pk, b.data, b.n);
}

static void put_ping(struct forward_session *s, struct bytes auth, struct buf *out)
{
	const char *user = s->target->user ? s->target->user : "",
		   *password = s->target->password ? s->target->password : "";
	struct bytes key[] = {
		text(s->salt), text(s->host), { s->nonce, s->nonce_len }, text(s->key)
	};
	struct bytes word[] = { auth, text(user), text(password) };
	char key_hex[SHA512_HEX_SIZE], word_hex[SHA512_HEX_SIZE];
	msgpack_packer pk;

	digest(key_hex, key, ARRAY_SIZE(key));
	digest(word_hex, word, ARRAY_SIZE(word));
	msgpack_packer_init(&pk, out, write_buf);
	msgpack_pack_array(&pk, 6);
	pack_bytes(&pk, text("PING"));
	pack_bytes(&pk, text(s->host));
	pack_bytes(&pk, text(s->salt));
	pack_bytes(&pk, text(key_hex));
	pack_bytes(&pk, text(auth.n ? user : ""));
	pack_bytes(&pk, text(auth.n ? word_hex : ""));
}

static enum forward_event on_helo(struct forward_session *s, const msgpack_object *o,
				  struct buf *out, struct error *err)
{
	const msgpack_object *nonce, *auth;

	if (!is_array_of(o, "HELO", 2)) {
		error_set(err, ERROR_UNAVAILABLE, "the server does not begin with HELO");
		return FORWARD_BAD;
	}
	nonce = member(&o->via.array.ptr[1], "nonce");
	auth = member(&o->via.array.ptr[1], "auth");
	if (nonce && is_text(nonce)) {
		s->nonce_len = bytes_of(nonce).n;
		s->nonce = xcalloc(1, s->nonce_len + 1);
		memcpy(s->nonce, bytes_of(nonce).data, s->nonce_len);
	} else {
		s->nonce = xstrdup("");
	}
	put_ping(s, auth && is_text(auth) ? bytes_of(auth) : text(""), out);
	s->state = WAIT_PONG;
	return FORWARD_SEND;
}

static enum forward_event on_pong(struct forward_session *s, const msgpack_object *o,
				  struct error *err)
{
	const msgpack_object *p;
	char want[SHA512_HEX_SIZE];
	struct bytes why;

	if (!is_array_of(o, "PONG", 3)) {
		error_set(err, ERROR_UNAVAILABLE, "the server does not answer PING with PONG");
		return FORWARD_BAD;
	}
	p = o->via.array.ptr;
	if (p[1].type != MSGPACK_OBJECT_BOOLEAN || !p[1].via.boolean) {
		why = is_text(&p[2]) ? bytes_of(&p[2]) : text("no reason is given");
		error_set(err, ERROR_UNAUTHORIZED, "the server refuses us: %.*s",
			  why.n < 100 ? (int)why.n : 100, (const char *)why.data);
		return FORWARD_BAD;
	}
	if (o->via.array.size >= 5 && is_text(&p[3])) {
		struct bytes parts[] = {
			text(s->salt), bytes_of(&p[3]), { s->nonce, s->nonce_len }, text(s->key)
		};

		digest(want, parts, ARRAY_SIZE(parts));
		if (is_word(&p[4], want)) {
			s->state = IS_READY;
			return FORWARD_MORE;
		}
	}
	error_set(err, ERROR_UNAUTHORIZED, "the server does not know the shared key");
	return FORWARD_BAD;
}

static enum forward_event on_object(struct forward_session *s, const msgpack_object *o,
				    struct buf *out, char id[static FORWARD_CHUNK_MAX],
				    struct error *err)
{
	const msgpack_object *ack;
	struct bytes b;

	if (s->state == WAIT_HELO)
		return on_helo(s, o, out, err);
	if (s->state == WAIT_PONG)
		return on_pong(s, o, err);
	ack = member(o, "ack");
	/* A server with a key that we were not given says HELO, and waits for ever. */
	if (is_array_of(o, "HELO", 2)) {
		error_set(err, ERROR_UNAUTHORIZED,
			  "the server wants a shared key: add ?shared_key= to the URL");
		return FORWARD_BAD;
	}
	if (!ack || !is_text(ack) || bytes_of(ack).n >= FORWARD_CHUNK_MAX)
		return FORWARD_MORE;
	b = bytes_of(ack);
	memcpy(id, b.data, b.n);
	id[b.n] = '\0';
	return FORWARD_ACK;
}

/* Big-endian, of `size` bytes; what is not there yet counts as 0. */
static uint64_t number_at(const unsigned char *p, const unsigned char *end, size_t size)
{
	uint64_t v = 0;

	for (size_t i = 0; i < size; i++)
		v = v << 8 | (p + i < end ? p[i] : 0);
	return v;
}

/*
 * False when the bytes announce a string or a collection that is longer than any answer: msgpack-c
 * would get the memory for it before it has seen an element. Tokens are walked without regard to
 * how they nest.
 */
static bool is_modest(const char *data, size_t n)
{
	/* From 0xc4 on (the format's table "Overview"): how many bytes a size has, and how many
	 * follow beside it. */
	static const struct {
		unsigned char size, extra, is_collection, fixed;
	} table[] = {
		[0xc4 - 0xc0] = { 1, 0, 0, 0 },	 [0xc5 - 0xc0] = { 2, 0, 0, 0 },
		[0xc6 - 0xc0] = { 4, 0, 0, 0 },	 [0xc7 - 0xc0] = { 1, 1, 0, 0 },
		[0xc8 - 0xc0] = { 2, 1, 0, 0 },	 [0xc9 - 0xc0] = { 4, 1, 0, 0 },
		[0xca - 0xc0] = { 0, 0, 0, 4 },	 [0xcb - 0xc0] = { 0, 0, 0, 8 },
		[0xcc - 0xc0] = { 0, 0, 0, 1 },	 [0xcd - 0xc0] = { 0, 0, 0, 2 },
		[0xce - 0xc0] = { 0, 0, 0, 4 },	 [0xcf - 0xc0] = { 0, 0, 0, 8 },
		[0xd0 - 0xc0] = { 0, 0, 0, 1 },	 [0xd1 - 0xc0] = { 0, 0, 0, 2 },
		[0xd2 - 0xc0] = { 0, 0, 0, 4 },	 [0xd3 - 0xc0] = { 0, 0, 0, 8 },
		[0xd4 - 0xc0] = { 0, 0, 0, 2 },	 [0xd5 - 0xc0] = { 0, 0, 0, 3 },
		[0xd6 - 0xc0] = { 0, 0, 0, 5 },	 [0xd7 - 0xc0] = { 0, 0, 0, 9 },
		[0xd8 - 0xc0] = { 0, 0, 0, 17 }, [0xd9 - 0xc0] = { 1, 0, 0, 0 },
		[0xda - 0xc0] = { 2, 0, 0, 0 },	 [0xdb - 0xc0] = { 4, 0, 0, 0 },
		[0xdc - 0xc0] = { 2, 0, 1, 0 },	 [0xdd - 0xc0] = { 4, 0, 1, 0 },
		[0xde - 0xc0] = { 2, 0, 1, 0 },	 [0xdf - 0xc0] = { 4, 0, 1, 0 },
	};
	const unsigned char *p = (const unsigned char *)data, *end = p + n;

	while (p < end) {
		unsigned char c = *p++;
		uint64_t size = c >= 0xa0 && c <= 0xbf ? c & 0x1f : 0;
		bool is_collection = false;

		if (c >= 0xc0 && c <= 0xdf) {
			is_collection = table[c - 0xc0].is_collection;
			size = number_at(p, end, table[c - 0xc0].size) + table[c - 0xc0].fixed;
			p += table[c - 0xc0].size + table[c - 0xc0].extra;
		}
		if (size > ANSWER_MAX)
			return false;
		p += is_collection ? 0 : size;
	}
	return true;
}

enum forward_event forward_session_next(struct forward_session *s, struct buf *out,
					char id[static FORWARD_CHUNK_MAX], struct error *err)
{
	while (s->in.len) {
		enum forward_event e;
		msgpack_unpacked u;
		size_t off = 0;
		int r;

		msgpack_unpacked_init(&u);
		r = is_modest(s->in.data, s->in.len)
			    ? msgpack_unpack_next(&u, s->in.data, s->in.len, &off)
			    : MSGPACK_UNPACK_PARSE_ERROR;
		if (r == MSGPACK_UNPACK_CONTINUE && s->in.len < ANSWER_MAX) {
			msgpack_unpacked_destroy(&u);
			break;
		}
		if (r != MSGPACK_UNPACK_SUCCESS) {
			msgpack_unpacked_destroy(&u);
			error_set(err, ERROR_UNAVAILABLE,
				  "the server's response is not of the forward protocol");
			return FORWARD_BAD;
		}
		e = on_object(s, &u.data, out, id, err);
		msgpack_unpacked_destroy(&u);
		buf_consume(&s->in, off);
		if (e != FORWARD_MORE)
			return e;
	}
	if (s->state != IS_READY || s->told_ready)
		return FORWARD_MORE;
	s->told_ready = true;
	return FORWARD_READY;
}
