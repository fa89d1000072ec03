/* domain/record: the contract's records as C values. They borrow: every span points into the arena or the
   message that the record was decoded from. Fields that the contract lets be null have a has_ beside them. */
#pragma once

#include "base/span.h"
#include "base/uuid.h"

enum credential_format { CREDENTIAL_PKCS12, CREDENTIAL_PEM };
enum pkcs12_profile { PKCS12_MODERN, PKCS12_LEGACY };
enum private_key_policy { PRIVATE_KEY_FORBIDDEN, PRIVATE_KEY_OPTIONAL, PRIVATE_KEY_REQUIRED };
enum replace_status {
    REPLACE_COMPLETED,
    REPLACE_PARTIAL,
    REPLACE_FAILED,
    REPLACE_NO_LOCATIONS,
    REPLACE_REJECTED
};

/* The names the schemas give the symbols: "PKCS12", "MODERN", "FORBIDDEN", "COMPLETED" and so on. */
const char *credential_format_name(enum credential_format format);
const char *pkcs12_profile_name(enum pkcs12_profile profile);
const char *private_key_policy_name(enum private_key_policy policy);
const char *replace_status_name(enum replace_status status);

struct credential {
    enum credential_format format;
    struct span content;
    bool has_password;
    struct span password;
};

/* SealedCredential and SealedPassword alike: to whom (a hint), and the CMS. */
struct sealed {
    struct span recipient;
    struct span cms;
};

/* A union of the plain record and the sealed one. */
struct credential_or_sealed {
    bool is_sealed;
    struct credential plain;
    struct sealed sealed;
};

/* CertificateEnrolled and CertificateRenewed. */
struct certificate_event {
    bool is_renewal;
    struct uuid event_id;
    int64_t occurred_at_ms;
    int32_t certificate_id;
    int32_t request_id;
    struct span requester;
    struct span certificate_format; /* of an enrollment; empty in a renewal */
    struct span thumbprint;
    struct credential_or_sealed credential;
    int32_t renewed_certificate_id; /* of a renewal; 0 in an enrollment */
};

struct store_type {
    struct span short_name;
    enum credential_format format;
    enum pkcs12_profile pkcs12_profile;
    bool entry_password_required;
    enum private_key_policy private_key;
    bool add_supported;
};

struct agent {
    struct uuid agent_id;
    bool has_certificate;
    struct span certificate; /* DER X.509 */
};

struct store_entry {
    struct span alias;
    int32_t certificate_id;
    struct span thumbprint;
    int32_t chain_level; /* 0: the entry's own certificate */
    bool has_private_key;
};

struct store_inventory {
    struct uuid store_id;
    struct store_type type;
    bool has_container_id;
    int32_t container_id;
    struct span client_machine;
    struct span store_path;
    bool approved;
    bool has_agent;
    struct agent agent;
    struct store_entry *entries;
    size_t entry_count;
    int64_t inventoried_at_ms;
};

enum password_kind { PASSWORD_NONE, PASSWORD_PLAIN, PASSWORD_SEALED };

struct principal {
    struct span user;
    struct span *permissions;
    size_t permission_count;
};

struct replace_command {
    struct uuid command_id;
    int32_t existing_certificate_id;
    bool has_certificate_id;
    int32_t certificate_id;
    bool has_request_id;
    int32_t request_id;
    enum password_kind password_kind;
    struct span password;          /* PASSWORD_PLAIN */
    struct sealed sealed_password; /* PASSWORD_SEALED */
    bool has_job_time;
    struct span job_time;
    struct principal principal;
    bool has_authorization;
    struct span authorization;
    bool has_store_ids;
    struct span *store_ids; /* as written: a GUID that is none rejects the command, it is no decoding error */
    size_t store_id_count;
    bool dry_run;
    int64_t issued_at_ms;
};

struct store_job {
    struct uuid job_id;
    struct uuid command_id;
    struct uuid store_id;
    struct uuid agent_id;
    struct span store_type;
    struct span client_machine;
    struct span store_path;
    bool has_container_id;
    int32_t container_id;
    struct span alias;
    bool overwrite;
    int32_t existing_certificate_id;
    struct span existing_thumbprint;
    int32_t certificate_id;
    struct span thumbprint;
    struct credential_or_sealed credential;
    bool has_scheduled_at;
    int64_t scheduled_at_ms;
    struct span requested_by;
    int64_t created_at_ms;
};

struct store_failure {
    struct uuid store_id;
    struct span code;
    struct span message;
    bool retryable;
};

struct replace_result {
    struct uuid result_id;
    struct uuid command_id;
    enum replace_status status;
    struct uuid *successful_stores; /* sorted */
    size_t successful_count;
    struct uuid *failed_stores; /* sorted */
    size_t failed_count;
    struct store_failure *failures; /* one a failed store, in their order */
    size_t failure_count;
    bool has_rejection;
    struct span rejection_code;
    struct span rejection_message;
    int32_t existing_certificate_id;
    bool has_certificate_id;
    int32_t certificate_id;
    bool has_request_id;
    int32_t request_id;
    int32_t job_count;
    bool has_scheduled_at;
    int64_t scheduled_at_ms;
    bool dry_run;
    struct span requested_by;
    int64_t completed_at_ms;
};
