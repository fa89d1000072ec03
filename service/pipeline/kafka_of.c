#include "pipeline/kafka_of.h"

#include "kafka/login.h"
#include "log/log.h"

#include <stdlib.h>
#include <string.h>

struct kafka_property *kafka_properties_of(const struct settings *settings, size_t *count)
{
    struct kafka_property *properties = calloc(settings->kafka_property_count + 1, sizeof *properties);
    if (properties == NULL)
        return NULL;
    *count = 0;
    if (settings->kafka_bootstrap_servers != NULL)
        properties[(*count)++] =
            (struct kafka_property){"bootstrap.servers", settings->kafka_bootstrap_servers};
    for (size_t i = 0; i < settings->kafka_property_count; i++)
        properties[(*count)++] = (struct kafka_property){
            settings->kafka_properties[i].name, (const char *)settings->kafka_properties[i].value.data};
    return properties;
}

static const struct kafka_setting *find(const struct settings *settings, const char *name)
{
    for (size_t i = 0; i < settings->kafka_property_count; i++)
        if (strcmp(settings->kafka_properties[i].name, name) == 0)
            return &settings->kafka_properties[i];
    return NULL;
}

void kafka_login_of(const struct settings *settings)
{
    const struct kafka_setting *user = find(settings, "sasl.username");
    const struct kafka_setting *password = find(settings, "sasl.password");
    if (user != NULL && password != NULL && password->file != NULL)
        kafka_login_follow((const char *)user->value.data, password->file);
}

void kafka_log_write(int level, const char *client, const char *text)
{
    bool ours = client[0] == '\0'; /* librdkafka's own notices are of no use to who runs the service */
    enum log_level to = level <= 3 ? LOG_LEVEL_WARN : level <= 5 && ours ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG;
    if (log_enabled(to))
        log_write(to, "kafka client", (struct log_field[]){log_str("client", client), log_str("text", text)},
                  2);
}
