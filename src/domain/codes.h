/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The field's code lists: whatever a person can choose comes from here, never from free text.  Each row is
 * X(constant, public code, Hungarian, English); codes are public and stable, rows are appended, never renamed
 * (their position is stored).  Sources: docs/domain in the README's map; legal terms after the Hungarian
 * acts.
 */
#ifndef MENEDEK_CODES_H
#define MENEDEK_CODES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/fault.h"
#include "domain/codes_audit.h"

#define SHELTER_TYPE_CODES(X)                                                                       \
	X(TYPE_CRISIS_CENTRE, "crisis_centre", "Krízisközpont", "Crisis centre")                    \
	X(TYPE_SECRET_HOUSE, "secret_house", "Titkos menedékház", "Secret house")                   \
	X(TYPE_HALFWAY_HOUSE, "halfway_house", "Félutas ház", "Halfway house")                      \
	X(TYPE_PROTECTED_SHELTER, "protected_shelter", "Védett szállás", "Protected shelter")       \
	X(TYPE_FAMILY_HOME, "family_home", "Családok átmeneti otthona", "Families' temporary home") \
	X(TYPE_NIGHT_SHELTER, "night_shelter", "Éjjeli menedékhely", "Night shelter")               \
	X(TYPE_HOSTEL, "temporary_hostel", "Hajléktalanok átmeneti szállása", "Temporary hostel")   \
	X(TYPE_ELDERLY_HOME, "elderly_home", "Időskorúak átmeneti otthona",                         \
	    "Temporary home for elderly people")                                                    \
	X(TYPE_DISABLED_HOME, "disabled_home", "Fogyatékosok átmeneti otthona",                     \
	    "Temporary home, disability")                                                           \
	X(TYPE_PSYCHIATRIC_HOME, "psychiatric_home", "Pszichiátriai betegek átmeneti otthona",      \
	    "Temporary home, psychiatric care")                                                     \
	X(TYPE_ADDICTION_HOME, "addiction_home", "Szenvedélybetegek átmeneti otthona",              \
	    "Temporary home, addiction")

#define ZONE_CODES(X)                                                \
	X(ZONE_WEST, "west", "Nyugat", "West")                       \
	X(ZONE_CENTRE, "centre", "Közép", "Centre")                  \
	X(ZONE_NORTH_EAST, "north_east", "Északkelet", "North-east") \
	X(ZONE_SOUTH_EAST, "south_east", "Délkelet", "South-east")

/* NUTS-3 (Regulation (EC) 1059/2003); the zone of each is in codes.c */
#define COUNTY_CODES(X)                                                                 \
	X(COUNTY_BUDAPEST, "HU110", "Budapest", "Budapest")                             \
	X(COUNTY_PEST, "HU120", "Pest", "Pest")                                         \
	X(COUNTY_FEJER, "HU211", "Fejér", "Fejér")                                      \
	X(COUNTY_KOMAROM, "HU212", "Komárom-Esztergom", "Komárom-Esztergom")            \
	X(COUNTY_VESZPREM, "HU213", "Veszprém", "Veszprém")                             \
	X(COUNTY_GYOR, "HU221", "Győr-Moson-Sopron", "Győr-Moson-Sopron")               \
	X(COUNTY_VAS, "HU222", "Vas", "Vas")                                            \
	X(COUNTY_ZALA, "HU223", "Zala", "Zala")                                         \
	X(COUNTY_BARANYA, "HU231", "Baranya", "Baranya")                                \
	X(COUNTY_SOMOGY, "HU232", "Somogy", "Somogy")                                   \
	X(COUNTY_TOLNA, "HU233", "Tolna", "Tolna")                                      \
	X(COUNTY_BORSOD, "HU311", "Borsod-Abaúj-Zemplén", "Borsod-Abaúj-Zemplén")       \
	X(COUNTY_HEVES, "HU312", "Heves", "Heves")                                      \
	X(COUNTY_NOGRAD, "HU313", "Nógrád", "Nógrád")                                   \
	X(COUNTY_HAJDU, "HU321", "Hajdú-Bihar", "Hajdú-Bihar")                          \
	X(COUNTY_SZOLNOK, "HU322", "Jász-Nagykun-Szolnok", "Jász-Nagykun-Szolnok")      \
	X(COUNTY_SZABOLCS, "HU323", "Szabolcs-Szatmár-Bereg", "Szabolcs-Szatmár-Bereg") \
	X(COUNTY_BACS, "HU331", "Bács-Kiskun", "Bács-Kiskun")                           \
	X(COUNTY_BEKES, "HU332", "Békés", "Békés")                                      \
	X(COUNTY_CSONGRAD, "HU333", "Csongrád-Csanád", "Csongrád-Csanád")

