#include "metrics/metrics.h"

#include <assert.h>
#include <stdatomic.h>
#include <time.h>

enum metric_type { COUNTER, GAUGE, HISTOGRAM };

/* Values 0 to count - 1 of a label; NULL: the set has no such value. */
struct label_set {
    const char *label;
    unsigned count;
    const char *(*value)(unsigned value);
};

#define VALUES(function, ...)                                                                                \
    static const char *function(unsigned value)                                                              \
    {                                                                                                        \
        static const char *const values[] = {__VA_ARGS__};                                                   \
        return value < sizeof values / sizeof *values ? values[value] : NULL;                                \
    }

VALUES(no_label, "")
VALUES(command_outcome, "completed", "partial", "failed", "no_locations", "rejected", "dead_letter")
VALUES(event_kind, "enrollment", "renewal")
VALUES(event_outcome, "staged", "refused", "ignored", "replayed", "expired", "dead_letter")
VALUES(transaction_outcome, "committed", "aborted")
VALUES(input_topic, "enrollments", "renewals", "inventory", "commands", "retry")
VALUES(dependency, "kafka", "redis")
VALUES(registry_outcome, "ok", "unknown", "refused", "failed")
VALUES(version, CERTSWAP_VERSION)
#define STATUS(number) #number,
VALUES(gateway_status, METRIC_STATUSES(STATUS) "none")
#undef STATUS

enum metric_status metric_status(unsigned http_status)
{
    switch (http_status) {
#define STATUS(number)                                                                                       \
    case number:                                                                                             \
        return METRIC_STATUS_##number;
        METRIC_STATUSES(STATUS)
#undef STATUS
    default:
        return METRIC_STATUS_NONE;
    }
}

static const char *rejection_code(unsigned value)
{
    enum err_code code = (enum err_code)value;
    return value < ERR_CODE_COUNT && err_class(code) == ERR_CLASS_REJECTION ? err_name(code) : NULL;
}

static const char *store_failure_code(unsigned value)
{
    enum err_code code = (enum err_code)value;
    if (value >= ERR_CODE_COUNT)
        return NULL;
    enum err_class class = err_class(code);
    return class == ERR_CLASS_STORE_FAILURE || class == ERR_CLASS_STORE_FAILURE_RETRYABLE ? err_name(code)
                                                                                          : NULL;
}

enum set {
    NONE,
    COMMAND_OUTCOME,
    REJECTION_CODE,
    STORE_FAILURE_CODE,
    EVENT_KIND,
    EVENT_OUTCOME,
    TRANSACTION_OUTCOME,
    INPUT_TOPIC,
    DEPENDENCY,
    REGISTRY_OUTCOME,
    GATEWAY_STATUS,
    VERSION
};

static const struct label_set sets[] = {
    [NONE] = {"", 1, no_label},
    [COMMAND_OUTCOME] = {"outcome", METRIC_COMMAND_DEAD_LETTER + 1, command_outcome},
    [REJECTION_CODE] = {"code", ERR_CODE_COUNT, rejection_code},
    [STORE_FAILURE_CODE] = {"code", ERR_CODE_COUNT, store_failure_code},
    [EVENT_KIND] = {"kind", METRIC_EVENT_RENEWAL + 1, event_kind},
    [EVENT_OUTCOME] = {"outcome", METRIC_EVENT_DEAD_LETTER + 1, event_outcome},
    [TRANSACTION_OUTCOME] = {"outcome", METRIC_TRANSACTION_ABORTED + 1, transaction_outcome},
    [INPUT_TOPIC] = {"topic", METRIC_TOPIC_RETRY + 1, input_topic},
    [DEPENDENCY] = {"dependency", METRIC_DEPENDENCY_REDIS + 1, dependency},
    [REGISTRY_OUTCOME] = {"outcome", METRIC_REGISTRY_FAILED + 1, registry_outcome},
    [GATEWAY_STATUS] = {"status", METRIC_STATUS_NONE + 1, gateway_status},
    [VERSION] = {"version", 1, version},
};

