/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Users, and what they are to apps; see store.h. A password is kept as its Argon2id
 * hash, with OWASP's second set of parameters (12 MiB, 3 passes): a check takes the
 * event loop about 15 ms.
 */
#include <ctype.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "model/names.h"
#include "store/store-priv.h"

#define PASSWORD_MEMORY (12 << 20)
#define PASSWORD_PASSES 3
#define PASSWORD_MIN 8
#define PASSWORD_MAX 1024

void user_done(struct user *u)
{
	free(u->email);
	free(u->name);
	free(u->password_hash);
	*u = (struct user){ 0 };
}

static int read_user(struct query *q, void *record, struct error *err)
{
	struct user *u = record;

	(void)err;
	query_id(q, u->id);
	u->email = query_text(q);
	u->name = query_text(q);
	u->admin = query_int(q);
	u->password_hash = query_text(q);
	u->created_ms = query_int(q);
	u->updated_ms = query_int(q);
	u->login_ms = query_int(q);
	return 0;
}

static void done_user(void *record)
{
	user_done(record);
}

static const struct record_type user_type = { sizeof(struct user), read_user, done_user };

int user_check_email(const char *email, struct error *err)
{
	const char *at = strchr(email, '@');
	char excerpt[NAME_EXCERPT_SIZE];

	for (const char *p = email; *p; p++)
		if ((unsigned char)*p <= ' ' || (unsigned char)*p == 0x7f ||
		    strchr(",;:\"<>()[]\\", *p))
			at = NULL;
	if (at && at != email && at[1] && !strchr(at + 1, '@') && strlen(email) <= EMAIL_MAX)
		return 0;
	return error_set(err, ERROR_INVALID,
			 "\"%s\" is not an e-mail address such as ada@example.com",
			 name_excerpt(excerpt, email));
}

/* One address, however it is written. */
static void fold(char *email)
{
	for (char *p = email; *p; p++)
		*p = (char)tolower((unsigned char)*p);
}

/* As query_run(), with a sentence for an address that another user has. */
static int run_with_email(struct query *q, const char *email, struct error *err)
{
	if (query_run(q, err) == 0)
		return 0;
	if (query_is_duplicate(q))
		return error_set(err, ERROR_INVALID, "There is a user %s already", email);
	return -1;
}

int store_user_create(struct store *s, struct user *u, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_USER_INSERT);

	if (user_check_email(u->email, err) < 0)
		return -1;
	fold(u->email);
	uuid_make(u->id);
	u->created_ms = u->updated_ms = clock_wall_ms();
	query_bind_text(&q, u->id);
	query_bind_text(&q, u->email);
	query_bind_text(&q, u->name ? u->name : "");
	query_bind_int(&q, u->admin);
	query_bind_text(&q, u->password_hash);
	query_bind_int(&q, u->created_ms);
	query_bind_int(&q, u->updated_ms);
	query_bind_int(&q, u->login_ms);
	return run_with_email(&q, u->email, err);
}

int store_user_get(struct store *s, const char *email_or_id, struct user *ret, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_USER_GET);
	char excerpt[NAME_EXCERPT_SIZE];
	int r;

	query_bind_text(&q, email_or_id);
	r = query_one(&q, &user_type, ret, err);
	if (r == 0)
		return error_set(
			err, ERROR_NOT_FOUND,
			"There is no user %s: an administrator makes one with twelve users:add",
			name_excerpt(excerpt, email_or_id));
	return r < 0 ? -1 : 0;
}

int store_user_of_system(struct store *s, const char *email, struct user *ret, struct error *err)
{
	struct error own = ERROR_INIT;

	if (store_user_get(s, email, ret, &own) == 0)
		return 0;
	if (own.kind != ERROR_NOT_FOUND) {
		*err = own;
		return -1;
	}
	*ret = (struct user){ .email = xstrdup(email),
			      .name = xstrndup(email, strcspn(email, "@")),
			      .admin = true };
	if (store_user_create(s, ret, err) == 0)
		return 0;
	user_done(ret);
	return -1;
}

int store_user_list(struct store *s, struct user **ret, size_t *ret_n, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_USER_LIST);

	return query_all(&q, &user_type, ret, ret_n, err);
}

void user_free_array(struct user *u, size_t n)
{
	for (size_t i = 0; i < n; i++)
		user_done(&u[i]);
	free(u);
}

