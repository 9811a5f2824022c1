/* SPDX-License-Identifier: Apache-2.0 */
/* URLs that are their own secret; see sealed-url.h. */
#include "daemon/core/sealed-url.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"

#define TEXT_MAX 1024

typedef unsigned char capability_key[crypto_secretbox_KEYBYTES];

/* The key, made when there is none. */
static int read_key(const struct platform *p, capability_key key, struct error *err)
{
	_cleanup_free_ char *path = xasprintf("%s/capabilities.key", p->settings.run_dir);
	_cleanup_buf_ struct buf b = BUF_INIT;
	int r = fs_read_file(path, crypto_secretbox_KEYBYTES, &b);

	if (r == 0 && b.len == crypto_secretbox_KEYBYTES) {
		memcpy(key, b.data, crypto_secretbox_KEYBYTES);
		return 0;
	}
	if (r < 0 && r != -ENOENT && r != -EFBIG)
		return error_set_errno(err, r, "reading %s", path);
	crypto_secretbox_keygen(key);
	r = fs_write_fleeting(path, 0600, key, crypto_secretbox_KEYBYTES);
	return r < 0 ? error_set_errno(err, r, "writing %s", path) : 0;
}

/* URL-safe base64 of nonce and box. */
static char *seal(const capability_key key, const char *text)
{
	size_t n = strlen(text),
	       box_n = crypto_secretbox_NONCEBYTES + n + crypto_secretbox_MACBYTES;
	size_t size = sodium_base64_encoded_len(box_n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	unsigned char *box = xcalloc(1, box_n);
	char *out = xcalloc(1, size);

	randombytes_buf(box, crypto_secretbox_NONCEBYTES);
	crypto_secretbox_easy(box + crypto_secretbox_NONCEBYTES, (const unsigned char *)text, n,
			      box, key);
	sodium_bin2base64(out, size, box, box_n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	free(box);
	return out;
}

static char *unseal(const capability_key key, const char *sealed)
{
	unsigned char box[TEXT_MAX * 2];
	char *text;
	size_t n;

	if (sodium_base642bin(box, sizeof(box), sealed, strlen(sealed), NULL, &n, NULL,
			      sodium_base64_VARIANT_URLSAFE_NO_PADDING) < 0 ||
	    n < crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES)
		return NULL;
	text = xcalloc(1, n);
	if (crypto_secretbox_open_easy((unsigned char *)text, box + crypto_secretbox_NONCEBYTES,
				       n - crypto_secretbox_NONCEBYTES, box, key) < 0) {
		free(text);
		return NULL;
	}
	return text;
}

char *capability_seal(const struct platform *p, const char *kind, json_t *take_what,
		      int64_t life_ms, struct error *err)
{
	_cleanup_free_ char *text = NULL;
	capability_key key;

	json_object_set_new(take_what, "kind", json_string(kind));
	json_object_set_new(take_what, "until", json_integer(clock_wall_ms() + life_ms));
	text = json_dumps(take_what, JSON_COMPACT);
	json_decref(take_what);
	if (strlen(text) > TEXT_MAX) {
		error_set(err, ERROR_INVALID, "What is asked for has more than %d bytes", TEXT_MAX);
		return NULL;
	}
	return read_key(p, key, err) < 0 ? NULL : seal(key, text);
}

json_t *capability_open(const struct platform *p, const char *kind, const char *sealed,
			struct error *err)
{
	_cleanup_free_ char *text = NULL;
	const char *said;
	capability_key key;
	json_t *what;

	if (read_key(p, key, err) < 0)
		return NULL;
	text = unseal(key, sealed);
	what = text ? json_loads(text, 0, NULL) : NULL;
	said = json_string_value(json_object_get(what, "kind"));
	if (said && streq(said, kind) &&
	    json_integer_value(json_object_get(what, "until")) > clock_wall_ms())
		return what;
	json_decref(what);
	error_set(err, ERROR_NOT_FOUND, "This %s has expired: request another", kind);
	return NULL;
}
