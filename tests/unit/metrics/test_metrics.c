#include "base/auto.h"
#include "domain/record.h"
#include "metrics/metrics.h"

#include <criterion/criterion.h>
#include <ctype.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>

/* The exposition as a text; buf owns it. */
static const char *exposition(struct buf *buf)
{
    buf_reset(buf);
    metrics_render(buf);
    buf_put_byte(buf, '\0');
    cr_assert_not(buf->failed);
    return (const char *)buf->data;
}

static void assert_line(const char *text, const char *line)
{
    char whole[256];
    snprintf(whole, sizeof whole, "\n%s\n", line);
    cr_assert_not_null(strstr(text, whole), "no line %s in\n%s", line, text);
}

Test(metrics, series_have_their_labels_help_and_type)
{
    AUTO(buf) struct buf buf = {0};
    metrics_init();
    metric_add(METRIC_JOBS, 20);
    metric_add(METRIC_COMMANDS, 1, METRIC_COMMAND_NO_LOCATIONS);
    metric_add(METRIC_EVENTS, 2, METRIC_EVENT_RENEWAL, METRIC_EVENT_DEAD_LETTER);
    metric_add(METRIC_EVENTS, 3, METRIC_EVENT_ENROLLMENT, METRIC_EVENT_STAGED);
    metric_add(METRIC_REJECTIONS, 1, ERR_TOO_MANY_STORES);
    metric_add(METRIC_STORE_FAILURES, 1, ERR_JOB_TOO_LARGE);
    metric_set(METRIC_DEPENDENCY_UP, 1, METRIC_DEPENDENCY_REDIS);
    metric_add(METRIC_CONSUMER_LAG, 7, METRIC_TOPIC_COMMANDS);
    metric_add(METRIC_CONSUMER_LAG, -3, METRIC_TOPIC_COMMANDS);
    metric_add(METRIC_DEAD_LETTERS, 1, METRIC_TOPIC_INVENTORY);
    metric_add(METRIC_TRANSACTIONS, 1, METRIC_TRANSACTION_ABORTED);
    const char *text = exposition(&buf);
    assert_line(text, "# TYPE certswap_jobs_total counter");
    assert_line(text, "# HELP certswap_jobs_total Store jobs committed to the jobs topic.");
    assert_line(text, "certswap_jobs_total 20");
    assert_line(text, "certswap_commands_total{outcome=\"no_locations\"} 1");
    assert_line(text, "certswap_commands_total{outcome=\"completed\"} 0");
    assert_line(text, "certswap_events_total{kind=\"renewal\",outcome=\"dead_letter\"} 2");
    assert_line(text, "certswap_events_total{kind=\"enrollment\",outcome=\"staged\"} 3");
    assert_line(text, "certswap_rejections_total{code=\"TOO_MANY_STORES\"} 1");
    assert_line(text, "certswap_rejections_total{code=\"COMMAND_ID_CONFLICT\"} 0");
    assert_line(text, "certswap_store_failures_total{code=\"JOB_TOO_LARGE\"} 1");
    assert_line(text, "certswap_dependency_up{dependency=\"redis\"} 1");
    assert_line(text, "certswap_dependency_up{dependency=\"kafka\"} 0");
    assert_line(text, "certswap_consumer_lag{topic=\"commands\"} 4");
    assert_line(text, "certswap_dead_letters_total{topic=\"inventory\"} 1");
    assert_line(text, "certswap_transactions_total{outcome=\"aborted\"} 1");
    assert_line(text, "certswap_build_info{version=\"" CERTSWAP_VERSION "\"} 1");
    cr_assert_gt(metric_get(METRIC_START_TIME), 1700000000);
    cr_assert_eq(metric_get(METRIC_CONSUMER_LAG, METRIC_TOPIC_COMMANDS), 4);
    /* each code in the set that it belongs to, and no other error in any */
    cr_assert_null(strstr(text, "rejections_total{code=\"NO_AGENT\""));
    cr_assert_null(strstr(text, "store_failures_total{code=\"NOT_STAGED\""));
    cr_assert_null(strstr(text, "INTERNAL"));
}

