/* SPDX-License-Identifier: Apache-2.0 */
/* The words of the audit trail; a part of domain/codes.h, in its form. */
#ifndef MENEDEK_CODES_AUDIT_H
#define MENEDEK_CODES_AUDIT_H

/* What an inspection of the audit trail says, in words that an auditor can act on. */
#define AUDIT_FINDING_CODES(X)                                                                               \
	X(AUDIT_IN_ORDER, "in_order", "A napló ép", "The trail is whole")                                    \
	X(AUDIT_NOT_CHECKED, "not_checked", "Az első önellenőrzés még tart",                                 \
	    "The first self-check is still running")                                                         \
	X(AUDIT_UNSIGNED, "unsigned", "Még nincs aláírt ellenőrzőpont", "No checkpoint has been signed yet") \
	X(AUDIT_OVERDUE, "overdue", "Az önellenőrzés régóta nem futott le", "The self-check is overdue")     \
	X(AUDIT_MISSING, "missing", "Bejegyzés hiányzik a naplóból", "An entry is missing from the trail")   \
	X(AUDIT_ALTERED, "altered", "Egy bejegyzést megváltoztattak", "An entry was altered")                \
	X(AUDIT_GONE, "gone", "Egy bejegyzés tartalma eltűnt, de nem a megőrzési idő miatt",                 \
	    "The content of an entry is gone, but not by retention")                                         \
	X(AUDIT_CHECKPOINT, "checkpoint", "Egy ellenőrzőpont hiányzik vagy megváltoztatták",                 \
	    "A checkpoint is missing or was altered")                                                        \
	X(AUDIT_SIGNATURE, "signature", "Az ellenőrzőpont aláírása nem érvényes",                            \
	    "The signature of the checkpoint does not hold")                                                 \
	X(AUDIT_ROOT, "root", "A napló nem az, amit aláírtak", "The trail is not what was signed")           \
	X(AUDIT_CUT, "cut", "A napló rövidebb, mint amit aláírtak",                                          \
	    "The trail is shorter than what was signed")                                                     \
	X(AUDIT_ROLLED_BACK, "rolled_back",                                                                  \
	    "A gépen kívül őrzött ellenőrzőpont szerint a naplót visszaállították",                          \
	    "A checkpoint kept off the machine shows that the trail was rolled back")

/* What was done, said of who did it: operations of the API, of the program, of the service by itself. Nothing
 * is stored by its position here: an entry has the code as text. */
