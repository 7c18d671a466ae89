/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The check word and the number that two people say to each other on the telephone.  The words are short
 * Hungarian nouns from the garden, the kitchen and the fields, none of them about families, bodies or harm.
 * Without their accents any two differ in two letters or more and in the first four.  Their order is not
 * stored: rows may be replaced.
 */
#include <string.h>

#include "base/bytes.h"
#include "domain/reservation.h"

/* clang-format off */
static const char *const words[256] = {
	"áfonya", "akác", "alma", "ananász", "árpa", "árvácska", "asztal", "bagoly", "banán", "barack",
	"bazsalikom", "begónia", "béka", "bélyeg", "berek", "bögre", "boríték", "boróka", "borsó", "borz",
	"brokkoli", "bükk", "búzavirág", "cékla", "cérna", "ceruza", "cinege", "ciprus", "citrom", "cselló",
	"csengő", "cseresznye", "csésze", "csikó", "csillag", "csoki", "cukor", "dália", "datolya", "delfin",
	"dinnye", "domb", "dominó", "ecset", "egres", "elefánt", "eper", "erdő", "esernyő", "fácán",
	"fagylalt", "fazék", "fecske", "felhő", "fenyő", "festék", "fóka", "földgömb", "folyó", "fonal",
	"forrás", "füge", "függöny", "fürj", "furulya", "füzet", "galamb", "galuska", "gesztenye", "gitár",
	"gólya", "gyapjú", "gyík", "gyöngyvirág", "hajnal", "hajó", "harang", "hárfa", "harkály", "harmat",
	"hárs", "hátizsák", "hegedű", "hegy", "híd", "homok", "hópehely", "hörcsög", "hóvirág", "ibolya",
	"jácint", "jegenye", "joghurt", "juhar", "kabát", "kacsa", "kakaó", "kakukkfű", "kalács", "kamilla",
	"kanál", "kancsó", "kankalin", "káposzta", "karfiol", "katica", "kavics", "kefír", "kelbimbó",
	"kenyér", "kerékpár", "kesztyű", "kifli", "kirakó", "koala", "kocka", "köles", "könyv", "korcsolya",
	"körte", "kréta", "krizantém", "kukorica", "labda", "lámpa", "lángos", "léggömb", "lekvár", "lencse",
	"lepke", "levendula", "liget", "liliom", "limonádé", "lucerna", "mák", "málna", "mandula",
	"margaréta", "meggy", "méhecske", "mellény", "menta", "méz", "mogyoró", "moha", "mókus", "muskátli",
	"napfény", "napraforgó", "naptár", "narancs", "nárcisz", "nyírfa", "nyuszi", "öböl", "óra", "orgona",
	"pacsirta", "páfrány", "palacsinta", "panda", "papír", "paplan", "paprika", "papucs", "paradicsom",
	"párna", "part", "patak", "páva", "perec", "petúnia", "pingvin", "pinty", "pipacs", "piskóta",
	"platán", "pogácsa", "pohár", "polc", "puding", "pulyka", "radír", "répa", "repkény", "rét", "retek",
	"ribizli", "rigó", "rizs", "roller", "rozmaring", "rózsa", "sajt", "sakk", "sál", "saláta", "sapka",
	"selyem", "serpenyő", "sóska", "spenót", "sün", "szandál", "szarka", "szegfű", "szék", "szellő",
	"szezám", "sziget", "szikla", "szilva", "szitakötő", "szivárvány", "szöcske", "szőlő", "szőnyeg",
	"szörp", "tábla", "tányér", "tarhonya", "tea", "tejföl", "teknős", "tenger", "tepsi", "térkép",
	"tiszafa", "tölgy", "trombita", "tücsök", "tuja", "tulipán", "túró", "uborka", "üstökös", "vaj",
	"vászon", "váza", "veréb", "vidra", "villamos", "vitorla", "vízesés", "vonalzó", "zab", "zápor",
	"zebra", "zeller", "zokni", "zongora", "zsálya", "zsemle", "zsiráf", "zuzmó",
};
/* clang-format on */

void
reservation_words(const uint8_t random[8], char word[16], char number[8])
{
	uint64_t value = 0;

	memset(word, 0, 16);
	(void)str_copy(word, 16, words[random[0]]);
	for (unsigned i = 1; i < 8; i++)
		value = value << 8 | random[i];
	for (unsigned i = 7; i-- > 0;) {
		if (i == 4)
			continue;
		number[i] = (char)('0' + value % 10);
		value /= 10;
	}
	number[4] = '-';
	number[7] = '\0';
}
