#include "bin/tls-certs.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "bin/tls-context.h"
#include "bin/tls-warm.h"
#include "lib/ascii.h"
#include "lib/log.h"
#include "lib/sa.h"

extern char **environ;

char const *
tls_error(void)
{
	unsigned long e = ERR_get_error();
	char const *s = e ? ERR_reason_error_string(e) : 0;
	/* A system error stands in the same number. */
	if (e && !s && ERR_SYSTEM_ERROR(e))
		s = strerror(ERR_GET_REASON(e));
	ERR_clear_error();
	return s ? s : "unknown error";
}

/* ---- the list ---------------------------------------------------------------------------------
 */

void
tls_certs_add(struct tls_certs *c, char const *name, char const *key, char const *cert)
{
	c->pair = xrealloc(c->pair, c->count + 1, sizeof *c->pair);
	struct tls_pair *p = c->pair + c->count++;
	*p = (struct tls_pair){.name = name ? xstrdup(name) : 0,
	    .key = {.path = xstrdup(key)},
	    .cert = {.path = xstrdup(cert)}};
	if (p->name)
		ascii_lower(p->name, strlen(p->name));
}

static void
remove_pair(struct tls_certs *c, size_t i)
{
	struct tls_pair *p = c->pair + i;
	SSL_CTX_free(p->ctx);
	free(p->name);
	free(p->key.path);
	free(p->cert.path);
	free(p->key2.path);
	free(p->cert2.path);
	memmove(p, p + 1, (--c->count - i) * sizeof *p);
}

char const *
tls_certs_from_env(struct tls_certs *c, unsigned int snilevel)
{
	static char const prefix[] = "KEYFILE:";
	if (snilevel < 2) {
		if (!getenv("KEYFILE"))
			return "KEYFILE";
		if (!getenv("CERTFILE"))
			return "CERTFILE";
		tls_certs_add(c, 0, getenv("KEYFILE"), getenv("CERTFILE"));
	}
	for (char **e = environ; snilevel && *e; e++) {
		if (strncmp(*e, prefix, sizeof prefix - 1) != 0)
			continue;
		char const *name = *e + sizeof prefix - 1, *eq = strchr(name, '=');
		if (!eq || eq == name || eq - name > TLS_NAME_MAX)
			continue;
		stralloc var = STRALLOC_ZERO;
		sa_cats(&var, "CERTFILE:");
		sa_catb(&var, name, (size_t)(eq - name));
		char const *cert = getenv(sa_str(&var));
		if (!cert)
			return var.s;
		tls_certs_add(c, var.s + strlen("CERTFILE:"), eq + 1, cert);
		stralloc_free(&var);
	}
	return c->count ? 0 : "KEYFILE:NAME";
}

static char *
join(char const *dir, char const *name, char const *file)
{
	stralloc sa = STRALLOC_ZERO;
	sa_cats(&sa, dir);
	if (name) {
		sa_append(&sa, '/');
		sa_cats(&sa, name);
	}
	sa_append(&sa, '/');
	sa_cats(&sa, file);
	return sa_str(&sa);
}

static void
add_from(struct tls_certs *c, char const *dir, char const *name)
{
	char *key = join(dir, name, "key.pem"), *cert = join(dir, name, "cert.pem");
	tls_certs_add(c, name, key, cert);
	c->pair[c->count - 1].key2.path = join(dir, name, "key2.pem");
	c->pair[c->count - 1].cert2.path = join(dir, name, "cert2.pem");
	free(key);
	free(cert);
}

void
tls_certs_from_dir(struct tls_certs *c, char const *dir)
{
	c->dir.path = xstrdup(dir);
	add_from(c, dir, 0);
}

void
tls_certs_client_ca(struct tls_certs *c, char const *file, char const *dir)
{
	c->ca.path = file ? xstrdup(file) : 0;
	c->ca_dir = dir ? xstrdup(dir) : 0;
}

