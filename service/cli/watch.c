/* certswap watch: prints the records of a topic as they are committed. */
#include "cli/output.h"
#include "cli/record_input.h"
#include "cli/session.h"
#include "cli/subcommands.h"
#include "cli/suggest.h"
#include "cli/watch_line.h"

#include <signal.h>

enum { POLL_MS = 200 };

static const struct option_row ROWS[] = {
    {.name = "from-beginning",
     .kind = OPTION_FLAG,
     .help = "all that the topic holds, not only what comes from now on"},
    {.name = "until-end",
     .kind = OPTION_FLAG,
     .help = "stop at what was there at the start; with --from-beginning"},
    {.name = "count",
     .letter = 'n',
     .kind = OPTION_NUMBER,
     .least = 1,
     .value = "N",
     .help = "stop after so many records"},
    {.name = "timeout",
     .letter = 't',
     .kind = OPTION_NUMBER,
     .least = 1,
     .value = "SECONDS",
     .help = "stop, with status 14, when --count was not reached by then"},
    {.name = "field",
     .kind = OPTION_TEXT,
     .repeats = true,
     .value = "PATH",
     .help = "print only this field, as value.storePath; a tab between several"},
    {.name = "show-secrets", .kind = OPTION_FLAG, .help = "also passwords and credentials"},
    {0}};

static volatile sig_atomic_t stopped;

static void stop(int signal_number)
{
    (void)signal_number;
    stopped = 1;
}

/* The value at a path of names with dots between them; NULL when there is none. */
static const json_t *at_path(const json_t *value, const char *path)
{
    while (value != NULL && *path != '\0') {
        size_t len = strcspn(path, ".");
        value = json_object_getn(value, path, len);
        path += len + (path[len] == '.');
    }
    return value;
}

/* The fields asked for, on one line; empty where a record has none of that name. */
static bool print_fields(const struct options *options, const json_t *line)
{
    AUTO(buf) struct buf out = {0};
    AUTO(buf) struct buf cell = {0};
    for (size_t i = 0; i < options_count(options, "field"); i++) {
        const json_t *value = at_path(line, options_nth(options, "field", i));
        buf_reset(&cell);
        if (value != NULL)
            output_put_cell(&cell, value);
        buf_put_text(&out, i > 0 ? "\t" : "");
        table_put_clean(&out, buf_span(&cell));
        out.failed |= cell.failed;
    }
    buf_put_byte(&out, '\n');
    return output_put(options, &out);
}

static bool print(const struct options *options, const struct session *session,
                  const rd_kafka_message_t *message)
{
    AUTO(json)
    json_t *line = watch_line(session_codec(session), message, rd_kafka_message_timestamp(message, NULL),
                              options_has(options, "show-secrets"));
    if (line == NULL) {
        output_fail(options, STATUS_FAILED, "out of memory");
        return false;
    }
    if (options_has(options, "field"))
        return print_fields(options, line);
    if (output_is_json(options))
        return output_json(options, line);
    AUTO(buf) struct buf out = {0};
    watch_put_text(&out, line);
    return output_put(options, &out);
}

static int follow(const struct options *options, const struct session *session, struct reader *reader)
{
    int64_t left = options_has(options, "count") ? options_number(options, "count", 0) : INT64_MAX;
    int64_t end = options_has(options, "timeout")
                      ? record_input_now_ms() + (int64_t)options_number(options, "timeout", 0) * 1000
                      : INT64_MAX;
    while (!stopped && left > 0) {
        if (reader_is_fatal(reader))
            return output_fail(options, STATUS_UNAVAILABLE, "%s", reader_trouble(reader));
        if (record_input_now_ms() >= end)
            return output_fail(options, STATUS_TIMEOUT, "the time is over");
        rd_kafka_message_t *message = reader_poll(reader, POLL_MS);
        if (message == NULL) {
            if (options_has(options, "until-end") && reader_is_caught_up(reader))
                break;
            continue;
        }
        bool printed = print(options, session, message);
        rd_kafka_message_destroy(message);
        if (!printed)
            return STATUS_FAILED;
        left--;
    }
    return STATUS_DONE;
}

/* The topic meant by a role's name, or a topic of that name; warns of what looks like a mistyped role. */
static const char *topic_of(const struct options *options, const struct session *session, const char *word)
{
    static const char *const ROLES[] = {"enrollments", "renewals", "inventory", "commands",
                                        "retry",       "dlq",      "jobs",      "results"};
    const char *topic = session_topic(session, word);
    if (topic != NULL)
        return topic;
    const char *nearest = suggest_nearest(word, ROLES, sizeof ROLES / sizeof *ROLES);
    if (nearest != NULL)
        output_fail(options, STATUS_DONE, "reading a topic called %.200s; did you mean '%s'?", word, nearest);
    return word;
}

static int run(const struct options *options)
{
    if (options_has(options, "until-end") && !options_has(options, "from-beginning"))
        return output_fail(options, STATUS_USAGE, "--until-end needs --from-beginning");
    int status = STATUS_DONE;
    AUTO(session) struct session *session = session_open(options, &status);
    if (session == NULL)
        return status;
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    struct err err = {0};
    enum reader_start start =
        options_has(options, "from-beginning") ? READER_FROM_BEGINNING : READER_FROM_END;
    const char *topic = topic_of(options, session, options_argument(options, 0));
    AUTO(reader) struct reader *reader = session_reader(session, topic, start, &err);
    return reader != NULL ? follow(options, session, reader) : output_fail_err(options, &err);
}

const struct subcommand SUBCOMMAND_WATCH = {
    .name = "watch",
    .summary = "print the records of a topic, as JSON",
    .arguments = "TOPIC",
    .choices = SESSION_TOPIC_ROLES,
    .argument_min = 1,
    .argument_max = 1,
    .rows = ROWS,
    .needs_kafka = true,
    .details =
        "TOPIC is one of " SESSION_TOPIC_ROLES ",\n"
        "or any topic's name. Only committed records are shown. Passwords and credentials are hidden.\n\n"
        "  certswap watch results --from-beginning --field key --field value.status\n",
    .run = run,
};