Test(metrics, histograms_accumulate)
{
    AUTO(buf) struct buf buf = {0};
    metrics_init();
    static const double seconds[] = {0.005, 0.0051, 0.3, 299, 301, -5, 0};
    for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++)
        metric_observe(METRIC_COMMAND_DURATION, seconds[i]);
    metric_observe(METRIC_BATCH_COMMANDS, 100);
    const char *text = exposition(&buf);
    assert_line(text, "# TYPE certswap_command_duration_seconds histogram");
    assert_line(text, "certswap_command_duration_seconds_bucket{le=\"0.005\"} 3");
    assert_line(text, "certswap_command_duration_seconds_bucket{le=\"0.01\"} 4");
    assert_line(text, "certswap_command_duration_seconds_bucket{le=\"0.25\"} 4");
    assert_line(text, "certswap_command_duration_seconds_bucket{le=\"0.5\"} 5");
    assert_line(text, "certswap_command_duration_seconds_bucket{le=\"300\"} 6");
    assert_line(text, "certswap_command_duration_seconds_bucket{le=\"+Inf\"} 7");
    assert_line(text, "certswap_command_duration_seconds_sum 600.310100");
    assert_line(text, "certswap_command_duration_seconds_count 7");
    assert_line(text, "certswap_batch_commands_bucket{le=\"50\"} 0");
    assert_line(text, "certswap_batch_commands_bucket{le=\"100\"} 1");
    assert_line(text, "certswap_batch_commands_bucket{le=\"10000\"} 1");
    assert_line(text, "certswap_batch_commands_sum 100.000000");
}

/* Prometheus' conventions for names: counters end in _total, and nothing else does. */
Test(metrics, names_follow_the_conventions)
{
    static const struct {
        const char *name;
        const char *type;
        const char *help;
    } rows[] = {
#define METRIC(id, name, type, label1, label2, help) {name, #type, help},
#include "metrics/metrics.def"
#undef METRIC
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *name = rows[i].name;
        cr_assert(strncmp(name, "certswap_", 9) == 0 || strncmp(name, "process_", 8) == 0, "%s", name);
        bool total = strlen(name) > 6 && strcmp(name + strlen(name) - 6, "_total") == 0;
        cr_assert_eq(total, strcmp(rows[i].type, "COUNTER") == 0, "%s", name);
        for (const char *c = name; *c != '\0'; c++)
            cr_assert(islower((unsigned char)*c) || *c == '_', "%s", name);
        cr_assert_null(strpbrk(rows[i].help, "\n\\"), "%s", name);
        cr_assert_eq(rows[i].help[strlen(rows[i].help) - 1], '.', "%s", name);
        for (size_t j = 0; j < i; j++)
            cr_assert_str_neq(name, rows[j].name);
    }
}

Test(metrics, outcomes_are_in_the_order_of_the_statuses)
{
    cr_assert_eq((int)METRIC_COMMAND_COMPLETED, (int)REPLACE_COMPLETED);
    cr_assert_eq((int)METRIC_COMMAND_PARTIAL, (int)REPLACE_PARTIAL);
    cr_assert_eq((int)METRIC_COMMAND_FAILED, (int)REPLACE_FAILED);
    cr_assert_eq((int)METRIC_COMMAND_NO_LOCATIONS, (int)REPLACE_NO_LOCATIONS);
    cr_assert_eq((int)METRIC_COMMAND_REJECTED, (int)REPLACE_REJECTED);
}

Test(metrics, a_label_outside_of_its_set_is_a_defect, .signal = SIGABRT)
{
    metric_add(METRIC_REJECTIONS, 1, ERR_NO_AGENT);
}

Test(metrics, a_counter_never_falls, .signal = SIGABRT)
{
    metric_add(METRIC_JOBS, -1);
}

enum { THREADS = 4, ROUNDS = 10000 };

static void *count(void *arg)
{
    (void)arg;
    for (int i = 0; i < ROUNDS; i++) {
        metric_add(METRIC_JOBS, 1);
        metric_observe(METRIC_BATCH_COMMANDS, 2);
    }
    return NULL;
}

Test(metrics, many_threads_lose_no_count)
{
    AUTO(buf) struct buf buf = {0};
    metrics_init();
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, count, NULL);
    exposition(&buf);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    cr_assert_eq(metric_get(METRIC_JOBS), THREADS * ROUNDS);
    assert_line(exposition(&buf), "certswap_batch_commands_sum 80000.000000");
}
