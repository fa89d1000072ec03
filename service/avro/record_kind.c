#include "avro/record_kind.h"

#include "avro/embedded.h"

/* The fingerprints are what messages on the wire carry. A test computes them anew from the files, so that no
   schema changes without this table saying so. */
static const struct {
    const char *full_name;
    const char *schema_text;
    uint64_t fingerprint;
} kinds[RECORD_KIND_COUNT] = {
    [RECORD_CERTIFICATE_ENROLLED] = {"io.certswap.v1.CertificateEnrolled", embedded_certificate_enrolled,
                                     0x0bb90ce1dde3df61u},
    [RECORD_CERTIFICATE_RENEWED] = {"io.certswap.v1.CertificateRenewed", embedded_certificate_renewed,
                                    0x45f52e6e6b205830u},
    [RECORD_STORE_INVENTORY] = {"io.certswap.v1.StoreInventory", embedded_store_inventory,
                                0x330c11c00b80d312u},
    [RECORD_REPLACE_COMMAND] = {"io.certswap.v1.ReplaceCommand", embedded_replace_command,
                                0xd54df3096e05d824u},
    [RECORD_STORE_JOB] = {"io.certswap.v1.StoreJob", embedded_store_job, 0xa855548429d6db84u},
    [RECORD_REPLACE_RESULT] = {"io.certswap.v1.ReplaceResult", embedded_replace_result, 0x9ba0b50ecce0e1bbu},
    [RECORD_CREDENTIAL] = {"io.certswap.v1.Credential", embedded_credential, 0x34bdfea846e46292u},
    [RECORD_SEALED_CREDENTIAL] = {"io.certswap.v1.SealedCredential", embedded_sealed_credential,
                                  0xc09044e8eeb78ecdu},
    [RECORD_SEALED_PASSWORD] = {"io.certswap.v1.SealedPassword", embedded_sealed_password,
                                0x79a7bc883d139fd6u},
};

const char *record_full_name(enum record_kind kind)
{
    return kinds[kind].full_name;
}

const char *record_schema_text(enum record_kind kind)
{
    return kinds[kind].schema_text;
}

uint64_t record_fingerprint(enum record_kind kind)
{
    return kinds[kind].fingerprint;
}
