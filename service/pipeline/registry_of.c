#include "pipeline/registry_of.h"

bool registry_of(const struct settings *settings, const struct schema_set *schemas, int timeout_ms,
                 const atomic_bool *stop, struct registry **registry, struct err *err)
{
    const struct http_address *address = &settings->schema_registry;
    const struct topic_names *topics = &settings->topics;
    if (address->url == NULL)
        return true;
    const struct registry_options options = {
        .url = address->url,
        .user = address->user,
        .password = address->user != NULL ? (const char *)address->password.data : NULL,
        .ca_file = settings->schema_registry_ca,
        .auto_register = settings->schema_auto_register,
        .write = settings->avro_framing == FRAMING_SETTING_CONFLUENT,
        .topics = {[RECORD_CERTIFICATE_ENROLLED] = topics->enrollments,
                   [RECORD_CERTIFICATE_RENEWED] = topics->renewals,
                   [RECORD_STORE_INVENTORY] = topics->inventory,
                   [RECORD_REPLACE_COMMAND] = topics->commands,
                   [RECORD_STORE_JOB] = topics->jobs,
                   [RECORD_REPLACE_RESULT] = topics->results},
        .schemas = schemas,
        .timeout_ms = timeout_ms,
        .stop = stop,
    };
    *registry = registry_new(&options, err);
    return *registry != NULL;
}
