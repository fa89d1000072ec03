#include "metrics/metrics.h"
#include "pipeline/health.h"

#include <criterion/criterion.h>

static bool ready(struct health *health, const char *reasons)
{
    AUTO(buf) struct buf buf = {0};
    bool is = health_is_ready(health, &buf);
    cr_assert(span_equal(buf_span(&buf), span_text(reasons)), "%.*s", SPAN_ARG(buf_span(&buf)));
    return is;
}

Test(health, is_ready_when_every_part_is)
{
    AUTO(health) struct health *health = health_new();
    struct health_part *inventory = health_add(health, "inventory");
    struct health_part *pipeline = health_add(health, "pipeline-0");
    cr_assert_not(ready(health, "inventory: starting\npipeline-0: starting\n"));
    health_ready(inventory);
    health_waiting(pipeline, "Kafka: joining the consumer group");
    cr_assert_not(ready(health, "pipeline-0: Kafka: joining the consumer group\n"));
    health_ready(pipeline);
    cr_assert(ready(health, ""));
    health_waiting(inventory, "gone");
    cr_assert_not(ready(health, "inventory: gone\n"));
}

Test(health, counts_the_parts_that_are_not_ready)
{
    metrics_init();
    AUTO(health) struct health *health = health_new();
    struct health_part *inventory = health_add(health, "inventory");
    struct health_part *staging = health_add(health, "staging");
    cr_assert_eq(metric_get(METRIC_UNREADY_PARTS), 2);
    health_waiting(inventory, "still reading");
    health_ready(staging);
    health_ready(staging);
    cr_assert_eq(metric_get(METRIC_UNREADY_PARTS), 1);
    health_ready(inventory);
    cr_assert_eq(metric_get(METRIC_UNREADY_PARTS), 0);
    health_waiting(staging, "Redis is down");
    health_waiting(staging, "Redis is still down");
    cr_assert_eq(metric_get(METRIC_UNREADY_PARTS), 1);
}

Test(health, is_live_while_its_parts_turn_whatever_they_wait_for)
{
    AUTO(health) struct health *health = health_new();
    struct health_part *part = health_add(health, "staging");
    health_waiting(part, "Redis is down");
    health_beat(part);
    AUTO(buf) struct buf reasons = {0};
    cr_assert(health_is_live(health, &reasons));
    cr_assert_eq(reasons.len, 0);
}
