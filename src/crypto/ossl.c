/* SPDX-License-Identifier: Apache-2.0 */
/* Thread-local OpenSSL contexts.  A pthread key frees them, since C has no thread-local destructor. */
#include "crypto/ossl.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/log.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t at_exit_of_thread;

static _Thread_local struct ossl_contexts mine;

static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER; /* taken before any thread's busy */
static struct ossl_contexts *list;

static void
give_up(const char *what)
{
	log_world("crypto_missing", "what=%s", what);
	abort();
}

static void
forget_fast(struct ossl_contexts *c)
{
	for (unsigned i = 0; i < COUNT_OF(c->fast); i++)
		gcm_forget(&c->fast[i]);
}

static void
contexts_fini(void *p)
{
	struct ossl_contexts *c = p;

	pthread_mutex_lock(&list_lock);
	*c->at = c->next;
	if (c->next != NULL)
		c->next->at = c->at;
	pthread_mutex_unlock(&list_lock);
	pthread_mutex_destroy(&c->busy);
	EVP_CIPHER_CTX_free(c->gcm);
	wipe(c->gcm_key, sizeof(c->gcm_key));
	forget_fast(c);
	c->has_gcm_key = false;
	c->gcm = NULL;
}

static void
make_key(void)
{
	if (pthread_key_create(&at_exit_of_thread, contexts_fini) != 0)
		give_up("thread_key");
}

static void
add_to_list(struct ossl_contexts *c)
{
	pthread_mutex_lock(&list_lock);
	c->next = list;
	c->at = &list;
	if (list != NULL)
		list->at = &c->next;
	list = c;
	pthread_mutex_unlock(&list_lock);
}

static void
contexts_init(struct ossl_contexts *c)
{
	if (pthread_once(&once, make_key) != 0)
		give_up("thread_once");
	c->is_fast = gcm_is_safe();
	c->gcm = EVP_CIPHER_CTX_new();
	if (c->gcm == NULL || EVP_EncryptInit_ex(c->gcm, EVP_aes_256_gcm(), NULL, NULL, NULL) != 1)
		give_up("aes_256_gcm");
	if (pthread_mutex_init(&c->busy, NULL) != 0 || pthread_setspecific(at_exit_of_thread, c) != 0)
		give_up("thread_value");
	add_to_list(c);
}

struct ossl_contexts *
ossl_contexts(void)
{
	if (mine.gcm == NULL)
		contexts_init(&mine);
	return &mine;
}

/* Resetting clears what OpenSSL holds; setting another key would leave blocks of the last text behind. */
static void
forget(struct ossl_contexts *c)
{
	pthread_mutex_lock(&c->busy);
	if (EVP_CIPHER_CTX_reset(c->gcm) != 1 ||
	    EVP_EncryptInit_ex(c->gcm, EVP_aes_256_gcm(), NULL, NULL, NULL) != 1)
		give_up("aes_256_gcm");
	wipe(c->gcm_key, sizeof(c->gcm_key));
	c->has_gcm_key = false;
	forget_fast(c);
	pthread_mutex_unlock(&c->busy);
}

void
ossl_forget(void)
{
	forget(ossl_contexts());
}

void
ossl_forget_all(void)
{
	pthread_mutex_lock(&list_lock);
	for (struct ossl_contexts *c = list; c != NULL; c = c->next)
		forget(c);
	pthread_mutex_unlock(&list_lock);
}
