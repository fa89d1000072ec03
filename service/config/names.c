#include "config/names.h"

#include "config/table.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text);
    size_t end_len = strlen(end);
    return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

bool name_is_service_link(const char *name)
{
    return ends_with(name, "_SERVICE_HOST") || ends_with(name, "_SERVICE_PORT") || ends_with(name, "_PORT") ||
           strstr(name, "_SERVICE_PORT_") != NULL || strstr(name, "_PORT_") != NULL;
}

/* Levenshtein's distance, one row of the matrix at a time. Both are cut to NAME_MAX_LEN - 1 characters. */
static size_t distance(const char *a, const char *b)
{
    size_t row[NAME_MAX_LEN];
    size_t b_len = strnlen(b, NAME_MAX_LEN - 1);
    for (size_t j = 0; j <= b_len; j++)
        row[j] = j;
    for (size_t i = 0; a[i] != '\0' && i < NAME_MAX_LEN - 1; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < b_len; j++) {
            size_t best = diagonal + (a[i] != b[j]);
            best = row[j] + 1 < best ? row[j] + 1 : best;
            best = row[j + 1] + 1 < best ? row[j + 1] + 1 : best;
            diagonal = row[j + 1];
            row[j + 1] = best;
        }
    }
    return row[b_len];
}

void name_nearest(const char *name, char nearest[NAME_MAX_LEN])
{
    size_t least = SIZE_MAX;
    for (size_t i = 0; i < settings_table_count; i++) {
        for (int twin = 0; twin <= (settings_table[i].secret ? 1 : 0); twin++) {
            char candidate[NAME_MAX_LEN];
            snprintf(candidate, sizeof candidate, "%s%s", settings_table[i].name, twin ? "_FILE" : "");
            size_t edits = distance(name, candidate);
            if (edits < least) {
                least = edits;
                memcpy(nearest, candidate, sizeof candidate);
            }
        }
    }
}

char *kafka_property_name(const char *suffix, bool *no_memory)
{
    size_t len = strlen(suffix);
    if (len == 0 || strspn(suffix, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != len)
        return NULL;
    char *name = strdup(suffix);
    if (name == NULL) {
        *no_memory = true;
        return NULL;
    }
    for (char *c = name; *c != '\0'; c++)
        *c = *c == '_' ? '.' : (char)tolower((unsigned char)*c);
    return name;
}

/* By parts of the name, so that properties of later librdkafka versions are covered too. */
const char *const kafka_secret_parts[] = {
    "password", "secret", "passphrase", "key.pem", "sasl.oauthbearer.config", NULL};

bool kafka_property_is_secret(const char *property)
{
    for (size_t i = 0; kafka_secret_parts[i] != NULL; i++)
        if (strcasestr(property, kafka_secret_parts[i]) != NULL)
            return true;
    return false;
}

#define OFFSETS "offsets are committed in the transaction of the results; remove it"
#define WRITES "each command has exactly one result, which needs idempotent transactional writes; remove it"
#define MEMBERS "certswap assigns partitions to its pipelines itself; remove it"

static const struct {
    const char *property;
    const char *why;
} owned[] = {
    {"metadata.broker.list", "it has its own variable; set CERTSWAP_KAFKA_BOOTSTRAP_SERVERS instead"},
    {"transactional.id", "it is made of group, instance and pipeline; set CERTSWAP_INSTANCE_ID instead"},
    {"group.id", "it has its own variable; set CERTSWAP_GROUP_ID instead"},
    {"group.instance.id", MEMBERS},
    {"group.protocol", MEMBERS},
    {"group.remote.assignor", MEMBERS},
    {"partition.assignment.strategy", MEMBERS},
    {"enable.auto.commit", OFFSETS},
    {"auto.commit.enable", OFFSETS},
    {"auto.commit.interval.ms", OFFSETS},
    {"enable.auto.offset.store", OFFSETS},
    {"offset.store.method", OFFSETS},
    {"offset.store.path", OFFSETS},
    {"offset.store.sync.interval.ms", OFFSETS},
    {"auto.offset.reset", "a new group starts with the earliest record, so that none is left out; remove it"},
    {"isolation.level",
     "inputs are read with read_committed, so that aborted records stay unseen; remove it"},
    {"enable.partition.eof", "certswap needs it to see that it has caught up; remove it"},
    {"enable.idempotence", WRITES},
    {"enable.gapless.guarantee", WRITES},
    {"acks", WRITES},
    {"request.required.acks", WRITES},
    {"partitioner", "output records lie where Java clients put their keys (murmur2_random); remove it"},
};

const char *kafka_property_owned(const char *property)
{
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        if (strcmp(owned[i].property, property) == 0)
            return owned[i].why;
    return NULL;
}
