/* SPDX-License-Identifier: Apache-2.0 */
/* Every bound on what comes from outside or grows, in one place, each with its reason.  Bytes unless named.
 */
#ifndef MENEDEK_LIMITS_H
#define MENEDEK_LIMITS_H

/* HTTP */
#define LIMIT_PATH         256u         /* the longest route with two ids is 110 */
#define LIMIT_HEADERS      64u          /* header fields in a request; browsers send about 15 */
#define LIMIT_BODY         (32u * 1024) /* the default for a route: a whole house with 64 units fits */
#define LIMIT_BODY_MAX     (256u * 1024)
#define LIMIT_TOKEN        4096u /* our tokens are about 700 */
#define LIMIT_IDEM_KEY     64u
#define LIMIT_REQUEST_MS   20000u /* from accept or the last answer to the end of the next request */
#define LIMIT_IDLE_MS      75000u /* keep-alive without a request */
#define LIMIT_CONNECTIONS  4096u
#define LIMIT_DEVICE_SHARE 4u             /* one device may have one in so many of the connections */
#define LIMIT_ARENA        (1024u * 1024) /* memory of one request */
#define LIMIT_REPLY        (512u * 1024)
#define LIMIT_QUERY        512u /* after the '?': a cursor and a few filters */
#define LIMIT_HTTP_MEMORY \
	16384u /* request head and answer head of one connection: a token and room beside it */
#define LIMIT_DISCARD (1024u * 1024) /* body read and thrown away so that a client hears its 413 */
#define LIMIT_PING_MS 15000u         /* silence on an event stream before a comment is sent */
#define LIMIT_STOP_MS 5000u          /* from the signal to the end of the last answer */
#define LIMIT_EVEN_NS \
	150000 /* an answer that must not tell by its time takes this long: five times the work */
#define LIMIT_OFFLOAD      256u   /* calls waiting for a slow thread before RC_BUSY */
#define LIMIT_DESCRIPTORS  65536u /* RLIMIT_NOFILE is raised to this at most */
#define LIMIT_PAGE         100u   /* list items in one answer */
#define LIMIT_PAGE_DEFAULT 50u

/* JSON */
#define LIMIT_JSON_DEPTH   16u
#define LIMIT_JSON_MEMBERS 256u               /* members of one object */
#define LIMIT_JSON_INTEGER 9007199254740991.0 /* 2^53 - 1: what a double holds exactly (RFC 8259, 6) */
#define LIMIT_FAULTS       8u                 /* errors listed in one problem */

/* store */
#define LIMIT_KEY      96u
#define LIMIT_VALUE    (64u * 1024)
#define LIMIT_TXN_KEYS 100u
#define LIMIT_BATCH    128u /* transactions in one group commit */
#define LIMIT_RETRIES  64u  /* runs of one before RC_BUSY: as many desks may want a house at once */

/* field */
#define LIMIT_NAME        64u  /* code names, titles: bytes of UTF-8 */
#define LIMIT_TEXT        512u /* travel notes, address lines */
#define LIMIT_UNITS       64u  /* units of one house */
#define LIMIT_PLACES      40u  /* places of one unit */
#define LIMIT_ALLOCATIONS 128u /* live reservations' shares of one house */
#define LIMIT_JOINED      4u   /* units that serve one household together */
#define LIMIT_CHILDREN    12u
#define LIMIT_ADULTS      6u
#define LIMIT_CANDIDATES  20u   /* shown for one search */
#define LIMIT_SURVEY      256u  /* houses of a network that each search looks at whole: twice the country's */
#define LIMIT_LOOKS       4096u /* houses of a larger one looked at for one search that has found a place */
#define LIMIT_DECLINED    8u    /* houses that declined one request, the last ones: not proposed again */
#define LIMIT_REASONS     8u    /* reasons of non-fit kept for one house */
#define LIMIT_PASSPHRASE  128u
#define LIMIT_CODE        16u /* of a second factor: 6 digits, or a backup code of 11 characters */
#define LIMIT_CERT_PEM    8192u

/* durations, seconds */
#define LIMIT_TOKEN_LIFE   900
#define LIMIT_TOKEN_SKEW   30
#define LIMIT_CANDIDATE    900         /* a search's candidate can be held this long */
#define LIMIT_GRANT        86400       /* a second person has a day to agree */
#define LIMIT_IDEM_KEEP    86400       /* an idempotency record lives 24 h */
#define LIMIT_EPISODE_LIFE (72 * 3600) /* DOMAIN: an open demand episode */

#endif
