/* certswap replace: commands that a certificate be replaced in all stores (ReplaceCommand), and with --wait
   stays for the result. */
#include "avro/codec.h"
#include "avro/json.h"
#include "cli/output.h"
#include "cli/password.h"
#include "cli/result_view.h"
#include "cli/sealing.h"
#include "cli/send.h"
#include "cli/subcommands.h"
#include "crypto/library.h"

#include <stdio.h>

enum { POLL_MS = 500, ARENA_LIMIT = 256 * 1024 * 1024 };

static const struct option_row ROWS[] = {
    {.name = "file",
     .letter = 'f',
     .kind = OPTION_FILE,
     .value = "FILE",
     .help = "the command as JSON, or an array of them; - is standard input"},
    {.name = "existing",
     .letter = 'e',
     .kind = OPTION_NUMBER,
     .of_record = true,
     .least = 1,
     .value = "ID",
     .help = "the certificate to be replaced"},
    {.name = "certificate-id",
     .letter = 'c',
     .kind = OPTION_NUMBER,
     .of_record = true,
     .least = 1,
     .value = "ID",
     .help = "the certificate that takes its place"},
    {.name = "request-id",
     .letter = 'r',
     .kind = OPTION_NUMBER,
     .of_record = true,
     .least = 1,
     .value = "ID",
     .help = "the same, by its request; give one of both"},
    {.name = "user",
     .letter = 'u',
     .kind = OPTION_TEXT,
     .of_record = true,
     .value = "USER",
     .help = "in whose name; the requester of the new certificate"},
    {.name = "permission",
     .letter = 'p',
     .kind = OPTION_TEXT,
     .repeats = true,
     .of_record = true,
     .value = "PATH",
     .help = "a permission of the user"},
    {.name = "token-file",
     .kind = OPTION_FILE,
     .of_record = true,
     .value = "FILE",
     .help = "a file whose first line is the user's token, where the service asks for one"},
    {.name = "token-env",
     .kind = OPTION_TEXT,
     .of_record = true,
     .value = "NAME",
     .help = "the environment variable that holds it"},
    {.name = "store-id",
     .kind = OPTION_UUID,
     .repeats = true,
     .of_record = true,
     .value = "GUID",
     .help = "only in this store"},
    {.name = "job-time",
     .kind = OPTION_TEXT,
     .of_record = true,
     .value = "TIME",
     .help = "when the jobs run, ISO 8601 with a zone; at once when absent"},
    PASSWORD_ROWS("what secures the certificate in the stores"),
    SEAL_TO_ROW,
    {.name = "dry-run",
     .letter = 'n',
     .kind = OPTION_FLAG,
     .of_record = true,
     .help = "make no jobs, say what would be"},
    {.name = "command-id",
     .kind = OPTION_UUID,
     .of_record = true,
     .value = "GUID",
     .help = "the command's id; a random one when absent"},
    {.name = "wait",
     .letter = 'w',
     .kind = OPTION_FLAG,
     .help = "stay for the result: it sets the exit status"},
    {.name = "timeout",
     .letter = 't',
     .kind = OPTION_NUMBER,
     .least = 1,
     .value = "SECONDS",
     .help = "how long to wait (default: 30)"},
    {0}};

static bool add_number(const struct options *options, const char *option, const char *field, json_t *object,
                       struct err *err)
{
    return !options_has(options, option) ||
           record_input_set(object, field, json_integer(options_number(options, option, 0)), err);
}

static bool add_text(const struct options *options, const char *option, const char *field, json_t *object,
                     struct err *err)
{
    const char *text = options_text(options, option);
    return text == NULL || record_input_set_text(object, field, span_text(text), err);
}

/* All values of the option as an array. */
static bool add_list(const struct options *options, const char *option, const char *field, json_t *object,
                     struct err *err)
{
    json_t *list = json_array();
    if (!record_input_set(object, field, list, err))
        return false;
    for (size_t i = 0; i < options_count(options, option); i++) {
        json_t *item = json_string(options_nth(options, option, i));
        if (item == NULL)
            return err_set(err, ERR_AVRO_INVALID, "--%s is no UTF-8", option);
        if (json_array_append_new(list, item) != 0)
            return err_set(err, ERR_NO_MEMORY, "out of memory while making the record");
    }
    return true;
}