#define CASE_CODES(X)                                                                                      \
	X(CASE_PARTNER_VIOLENCE, "partner_violence", "Párkapcsolati erőszak", "Intimate-partner violence") \
	X(CASE_CHILD_ABUSE, "child_abuse", "Gyermekbántalmazás", "Child abuse")                            \
	X(CASE_DANGER_TO_LIFE, "danger_to_life", "Közvetlen életveszély", "Direct danger to life")         \
	X(CASE_TRAFFICKING, "trafficking", "Emberkereskedelem", "Trafficking in human beings")             \
	X(CASE_HOMELESSNESS, "homelessness", "Hajléktalanság", "Homelessness")

#define SEX_CODES(X)                            \
	X(SEX_FEMALE, "female", "nő", "female") \
	X(SEX_MALE, "male", "férfi", "male")

/* the first age of each band is in codes.c */
#define BAND_CODES(X)                                      \
	X(BAND_0_2, "0-2", "0–2 éves", "aged 0–2")         \
	X(BAND_3_9, "3-9", "3–9 éves", "aged 3–9")         \
	X(BAND_10_13, "10-13", "10–13 éves", "aged 10–13") \
	X(BAND_14_15, "14-15", "14–15 éves", "aged 14–15") \
	X(BAND_16_17, "16-17", "16–17 éves", "aged 16–17")

#define SIBLING_CODES(X)                                                        \
	X(SIBLING_18_20, "18-20", "18–20 éves testvér", "sibling aged 18–20")   \
	X(SIBLING_21_23_STUDENT, "21-23-student", "21–23 éves, tanuló testvér", \
	    "sibling aged 21–23 in education")

#define LANGUAGE_CODES(X)                         \
	X(TONGUE_HU, "hu", "magyar", "Hungarian") \
	X(TONGUE_EN, "en", "angol", "English")    \
	X(TONGUE_DE, "de", "német", "German")     \
	X(TONGUE_RO, "ro", "román", "Romanian")   \
	X(TONGUE_UK, "uk", "ukrán", "Ukrainian")  \
	X(TONGUE_RU, "ru", "orosz", "Russian")    \
	X(TONGUE_ROM, "rom", "romani", "Romani")  \
	X(TONGUE_SR, "sr", "szerb", "Serbian")    \
	X(TONGUE_SK, "sk", "szlovák", "Slovak")   \
	X(TONGUE_AR, "ar", "arab", "Arabic")      \
	X(TONGUE_ZH, "zh", "kínai", "Chinese")    \
	X(TONGUE_HSH, "hsh", "magyar jelnyelv", "Hungarian Sign Language")

#define ORG_KIND_CODES(X)                                                                         \
	X(ORG_HELPLINE, "helpline", "Országos krízistelefon", "National crisis helpline")         \
	X(ORG_CHILD_LINE, "child_line", "Gyermekvédelmi hívószám", "Child-protection line")       \
	X(ORG_SHELTER_OPERATOR, "shelter_operator", "Fenntartó", "Shelter operator")              \
	X(ORG_FAMILY_SUPPORT, "family_support", "Család- és gyermekjóléti szolgálat",             \
	    "Family-support service")                                                             \
	X(ORG_VICTIM_SUPPORT, "victim_support", "Áldozatsegítő központ", "Victim-support centre") \
	X(ORG_MINISTRY, "ministry", "Minisztérium", "Ministry or inspectorate")                   \
	X(ORG_OPERATOR, "operator", "A nyilvántartás üzemeltetője", "Operator of the registry")