int store_user_update(struct store *s, struct user *u, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_USER_UPDATE);

	if (user_check_email(u->email, err) < 0)
		return -1;
	fold(u->email);
	u->updated_ms = clock_wall_ms();
	query_bind_text(&q, u->email);
	query_bind_text(&q, u->name);
	query_bind_int(&q, u->admin);
	query_bind_text(&q, u->password_hash);
	query_bind_int(&q, u->login_ms);
	query_bind_int(&q, u->updated_ms);
	query_bind_text(&q, u->id);
	return run_with_email(&q, u->email, err);
}

static int count(struct store *s, enum statement statement, const char *id, int64_t *ret,
		 struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, statement);

	query_bind_text(&q, id);
	if (query_row(&q, err) < 0)
		return -1;
	*ret = query_int(&q);
	return 0;
}

int store_user_delete(struct store *s, const struct user *u, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_USER_DELETE);
	int64_t n_apps = 0, n_others = 0;

	if (count(s, STATEMENT_USER_OWNS, u->id, &n_apps, err) < 0 ||
	    count(s, STATEMENT_USER_OTHER_ADMINS, u->id, &n_others, err) < 0)
		return -1;
	if (n_apps)
		return error_set(err, ERROR_CONFLICT, "%s owns %lld app%s: transfer %s first",
				 u->email, (long long)n_apps, str_plural(n_apps),
				 n_apps == 1 ? "it" : "them");
	if (u->admin && !n_others)
		return error_set(err, ERROR_CONFLICT,
				 "%s is the only administrator: add another one first", u->email);
	query_bind_text(&q, u->id);
	return query_run(&q, err);
}

/* ---- passwords ---- */

int user_check_password(const char *password, struct error *err)
{
	if (strlen(password) < PASSWORD_MIN || strlen(password) > PASSWORD_MAX)
		return error_set(err, ERROR_INVALID, "A password must have %d to %d bytes",
				 PASSWORD_MIN, PASSWORD_MAX);
	return 0;
}

char *user_hash_password(const char *password)
{
	char hash[crypto_pwhash_STRBYTES];

	if (crypto_pwhash_str(hash, password, strlen(password), PASSWORD_PASSES, PASSWORD_MEMORY) <
	    0)
		return NULL;
	return xstrdup(hash);
}

bool user_has_password(const char *hash, const char *password)
{
	return strlen(password) <= PASSWORD_MAX &&
	       crypto_pwhash_str_verify(hash, password, strlen(password)) == 0;
}

/* ---- collaborators ---- */

void collaborator_done(struct collaborator *c)
{
	free(c->email);
	*c = (struct collaborator){ 0 };
}

void collaborator_free_array(struct collaborator *c, size_t n)
{
	for (size_t i = 0; i < n; i++)
		collaborator_done(&c[i]);
	free(c);
}

static int read_collaborator(struct query *q, void *record, struct error *err)
{
	struct collaborator *c = record;

	(void)err;
	query_id(q, c->id);
	query_id(q, c->app_id);
	query_id(q, c->user_id);
	c->permissions = (unsigned)query_int(q);
	c->created_ms = query_int(q);
	c->updated_ms = query_int(q);
	c->email = query_text(q);
	return 0;
}

static void done_collaborator(void *record)
{
	collaborator_done(record);
}

static const struct record_type collaborator_type = { sizeof(struct collaborator),
						      read_collaborator, done_collaborator };

int store_collaborator_set(struct store *s, const char *app_id, const char *user_id,
			   unsigned permissions, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_COLLABORATOR_SET);
	int64_t now_ms = clock_wall_ms();
	char id[UUID_SIZE];

	query_bind_text(&q, uuid_make(id));
	query_bind_text(&q, app_id);
	query_bind_text(&q, user_id);
	query_bind_int(&q, permissions);
	query_bind_int(&q, now_ms);
	query_bind_int(&q, now_ms);
	return query_run(&q, err);
}

int store_collaborator_list(struct store *s, const char *app_id, struct collaborator **ret,
			    size_t *ret_n, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_COLLABORATOR_LIST);

	query_bind_text(&q, app_id);
	return query_all(&q, &collaborator_type, ret, ret_n, err);
}

int store_permissions_of(struct store *s, const char *app_id, const char *user_id, unsigned *ret,
			 struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_COLLABORATOR_GET);
	int r;

	query_bind_text(&q, app_id);
	query_bind_text(&q, user_id);
	r = query_row(&q, err);
	if (r < 0)
		return -1;
	*ret = r ? (unsigned)query_int(&q) : 0;
	return 0;
}

int store_collaborator_delete(struct store *s, const char *id, struct error *err)
{
	_cleanup_query_ struct query q = query_make(s, STATEMENT_COLLABORATOR_DELETE);

	query_bind_text(&q, id);
	return query_run(&q, err);
}