static bool add_principal(const struct options *options, json_t *object, struct err *err)
{
    json_t *principal = json_object();
    return record_input_set(object, "principal", principal, err) &&
           record_input_set_text(principal, "user", span_text(options_text(options, "user")), err) &&
           add_list(options, "permission", "permissions", principal, err);
}

static bool add_password(const struct options *options, json_t *object, struct err *err)
{
    AUTO(secret) struct secret password = {0};
    const char *certificate = options_text(options, "seal-to");
    bool given = false;
    if (!password_read(options, &password, &given, err))
        return false;
    if (!given)
        return certificate == NULL ||
               err_set(err, ERR_CONFIG_INVALID, "--seal-to seals the password: give one, or leave it out");
    if (certificate == NULL)
        return record_input_set_text(object, "password", secret_span(&password), err);
    AUTO(sealed_output) struct sealed_output sealed = {0};
    bool done = crypto_library_start(err) && seal_password(certificate, secret_span(&password), &sealed, err);
    crypto_library_stop();
    json_t *record = done ? sealed_json(&sealed, err) : NULL;
    return record != NULL && record_input_set(object, "password", record, err);
}

static bool add_token(const struct options *options, json_t *object, struct err *err)
{
    AUTO(secret) struct secret token = {0};
    bool given = false;
    return token_read(options, &token, &given, err) &&
           (!given || record_input_set_text(object, "authorization", secret_span(&token), err));
}

static bool check_flags(const struct options *options, struct err *err)
{
    if (!options_has(options, "existing"))
        return err_set(
            err, ERR_CONFIG_INVALID,
            "--existing is missing: which certificate is to be replaced? See 'certswap help replace'");
    if (options_has(options, "certificate-id") == options_has(options, "request-id"))
        return err_set(err, ERR_CONFIG_INVALID,
                       "by which certificate? Give one of --certificate-id and --request-id");
    if (!options_has(options, "user") && !options_has(options, "token-file") &&
        !options_has(options, "token-env"))
        return err_set(err, ERR_CONFIG_INVALID,
                       "--user is missing: in whose name? Or give a token by --token-file");
    return true;
}

/* The command that the flags describe, as an array of one. */
static json_t *from_flags(const struct options *options, struct err *err)
{
    if (!check_flags(options, err))
        return NULL;
    json_t *list = json_array();
    json_t *object = json_object();
    if (list == NULL || object == NULL || json_array_append(list, object) != 0)
        err_set(err, ERR_NO_MEMORY, "out of memory while making the record");
    bool ok =
        err->code == ERR_NONE && add_number(options, "existing", "existingCertificateId", object, err) &&
        add_number(options, "certificate-id", "certificateId", object, err) &&
        add_number(options, "request-id", "requestId", object, err) &&
        add_text(options, "job-time", "jobTime", object, err) &&
        add_text(options, "command-id", "commandId", object, err) && add_principal(options, object, err) &&
        add_token(options, object, err) && add_password(options, object, err) &&
        (!options_has(options, "store-id") || add_list(options, "store-id", "storeIds", object, err)) &&
        (!options_has(options, "dry-run") || record_input_set(object, "dryRun", json_true(), err));
    json_decref(object);
    if (ok)
        return list;
    json_decref(list);
    return NULL;
}

static json_t *load(const struct options *options, struct err *err)
{
    const char *path = options_text(options, "file");
    json_t *objects = path != NULL ? record_input_load(path, err) : from_flags(options, err);
    size_t index;
    json_t *object;
    json_array_foreach(objects, index, object)
    {
        if (record_input_fill_uuid(object, "commandId", err) &&
            record_input_fill_time(object, "issuedAt", record_input_now_ms(), err))
            continue;
        json_decref(objects);
        return NULL;
    }
    return objects;
}

static int show(const struct options *options, const struct session *session, struct span message)
{
    struct err err = {0};
    struct codec *codec = session_codec(session);
    AUTO(arena) struct arena *arena = arena_new(ARENA_LIMIT);
    if (arena == NULL)
        return output_fail(options, STATUS_FAILED, "out of memory while reading the result");
    struct replace_result result = {0};
    AUTO(buf) struct buf out = {0};
    if (!codec_decode_replace_result(codec, message, arena, &result, &err))
        return output_fail_err(options, &err);
    if (!output_is_json(options)) {
        result_print(&result, &out);
    } else {
        if (!record_to_json(codec, message, false, &out, &err))
            return output_fail_err(options, &err);
        buf_put_byte(&out, '\n');
    }
    return output_put(options, &out) ? result_exit_status(result.status) : STATUS_FAILED;
}

