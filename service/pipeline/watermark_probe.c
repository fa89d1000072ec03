#include "pipeline/watermark_probe.h"

#include "kafka/ends.h"
#include "metrics/metrics.h"
#include "pipeline/batch.h"
#include "redis/watermark.h"

#include <stdlib.h>

enum { TURN_EVERY_US = 150 * 1000, ENDS_TIMEOUT_MS = 500 };

/* One assigned partition. */
struct mark {
    const char *topic; /* of the settings */
    int32_t partition;
    bool asked;        /* moment and end are those of an open question */
    int64_t moment_ms; /* Redis' clock, before the end was asked for */
    int64_t end;
    int64_t advanced_ms; /* the watermark that was written last; 0: none yet */
};

struct watermark_probe {
    struct pipeline_context *context;
    struct ends *ends;
    struct arena *arena; /* of one turn */
    struct mark *marks;
    size_t count;
    int64_t turned_us;
    struct err standing; /* why the latest turn failed, if it did */
};

struct watermark_probe *watermark_probe_new(struct pipeline_context *context)
{
    struct watermark_probe *probe = calloc(1, sizeof *probe);
    if (probe == NULL)
        return NULL;
    probe->context = context;
    probe->arena = arena_new(0);
    if (probe->arena == NULL) {
        watermark_probe_free(probe);
        return NULL;
    }
    return probe;
}

void watermark_probe_free(struct watermark_probe *probe)
{
    if (probe == NULL)
        return;
    ends_free(probe->ends);
    arena_free(probe->arena);
    free(probe->marks);
    free(probe);
}

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "out of memory for the watermarks");
}

static const char *event_topic(const struct watermark_probe *probe, const char *topic)
{
    const struct topic_names *names = &probe->context->settings->topics;
    return strcmp(topic, names->renewals) == 0 ? names->renewals : names->enrollments;
}

static struct mark *find(struct mark *marks, size_t count, const char *topic, int32_t partition)
{
    for (size_t i = 0; i < count; i++)
        if (marks[i].partition == partition && strcmp(marks[i].topic, topic) == 0)
            return &marks[i];
    return NULL;
}

/* The marks of what is assigned now; those that were assigned before keep what they know. */
static bool follow_assignment(struct watermark_probe *probe, struct consumer *consumer, struct err *err)
{
    const rd_kafka_topic_partition_list_t *assigned;
    size_t count = consumer_assigned(consumer, &assigned);
    struct mark *marks = calloc(count > 0 ? count : 1, sizeof *marks);
    if (marks == NULL)
        return no_memory(err);
    for (size_t i = 0; i < count; i++) {
        const rd_kafka_topic_partition_t *one = &assigned->elems[i];
        const struct mark *known = find(probe->marks, probe->count, one->topic, one->partition);
        if (known != NULL)
            marks[i] = *known;
        else
            marks[i] = (struct mark){.topic = event_topic(probe, one->topic), .partition = one->partition};
    }
    free(probe->marks);
    probe->marks = marks;
    probe->count = count;
    return true;
}

/* Asks for the ends of the topic's partitions that have no open question. The moment must be read before. */
static bool ask_ends(struct watermark_probe *probe, const char *topic, int64_t moment_ms, struct err *err)
{
    int32_t most = -1;
    for (size_t i = 0; i < probe->count; i++)
        if (strcmp(probe->marks[i].topic, topic) == 0 && !probe->marks[i].asked &&
            probe->marks[i].partition > most)
            most = probe->marks[i].partition;
    if (most < 0)
        return true;
    int64_t *ends = arena_array(probe->arena, (size_t)most + 1, sizeof *ends);
    if (ends == NULL)
        return no_memory(err);
    if (!ends_query_all(probe->ends, topic, ends, (size_t)most + 1, ENDS_TIMEOUT_MS, err))
        return false;
    for (size_t i = 0; i < probe->count; i++) {
        struct mark *mark = &probe->marks[i];
        if (strcmp(mark->topic, topic) != 0 || mark->asked)
            continue;
        mark->asked = true;
        mark->moment_ms = moment_ms;
        mark->end = ends[mark->partition];
    }
    return true;
}

/* Writes the watermarks of the partitions that are staged up to the end that was asked for. */
static bool advance(struct watermark_probe *probe, struct redis *redis, struct consumer *consumer,
                    struct err *err)
{
    struct watermark *reached = arena_array(probe->arena, probe->count, sizeof *reached);
    size_t count = 0;
    if (reached == NULL)
        return no_memory(err);
    for (size_t i = 0; i < probe->count; i++) {
        struct mark *mark = &probe->marks[i];
        if (mark->asked && consumer_reached(consumer, mark->topic, mark->partition) >= mark->end)
            reached[count++] = (struct watermark){mark->topic, mark->partition, mark->moment_ms};
    }
    if (!watermark_advance(redis, reached, count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        struct mark *mark = find(probe->marks, probe->count, reached[i].topic, reached[i].partition);
        mark->asked = false;
        mark->advanced_ms = reached[i].ms;
    }
    return true;
}

static void tell_age(const struct watermark_probe *probe, int64_t now_ms)
{
    int64_t oldest = now_ms;
    for (size_t i = 0; i < probe->count; i++)
        if (probe->marks[i].advanced_ms != 0 && probe->marks[i].advanced_ms < oldest)
            oldest = probe->marks[i].advanced_ms;
    metric_set(METRIC_WATERMARK_AGE, (now_ms - oldest) / 1000);
}

static bool ensure_ends(struct watermark_probe *probe, struct err *err)
{
    struct pipeline_context *context = probe->context;
    if (probe->ends != NULL)
        return true;
    rd_kafka_conf_t *conf =
        kafka_conf_new(context->kafka_properties, context->kafka_property_count, KAFKA_ENDS, err);
    probe->ends = conf != NULL ? ends_new(conf, err) : NULL;
    return probe->ends != NULL;
}

static bool turn(struct watermark_probe *probe, struct redis *redis, struct consumer *consumer,
                 struct err *err)
{
    const struct topic_names *topics = &probe->context->settings->topics;
    int64_t moment_ms;
    arena_reset(probe->arena);
    if (!ensure_ends(probe, err) || !follow_assignment(probe, consumer, err) ||
        !advance(probe, redis, consumer, err) || !redis_time(redis, &moment_ms, err))
        return false;
    tell_age(probe, moment_ms);
    return ask_ends(probe, topics->enrollments, moment_ms, err) &&
           ask_ends(probe, topics->renewals, moment_ms, err) && advance(probe, redis, consumer, err);
}

bool watermark_probe_turn(struct watermark_probe *probe, struct redis *redis, struct consumer *consumer,
                          struct err *err)
{
    int64_t now_us = monotonic_us();
    if (now_us - probe->turned_us >= TURN_EVERY_US) {
        probe->turned_us = now_us;
        probe->standing = (struct err){0};
        turn(probe, redis, consumer, &probe->standing);
    }
    if (probe->standing.code == ERR_NONE)
        return true;
    *err = probe->standing;
    return false;
}