#define ROLE_CODES(X)                                                                     \
	X(ROLE_COUNSELLOR, "counsellor", "Krízistanácsadó", "Counsellor")                 \
	X(ROLE_SHIFT_LEAD, "shift_lead", "Ügyeletvezető", "Shift lead")                   \
	X(ROLE_SHELTER_STAFF, "shelter_staff", "Intézményi munkatárs", "Shelter staff")   \
	X(ROLE_SHELTER_MANAGER, "shelter_manager", "Intézményvezető", "Shelter manager")  \
	X(ROLE_FAMILY_SUPPORT, "family_support", "Családsegítő", "Family-support worker") \
	X(ROLE_ADMIN, "admin", "Rendszergazda", "Administrator")                          \
	X(ROLE_AUDITOR, "auditor", "Ellenőr", "Auditor")                                  \
	X(ROLE_STATISTICIAN, "statistician", "Statisztikus", "Statistician")

#define CHANNEL_CODES(X)                                              \
	X(CHANNEL_PHONE, "phone", "telefon", "phone")                 \
	X(CHANNEL_EMAIL, "email", "e-mail", "e-mail")                 \
	X(CHANNEL_CHAT, "chat", "chat", "chat")                       \
	X(CHANNEL_IN_PERSON, "in_person", "személyesen", "in person") \
	X(CHANNEL_OTHER_SERVICE, "other_service", "másik szolgálat", "another service")

#define CONTACT_CODES(X)                                                                                 \
	X(CONTACT_CLIENT_CALLS, "client_calls_house", "az ügyfél hívja az intézményt",                   \
	    "the client calls the house")                                                                \
	X(CONTACT_VIA_FAMILY_SUPPORT, "house_calls_via_family_support",                                  \
	    "az intézmény a családsegítőn át hívja", "the house calls through a family-support service") \
	X(CONTACT_ESCORTED, "escorted_by_police_or_other", "rendőr vagy más kíséri",                     \
	    "escorted by police or another")

#define NEED_CODES(X)                                                                        \
	X(NEED_NO_SAFE_PLACE, "no_safe_place_tonight", "ma éjjelre nincs biztonságos helye", \
	    "no safe place tonight")                                                         \
	X(NEED_OTHER_HELP_FAILED, "other_help_failed", "más segítség nem vált be",           \
	    "other help did not work")                                                       \
	X(NEED_OTHER_HELP_UNSAFE, "other_help_unsafe", "más segítség nem volna biztonságos", \
	    "other help would be unsafe")                                                    \
	X(NEED_STEP_OUT, "step_out_after_crisis_care", "kiléptetés krízisellátás után",      \
	    "step-out after crisis care")

#define DECLINE_CODES(X)                                                                                 \
	X(DECLINE_TAKEN_MEANWHILE, "taken_meanwhile", "időközben betelt", "taken meanwhile")             \
	X(DECLINE_UNIT_UNUSABLE, "unit_unusable", "a szoba nem használható", "the unit cannot be used")  \
	X(DECLINE_NO_FIT, "household_does_not_fit", "nem fér meg az együtt élőkkel",                     \
	    "does not fit those living there")                                                           \
	X(DECLINE_TOO_CLOSE, "too_close_to_danger", "túl közel a veszélyhez", "too close to the danger") \
	X(DECLINE_ACUTE_STATE, "acute_state", "akut állapot", "acute state")                             \
	X(DECLINE_NO_STAFF, "no_staff_now", "most nincs ügyelet", "no staff now")                        \
	X(DECLINE_ASSESSMENT, "assessment_needed", "előbb felmérés kell", "assessment needed first")