/* Reads results until the one with that key comes. */
static int await(const struct options *options, const struct session *session, struct reader *reader,
                 const char *command_id)
{
    int seconds = options_number(options, "timeout", 30);
    int64_t end = record_input_now_ms() + (int64_t)seconds * 1000;
    while (record_input_now_ms() < end) {
        if (reader_is_fatal(reader))
            return output_fail(options, STATUS_UNAVAILABLE,
                               "command %s was sent, its result cannot be read: %s", command_id,
                               reader_trouble(reader));
        rd_kafka_message_t *message = reader_poll(reader, POLL_MS);
        if (message == NULL)
            continue;
        bool ours = span_equal(span_of(message->key, message->key_len), span_text(command_id)) &&
                    message->payload != NULL;
        int status = ours ? show(options, session, span_of(message->payload, message->len)) : STATUS_DONE;
        rd_kafka_message_destroy(message);
        if (ours)
            return status;
    }
    const char *trouble = reader_trouble(reader);
    return output_fail(
        options, STATUS_TIMEOUT,
        "no result within %d s (%s). Command %s was sent and may still be carried out: is certswapd "
        "ready? 'certswap watch results --from-beginning' shows all results",
        seconds, trouble != NULL ? trouble : "Kafka answers", command_id);
}

static int send_commands(const struct options *options, const struct session *session, const json_t *objects)
{
    struct send_plan plan = {.kind = RECORD_REPLACE_COMMAND,
                             .topic = session_topic(session, "commands"),
                             .key_field = "commandId",
                             .id_field = "commandId"};
    bool wait = options_has(options, "wait");
    if (!wait)
        return send_records(options, session, &plan, objects, false);
    if (json_array_size(objects) != 1)
        return output_fail(options, STATUS_USAGE, "--wait stays for one command; the file has %zu",
                           json_array_size(objects));
    struct err err = {0};
    /* Before the command is sent, so that its result cannot come earlier. */
    AUTO(reader)
    struct reader *reader = session_reader(session, session_topic(session, "results"), READER_FROM_END, &err);
    if (reader == NULL)
        return output_fail_err(options, &err);
    int status = send_records(options, session, &plan, objects, true);
    if (status != STATUS_DONE)
        return status;
    char command_id[RECORD_KEY_MAX];
    record_input_key(json_array_get(objects, 0), "commandId", command_id);
    if (!output_is_json(options)) {
        printf("sent command %s\n", command_id);
        fflush(stdout);
    }
    return await(options, session, reader, command_id);
}

static int run(const struct options *options)
{
    const char *other = options_of_record(options);
    if (options_has(options, "file") && other != NULL)
        return output_fail(options, STATUS_USAGE,
                           "--file brings the whole command: leave out --%s, or --file", other);
    if (options_has(options, "timeout") && !options_has(options, "wait"))
        return output_fail(options, STATUS_USAGE, "--timeout is of use only with --wait");
    struct err err = {0};
    AUTO(json) json_t *objects = load(options, &err);
    if (objects == NULL)
        return output_fail_input(options, &err);
    int status = STATUS_DONE;
    AUTO(session) struct session *session = session_open(options, &status);
    return session != NULL ? send_commands(options, session, objects) : status;
}

const struct subcommand SUBCOMMAND_REPLACE = {
    .name = "replace",
    .summary = "command that a certificate be replaced in all stores that hold it",
    .rows = ROWS,
    .needs_kafka = true,
    .details =
        "  certswap replace -e 123 -c 456 -u alice -p /certificates/enrollment/pfx/ \\\n"
        "      -p /certificate_stores/schedule/ --password-file store.pass --wait\n\n"
        "Exit status with --wait: 0 COMPLETED, 10 PARTIAL, 11 FAILED, 12 NO_LOCATIONS, 13 REJECTED,\n"
        "14 no result in time; without: 0 once the command is stored. See certswap(1) for the others.\n",
    .run = run,
};