/* ---- loading ----------------------------------------------------------------------------------
 */

/* A context with one key and certificate, or null after logging why not. */
static SSL_CTX *
load_one(struct tls_certs *c, struct tls_pair const *p, char const *key, char const *cert)
{
	SSL_CTX *ctx = tls_context_new(key, cert);
	if (!ctx) {
		log_event("certificate");
		log_str("name", p->name ? p->name : "default");
		log_str("key", key);
		log_str("cert", cert);
		log_str("error", tls_error());
		log_str("now", p->ctx ? "the old one stays in use" : "not used");
		log_send();
		return 0;
	}
	tls_context_names(ctx, c);
	tls_tickets_use(&c->tickets, ctx);
	/* The first handshake with a kind of key fetches what OpenSSL loads late: here, not in each
	 * engine. */
	unsigned int kind = tls_context_kind(ctx);
	if (!(c->warmed & kind) && tls_warm(ctx))
		c->warmed |= kind;
	return ctx;
}

/* The second pair into ctx. It has been a context of its own first: so it is tried and warm. */
static int
add_second(struct tls_certs *c, struct tls_pair const *p, SSL_CTX *ctx)
{
	SSL_CTX *alone = load_one(c, p, p->key2.path, p->cert2.path);
	int ok = alone && tls_context_add(ctx, p->key2.path, p->cert2.path);
	SSL_CTX_free(alone);
	return ok;
}

int
tls_certs_load(struct tls_certs *c, size_t i)
{
	struct tls_pair *p = c->pair + i;
	SSL_CTX *ctx = load_one(c, p, p->key.path, p->cert.path);
	if (!ctx)
		return 0;
	if (tls_file_exists(&p->key2) && tls_file_exists(&p->cert2) && !add_second(c, p, ctx)) {
		SSL_CTX_free(ctx);
		return 0;
	}
	SSL_CTX_free(p->ctx);
	p->ctx = ctx;
	return 1;
}

/* Every file of a directory into the store: OpenSSL would look there only when it needs one, and an
 * engine has no files. */
static int
add_ca_dir(X509_STORE *store, char const *dir)
{
	DIR *d = opendir(dir);
	if (!d)
		return 0;
	for (struct dirent *e; (e = readdir(d));) {
		char *path = join(dir, 0, e->d_name);
		if (e->d_name[0] != '.')
			X509_STORE_load_file(store, path);
		free(path);
	}
	closedir(d);
	ERR_clear_error();
	return 1;
}

int
tls_certs_load_ca(struct tls_certs *c)
{
	X509_STORE *store = X509_STORE_new();
	STACK_OF(X509_NAME) *names = 0;
	int ok = store != 0;
	if (ok && c->ca.path) {
		names = SSL_load_client_CA_file(c->ca.path);
		ok = names && X509_STORE_load_file(store, c->ca.path);
	}
	if (ok && c->ca_dir)
		ok = add_ca_dir(store, c->ca_dir);
	if (!ok) {
		log_2(
		    "client-ca", "file", c->ca.path ? c->ca.path : c->ca_dir, "error", tls_error());
		sk_X509_NAME_pop_free(names, X509_NAME_free);
		X509_STORE_free(store);
		return 0;
	}
	sk_X509_NAME_pop_free(c->ca_names, X509_NAME_free);
	X509_STORE_free(c->store);
	c->ca_names = names;
	c->store = store;
	return 1;
}

/* ---- changes ----------------------------------------------------------------------------------
 */

static int
find_name(struct tls_certs const *c, char const *name, size_t *i)
{
	for (*i = 0; *i < c->count; ++*i)
		if (c->pair[*i].name && !strcmp(c->pair[*i].name, name))
			return 1;
	return 0;
}