#define CLIENT_DECLINE_CODES(X)                                                                   \
	X(CLIENT_TOO_FAR, "too_far", "túl messze van", "too far")                                 \
	X(CLIENT_STAYS, "stays_with_family_or_friend", "rokonnál vagy barátnál marad",            \
	    "stays with family or a friend")                                                      \
	X(CLIENT_CHILDREN, "children_school_or_contact", "a gyerekek iskolája, kapcsolattartása", \
	    "the children's school or contact")                                                   \
	X(CLIENT_HOUSE_RULES, "house_rules", "a házirend miatt", "because of the house rules")    \
	X(CLIENT_ANIMAL, "animal", "az állata miatt", "because of her animal")                    \
	X(CLIENT_CHANGED_MIND, "changed_mind", "meggondolta magát", "changed her mind")           \
	X(CLIENT_NOT_SAID, "not_said", "nem mondta", "not said")

#define CANCEL_CODES(X)                                                                               \
	X(CANCEL_BETTER_PLACE, "better_place_found", "jobb hely adódott", "a better place was found") \
	X(CANCEL_CONTACT_LOST, "contact_lost", "megszakadt a kapcsolat", "contact was lost")          \
	X(CANCEL_MISTAKE, "entered_by_mistake", "téves rögzítés", "entered by mistake")               \
	X(CANCEL_NO_ANSWER, "house_did_not_answer", "az intézmény nem válaszolt", "the house did not answer")

#define DISCLOSE_CODES(X)                                                                                  \
	X(DISCLOSE_CLIENT_TRAVELS, "client_travels_now", "az ügyfél most indul", "the client travels now") \
	X(DISCLOSE_INTAKE_CALL, "intake_call", "felvételi egyeztetés", "intake call")                      \
	X(DISCLOSE_ESCORT, "escort_arranged", "kíséretet szerveznek", "an escort is arranged")

/* When a shift lead may ask for a location that is not hers to ask for (break_glass.h). */
#define BREAK_GLASS_CODES(X)                                                                       \
	X(GLASS_DANGER_NOW, "danger_to_life_now", "most van életveszélyben", "danger to life now") \
	X(GLASS_LOST_ON_WAY, "client_lost_on_the_way", "az ügyfél úton van, és nem talál oda",     \
	    "the client is on the way and lost")                                                   \
	X(GLASS_HOLDER_AWAY, "holder_not_reachable", "aki intézi, nem érhető el",                  \
	    "who handles it cannot be reached")                                                    \
	X(GLASS_RESCUE, "rescue_services", "mentő, rendőrség vagy tűzoltóság kéri",                \
	    "asked by rescue services")

#define GLASS_STATE_CODES(X)                                                     \
	X(GLASS_ASKED, "asked", "jóváhagyásra vár", "waits for a second person") \
	X(GLASS_APPROVED, "approved", "jóváhagyva", "approved")                  \
	X(GLASS_TOLD, "told", "közölve", "told")                                 \
	X(GLASS_LAPSED, "lapsed", "lejárt", "lapsed")

#define LOOK_CODES(X)                                                                                       \
	X(LOOK_CANDIDATE, "candidate", "találatként megnyitva", "opened as a candidate")                    \
	X(LOOK_DISCLOSURE, "disclosure", "cím közölve", "location told")                                    \
	X(LOOK_BREAK_GLASS, "break_glass", "cím közölve vészhozzáféréssel", "location told by break-glass") \
	X(LOOK_OWN, "own", "az intézmény maga nézte meg", "read by the house itself")

/* What one person may do unusually often (breadth.h), and the window in which it was counted. */
#define BREADTH_CLASS_CODES(X)                                                                 \
	X(BREADTH_SEARCH, "search", "keresés", "search")                                       \
	X(BREADTH_CANDIDATE, "candidate", "megnyitott találat", "candidate opened")            \
	X(BREADTH_DISCLOSURE, "disclosure", "cím közlése", "location told")                    \
	X(BREADTH_TAKE_OVER, "take_over", "foglalás átvétele", "reservation taken over")       \
	X(BREADTH_OWN_LOCATION, "own_location", "saját cím megtekintése", "own location read") \
	X(BREADTH_REFUSED, "refused", "elutasított kérés", "request refused")                  \
	X(BREADTH_REQUEST, "request", "megnyitott ügy", "call for help opened")