static const struct {
    const char *name;
    const char *help;
    enum metric_type type;
    enum set labels[METRIC_LABELS_MAX];
} metrics[METRIC_COUNT] = {
#define METRIC(id, metric_name, kind, label1, label2, text)                                                  \
    [METRIC_##id] = {.name = metric_name, .help = text, .type = kind, .labels = {label1, label2}},
#include "metrics/metrics.def"
#undef METRIC
};

/* Upper bounds, ascending, ended by 0; the bucket above all is +Inf. */
enum { BUCKETS_MAX = 16 };
static const double seconds_bounds[BUCKETS_MAX] = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1,
                                                   2.5,   5,    10,    30,   60,  120,  300};
static const double commands_bounds[BUCKETS_MAX] = {1,   2,   5,    10,   20,   50,   100,
                                                    200, 500, 1000, 2000, 5000, 10000};

/* The largest product of two sets' counts: events by kind and outcome are 12, codes fewer than 64. */
enum { CELLS_MAX = 64, SUM_UNIT = 1000000 };
static_assert((int)ERR_CODE_COUNT <= (int)CELLS_MAX, "every error code has a cell");

/* A counter or gauge has a cell for each label value; a histogram one for each bucket, and its sum in the
   last one, in millionths. */
static _Atomic int64_t cells[METRIC_COUNT][CELLS_MAX];
enum { SUM_CELL = CELLS_MAX - 1 };

static const double *bounds_of(enum metric metric)
{
    return metric == METRIC_BATCH_COMMANDS ? commands_bounds : seconds_bounds;
}

static _Atomic int64_t *cell_of(enum metric metric, const unsigned labels[METRIC_LABELS_MAX])
{
    assert(metric < METRIC_COUNT && metrics[metric].type != HISTOGRAM);
    const struct label_set *first = &sets[metrics[metric].labels[0]];
    const struct label_set *second = &sets[metrics[metric].labels[1]];
    assert(labels[0] < first->count && first->value(labels[0]) != NULL);
    assert(labels[1] < second->count && second->value(labels[1]) != NULL);
    unsigned index = labels[0] * second->count + labels[1];
    assert(index < CELLS_MAX);
    return &cells[metric][index];
}

void metric_add_at(enum metric metric, int64_t delta, const unsigned labels[METRIC_LABELS_MAX])
{
    _Atomic int64_t *cell = cell_of(metric, labels);
    assert(delta >= 0 || metrics[metric].type == GAUGE);
    atomic_fetch_add_explicit(cell, delta, memory_order_relaxed);
}

void metric_set_at(enum metric metric, int64_t value, const unsigned labels[METRIC_LABELS_MAX])
{
    _Atomic int64_t *cell = cell_of(metric, labels);
    assert(metrics[metric].type == GAUGE);
    atomic_store_explicit(cell, value, memory_order_relaxed);
}

int64_t metric_get_at(enum metric metric, const unsigned labels[METRIC_LABELS_MAX])
{
    return atomic_load_explicit(cell_of(metric, labels), memory_order_relaxed);
}

void metric_observe(enum metric metric, double value)
{
    assert(metric < METRIC_COUNT && metrics[metric].type == HISTOGRAM);
    const double *bounds = bounds_of(metric);
    /* not a number counts as 0 too */
    double clipped = value > 0 ? value < 1e9 ? value : 1e9 : 0;
    unsigned bucket = 0;
    while (bounds[bucket] > 0 && clipped > bounds[bucket])
        bucket++;
    atomic_fetch_add_explicit(&cells[metric][SUM_CELL], (int64_t)(clipped * SUM_UNIT + 0.5),
                              memory_order_relaxed);
    atomic_fetch_add_explicit(&cells[metric][bucket], 1, memory_order_relaxed);
}