/* A name's directory was seen: its pair exists from now on. */
static void
see_name(struct tls_certs *c, char const *name)
{
	char *lower = xstrdup(name);
	size_t i;
	ascii_lower(lower, strlen(lower));
	if (!find_name(c, lower, &i)) {
		add_from(c, c->dir.path, name);
		i = c->count - 1;
		c->pair[i].from_dir = 1;
	}
	c->pair[i].in_dir = 1;
	free(lower);
}

static void
scan_dir(struct tls_certs *c)
{
	DIR *d = opendir(c->dir.path);
	if (!d)
		return;
	for (size_t i = 0; i < c->count; i++)
		c->pair[i].in_dir = 0;
	for (struct dirent *e; (e = readdir(d));) {
		char *path = join(c->dir.path, 0, e->d_name);
		struct stat st;
		if (e->d_name[0] != '.' && !stat(path, &st) && S_ISDIR(st.st_mode))
			see_name(c, e->d_name);
		free(path);
	}
	closedir(d);
	for (size_t i = c->count; i--;)
		if (c->pair[i].from_dir && !c->pair[i].in_dir)
			remove_pair(c, i);
}

/* 1 if its files were read. */
static int
refresh_pair(struct tls_certs *c, size_t i)
{
	struct tls_pair *p = c->pair + i;
	int first = !p->key.looked;
	/* All of them, always: each call remembers. */
	int changed = tls_file_changed(&p->key) | tls_file_changed(&p->cert) |
		      tls_file_changed(&p->key2) | tls_file_changed(&p->cert2);
	int there = tls_file_exists(&p->key) && tls_file_exists(&p->cert);
	/* A name's directory is made before its files; the default pair is missed from the start.
	 */
	if (!changed || (!there && (!first || p->name)))
		return 0;
	if (tls_certs_load(c, i) && !first)
		log_1("certificate-loaded", "name", p->name ? p->name : "default");
	return 1;
}

static long long
microseconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (long long)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int
tls_certs_refresh(struct tls_certs *c)
{
	long long start = microseconds();
	int read = 0, changed = 0;
	if (start < c->refresh_after)
		return 0;
	if (c->dir.path && tls_file_changed(&c->dir)) {
		scan_dir(c);
		changed = 1;
	}
	/* First, for a context that is new: without a ticket's key it would not come warm. */
	changed |= tls_tickets_refresh(&c->tickets, time(0));
	for (size_t i = 0; i < c->count; i++)
		read |= refresh_pair(c, i);
	if ((c->ca.path || c->ca_dir) && tls_file_changed(&c->ca))
		changed |= tls_certs_load_ca(c);
	changed |= read;
	/* Looking is what is done again and again; reading happens once. */
	long long end = microseconds();
	c->refresh_after = read ? 0 : end + (end - start) * (TLS_REFRESH_SHARE - 1);
	return changed;
}

void
tls_certs_reread(struct tls_certs *c)
{
	c->refresh_after = 0;
	c->dir.looked = c->ca.looked = c->tickets.file.looked = 0;
	for (size_t i = 0; i < c->count; i++)
		c->pair[i].key.looked = 0;
}

SSL_CTX *
tls_certs_find(struct tls_certs const *c, char const *name)
{
	char wild[TLS_NAME_MAX + 2];
	SSL_CTX *otherwise = 0, *by_wildcard = 0;
	char const *dot = name ? strchr(name, '.') : 0;
	wild[0] = 0;
	if (dot && strlen(dot) < sizeof wild - 1) {
		wild[0] = '*';
		strcpy(wild + 1, dot);
	}
	for (size_t i = 0; i < c->count; i++) {
		struct tls_pair const *p = c->pair + i;
		if (!p->ctx)
			continue;
		if (!otherwise || !p->name)
			otherwise = p->ctx;
		if (name && p->name && !strcmp(p->name, name))
			return p->ctx;
		if (p->name && wild[0] && !strcmp(p->name, wild))
			by_wildcard = p->ctx;
	}
	return by_wildcard ? by_wildcard : otherwise;
}