#define BREADTH_WINDOW_CODES(X)                                                  \
	X(BREADTH_HOUR, "hour", "egy óra alatt", "in one hour")                  \
	X(BREADTH_NIGHT, "night", "éjjel egy óra alatt", "in one hour at night") \
	X(BREADTH_DAY, "day", "egy nap alatt", "in one day")

#define EXTEND_CODES(X)                                                                                   \
	X(EXTEND_NO_SAFE_HOUSING, "no_safe_housing_yet", "még nincs biztonságos lakhatása",               \
	    "no safe housing yet")                                                                        \
	X(EXTEND_PROCEEDINGS, "proceedings_pending", "folyamatban lévő eljárás", "proceedings pending")   \
	X(EXTEND_SCHOOL_YEAR, "end_of_school_year", "a tanév végéig", "to the end of the school year")    \
	X(EXTEND_HEALTH, "health", "egészségi ok", "health")                                              \
	X(EXTEND_ONWARD_PLACE, "onward_place_awaited", "továbblépő helyre vár", "awaits an onward place") \
	X(EXTEND_REVIEW, "periodic_review", "időszakos felülvizsgálat", "periodic review")

#define LEAVE_CODES(X)                                                              \
	X(LEAVE_OWN_HOUSING, "own_housing", "önálló lakhatás", "own housing")       \
	X(LEAVE_RELATIVES, "relatives", "rokonok", "relatives")                     \
	X(LEAVE_HALFWAY, "halfway_house", "félutas ház", "halfway house")           \
	X(LEAVE_OTHER_SHELTER, "other_shelter", "másik ellátás", "another shelter") \
	X(LEAVE_RETURNED, "returned_home", "visszatért", "returned home")           \
	X(LEAVE_NOT_SAID, "not_said", "nem mondta", "not said")

#define OUTCOME_CODES(X)                                                                                    \
	X(OUTCOME_PLACED, "placed", "elhelyezve", "placed")                                                 \
	X(OUTCOME_NO_PLACE, "no_place", "nem volt hely", "no place")                                        \
	X(OUTCOME_CLIENT_DECLINED, "client_declined", "az ügyfél nem kérte", "client declined")             \
	X(OUTCOME_PROVIDER_DECLINED, "provider_declined", "az intézmény elutasította", "provider declined") \
	X(OUTCOME_OTHER_HELP, "other_help", "más segítség", "other help")                                   \
	X(OUTCOME_CONTACT_LOST, "contact_lost", "megszakadt a kapcsolat", "contact lost")

#define UNIT_STATE_CODES(X)                                            \
	X(UNIT_FREE, "free", "szabad", "free")                         \
	X(UNIT_OCCUPIED, "occupied", "foglalt", "occupied")            \
	X(UNIT_HELD, "held", "fogva", "held")                          \
	X(UNIT_PARTLY, "partly_free", "részben szabad", "partly free") \
	X(UNIT_OUT_OF_USE, "out_of_use", "nem használható", "out of use")

/* HL7 CapacityStatus */
#define ANSWER_CODES(X)                                                                                   \
	X(ANSWER_CAPACITY, "capacity", "van hely", "capacity")                                            \
	X(ANSWER_ASSESSMENT, "additional_assessment", "előbb felmérés", "additional assessment required") \
	X(ANSWER_WAITLIST, "waitlist", "várólista", "waitlist")                                           \
	X(ANSWER_NO_CAPACITY, "no_capacity", "nincs hely", "no capacity")

#define BANDED_CODES(X)                            \
	X(BANDED_YES, "yes", "van", "yes")         \
	X(BANDED_MAYBE, "maybe", "talán", "maybe") \
	X(BANDED_NO, "no", "nincs", "no")

#define FRESHNESS_CODES(X)                          \
	X(FRESH_NOW, "fresh", "friss", "fresh")     \
	X(FRESH_AGING, "aging", "régebbi", "aging") \
	X(FRESH_UNKNOWN, "unknown", "nem ismert", "not known")

