/* Prints each record's file name, fingerprint (16 hexadecimal digits) and canonical form, divided by tabs:
   what check_with_avro_tools.py holds against Apache Avro's own tools. */
#include "avro/canonical.h"
#include "avro/fingerprint.h"
#include "avro/record_kind.h"

#include <stdio.h>

static const char *const files[RECORD_KIND_COUNT] = {
    [RECORD_CERTIFICATE_ENROLLED] = "certificate-enrolled.avsc",
    [RECORD_CERTIFICATE_RENEWED] = "certificate-renewed.avsc",
    [RECORD_STORE_INVENTORY] = "store-inventory.avsc",
    [RECORD_REPLACE_COMMAND] = "replace-command.avsc",
    [RECORD_STORE_JOB] = "store-job.avsc",
    [RECORD_REPLACE_RESULT] = "replace-result.avsc",
    [RECORD_CREDENTIAL] = "credential.avsc",
    [RECORD_SEALED_CREDENTIAL] = "sealed-credential.avsc",
    [RECORD_SEALED_PASSWORD] = "sealed-password.avsc",
};

int main(void)
{
    for (int kind = 0; kind < RECORD_KIND_COUNT; kind++) {
        struct buf canonical = {0};
        struct err err = {0};
        if (!canonical_form(span_text(record_schema_text((enum record_kind)kind)), &canonical, &err)) {
            fprintf(stderr, "%s: %s\n", files[kind], err.text);
            return 1;
        }
        printf("%s\t%016llx\t%.*s\n", files[kind],
               (unsigned long long)fingerprint_crc64(buf_span(&canonical)), SPAN_ARG(buf_span(&canonical)));
        buf_free(&canonical);
    }
    return 0;
}
