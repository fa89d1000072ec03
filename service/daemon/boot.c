#include "daemon/boot.h"

#include "crypto/library.h"
#include "http/server.h"
#include "kafka/client_log.h"
#include "kafka/login.h"
#include "log/log.h"
#include "metrics/metrics.h"
#include "pipeline/inventory_loop.h"
#include "pipeline/kafka_of.h"
#include "pipeline/keys_loop.h"
#include "pipeline/registry_of.h"
#include "pipeline/replace_work.h"
#include "pipeline/staging_work.h"
#include "redis/tls.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    REDIS_TIMEOUT_MS = 2000,
    REGISTRY_TIMEOUT_MS = 5000,
    PIPELINE_NAME_MAX = 32,
    /* Four credentials of the most iterations that are accepted take less time than a loop may stand still.
     */
    STAGING_BATCH_MOST = 4,
};

struct pipeline {
    char name[PIPELINE_NAME_MAX];
    struct replace_work *work;
    struct runner *runner;
    bool started;
};

struct service {
    const struct settings *settings;
    struct pipeline_context context;
    struct kafka_property *kafka_properties;
    struct redis_tls redis_tls;
    struct schema_set *schemas;
    char *event_source;
    char *staging_group;
    struct keys_loop *keys_loop; /* NULL: no token is asked for */
    bool keys_started;
    struct inventory_loop *inventory_loop;
    bool inventory_started;
    struct staging_work *staging_work;
    struct runner *staging;
    bool staging_started;
    struct pipeline *pipelines;
    struct http_server *http;
    size_t stages_started;
    /* what the runners borrow */
    const char *command_topics[2];
    const char *event_topics[2];
    const char *replace_outputs[4];
    const char *staging_outputs[1];
    atomic_bool in_group; /* the first pipeline is */
};

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "out of memory at the start");
}