#define FIT_CODES(X)                                                                                     \
	X(FIT_TYPE_NOT_FOR_CASE, "type_not_for_case", "ez az ellátás nem erre az esetre való",           \
	    "this type is not for this case")                                                            \
	X(FIT_NOT_EMERGENCY, "not_in_emergency", "sürgősségi elhelyezésre nem használható",              \
	    "never in an emergency search")                                                              \
	X(FIT_HELPLINE_ONLY, "helpline_only", "csak a krízistelefonon át", "through the helpline only")  \
	X(FIT_DANGER_COUNTY, "in_danger_county", "veszélyes megyében vagy annak régiójában van",         \
	    "in a danger county or its region")                                                          \
	X(FIT_OWN_COUNTY, "in_own_county", "a saját lakóhelyéhez közel van", "close to her own home")    \
	X(FIT_CLOSED, "not_open", "most nem fogad", "not open now")                                      \
	X(FIT_NO_MEN, "men_not_admitted", "férfit nem fogad", "men are not admitted")                    \
	X(FIT_NO_FATHERS, "fathers_not_admitted", "apával érkező családot nem fogad",                    \
	    "families with a father are not admitted")                                                   \
	X(FIT_NO_WOMEN_ALONE, "needs_own_child", "csak gyermekkel vagy várandósan",                      \
	    "only with a child or pregnant")                                                             \
	X(FIT_BOY_TOO_OLD, "boy_too_old", "ekkora fiút nem fogad", "a boy of this age is not admitted")  \
	X(FIT_TOO_MANY_CHILDREN, "too_many_children", "ennyi gyermeket nem fogad", "too many children")  \
	X(FIT_SIBLING, "adult_sibling_not_admitted", "felnőtt testvért nem fogad",                       \
	    "an adult sibling is not admitted")                                                          \
	X(FIT_PARTNER, "partner_not_admitted", "társat nem fogad", "a partner is not admitted")          \
	X(FIT_NO_PETS, "pets_not_admitted", "állatot nem fogad", "pets are not admitted")                \
	X(FIT_LANGUAGE, "no_common_language", "nincs közös nyelv", "no common language")                 \
	X(FIT_ACUTE_ADDICTION, "acute_addiction_not_admitted", "akut szenvedélybeteget nem fogad",       \
	    "acute addiction is not admitted")                                                           \
	X(FIT_ACUTE_PSYCHIATRIC, "acute_psychiatric_not_admitted", "akut pszichés állapotban nem fogad", \
	    "acute psychiatric state is not admitted")                                                   \
	X(FIT_NOT_STEP_FREE, "not_step_free", "nincs akadálymentes szoba", "no step-free unit")          \
	X(FIT_NO_COT, "no_cot", "nincs kiságy", "no cot")                                                \
	X(FIT_NO_LARGE_UNIT, "no_unit_large_enough", "nincs elég nagy szoba", "no unit is large enough") \
	X(FIT_NO_SECOND_ROOM, "no_second_room_for_boy", "nincs külön szoba a nagyfiúnak",                \
	    "no second room for a boy of that age")                                                      \
	X(FIT_ALL_TAKEN, "all_taken", "minden megfelelő szoba foglalt", "every fitting unit is taken")   \
	X(FIT_LICENSED_FULL, "licensed_capacity_full", "a férőhelyszám betelt",                          \
	    "the licensed capacity is full")                                                             \
	X(FIT_NOT_YET_STATED, "danger_to_life_not_stated", "nincs megállapítva közvetlen életveszély",   \
	    "direct danger to life is not stated")

enum { CODE_NONE = 0xff }; /* "not given" in a uint8_t that holds a code */

