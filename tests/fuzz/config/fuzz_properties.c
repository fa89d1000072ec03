/* Properties of librdkafka, entries "name=value" each ended by a NUL: what certswap sets itself cannot be set
   over, a refusal shows no secret, and what is taken makes a configuration of every role. Names of files are
   left out: what they name is read. */
#include "base/buf.h"
#include "kafka/client.h"

#include <assert.h>
#include <stdlib.h>
#include <strings.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PROPERTIES_MAX = 8 };

static bool names_file(const struct kafka_property *property)
{
    return strchr(property->value, '/') != NULL || strcasestr(property->name, "location") != NULL ||
           strcasestr(property->name, "plugin") != NULL;
}

static size_t read_properties(char *text, size_t size, struct kafka_property *properties)
{
    size_t count = 0;
    for (size_t at = 0, next; at < size && count < PROPERTIES_MAX; at = next) {
        char *equals = strchr(text + at, '=');
        next = at + strlen(text + at) + 1;
        if (equals == NULL)
            continue;
        *equals = '\0';
        properties[count] = (struct kafka_property){text + at, equals + 1};
        count += !names_file(&properties[count]);
    }
    return count;
}

static void assert_is(const rd_kafka_conf_t *conf, const char *name, const char *value)
{
    char found[64];
    size_t size = sizeof found;
    assert(rd_kafka_conf_get(conf, name, found, &size) == RD_KAFKA_CONF_OK && strcmp(found, value) == 0);
}

/* Whether a property that is no secret has the text in its name or its value: it may be shown there. */
static bool is_said_elsewhere(const struct kafka_property *properties, size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++)
        if (strstr(properties[i].name, text) != NULL ||
            (strcasestr(properties[i].name, "password") == NULL && strstr(properties[i].value, text) != NULL))
            return true;
    return false;
}

static void assert_no_password(const struct kafka_property *properties, size_t count, const char *refusal)
{
    for (size_t i = 0; i < count; i++)
        assert(strcasestr(properties[i].name, "password") == NULL || strlen(properties[i].value) < 12 ||
               is_said_elsewhere(properties, count, properties[i].value) ||
               strstr(refusal, properties[i].value) == NULL);
}

static void make_role(const struct kafka_property *properties, size_t count, enum kafka_role role)
{
    struct err err = {0};
    rd_kafka_conf_t *conf = kafka_conf_new(properties, count, role, &err);
    if (conf == NULL) {
        assert(err.code == ERR_CONFIG_INVALID && err.text[0] != '\0');
        assert_no_password(properties, count, err.text);
        return;
    }
    if (role == KAFKA_REPLACE_CONSUMER) {
        assert_is(conf, "isolation.level", "read_committed");
        assert_is(conf, "enable.auto.commit", "false");
    } else if (role == KAFKA_TRANSACTIONAL_PRODUCER)
        assert_is(conf, "enable.idempotence", "true");
    rd_kafka_conf_destroy(conf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct kafka_property properties[PROPERTIES_MAX + 1];
    struct buf text = {0};
    buf_put(&text, data, size);
    buf_put_byte(&text, 0);
    size_t count = read_properties((char *)text.data, size, properties);
    make_role(properties, count, KAFKA_REPLACE_CONSUMER);
    make_role(properties, count, KAFKA_TRANSACTIONAL_PRODUCER);
    assert(kafka_message_max_bytes(properties, count) > 0);
    buf_free(&text);
    return 0;
}