static int64_t wall_clock_ms(void *arg)
{
    (void)arg;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static const struct clock wall_clock = {wall_clock_ms, NULL};

static bool start_crypto(struct service *service, struct err *err)
{
    (void)service;
    return crypto_library_start(err);
}

static void stop_crypto(struct service *service)
{
    (void)service;
    crypto_library_stop();
}

static bool start_schemas(struct service *service, struct err *err)
{
    service->schemas = schema_set_new(service->settings->schemas_dir, err);
    service->context.schemas = service->schemas;
    return service->schemas != NULL;
}

static void stop_schemas(struct service *service)
{
    schema_set_free(service->schemas);
}

static bool start_registry(struct service *service, struct err *err)
{
    struct pipeline_context *context = &service->context;
    return registry_of(service->settings, service->schemas, REGISTRY_TIMEOUT_MS, &context->stop,
                       &context->registry, err);
}

static void stop_registry(struct service *service)
{
    registry_free(service->context.registry);
}

static bool start_inventory(struct service *service, struct err *err)
{
    service->context.inventory = inventory_new();
    return service->context.inventory != NULL || no_memory(err);
}

static void stop_inventory(struct service *service)
{
    inventory_free(service->context.inventory);
}

static bool start_health(struct service *service, struct err *err)
{
    service->context.health = health_new();
    return service->context.health != NULL || no_memory(err);
}

static void stop_health(struct service *service)
{
    health_free(service->context.health);
}

static bool start_clients(struct service *service, struct err *err)
{
    const struct settings *settings = service->settings;
    struct pipeline_context *context = &service->context;
    const struct redis_address *redis = &settings->redis;
    kafka_log_to(kafka_log_write);
    kafka_login_of(settings);
    service->kafka_properties = kafka_properties_of(settings, &context->kafka_property_count);
    context->kafka_properties = service->kafka_properties;
    if (service->kafka_properties == NULL ||
        asprintf(&service->event_source, "/certswap/%s", settings->group_id) < 0 ||
        asprintf(&service->staging_group, "%s-staging", settings->group_id) < 0)
        return no_memory(err);
    context->event_source = span_text(service->event_source);
    context->message_max_bytes =
        kafka_message_max_bytes(service->kafka_properties, context->kafka_property_count);
    service->redis_tls = redis_tls_of(settings);
    context->redis = (struct redis_options){
        .unix_path = redis->scheme == REDIS_SCHEME_UNIX ? redis->path : NULL,
        .host = redis->host,
        .port = redis->port,
        .database = redis->db,
        .user = redis->user,
        .password = redis->password.len > 0 ? (const char *)redis->password.data : NULL,
        .url_file = settings_file_view(settings, "CERTSWAP_REDIS_URL"),
        .tls = redis->scheme == REDIS_SCHEME_TLS ? &service->redis_tls : NULL,
        .timeout_ms = REDIS_TIMEOUT_MS,
    };
    return true;
}

static void stop_clients(struct service *service)
{
    kafka_login_end();
    free(service->kafka_properties);
    free(service->event_source);
    free(service->staging_group);
}

static bool make_keys(struct service *service, struct err *err)
{
    if (service->settings->auth != AUTH_JWT)
        return true;
    service->keys_loop = keys_loop_new(&service->context, err);
    return service->keys_loop != NULL;
}

static void free_keys(struct service *service)
{
    keys_loop_free(service->keys_loop);
}

static bool make_staging(struct service *service, struct err *err)
{
    const struct topic_names *topics = &service->settings->topics;
    service->event_topics[0] = topics->enrollments;
    service->event_topics[1] = topics->renewals;
    service->staging_outputs[0] = topics->dlq;
    service->staging_work = staging_work_new(&service->context, err);
    if (service->staging_work == NULL)
        return false;
    service->staging = runner_new(&service->context, &(struct runner_options){
                                                         .name = "staging",
                                                         .group_id = service->staging_group,
                                                         .consumer_role = KAFKA_STAGING_CONSUMER,
                                                         .input_topics = service->event_topics,
                                                         .input_topic_count = 2,
                                                         .output_topics = service->staging_outputs,
                                                         .output_topic_count = 1,
                                                         .batch_most = STAGING_BATCH_MOST,
                                                         .work = staging_work(service->staging_work),
                                                     });
    return service->staging != NULL || no_memory(err);
}

static bool make_pipeline(struct service *service, int number, struct err *err)
{
    struct pipeline *pipeline = &service->pipelines[number];
    snprintf(pipeline->name, sizeof pipeline->name, "pipeline-%d", number);
    pipeline->work = replace_work_new(&service->context, err);
    if (pipeline->work == NULL)
        return false;
    pipeline->runner = runner_new(&service->context, &(struct runner_options){
                                                         .name = pipeline->name,
                                                         .group_id = service->settings->group_id,
                                                         .consumer_role = KAFKA_REPLACE_CONSUMER,
                                                         .input_topics = service->command_topics,
                                                         .input_topic_count = 2,
                                                         .output_topics = service->replace_outputs,
                                                         .output_topic_count = 4,
                                                         .in_group = &service->in_group,
                                                         .is_first = number == 0,
                                                         .work = replace_work(pipeline->work),
                                                     });
    return pipeline->runner != NULL || no_memory(err);
}

/* All parts of /readyz are there before anybody asks, and before the first thread runs. */
static bool make_loops(struct service *service, struct err *err)
{
    const struct topic_names *topics = &service->settings->topics;
    service->command_topics[0] = topics->commands;
    service->command_topics[1] = topics->retry;
    service->replace_outputs[0] = topics->jobs;
    service->replace_outputs[1] = topics->results;
    service->replace_outputs[2] = topics->dlq;
    service->replace_outputs[3] = topics->retry;
    service->inventory_loop = inventory_loop_new(&service->context);
    service->pipelines = calloc((size_t)service->settings->pipelines, sizeof *service->pipelines);
    if (service->inventory_loop == NULL || service->pipelines == NULL)
        return no_memory(err);
    bool made = make_staging(service, err);
    for (int i = 0; made && i < service->settings->pipelines; i++)
        made = make_pipeline(service, i, err);
    return made;
}

static void free_loops(struct service *service)
{
    for (int i = 0; service->pipelines != NULL && i < service->settings->pipelines; i++) {
        runner_free(service->pipelines[i].runner);
        replace_work_free(service->pipelines[i].work);
    }
    free(service->pipelines);
    runner_free(service->staging);
    staging_work_free(service->staging_work);
    inventory_loop_free(service->inventory_loop);
}

static bool is_ready(void *arg, struct buf *reasons)
{
    struct service *service = arg;
    if (atomic_load(&service->context.stop)) {
        buf_put_text(reasons, "stopping\n");
        return false;
    }
    return health_is_ready(service->context.health, reasons);
}

static bool is_live(void *arg, struct buf *reasons)
{
    struct service *service = arg;
    return health_is_live(service->context.health, reasons);
}

static bool start_http(struct service *service, struct err *err)
{
    const struct listen_address *listen = &service->settings->http_listen;
    struct http_options options = {listen, "CERTSWAP_HTTP_LISTEN", {is_live, service}, {is_ready, service}};
    service->http = http_server_start(&options, err);
    if (service->http == NULL)
        return false;
    log_info("listening", log_str("host", listen->host), log_int("port", http_server_port(service->http)));
    return true;
}

static void stop_http(struct service *service)
{
    http_server_stop(service->http);
}

static void join_loops(struct service *service)
{
    atomic_store(&service->context.stop, true);
    for (int i = 0; i < service->settings->pipelines; i++)
        if (service->pipelines[i].started)
            runner_join(service->pipelines[i].runner);
    if (service->staging_started)
        runner_join(service->staging);
    if (service->inventory_started)
        inventory_loop_join(service->inventory_loop);
    if (service->keys_started)
        keys_loop_join(service->keys_loop);
}

static bool start_loops(struct service *service, struct err *err)
{
    service->keys_started = service->keys_loop != NULL && keys_loop_start(service->keys_loop);
    bool all = service->keys_started || service->keys_loop == NULL;
    service->inventory_started = inventory_loop_start(service->inventory_loop);
    service->staging_started = runner_start(service->staging);
    for (int i = 0; i < service->settings->pipelines; i++) {
        service->pipelines[i].started = runner_start(service->pipelines[i].runner);
        all = all && service->pipelines[i].started;
    }
    if (all && service->inventory_started && service->staging_started)
        return true;
    join_loops(service);
    return err_set(err, ERR_CONFIG_INVALID,
                   "no more threads can be made: lower CERTSWAP_PIPELINES or raise the limit of processes");
}

/* A stage that fails cleans up after itself, except where its stop also takes a half-made one (`partial`). */
static const struct stage {
    bool (*start)(struct service *service, struct err *err);
    void (*stop)(struct service *service);
    bool partial;
} stages[] = {
    {start_crypto, stop_crypto, false},     {start_schemas, stop_schemas, false},
    {start_registry, stop_registry, false}, {start_inventory, stop_inventory, false},
    {start_health, stop_health, false},     {start_clients, stop_clients, true},
    {make_keys, free_keys, false},          {make_loops, free_loops, true},
    {start_http, stop_http, false},         {start_loops, join_loops, false},
};

enum { STAGE_COUNT = sizeof stages / sizeof *stages };

struct service *service_start(const struct settings *settings, struct err *err)
{
    struct service *service = calloc(1, sizeof *service);
    if (service == NULL) {
        no_memory(err);
        return NULL;
    }
    service->settings = settings;
    service->context.settings = settings;
    service->context.clock = &wall_clock;
    metric_set(METRIC_BUILD_INFO, 1);
    metric_set(METRIC_START_TIME, wall_clock_ms(NULL) / 1000);
    for (size_t i = 0; i < STAGE_COUNT; i++) {
        bool started = stages[i].start(service, err);
        if (started || stages[i].partial)
            service->stages_started = i + 1;
        if (!started) {
            service_stop(service);
            return NULL;
        }
    }
    return service;
}

void service_stop(struct service *service)
{
    for (size_t i = service->stages_started; i > 0; i--)
        stages[i - 1].stop(service);
    free(service);
}
