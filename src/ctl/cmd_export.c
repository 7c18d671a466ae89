/* SPDX-License-Identifier: Apache-2.0 */
/* menedek export: the inventory in one of the formats of the table, to a file or to standard output. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/nearest.h"
#include "crypto/digest.h"
#include "ctl/export.h"
#include "ctl/offline.h"

#define EXPORT_MAX (2u * 1024 * 1024) /* twenty counties, seven types, 2 kB each at most */

const struct export_format export_formats[] = {
	{ "hsds", "Open Referral HSDS 3.1: a page of services with their capacities, JSON", export_hsds },
	{ "hmis", "HUD HMIS 2.07 Bed and Unit Inventory: Inventory.csv", export_hmis },
	{ "fhir", "HL7 FHIR R4: a Bundle of Location and HealthcareService with capacity answers, JSON",
	    export_fhir },
	{ .name = NULL },
};

void
export_uuid(const char *what, unsigned county, unsigned type, char out[EXPORT_UUID])
{
	static const unsigned dash_before[] = { 4, 6, 8, 10 };
	uint8_t hash[DIGEST_BYTES];
	char name[96], hex[DIGEST_BYTES * 2 + 1];
	unsigned at = 0, next = 0;

	(void)snprintf(name, sizeof(name), "menedek/%s/%s/%s", what, codes_county.rows[county].code,
	    codes_shelter_type.rows[type].code);
	digest(bytes_str(name), hash);
	hash[6] = (uint8_t)((hash[6] & 0x0f) | 0x80);
	hash[8] = (uint8_t)((hash[8] & 0x3f) | 0x80);
	hex_format(hash, sizeof(hash), hex);
	for (unsigned i = 0; i < 16; i++) {
		if (next < COUNT_OF(dash_before) && i == dash_before[next]) {
			out[at++] = '-';
			next++;
		}
		out[at++] = hex[2 * i];
		out[at++] = hex[2 * i + 1];
	}
	out[at] = '\0';
}

bool
export_shows(const struct inventory *inv, unsigned county, unsigned type)
{
	const struct inventory_cell *cell = &inv->county[county][type];

	return inventory_is_public((enum shelter_type)type) && !cell->withheld && cell->houses > 0;
}

int64_t
export_time(const struct inventory *inv)
{
	return (int64_t)inv->day * 86400;
}

/* ---- the command ---- */

static const struct export_format *
find_format(const char *word)
{
	const char *names[COUNT_OF(export_formats)], *nearest;
	unsigned count = 0;

	for (; export_formats[count].name != NULL; count++)
		if (strcmp(names[count] = export_formats[count].name, word) == 0)
			return &export_formats[count];
	nearest = nearest_name(word, names, count);
	if (nearest != NULL)
		talk_error("there is no format \"%s\"; did you mean %s?", word, nearest);
	else
		talk_error("there is no format \"%s\"; formats:", word);
	for (unsigned i = 0; i < count && nearest == NULL; i++)
		(void)fprintf(stderr, "  %-6s %s\n", names[i], export_formats[i].what);
	return NULL;
}

struct reading {
	struct inventory *out;
};

static enum rc
read_inventory(struct ctx *c, void *arg)
{
	const struct reading *r = arg;

	return inventory_read(c, r->out);
}

static enum status
put_out(const struct args *args, const char *buf, size_t len)
{
	struct fault f = { .count = 0 };
	const char *path = args->value[OPT_OUT];
	const struct bytes text = { (const uint8_t *)buf, len };

	if (path != NULL)
		return talk_failure(path, file_write(path, text, 0644, &f), &f);
	if (fwrite(buf, 1, len, stdout) == len && fflush(stdout) == 0)
		return STATUS_OK;
	talk_error("standard output does not take it");
	return STATUS_ERROR;
}

static enum status
write_format(const struct args *args, const struct export_format *format, const struct inventory *inv)
{
	char *buf = malloc(EXPORT_MAX);
	size_t len = 0;
	enum status status;

	if (buf == NULL || !format->write(inv, buf, EXPORT_MAX, &len)) {
		free(buf);
		return talk_failure("export", buf == NULL ? RC_UNAVAILABLE : RC_TOO_BIG, NULL);
	}
	if (inv->has_samples)
		talk_warning("invented houses (import --sample) are among these figures");
	status = put_out(args, buf, len);
	free(buf);
	return status;
}

enum status
cmd_export(const struct args *args)
{
	const struct export_format *format;
	struct reading r;
	struct offline o;
	enum status status;

	if (args->word_count != 1) {
		talk_error("one format at a time; see: menedek help export");
		return STATUS_USAGE;
	}
	if ((format = find_format(args->word[0])) == NULL)
		return STATUS_USAGE;
	if ((r.out = calloc(1, sizeof(*r.out))) == NULL)
		return talk_failure("export", RC_UNAVAILABLE, NULL);
	if ((status = offline_open_to_read(args, &o)) == STATUS_OK)
		status = talk_failure("export", offline_view(&o, read_inventory, &r), &o.fault);
	if (status == STATUS_OK)
		status = write_format(args, format, r.out);
	offline_close(&o);
	free(r.out);
	return status;
}