static void render_series(struct buf *buf, enum metric metric, unsigned first, unsigned second, int64_t value)
{
    const struct label_set *one = &sets[metrics[metric].labels[0]];
    const struct label_set *two = &sets[metrics[metric].labels[1]];
    buf_put_text(buf, metrics[metric].name);
    if (metrics[metric].labels[0] != NONE)
        buf_put_format(buf, "{%s=\"%s\"", one->label, one->value(first));
    if (metrics[metric].labels[1] != NONE)
        buf_put_format(buf, ",%s=\"%s\"", two->label, two->value(second));
    if (metrics[metric].labels[0] != NONE)
        buf_put_text(buf, "}");
    buf_put_format(buf, " %lld\n", (long long)value);
}

static void render_labelled(struct buf *buf, enum metric metric)
{
    const struct label_set *one = &sets[metrics[metric].labels[0]];
    const struct label_set *two = &sets[metrics[metric].labels[1]];
    for (unsigned first = 0; first < one->count; first++) {
        for (unsigned second = 0; second < two->count; second++) {
            if (one->value(first) == NULL || two->value(second) == NULL)
                continue;
            int64_t value = metric_get_at(metric, (const unsigned[]){first, second});
            render_series(buf, metric, first, second, value);
        }
    }
}

/* The count is that of the buckets just read, so that the lines agree while others observe. */
static void render_histogram(struct buf *buf, enum metric metric)
{
    const double *bounds = bounds_of(metric);
    const char *name = metrics[metric].name;
    int64_t count = 0;
    unsigned bucket = 0;
    for (; bounds[bucket] > 0; bucket++) {
        count += atomic_load_explicit(&cells[metric][bucket], memory_order_relaxed);
        buf_put_format(buf, "%s_bucket{le=\"%g\"} %lld\n", name, bounds[bucket], (long long)count);
    }
    count += atomic_load_explicit(&cells[metric][bucket], memory_order_relaxed);
    int64_t sum = atomic_load_explicit(&cells[metric][SUM_CELL], memory_order_relaxed);
    buf_put_format(buf, "%s_bucket{le=\"+Inf\"} %lld\n", name, (long long)count);
    buf_put_format(buf, "%s_sum %lld.%06lld\n", name, (long long)(sum / SUM_UNIT),
                   (long long)(sum % SUM_UNIT));
    buf_put_format(buf, "%s_count %lld\n", name, (long long)count);
}

static bool is_gateway;

void metrics_of_gateway(void)
{
    is_gateway = true;
}

/* Whether it is this program's. */
static bool is_ours(enum metric metric)
{
    static const char prefix[] = "certswap_gateway_";
    bool of_both = metric == METRIC_BUILD_INFO || metric == METRIC_START_TIME;
    return of_both || is_gateway == (strncmp(metrics[metric].name, prefix, sizeof prefix - 1) == 0);
}

void metrics_render(struct buf *buf)
{
    static const char *const types[] = {[COUNTER] = "counter", [GAUGE] = "gauge", [HISTOGRAM] = "histogram"};
    for (unsigned i = 0; i < METRIC_COUNT; i++) {
        enum metric metric = (enum metric)i;
        if (!is_ours(metric))
            continue;
        buf_put_format(buf, "# HELP %s %s\n", metrics[i].name, metrics[i].help);
        buf_put_format(buf, "# TYPE %s %s\n", metrics[i].name, types[metrics[i].type]);
        if (metrics[i].type == HISTOGRAM)
            render_histogram(buf, metric);
        else
            render_labelled(buf, metric);
    }
}

void metrics_init(void)
{
    for (unsigned i = 0; i < METRIC_COUNT; i++)
        for (unsigned j = 0; j < CELLS_MAX; j++)
            atomic_store_explicit(&cells[i][j], 0, memory_order_relaxed);
    metric_set(METRIC_BUILD_INFO, 1);
    metric_set(METRIC_START_TIME, (int64_t)time(NULL));
}
