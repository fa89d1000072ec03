#include "avro/layout.h"

#include "domain/record.h"

#define LENGTH(array) (sizeof(array) / sizeof *(array))

/* Rows of the tables: S is the struct, m its member. */
#define PLAIN(S, m, wire, kind)                                                                              \
    {                                                                                                        \
        .name = wire, .type = kind, .offset = offsetof(struct S, m)                                          \
    }
#define ID(S, m, wire)                                                                                       \
    {                                                                                                        \
        .name = wire, .type = FIELD_INT, .positive = true, .offset = offsetof(struct S, m)                   \
    }
#define NULLABLE(S, m, wire, kind)                                                                           \
    {                                                                                                        \
        .name = wire, .type = kind, .nullable = true, .has_default = true, .offset = offsetof(struct S, m),  \
        .has_offset = offsetof(struct S, has_##m)                                                            \
    }
#define ENUM(S, m, wire, symbols)                                                                            \
    {                                                                                                        \
        .name = wire, .type = FIELD_ENUM, .enumeration = &(symbols), .offset = offsetof(struct S, m)         \
    }
#define ARRAY(S, m, number, wire, kind)                                                                      \
    {                                                                                                        \
        .name = wire, .type = FIELD_ARRAY, .item = kind, .offset = offsetof(struct S, m),                    \
        .count_offset = offsetof(struct S, number), .item_size = sizeof *((struct S *)0)->m                  \
    }
#define RECORD_ARRAY(S, m, number, wire, layout)                                                             \
    {                                                                                                        \
        .name = wire, .type = FIELD_ARRAY, .item = FIELD_RECORD, .record = &(layout),                        \
        .offset = offsetof(struct S, m), .count_offset = offsetof(struct S, number),                         \
        .item_size = sizeof *((struct S *)0)->m                                                              \
    }

_Static_assert(sizeof(enum credential_format) == sizeof(int), "enums are read and written as int");

static const struct enum_layout format_symbols = {"CredentialFormat", 2, {"PKCS12", "PEM"}, -1};
static const struct enum_layout profile_symbols = {"Pkcs12Profile", 2, {"MODERN", "LEGACY"}, PKCS12_MODERN};
static const struct enum_layout policy_symbols = {
    "PrivateKeyPolicy", 3, {"FORBIDDEN", "OPTIONAL", "REQUIRED"}, -1};
static const struct enum_layout status_symbols = {
    "ReplaceStatus", 5, {"COMPLETED", "PARTIAL", "FAILED", "NO_LOCATIONS", "REJECTED"}, -1};

static const struct field_layout credential_fields[] = {
    ENUM(credential, format, "format", format_symbols),
    PLAIN(credential, content, "content", FIELD_BYTES),
    NULLABLE(credential, password, "password", FIELD_STRING),
};
static const struct record_layout credential = {"Credential", LENGTH(credential_fields), credential_fields};

static const struct field_layout sealed_fields[] = {
    PLAIN(sealed, recipient, "recipient", FIELD_STRING),
    PLAIN(sealed, cms, "cms", FIELD_BYTES),
};
static const struct record_layout sealed_credential = {"SealedCredential", LENGTH(sealed_fields),
                                                       sealed_fields};
static const struct record_layout sealed_password = {"SealedPassword", LENGTH(sealed_fields), sealed_fields};

static const struct field_layout enrolled_fields[] = {
    PLAIN(certificate_event, event_id, "eventId", FIELD_UUID),
    PLAIN(certificate_event, occurred_at_ms, "occurredAt", FIELD_TIMESTAMP),
    ID(certificate_event, certificate_id, "certificateId"),
    ID(certificate_event, request_id, "requestId"),
    PLAIN(certificate_event, requester, "requester", FIELD_STRING),
    PLAIN(certificate_event, certificate_format, "certificateFormat", FIELD_STRING),
    PLAIN(certificate_event, thumbprint, "thumbprint", FIELD_STRING),
    PLAIN(certificate_event, credential, "credential", FIELD_CREDENTIAL),
};
static const struct record_layout enrolled = {"CertificateEnrolled", LENGTH(enrolled_fields),
                                              enrolled_fields};

static const struct field_layout renewed_fields[] = {
    PLAIN(certificate_event, event_id, "eventId", FIELD_UUID),
    PLAIN(certificate_event, occurred_at_ms, "occurredAt", FIELD_TIMESTAMP),
    ID(certificate_event, certificate_id, "certificateId"),
    ID(certificate_event, request_id, "requestId"),
    PLAIN(certificate_event, requester, "requester", FIELD_STRING),
    PLAIN(certificate_event, thumbprint, "thumbprint", FIELD_STRING),
    PLAIN(certificate_event, credential, "credential", FIELD_CREDENTIAL),
    ID(certificate_event, renewed_certificate_id, "renewedCertificateId"),
};
static const struct record_layout renewed = {"CertificateRenewed", LENGTH(renewed_fields), renewed_fields};

static const struct field_layout store_type_fields[] = {
    PLAIN(store_type, short_name, "shortName", FIELD_STRING),
    ENUM(store_type, format, "format", format_symbols),
    {.name = "pkcs12Profile",
     .type = FIELD_ENUM,
     .enumeration = &profile_symbols,
     .has_default = true,
     .offset = offsetof(struct store_type, pkcs12_profile)},
    PLAIN(store_type, entry_password_required, "entryPasswordRequired", FIELD_BOOLEAN),
    ENUM(store_type, private_key, "privateKey", policy_symbols),
    PLAIN(store_type, add_supported, "addSupported", FIELD_BOOLEAN),
};
static const struct record_layout store_type = {"StoreType", LENGTH(store_type_fields), store_type_fields};

static const struct field_layout agent_fields[] = {
    PLAIN(agent, agent_id, "agentId", FIELD_UUID),
    NULLABLE(agent, certificate, "certificate", FIELD_BYTES),
};
static const struct record_layout agent = {"Agent", LENGTH(agent_fields), agent_fields};

static const struct field_layout entry_fields[] = {
    PLAIN(store_entry, alias, "alias", FIELD_STRING),
    PLAIN(store_entry, certificate_id, "certificateId", FIELD_INT),
    PLAIN(store_entry, thumbprint, "thumbprint", FIELD_STRING),
    PLAIN(store_entry, chain_level, "chainLevel", FIELD_INT),
    PLAIN(store_entry, has_private_key, "hasPrivateKey", FIELD_BOOLEAN),
};
static const struct record_layout entry = {"StoreEntry", LENGTH(entry_fields), entry_fields};

static const struct field_layout inventory_fields[] = {
    PLAIN(store_inventory, store_id, "storeId", FIELD_UUID),
    {.name = "storeType",
     .type = FIELD_RECORD,
     .record = &store_type,
     .offset = offsetof(struct store_inventory, type)},
    NULLABLE(store_inventory, container_id, "containerId", FIELD_INT),
    PLAIN(store_inventory, client_machine, "clientMachine", FIELD_STRING),
    PLAIN(store_inventory, store_path, "storePath", FIELD_STRING),
    PLAIN(store_inventory, approved, "approved", FIELD_BOOLEAN),
    {.name = "agent",
     .type = FIELD_RECORD,
     .nullable = true,
     .has_default = true,
     .record = &agent,
     .offset = offsetof(struct store_inventory, agent),
     .has_offset = offsetof(struct store_inventory, has_agent)},
    RECORD_ARRAY(store_inventory, entries, entry_count, "entries", entry),
    PLAIN(store_inventory, inventoried_at_ms, "inventoriedAt", FIELD_TIMESTAMP),
};
static const struct record_layout inventory = {"StoreInventory", LENGTH(inventory_fields), inventory_fields};

static const struct field_layout principal_fields[] = {
    PLAIN(principal, user, "user", FIELD_STRING),
    ARRAY(principal, permissions, permission_count, "permissions", FIELD_STRING),
};
static const struct record_layout principal = {"Principal", LENGTH(principal_fields), principal_fields};

static const struct field_layout command_fields[] = {
    PLAIN(replace_command, command_id, "commandId", FIELD_UUID),
    PLAIN(replace_command, existing_certificate_id, "existingCertificateId", FIELD_INT),
    NULLABLE(replace_command, certificate_id, "certificateId", FIELD_INT),
    NULLABLE(replace_command, request_id, "requestId", FIELD_INT),
    {.name = "password", .type = FIELD_PASSWORD, .has_default = true},
    NULLABLE(replace_command, job_time, "jobTime", FIELD_STRING),
    {.name = "principal",
     .type = FIELD_RECORD,
     .record = &principal,
     .offset = offsetof(struct replace_command, principal)},
    NULLABLE(replace_command, authorization, "authorization", FIELD_STRING),
    {.name = "storeIds",
     .type = FIELD_ARRAY,
     .item = FIELD_UUID_TEXT,
     .nullable = true,
     .has_default = true,
     .offset = offsetof(struct replace_command, store_ids),
     .has_offset = offsetof(struct replace_command, has_store_ids),
     .count_offset = offsetof(struct replace_command, store_id_count),
     .item_size = sizeof(struct span)},
    {.name = "dryRun",
     .type = FIELD_BOOLEAN,
     .has_default = true,
     .offset = offsetof(struct replace_command, dry_run)},
    PLAIN(replace_command, issued_at_ms, "issuedAt", FIELD_TIMESTAMP),
};
static const struct record_layout command = {"ReplaceCommand", LENGTH(command_fields), command_fields};

static const struct field_layout job_fields[] = {
    PLAIN(store_job, job_id, "jobId", FIELD_UUID),
    PLAIN(store_job, command_id, "commandId", FIELD_UUID),
    PLAIN(store_job, store_id, "storeId", FIELD_UUID),
    PLAIN(store_job, agent_id, "agentId", FIELD_UUID),
    PLAIN(store_job, store_type, "storeType", FIELD_STRING),
    PLAIN(store_job, client_machine, "clientMachine", FIELD_STRING),
    PLAIN(store_job, store_path, "storePath", FIELD_STRING),
    NULLABLE(store_job, container_id, "containerId", FIELD_INT),
    PLAIN(store_job, alias, "alias", FIELD_STRING),
    PLAIN(store_job, overwrite, "overwrite", FIELD_BOOLEAN),
    PLAIN(store_job, existing_certificate_id, "existingCertificateId", FIELD_INT),
    PLAIN(store_job, existing_thumbprint, "existingThumbprint", FIELD_STRING),
    PLAIN(store_job, certificate_id, "certificateId", FIELD_INT),
    PLAIN(store_job, thumbprint, "thumbprint", FIELD_STRING),
    PLAIN(store_job, credential, "credential", FIELD_CREDENTIAL),
    {.name = "scheduledAt",
     .type = FIELD_TIMESTAMP,
     .nullable = true,
     .has_default = true,
     .offset = offsetof(struct store_job, scheduled_at_ms),
     .has_offset = offsetof(struct store_job, has_scheduled_at)},
    PLAIN(store_job, requested_by, "requestedBy", FIELD_STRING),
    PLAIN(store_job, created_at_ms, "createdAt", FIELD_TIMESTAMP),
};
static const struct record_layout job = {"StoreJob", LENGTH(job_fields), job_fields};

static const struct field_layout failure_fields[] = {
    PLAIN(store_failure, store_id, "storeId", FIELD_UUID),
    PLAIN(store_failure, code, "code", FIELD_STRING),
    PLAIN(store_failure, message, "message", FIELD_STRING),
    PLAIN(store_failure, retryable, "retryable", FIELD_BOOLEAN),
};
static const struct record_layout failure = {"StoreFailure", LENGTH(failure_fields), failure_fields};

/* Its members stand in struct replace_result itself. */
static const struct field_layout rejection_fields[] = {
    PLAIN(replace_result, rejection_code, "code", FIELD_STRING),
    PLAIN(replace_result, rejection_message, "message", FIELD_STRING),
};
static const struct record_layout rejection = {"Rejection", LENGTH(rejection_fields), rejection_fields};

static const struct field_layout result_fields[] = {
    PLAIN(replace_result, result_id, "resultId", FIELD_UUID),
    PLAIN(replace_result, command_id, "commandId", FIELD_UUID),
    ENUM(replace_result, status, "status", status_symbols),
    ARRAY(replace_result, successful_stores, successful_count, "successfulStores", FIELD_UUID),
    ARRAY(replace_result, failed_stores, failed_count, "failedStores", FIELD_UUID),
    RECORD_ARRAY(replace_result, failures, failure_count, "failures", failure),
    {.name = "rejection",
     .type = FIELD_RECORD,
     .nullable = true,
     .has_default = true,
     .record = &rejection,
     .has_offset = offsetof(struct replace_result, has_rejection)},
    PLAIN(replace_result, existing_certificate_id, "existingCertificateId", FIELD_INT),
    NULLABLE(replace_result, certificate_id, "certificateId", FIELD_INT),
    NULLABLE(replace_result, request_id, "requestId", FIELD_INT),
    PLAIN(replace_result, job_count, "jobCount", FIELD_INT),
    {.name = "scheduledAt",
     .type = FIELD_TIMESTAMP,
     .nullable = true,
     .has_default = true,
     .offset = offsetof(struct replace_result, scheduled_at_ms),
     .has_offset = offsetof(struct replace_result, has_scheduled_at)},
    PLAIN(replace_result, dry_run, "dryRun", FIELD_BOOLEAN),
    PLAIN(replace_result, requested_by, "requestedBy", FIELD_STRING),
    PLAIN(replace_result, completed_at_ms, "completedAt", FIELD_TIMESTAMP),
};
static const struct record_layout result = {"ReplaceResult", LENGTH(result_fields), result_fields};

/* By kind; behind them the records that stand only within others. */
static const struct record_layout *const records[] = {
    [RECORD_CERTIFICATE_ENROLLED] = &enrolled,
    [RECORD_CERTIFICATE_RENEWED] = &renewed,
    [RECORD_STORE_INVENTORY] = &inventory,
    [RECORD_REPLACE_COMMAND] = &command,
    [RECORD_STORE_JOB] = &job,
    [RECORD_REPLACE_RESULT] = &result,
    [RECORD_CREDENTIAL] = &credential,
    [RECORD_SEALED_CREDENTIAL] = &sealed_credential,
    [RECORD_SEALED_PASSWORD] = &sealed_password,
    &store_type,
    &agent,
    &entry,
    &principal,
    &failure,
    &rejection,
};
static const struct enum_layout *const enums[] = {&format_symbols, &profile_symbols, &policy_symbols,
                                                  &status_symbols};

const struct record_layout *record_layout(enum record_kind kind)
{
    return records[kind];
}

const struct record_layout *record_layout_named(const char *name)
{
    for (size_t i = 0; i < LENGTH(records); i++)
        if (strcmp(records[i]->name, name) == 0)
            return records[i];
    return NULL;
}

const struct enum_layout *enum_layout_named(const char *name)
{
    for (size_t i = 0; i < LENGTH(enums); i++)
        if (strcmp(enums[i]->name, name) == 0)
            return enums[i];
    return NULL;
}