#define CODE_ENUM(constant, code, hu, en) constant,
enum shelter_type { SHELTER_TYPE_CODES(CODE_ENUM) TYPE_COUNT };
enum zone { ZONE_CODES(CODE_ENUM) ZONE_COUNT };
enum county { COUNTY_CODES(CODE_ENUM) COUNTY_COUNT };
enum case_type { CASE_CODES(CODE_ENUM) CASE_COUNT };
enum sex { SEX_CODES(CODE_ENUM) SEX_COUNT };
enum age_band { BAND_CODES(CODE_ENUM) BAND_COUNT };
enum sibling { SIBLING_CODES(CODE_ENUM) SIBLING_COUNT };
enum language { LANGUAGE_CODES(CODE_ENUM) TONGUE_COUNT };
enum org_kind { ORG_KIND_CODES(CODE_ENUM) ORG_COUNT };
enum role { ROLE_CODES(CODE_ENUM) ROLE_COUNT };
enum channel { CHANNEL_CODES(CODE_ENUM) CHANNEL_COUNT };
enum contact { CONTACT_CODES(CODE_ENUM) CONTACT_COUNT };
enum need { NEED_CODES(CODE_ENUM) NEED_COUNT };
enum decline_reason { DECLINE_CODES(CODE_ENUM) DECLINE_COUNT };
enum client_reason { CLIENT_DECLINE_CODES(CODE_ENUM) CLIENT_COUNT };
enum cancel_reason { CANCEL_CODES(CODE_ENUM) CANCEL_COUNT };
enum disclose_reason { DISCLOSE_CODES(CODE_ENUM) DISCLOSE_COUNT };
enum break_glass_reason { BREAK_GLASS_CODES(CODE_ENUM) BREAK_GLASS_COUNT };
enum break_glass_state { GLASS_STATE_CODES(CODE_ENUM) GLASS_STATES };
enum look_kind { LOOK_CODES(CODE_ENUM) LOOK_COUNT };
enum breadth_class { BREADTH_CLASS_CODES(CODE_ENUM) BREADTH_CLASSES };
enum breadth_window { BREADTH_WINDOW_CODES(CODE_ENUM) BREADTH_WINDOWS };
enum extend_reason { EXTEND_CODES(CODE_ENUM) EXTEND_COUNT };
enum leave_reason { LEAVE_CODES(CODE_ENUM) LEAVE_COUNT };
enum outcome { OUTCOME_CODES(CODE_ENUM) OUTCOME_COUNT };
enum unit_state { UNIT_STATE_CODES(CODE_ENUM) UNIT_STATE_COUNT };
enum answer { ANSWER_CODES(CODE_ENUM) ANSWER_COUNT };
enum banded { BANDED_CODES(CODE_ENUM) BANDED_COUNT };
enum freshness { FRESHNESS_CODES(CODE_ENUM) FRESHNESS_COUNT };
enum fit_reason { FIT_CODES(CODE_ENUM) FIT_COUNT };

/** One code list, for parsing, printing and for GET /v1/codes.  Names are those of schema/codes.json's $defs.
 */
struct code {
	const char *code;
	const char *label[LANG_COUNT];
};

struct code_list {
	const char *name;
	const struct code *rows;
	unsigned count;
};

/* clang-format off */
#define CODE_LISTS(X) \
	X(shelter_type, SHELTER_TYPE_CODES)            \
	X(zone, ZONE_CODES)                            \
	X(county, COUNTY_CODES)                        \
	X(case_type, CASE_CODES)                       \
	X(sex, SEX_CODES)                              \
	X(age_band, BAND_CODES)                        \
	X(sibling, SIBLING_CODES)                      \
	X(language, LANGUAGE_CODES)                    \
	X(org_kind, ORG_KIND_CODES)                    \
	X(role, ROLE_CODES)                            \
	X(channel, CHANNEL_CODES)                      \
	X(contact_channel, CONTACT_CODES)              \
	X(need, NEED_CODES)                            \
	X(decline_reason, DECLINE_CODES)               \
	X(client_reason, CLIENT_DECLINE_CODES)         \
	X(cancel_reason, CANCEL_CODES)                 \
	X(disclose_reason, DISCLOSE_CODES)             \
	X(break_glass_reason, BREAK_GLASS_CODES)       \
	X(break_glass_state, GLASS_STATE_CODES)        \
	X(look_kind, LOOK_CODES)                       \
	X(breadth_class, BREADTH_CLASS_CODES)          \
	X(breadth_window, BREADTH_WINDOW_CODES)        \
	X(extend_reason, EXTEND_CODES)                 \
	X(leave_reason, LEAVE_CODES)                   \
	X(outcome, OUTCOME_CODES)                      \
	X(unit_state, UNIT_STATE_CODES)                \
	X(answer, ANSWER_CODES)                        \
	X(banded, BANDED_CODES)                        \
	X(freshness, FRESHNESS_CODES)                  \
	X(fit_reason, FIT_CODES)                       \
	X(reservation_state, RESERVATION_STATE_CODES)  \
	X(episode_state, EPISODE_STATE_CODES)          \
	X(grant_kind, GRANT_KIND_CODES)                \
	X(grant_state, GRANT_STATE_CODES)              \
	X(audit_finding, AUDIT_FINDING_CODES)          \
	X(audit_action, AUDIT_ACTION_CODES)
