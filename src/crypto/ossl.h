/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenSSL's contexts and gcm.h's, one set a thread: making one costs twice what sealing a record does.  Only
 * for the files of this directory.
 */
#ifndef MENEDEK_OSSL_H
#define MENEDEK_OSSL_H

#include <pthread.h>

#include <openssl/evp.h>

#include "base/bytes.h"
#include "crypto/gcm.h"

struct ossl_contexts {
	pthread_mutex_t busy; /* guards gcm and fast: its thread while it works, or ossl_forget_all */
	EVP_CIPHER_CTX *gcm;  /* AES-256-GCM; keeps the key that it was last given, */
	uint8_t gcm_key[32];  /* which is this, */
	bool has_gcm_key;     /* if it has one */
	bool is_fast;         /* then these are used instead: for opening, for sealing */
	struct gcm fast[2];
	struct ossl_contexts *next, **at; /* the list of all threads' */
};

/**
 * The contexts of this thread, made at its first call and freed when it ends.  Aborts the process without
 * memory or without these algorithms: nothing here could go on safely.
 */
struct ossl_contexts *ossl_contexts(void);

/** Wipe the keys that this thread's gcm and fast were last given; ossl_forget_all: every thread's, as soon as
 * it is not at work. */
void ossl_forget(void);
void ossl_forget_all(void);

#endif
