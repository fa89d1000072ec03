/* certswap topics create: makes the topics of the contract. */
#include "kafka/topics.h"
#include "cli/output.h"
#include "cli/record_input.h"
#include "cli/session.h"
#include "cli/subcommands.h"

enum { PARTITIONS = 6, TOPIC_COUNT = 8 };

/* Events carry private keys that are of use for minutes: they need not lie for a week. */
static const int64_t EVENT_RETENTION_MS = (int64_t)24 * 60 * 60 * 1000;

static const struct option_row ROWS[] = {
    {.name = "partitions",
     .kind = OPTION_NUMBER,
     .least = 1,
     .value = "N",
     .help = "of each topic (default: 6): so many pipelines can share the work"},
    {.name = "replication",
     .kind = OPTION_NUMBER,
     .least = 1,
     .value = "N",
     .help = "copies of each partition (default: the broker's)"},
    {0}};

static void report(void *arg, const struct topic_plan *plan, enum topic_outcome outcome, const char *text)
{
    static const char *const OUTCOMES[] = {
        [TOPIC_CREATED] = "created", [TOPIC_EXISTED] = "existed", [TOPIC_FAILED] = "failed"};
    json_array_append_new(arg, json_pack("{s:s, s:i, s:b, s:s, s:s?}", "topic", plan->name, "partitions",
                                         plan->partitions, "compacted", plan->compacted, "outcome",
                                         OUTCOMES[outcome], "reason", text));
}

static bool print(const struct options *options, const json_t *lines)
{
    static const char *const TITLES[] = {"TOPIC", "OUTCOME", "REASON"};
    static const char *const FIELDS[] = {"topic", "outcome", "reason"};
    size_t index;
    json_t *line;
    AUTO(table) struct table *table = table_new(TITLES, 3);
    if (table == NULL)
        return false;
    json_array_foreach(lines, index, line)
    {
        struct span cells[3];
        for (size_t i = 0; i < 3; i++)
            cells[i] = span_text(json_string_value(json_object_get(line, FIELDS[i])));
        if (output_is_json(options) && !output_json(options, line))
            return false;
        table_add(table, cells);
    }
    AUTO(buf) struct buf out = {0};
    table_print(table, &out);
    return output_is_json(options) || output_put(options, &out);
}

static int run(const struct options *options)
{
    int status = STATUS_DONE;
    AUTO(session) struct session *session = session_open(options, &status);
    if (session == NULL)
        return status;
    const struct topic_names *names = &session_settings(session)->topics;
    const char *const all[TOPIC_COUNT] = {names->enrollments, names->renewals, names->inventory,
                                          names->commands,    names->retry,    names->dlq,
                                          names->jobs,        names->results};
    struct topic_plan plans[TOPIC_COUNT];
    for (size_t i = 0; i < TOPIC_COUNT; i++)
        plans[i] = (struct topic_plan){.name = all[i],
                                       .partitions = options_number(options, "partitions", PARTITIONS),
                                       .replication = options_number(options, "replication", -1),
                                       .compacted = all[i] == names->inventory,
                                       .retention_ms = i < 2 ? EVENT_RETENTION_MS : 0};
    struct err err = {0};
    rd_kafka_conf_t *conf = session_conf(session, KAFKA_ADMIN, &err);
    AUTO(json) json_t *lines = json_array();
    if (conf == NULL || lines == NULL) {
        if (conf != NULL)
            rd_kafka_conf_destroy(conf);
        return output_fail_err(options, &err);
    }
    bool ok = topics_create(conf, plans, TOPIC_COUNT, SESSION_KAFKA_TIMEOUT_MS, report, lines, &err);
    if (json_array_size(lines) > 0 && !print(options, lines))
        return STATUS_FAILED;
    return ok ? STATUS_DONE : output_fail_err(options, &err);
}

const struct subcommand SUBCOMMAND_TOPICS_CREATE = {
    .name = "topics create",
    .summary = "create the topics that do not exist yet",
    .rows = ROWS,
    .needs_kafka = true,
    .details =
        "Topics that exist are left as they are. The inventory topic is compacted; enrollments and renewals\n"
        "are kept for a day.\n",
    .run = run,
};