#define AUDIT_ACTION_CODES(X)                                                                                \
	X(DID_TOKENS_CREATE, "tokens_create", "bejelentkezett", "signed in")                                 \
	X(DID_TOKENS_RENEW, "tokens_renew", "meghosszabbította a munkamenetet", "renewed the session")       \
	X(DID_TOKENS_DELETE, "tokens_delete", "kijelentkezett", "signed out")                                \
	X(DID_ME_READ, "me_read", "megnézte a saját adatait", "read her own data")                           \
	X(DID_ME_PASSPHRASE, "me_passphrase", "jelmondatot cserélt", "changed her passphrase")               \
	X(DID_ME_SIGN_OUT_EVERYWHERE, "me_sign_out_everywhere", "mindenhol kijelentkezett",                  \
	    "signed out everywhere")                                                                         \
	X(DID_TOTP_BEGIN, "totp_begin", "hitelesítő alkalmazást kezdett beállítani",                         \
	    "began to set up an authenticator app")                                                          \
	X(DID_TOTP_CONFIRM, "totp_confirm", "beállította a hitelesítő alkalmazást",                          \
	    "set up an authenticator app")                                                                   \
	X(DID_TOTP_REMOVE, "totp_remove", "levette a hitelesítő alkalmazást",                                \
	    "removed the authenticator app")                                                                 \
	X(DID_CODES_READ, "codes_read", "lekérte a kódlistákat", "read the code lists")                      \
	X(DID_ORGS_LIST, "orgs_list", "megnézte a szervezeteket", "listed the organisations")                \
	X(DID_ORGS_CREATE, "orgs_create", "szervezetet vett fel", "added an organisation")                   \
	X(DID_ORGS_READ, "orgs_read", "megnézett egy szervezetet", "read an organisation")                   \
	X(DID_ORGS_CHANGE, "orgs_change", "szervezetet módosított", "changed an organisation")               \
	X(DID_USERS_LIST, "users_list", "megnézte a munkatársakat", "listed the people")                     \
	X(DID_USERS_CREATE, "users_create", "munkatársat vett fel", "added a person")                        \
	X(DID_USERS_READ, "users_read", "megnézett egy munkatársat", "read a person")                        \
	X(DID_USERS_CHANGE, "users_change", "munkatársat módosított", "changed a person")                    \
	X(DID_USERS_PASSPHRASE, "users_passphrase", "új jelmondatot kért valakinek",                         \
	    "asked for a new passphrase for somebody")                                                       \
	X(DID_USERS_SIGN_OUT, "users_sign_out", "kijelentkeztetett valakit", "signed somebody out")          \
	X(DID_USERS_TOTP_REMOVE, "users_totp_remove", "levette valaki hitelesítő alkalmazását",              \
	    "removed somebody's authenticator app")                                                          \
	X(DID_GRANTS_LIST, "grants_list", "megnézte a jóváhagyásra várókat",                                 \
	    "listed what waits for approval")                                                                \
	X(DID_GRANTS_APPROVE, "grants_approve", "jóváhagyott egy kérést", "approved what waited")            \
	X(DID_GRANTS_REFUSE, "grants_refuse", "elutasított egy kérést", "refused what waited")               \
	X(DID_DEVICES_LIST, "devices_list", "megnézte az eszközöket", "listed the devices")                  \
	X(DID_DEVICES_CREATE, "devices_create", "eszközt vett fel", "enrolled a device")                     \
	X(DID_DEVICES_INVITE, "devices_invite", "eszközcsomagot készített", "made a device kit")             \
	X(DID_DEVICES_READ, "devices_read", "megnézett egy eszközt", "read a device")                        \
	X(DID_DEVICES_REVOKE, "devices_revoke", "eszközt tiltott le", "revoked a device")                    \
	X(DID_SHELTERS_LIST, "shelters_list", "megnézte az intézményeket", "listed the houses")              \
	X(DID_SHELTERS_CREATE, "shelters_create", "intézményt vett fel", "added a house")                    \
	X(DID_SHELTERS_READ, "shelters_read", "megnézett egy intézményt", "read a house")                    \
	X(DID_SHELTERS_CHANGE, "shelters_change", "intézményt módosított", "changed a house")                \
	X(DID_UNITS_LIST, "units_list", "megnézte a szobákat", "listed the rooms")                           \
	X(DID_UNITS_CREATE, "units_create", "szobát vett fel", "added a room")                               \
	X(DID_UNITS_CHANGE, "units_change", "szobát módosított", "changed a room")                           \
	X(DID_AVAILABILITY_READ, "availability_read", "megnézte a szabad helyeket", "read the free places")  \
	X(DID_AVAILABILITY_CHANGE, "availability_change", "szabad helyeket jelentett",                       \
	    "reported free places")                                                                          \
	X(DID_AVAILABILITY_UNIT, "availability_unit", "egy szoba helyeit jelentette",                        \
	    "reported a room's places")                                                                      \
	X(DID_AVAILABILITY_CONFIRM, "availability_confirm", "megerősítette, hogy minden helyes",             \
	    "confirmed that everything is correct")                                                          \
	X(DID_LOCATIONS_READ, "locations_read", "megnézte a ház helyét", "read where the house is")          \
	X(DID_LOCATIONS_WRITE, "locations_write", "beírta a ház helyét", "wrote where the house is")         \
	X(DID_LOOKS_LIST, "looks_list", "megnézte, ki látta a ház helyét",                                   \
	    "listed who saw where the house is")                                                             \
	X(DID_CALENDAR_READ, "calendar_read", "lekérte a ház naptárát", "read the house's calendar")         \
	X(DID_EPISODES_LIST, "episodes_list", "megnézte az ügyeket", "listed the episodes")                  \
	X(DID_EPISODES_CREATE, "episodes_create", "ügyet nyitott", "opened an episode")                      \
	X(DID_EPISODES_READ, "episodes_read", "megnézett egy ügyet", "read an episode")                      \
	X(DID_EPISODES_TAKE_OVER, "episodes_take_over", "átvett egy ügyet", "took over an episode")          \
	X(DID_EPISODES_CLOSE, "episodes_close", "lezárt egy ügyet", "closed an episode")                     \
	X(DID_SEARCHES_CREATE, "searches_create", "helyet keresett", "searched for a place")                 \
	X(DID_RESERVATIONS_LIST, "reservations_list", "megnézte a foglalásokat", "listed the reservations")  \
	X(DID_RESERVATIONS_CREATE, "reservations_create", "lefoglalt egy helyet", "held a place")            \
	X(DID_RESERVATIONS_READ, "reservations_read", "megnézett egy foglalást", "read a reservation")       \
	X(DID_RESERVATIONS_SHEET, "reservations_sheet", "elhelyezési lapot nyomtatott",                      \
	    "printed a placement sheet")                                                                     \
	X(DID_RESERVATIONS_TAKE_OVER, "reservations_take_over", "átvett egy foglalást",                      \
	    "took over a reservation")                                                                       \
	X(DID_RESERVATIONS_RENEW, "reservations_renew", "meghosszabbította a foglalást", "renewed a hold")   \
	X(DID_RESERVATIONS_REQUEST, "reservations_request", "elküldte a kérést a háznak",                    \
	    "sent the request to the house")                                                                 \
	X(DID_RESERVATIONS_CONFIRM, "reservations_confirm", "elfogadta a kérést", "confirmed the request")   \
	X(DID_RESERVATIONS_DECLINE, "reservations_decline", "elutasította a kérést", "declined the request") \
	X(DID_RESERVATIONS_CLIENT_DECLINE, "reservations_client_decline",                                    \
	    "rögzítette, hogy az ügyfél visszalépett", "recorded that the client declined")                  \
	X(DID_RESERVATIONS_CANCEL, "reservations_cancel", "visszavonta a foglalást",                         \
	    "cancelled the reservation")                                                                     \
	X(DID_RESERVATIONS_DISCLOSE, "reservations_disclose", "megkapta a ház helyét",                       \
	    "was told where the house is")                                                                   \
	X(DID_BREAK_GLASS_CREATE, "break_glass_create", "rendkívüli betekintést kért",                       \
	    "asked to break the glass")                                                                      \
	X(DID_BREAK_GLASS_LIST, "break_glass_list", "megnézte a rendkívüli betekintéseket",                  \
	    "listed the broken glass")                                                                       \
	X(DID_BREAK_GLASS_APPROVE, "break_glass_approve", "jóváhagyta a rendkívüli betekintést",             \
	    "approved breaking the glass")                                                                   \
	X(DID_BREAK_GLASS_DISCLOSE, "break_glass_disclose",                                                  \
	    "rendkívüli betekintéssel megkapta a ház helyét",                                                \
	    "was told where the house is, by broken glass")                                                  \
	X(DID_RESERVATIONS_ARRIVE, "reservations_arrive", "rögzítette az érkezést", "recorded the arrival")  \
	X(DID_RESERVATIONS_EXTEND, "reservations_extend", "meghosszabbította a tartózkodást",                \
	    "extended the stay")                                                                             \
	X(DID_RESERVATIONS_LEAVE, "reservations_leave", "rögzítette a távozást", "recorded the leaving")     \
	X(DID_RESERVATIONS_NO_SHOW, "reservations_no_show", "rögzítette, hogy nem érkeztek meg",             \
	    "recorded that nobody arrived")                                                                  \
	X(DID_CAPACITY_READ, "capacity_read", "megnézte a kapacitást", "read the capacity table")            \
	X(DID_EVENTS_STREAM, "events_stream", "megnyitotta az élő híreket", "opened the event stream")       \
	X(DID_AUDIT_LIST, "audit_list", "megnézte a naplót", "read the trail")                               \
	X(DID_AUDIT_STATE_READ, "audit_state_read", "megnézte a napló állapotát",                            \
	    "read the state of the trail")                                                                   \
	X(DID_CHECKPOINTS_LIST, "checkpoints_list", "megnézte az ellenőrzőpontokat",                         \
	    "listed the checkpoints")                                                                        \
	X(DID_PROOFS_INCLUSION, "proofs_inclusion", "bizonyítékot kért egy bejegyzésről",                    \
	    "asked for a proof of an entry")                                                                 \
	X(DID_PROOFS_CONSISTENCY, "proofs_consistency", "bizonyítékot kért a napló folytonosságáról",        \
	    "asked for a proof of consistency")                                                              \
	X(DID_ALERTS_LIST, "alerts_list", "megnézte a figyelmeztetéseket", "listed the alerts")              \
	X(DID_STATISTICS_READ, "statistics_read", "megnézte a statisztikát", "read the statistics")          \
	X(DID_OPENAPI_READ, "openapi_read", "lekérte a felület leírását",                                    \
	    "read the interface's description")                                                              \
	X(DID_ALERT_BREADTH, "alert_breadth", "figyelmeztetés: valaki szokatlanul sokat nézett meg",         \
	    "an alert: somebody looked at unusually much")                                                   \
	X(DID_CLI_ACCEPT_ROLLBACK, "cli_accept_rollback",                                                    \
	    "ketten elfogadták a korábbi állapotot (parancssor)",                                            \
	    "two people accepted an older store (command line)")                                             \
	X(DID_CLI_DEVICE_ADD, "cli_device_add", "eszközt vett fel (parancssor)",                             \
	    "enrolled a device (command line)")                                                              \
	X(DID_CLI_DEVICE_REVOKE, "cli_device_revoke", "eszközt tiltott le (parancssor)",                     \
	    "revoked a device (command line)")                                                               \
	X(DID_CLI_IMPORT, "cli_import", "adatokat töltött be (parancssor)", "imported data (command line)")  \
	X(DID_CLI_INIT, "cli_init", "létrehozta a nyilvántartást (parancssor)",                              \
	    "made the registry (command line)")                                                              \
	X(DID_CLI_KEEP_KEYS, "cli_keep_keys", "más csomópont őrzi a kulcsokat (parancssor)",                 \
	    "let another node keep the keys (command line)")                                                 \
	X(DID_CLI_RECONCILE, "cli_reconcile", "bevitte a leállás papírjait (parancssor)",                    \
	    "entered the papers of a downtime (command line)")                                               \
	X(DID_CLI_USER_ADD, "cli_user_add", "munkatársat vett fel (parancssor)",                             \
	    "added a person (command line)")                                                                 \
	X(DID_CLI_USER_FACTOR_REMOVE, "cli_user_factor_remove",                                              \
	    "levette valaki hitelesítő alkalmazását (parancssor)",                                           \
	    "removed somebody's authenticator app (command line)")                                           \
	X(DID_CLI_USER_PASSPHRASE, "cli_user_passphrase", "új jelmondatot adott valakinek (parancssor)",     \
	    "gave somebody a new passphrase (command line)")                                                 \
	X(DID_CLI_USER_RETIRE, "cli_user_retire", "visszavonta valaki hozzáférését (parancssor)",            \
	    "withdrew somebody's access (command line)")                                                     \
	X(DID_CLOCK_DUTY, "clock_duty", "a rendszer üzent a ház ügyeletének",                                \
	    "the service rang the house's duty phone")                                                       \
	X(DID_CLOCK_ERASE_AUDIT, "clock_erase_audit", "a rendszer törölte a lejárt naplórészleteket",        \
	    "the service erased details past their time")                                                    \
	X(DID_CLOCK_EXPIRE_EPISODE, "clock_expire_episode", "a rendszer lezárt egy elhagyott ügyet",         \
	    "the service closed an abandoned episode")                                                       \
	X(DID_CLOCK_EXPIRE_GRANT, "clock_expire_grant", "jóváhagyás nélkül lejárt egy kérés",                \
	    "what waited for approval expired")                                                              \
	X(DID_CLOCK_EXPIRE_RESERVATION, "clock_expire_reservation", "lejárt egy foglalás", "a hold expired") \
	X(DID_CLOCK_FORGET_ANSWERS, "clock_forget_answers", "a rendszer elfelejtett régi válaszokat",        \
	    "the service forgot old answers")                                                                \
	X(DID_CLOCK_FORGET_ATTEMPTS, "clock_forget_attempts",                                                \
	    "a rendszer elfelejtett régi belépési kísérleteket",                                             \
	    "the service forgot old attempts to sign in")                                                    \
	X(DID_CLOCK_SHEET, "clock_sheet", "a rendszer leállási lapot készített",                             \
	    "the service wrote a downtime sheet")                                                            \
	X(DID_KEYS_ROTATION, "keys_rotation", "a rendszer új kulccsal zárt le adatokat",                     \
	    "the service sealed records anew")                                                               \
	X(DID_KEYS_ROTATION_STARTED, "keys_rotation_started", "kulcscsere kezdődött",                        \
	    "a rotation of keys began")                                                                      \
	X(DID_KEYS_ROTATION_RESUMED, "keys_rotation_resumed", "folytatódott a kulcscsere",                   \
	    "a rotation of keys went on")                                                                    \
	X(DID_KEYS_ROTATION_FINISHED, "keys_rotation_finished", "befejeződött a kulcscsere",                 \
	    "a rotation of keys ended")                                                                      \
	X(DID_PURGE_STARTED, "purge_started", "megkezdődött a lejárt adatok törlése",                        \
	    "the purge of what is past its time began")                                                      \
	X(DID_PURGE_RESUMED, "purge_resumed", "folytatódott a lejárt adatok törlése", "the purge went on")   \
	X(DID_PURGE_FINISHED, "purge_finished", "befejeződött a lejárt adatok törlése", "the purge ended")   \
	X(DID_PURGE_KEYS, "purge_keys", "a rendszer megsemmisítette a lejárt adatok kulcsait",               \
	    "the service destroyed keys of what is past its time")                                           \
	X(DID_PURGE_CARRY, "purge_carry", "a rendszer új kulcs alá vitte, ami megmarad",                     \
	    "the service sealed anew what stays")                                                            \
	X(DID_PURGE_REQUESTS, "purge_requests", "a rendszer törölte a lejárt kéréseket",                     \
	    "the service removed requests past their time")                                                  \
	X(DID_PURGE_RESERVATIONS, "purge_reservations", "a rendszer törölte a lejárt foglalásokat",          \
	    "the service removed reservations past their time")                                              \
	X(DID_PURGE_REPEATS, "purge_repeats", "a rendszer törölte az ismétlések válaszait",                  \
	    "the service removed answers kept for repeats")                                                  \
	X(DID_PURGE_REVOKED_TOKENS, "purge_revoked_tokens",                                                  \
	    "a rendszer törölte a visszavont munkameneteket", "the service removed revoked sessions")        \
	X(DID_PURGE_EVENTS, "purge_events", "a rendszer törölte a régi híreket",                             \
	    "the service removed old events")                                                                \
	X(DID_PURGE_OPENED_CANDIDATES, "purge_opened_candidates",                                            \
	    "a rendszer törölte, ki mely jelöltet nyitotta meg",                                             \
	    "the service removed who opened which candidate")                                                \
	X(DID_PURGE_LOOKS, "purge_looks", "a rendszer törölte, ki látta a házak helyét",                     \
	    "the service removed who saw where houses are")                                                  \
	X(DID_PURGE_BREAK_GLASS, "purge_break_glass", "a rendszer törölte a régi rendkívüli betekintéseket", \
	    "the service removed old broken glass")

#endif