/* clang-format on */

#define GRANT_KIND_CODES(X)                                                 \
	X(GRANT_RIGHTS, "rights", "jogosultság", "rights")                  \
	X(GRANT_PASSPHRASE, "passphrase", "új jelmondat", "new passphrase") \
	X(GRANT_FACTOR, "second_factor", "hitelesítő alkalmazás levétele", "authenticator app removed")

#define GRANT_STATE_CODES(X)                                       \
	X(GRANT_PENDING, "pending", "jóváhagyásra vár", "pending") \
	X(GRANT_APPROVED, "approved", "jóváhagyva", "approved")    \
	X(GRANT_REFUSED, "refused", "elutasítva", "refused")       \
	X(GRANT_EXPIRED, "expired", "lejárt", "expired")

#define RESERVATION_STATE_CODES(X)                                                                          \
	X(RES_HELD, "held", "fogva", "held")                                                                \
	X(RES_REQUESTED, "requested", "elküldve az intézménynek", "requested")                              \
	X(RES_CONFIRMED, "confirmed", "elfogadva", "confirmed")                                             \
	X(RES_IN_STAY, "in_stay", "megérkezett", "in stay")                                                 \
	X(RES_LEFT, "left", "távozott", "left")                                                             \
	X(RES_DECLINED_BY_HOUSE, "declined_by_house", "az intézmény elutasította", "declined by the house") \
	X(RES_DECLINED_BY_CLIENT, "declined_by_client", "az ügyfél visszalépett", "declined by the client") \
	X(RES_CANCELLED, "cancelled", "visszavonva", "cancelled")                                           \
	X(RES_EXPIRED, "expired", "lejárt", "expired")                                                      \
	X(RES_NO_SHOW, "no_show", "nem érkezett meg", "did not arrive")

#define EPISODE_STATE_CODES(X)                          \
	X(EPISODE_OPEN, "open", "nyitott", "open")      \
	X(EPISODE_CLOSED, "closed", "lezárt", "closed") \
	X(EPISODE_EXPIRED, "expired", "lejárt", "expired")
enum reservation_state { RESERVATION_STATE_CODES(CODE_ENUM) RES_STATES };
enum episode_state { EPISODE_STATE_CODES(CODE_ENUM) EPISODE_STATES };
enum grant_kind { GRANT_KIND_CODES(CODE_ENUM) GRANT_KINDS };
enum grant_state { GRANT_STATE_CODES(CODE_ENUM) GRANT_STATES };
enum audit_finding { AUDIT_FINDING_CODES(CODE_ENUM) AUDIT_FINDINGS };
#undef CODE_ENUM

#define CODE_LIST_EXTERN(name, codes) extern const struct code_list codes_##name;
CODE_LISTS(CODE_LIST_EXTERN)
#undef CODE_LIST_EXTERN

/** All lists, ended by one with name NULL. */
extern const struct code_list *const code_lists[];

/** Position of ${text} in ${list}, or -1. */
int code_find(const struct code_list *list, const char *text, size_t len);

/** Zone of a county (ours, DOMAIN 6). */
enum zone county_zone(enum county county);

/*@ axiomatic Bands { logic integer last_age(integer band); } // for `make prove`
 */

/** First and last age of a band, years. */
unsigned band_first_age(enum age_band band);
/*@ assigns \nothing;
    ensures \result == last_age(band);
*/
unsigned band_last_age(enum age_band band);

#endif
