/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libmenedek: a house's or a desk's own software speaks to a Menedék registry.  Mutual TLS 1.3 with the
 * device's certificate, one person signed in, every failure typed.  A struct menedek is for one thread at a
 * time; several are independent.  Nothing is printed or logged, no signal handler is set, and passphrases and
 * tokens are wiped from what the library holds.  The caller ignores SIGPIPE, or has a handler.
 *
 * Calls are repeated by the library where the registry or the network says so, within ${patience_ms}, and
 * never in a way that could book twice: what creates something carries one Idempotency-Key for all repeats.
 */
#ifndef MENEDEK_CLIENT_H
#define MENEDEK_CLIENT_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MENEDEK_API __attribute__((visibility("default")))

#define MENEDEK_ID    27  /* an id and its NUL */
#define MENEDEK_TIME  21  /* "2026-11-21T15:00:00Z" and its NUL */
#define MENEDEK_NAME  241 /* 60 characters of UTF-8 and a NUL */
#define MENEDEK_CODE  41  /* a word of one of the registry's code lists (schema/codes.json) */
#define MENEDEK_ETAG  24
#define MENEDEK_MARK  96 /* where a reader of events stopped */
#define MENEDEK_UNITS 64 /* a house has no more */

/** How a call ended; what to do about it differs. */
enum menedek_outcome {
	MENEDEK_OK,
	MENEDEK_ARGUMENT,    /* the caller: a value that cannot be sent */
	MENEDEK_MEMORY,      /* no memory */
	MENEDEK_FILE,        /* a certificate or key that cannot be read or opened */
	MENEDEK_UNREACHABLE, /* no connection; nothing was changed */
	MENEDEK_TLS,         /* a server that is not the registry, or a device that it does not let in */
	MENEDEK_SIGN_IN,     /* 401, 403: who asks must sign in (again), or may not do this */
	MENEDEK_NOT_FOUND,   /* 404: not there, or not yours to know */
	MENEDEK_CONFLICT,    /* 409, 410, 412: it stands otherwise than the call assumed; look again */
	MENEDEK_REFUSED,     /* any other 4xx: the call is wrong and will stay so */
	MENEDEK_BUSY,        /* 429, 503, after repeats: wait retry_after seconds and try again */
	MENEDEK_UNKNOWN,     /* the answer was lost: it may have happened; look, or repeat */
	MENEDEK_PROTOCOL,    /* an answer that is none of the registry's */
	MENEDEK_STOPPED      /* the caller's own function ended menedek_watch */
};

/** Why a call failed.  Texts are the registry's sentences (RFC 9457) or ours; never a secret. */
struct menedek_problem {
	enum menedek_outcome outcome;
	int status;              /* HTTP status, or 0 */
	unsigned retry_after;    /* seconds, or 0 */
	char code[MENEDEK_CODE]; /* the registry's stable code: "version_stale" (docs/problems.md) */
	char detail[401];
	char request_id[MENEDEK_ID];
};

struct menedek_options {
	const char *server; /* "https://HOST:PORT" */
	const char *ca;     /* PEM file of the registry's authority; NULL: the system's authorities */
	const char *certificate, *key; /* PEM files of the device, or ... */
	const char *p12;               /* ... one PKCS#12 file of both */
	const char *key_passphrase;    /* of p12 or of an encrypted key; NULL: none.  Not kept */
	const char *language;          /* "hu" or "en" (NULL): of the registry's sentences */
	unsigned timeout_ms;           /* for one answer; the addresses of a name share it; 0: 15,000 */
	unsigned patience_ms;          /* for all repeats of one call; 0: 30,000 */
};

struct menedek;

/** A short name of ${outcome}: "conflict".  Static storage. */
MENEDEK_API const char *menedek_outcome_name(enum menedek_outcome outcome);

/** Read the certificates; connects to nobody yet.  ${problem} may be NULL here and everywhere. */
MENEDEK_API enum menedek_outcome menedek_new(
    const struct menedek_options *options, struct menedek **out, struct menedek_problem *problem);

/** Closes the connection, wipes the token; does not sign out.  NULL-safe. */
MENEDEK_API void menedek_free(struct menedek *m);

/**
 * Sign a person in on this device.  ${code} of the authenticator app, or NULL; where one is needed the
 * problem's code is "code_required".  The token lasts 15 minutes and is renewed by every later call in time,
 * until the registry ends the session.
 */
MENEDEK_API enum menedek_outcome menedek_sign_in(struct menedek *m, const char *user, const char *passphrase,
    const char *code, struct menedek_problem *problem);

/** MENEDEK_OK also when nobody is signed in; then nothing is sent. */
MENEDEK_API enum menedek_outcome menedek_sign_out(struct menedek *m, struct menedek_problem *problem);

