/* See kafka_scenarios.h. */
#include "support/kafka_scenarios.h"
#include "kafka/deadline.h"
#include "support/kafka_helpers.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

enum { RECORDS = 500, RESUME_AFTER = 40 };

struct reading {
    struct consumer *consumer;
    const char *topic;
    uint32_t random;
    int64_t next[SCENARIO_PARTITIONS];
    int resume_in[SCENARIO_PARTITIONS]; /* polls until the partition is resumed; 0: it is not paused */
    int pauses;
    int done; /* partitions read to their end */
};

static uint32_t draw(struct reading *reading, uint32_t below)
{
    reading->random = reading->random * 1664525 + 1013904223;
    return (reading->random >> 16) % below;
}

static void expect_reached(const struct reading *reading)
{
    for (int32_t i = 0; i < SCENARIO_PARTITIONS; i++) {
        int64_t reached = consumer_reached(reading->consumer, reading->topic, i);
        cr_expect(reached == reading->next[i] || (reached == -1 && reading->next[i] == 0),
                  "partition %d has reached %ld, not %ld", i, (long)reached, (long)reading->next[i]);
    }
}

/* Pauses the message's partition, half of the time going back to the message, before or after. */
static void pause_one(struct reading *reading, const rd_kafka_message_t *message)
{
    struct err err = {0};
    AUTO(offset_table) struct offset_table *back = offset_table_new();
    cr_assert(offset_table_add(back, message));
    uint32_t way = draw(reading, 4);
    if (way == 0)
        cr_assert(consumer_rewind(reading->consumer, back, &err), "%s", err.text);
    cr_assert(consumer_pause_partition(reading->consumer, reading->topic, message->partition, &err), "%s",
              err.text);
    if (way == 1)
        cr_assert(consumer_rewind(reading->consumer, back, &err), "%s", err.text);
    if (way <= 1)
        reading->next[message->partition]--;
    reading->resume_in[message->partition] = 1 + (int)draw(reading, RESUME_AFTER);
    reading->pauses++;
}

static void resume_what_is_due(struct reading *reading)
{
    struct err err = {0};
    for (int32_t i = 0; i < SCENARIO_PARTITIONS; i++)
        if (reading->resume_in[i] > 0 && --reading->resume_in[i] == 0)
            cr_assert(consumer_resume_partition(reading->consumer, reading->topic, i, &err), "%s", err.text);
}

/* Nothing comes while all is paused; afterwards what was paused alone still is. Partitions may be paused and
   resumed alone meanwhile. */
static void pause_all(struct reading *reading)
{
    struct err err = {0};
    cr_assert(consumer_pause_all(reading->consumer, &err), "%s", err.text);
    cr_assert_null(consumer_poll(reading->consumer, 5));
    resume_what_is_due(reading);
    cr_assert_null(consumer_poll(reading->consumer, 5), "a record came while all was paused");
    cr_assert(consumer_resume_all(reading->consumer, &err), "%s", err.text);
}

static void take_record(struct reading *reading, const rd_kafka_message_t *message)
{
    int32_t partition = message->partition;
    cr_assert_eq(reading->resume_in[partition], 0, "a record came from partition %d, which is paused",
                 partition);
    cr_assert_eq(message->offset, reading->next[partition], "partition %d gave offset %ld, not %ld",
                 partition, (long)message->offset, (long)reading->next[partition]);
    reading->next[partition]++;
    if (draw(reading, 25) == 0)
        pause_one(reading, message);
    else if (draw(reading, 150) == 0)
        pause_all(reading);
}

void scenario_pauses(const char *bootstrap, const char *topic, uint32_t seed)
{
    test_fill_partitions(bootstrap, topic, SCENARIO_PARTITIONS, RECORDS);
    struct reading reading = {.topic = topic, .random = seed};
    reading.consumer = test_consumer(bootstrap, topic, topic, NULL);
    int64_t deadline = deadline_in(3 * TEST_TIMEOUT_MS);
    for (int left = SCENARIO_PARTITIONS; left > 0;) {
        cr_assert(deadline_left(deadline, 1) > 0, "records are missing: %ld %ld %ld %ld are next",
                  (long)reading.next[0], (long)reading.next[1], (long)reading.next[2], (long)reading.next[3]);
        rd_kafka_message_t *message = consumer_poll(reading.consumer, 10);
        if (message != NULL) {
            take_record(&reading, message);
            rd_kafka_message_destroy(message);
            expect_reached(&reading);
        }
        resume_what_is_due(&reading);
        left = 0;
        for (int i = 0; i < SCENARIO_PARTITIONS; i++)
            left += reading.next[i] < RECORDS || reading.resume_in[i] > 0;
    }
    cr_expect_gt(reading.pauses, 40);
    cr_expect_null(consumer_poll(reading.consumer, 200), "a record came twice");
    consumer_free(reading.consumer);
}
