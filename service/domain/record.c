#include "domain/record.h"

const char *credential_format_name(enum credential_format format)
{
    return format == CREDENTIAL_PEM ? "PEM" : "PKCS12";
}

const char *pkcs12_profile_name(enum pkcs12_profile profile)
{
    return profile == PKCS12_LEGACY ? "LEGACY" : "MODERN";
}

const char *private_key_policy_name(enum private_key_policy policy)
{
    static const char *const names[] = {"FORBIDDEN", "OPTIONAL", "REQUIRED"};
    return names[policy];
}

const char *replace_status_name(enum replace_status status)
{
    static const char *const names[] = {"COMPLETED", "PARTIAL", "FAILED", "NO_LOCATIONS", "REJECTED"};
    return names[status];
}