/** The first house of the person who is signed in; MENEDEK_NOT_FOUND when there is none. */
MENEDEK_API enum menedek_outcome menedek_own_house(
    struct menedek *m, char house[MENEDEK_ID], struct menedek_problem *problem);

struct menedek_unit {
	char id[MENEDEK_ID];
	char name[MENEDEK_NAME];
	char state[MENEDEK_CODE];     /* free, occupied, partly_free, ... (schema/codes.json, unit_state) */
	char freshness[MENEDEK_CODE]; /* how old the house's word is */
	char confirmed_at[MENEDEK_TIME];
	char etag[MENEDEK_ETAG];
	unsigned places, free_places;
	bool is_shared; /* takes several households */
};

struct menedek_house {
	char code_name[MENEDEK_NAME];
	unsigned unit_count;
	struct menedek_unit unit[MENEDEK_UNITS];
};

/** How the own house ${house} stands. */
MENEDEK_API enum menedek_outcome menedek_house_read(
    struct menedek *m, const char *house, struct menedek_house *out, struct menedek_problem *problem);

#define MENEDEK_FREE_ALL UINT_MAX

/**
 * Say that ${free_places} of ${unit} are free (0: occupied; all of them, or MENEDEK_FREE_ALL: free).  Reads
 * the unit and names its version; when somebody changed it in between it reads again, thrice at most.
 * MENEDEK_ARGUMENT for a number that the unit cannot have: a room for one household is free or not.
 */
MENEDEK_API enum menedek_outcome menedek_unit_set(struct menedek *m, const char *house, const char *unit,
    unsigned free_places, struct menedek_unit *out, struct menedek_problem *problem);

/** All units of ${house} still stand as they were said to: makes the word fresh. */
MENEDEK_API enum menedek_outcome menedek_house_confirm(
    struct menedek *m, const char *house, struct menedek_problem *problem);

struct menedek_reservation {
	char id[MENEDEK_ID];
	char number[8];      /* to say aloud */
	char check_word[64]; /* lets the house recognise the caller */
	char state[MENEDEK_CODE];
	char until[MENEDEK_TIME]; /* when a hold or an unanswered request runs out, or "" */
	unsigned adults, children, babies;
};

/**
 * Hold a place for ${episode}, in the client's agreement: the caller's to have.  ${candidate} as a search
 * gave it, or NULL: search, and take the best.  ${need} and ${contact} are words of schema/codes.json.
 * MENEDEK_CONFLICT with the code "no_place_left": somebody was quicker.
 */
MENEDEK_API enum menedek_outcome menedek_hold(struct menedek *m, const char *episode, const char *candidate,
    const char *need, const char *contact, struct menedek_reservation *out, struct menedek_problem *problem);

/** Each live reservation of the own house or desk, in the registry's order; false from ${each} ends it. */
MENEDEK_API enum menedek_outcome menedek_reservations(struct menedek *m,
    bool (*each)(void *arg, const struct menedek_reservation *r), void *arg, struct menedek_problem *problem);

/** The house takes the household. */
MENEDEK_API enum menedek_outcome menedek_confirm(struct menedek *m, const char *reservation,
    struct menedek_reservation *out, struct menedek_problem *problem);

/** The house does not; ${reason} is a word of decline_reason. */
MENEDEK_API enum menedek_outcome menedek_decline(struct menedek *m, const char *reservation,
    const char *reason, struct menedek_reservation *out, struct menedek_problem *problem);

struct menedek_event {
	char mark[MENEDEK_MARK]; /* give it to menedek_watch to go on after this event; "" if it has none */
	char kind[MENEDEK_CODE]; /* "reservation.requested"; "reset": read everything anew */
	char subject[MENEDEK_ID];
	char at[MENEDEK_TIME];
};

/**
 * Give each event to ${each}, from after ${mark} (NULL or "": only new ones), and go on over lost connections
 * and renewed tokens until ${each} returns false (MENEDEK_STOPPED) or the registry shuts this person or
 * device out.  An event is given again only when ${mark} is older than it.  ${each} (kind "") is also called
 * every few seconds in which nothing happens, so that a caller can stop, but not while a connection is opened
 * or a token renewed.
 */
MENEDEK_API enum menedek_outcome menedek_watch(struct menedek *m, const char *mark,
    bool (*each)(void *arg, const struct menedek_event *e), void *arg, struct menedek_problem *problem);

/**
 * Any operation of openapi.yaml: ${body} is JSON or NULL, ${if_match} an ETag or NULL.  A POST carries an
 * Idempotency-Key.  *answer is the body, malloc'd with a NUL after it ("" for none); ${answer} may be NULL.
 */
MENEDEK_API enum menedek_outcome menedek_call(struct menedek *m, const char *method, const char *path,
    const char *body, const char *if_match, char **answer, struct menedek_problem *problem);

#ifdef __cplusplus
}
#endif
#endif
