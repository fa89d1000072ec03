/* The trouble of a client: kept with its remedy, and asked after when nothing tells by itself that it is
 * over. */
#include "kafka/client_private.h"
#include "kafka/deadline.h"
#include "kafka/errors.h"

#include <stdio.h>
#include <string.h>

enum { ASK_EVERY_MS = 2000 };

void kafka_trouble_note(struct kafka_trouble *trouble, const rd_kafka_t *client, rd_kafka_resp_err_t code,
                        const char *text)
{
    const char *remedy = kafka_remedy(code);
    char line[ERR_TEXT_MAX];
    snprintf(line, sizeof line, "%s%s%s", text, remedy != NULL ? "; " : "", remedy != NULL ? remedy : "");
    if (trouble == NULL || trouble->code != code)
        kafka_log_line(remedy != NULL || kafka_classify_code(code) == ERR_KAFKA_FATAL ? 3 : 4,
                       rd_kafka_name(client), line);
    if (trouble != NULL) {
        trouble->code = code;
        memcpy(trouble->text, line, sizeof line);
        trouble->topic[0] = '\0';
        trouble->partition = RD_KAFKA_PARTITION_UA;
        trouble->noted_at = trouble->asked_at = monotonic_ms();
    }
}

void kafka_trouble_clear(struct kafka_trouble *trouble)
{
    *trouble = (struct kafka_trouble){.partition = RD_KAFKA_PARTITION_UA};
}

const char *kafka_trouble_text(const struct kafka_trouble *trouble)
{
    return trouble->code != RD_KAFKA_RESP_ERR_NO_ERROR ? trouble->text : NULL;
}

void kafka_trouble_confine(struct kafka_trouble *trouble, const char *topic, int32_t partition)
{
    snprintf(trouble->topic, sizeof trouble->topic, "%s", topic);
    trouble->partition = partition;
}

bool kafka_trouble_is_due(struct kafka_trouble *trouble, int patience_ms)
{
    int64_t now = monotonic_ms();
    if (trouble->code == RD_KAFKA_RESP_ERR_NO_ERROR ||
        kafka_classify_code(trouble->code) == ERR_KAFKA_FATAL || now - trouble->noted_at < patience_ms ||
        now - trouble->asked_at < ASK_EVERY_MS)
        return false;
    trouble->asked_at = now;
    return true;
}

rd_kafka_resp_err_t kafka_ask(rd_kafka_t *client, const char *topic, int timeout_ms)
{
    rd_kafka_topic_t *handle = topic[0] != '\0' ? rd_kafka_topic_new(client, topic, NULL) : NULL;
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_resp_err_t failure = rd_kafka_metadata(client, 0, handle, &metadata, timeout_ms);
    if (failure == RD_KAFKA_RESP_ERR_NO_ERROR) {
        if (handle != NULL)
            failure =
                metadata->topic_cnt == 0 ? RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART : metadata->topics[0].err;
        rd_kafka_metadata_destroy(metadata);
    }
    if (handle != NULL)
        rd_kafka_topic_destroy(handle);
    return failure;
}
