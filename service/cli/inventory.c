/* certswap inventory: says what a store holds (StoreInventory), or that it is gone (a tombstone). */
#include "cli/output.h"
#include "cli/send.h"
#include "cli/subcommands.h"

static const struct option_row ROWS[] = {
    {.name = "file",
     .letter = 'f',
     .kind = OPTION_FILE,
     .value = "FILE",
     .help = "one store as JSON, or an array of them; - is standard input"},
    {.name = "remove",
     .kind = OPTION_UUID,
     .repeats = true,
     .value = "STORE_ID",
     .help = "forget this store"},
    {0}};

static int send_removals(const struct options *options, const struct session *session)
{
    for (size_t i = 0; i < options_count(options, "remove"); i++) {
        struct uuid store;
        char key[UUID_TEXT_LEN + 1];
        uuid_parse(&store, span_text(options_nth(options, "remove", i)));
        uuid_format(&store, key);
        int status = send_tombstone(options, session, session_topic(session, "inventory"), key);
        if (status != STATUS_DONE)
            return status;
    }
    return STATUS_DONE;
}

static json_t *load(const char *path, struct err *err)
{
    json_t *objects = record_input_load(path, err);
    size_t index;
    json_t *object;
    json_array_foreach(objects, index, object)
    {
        if (record_input_fill_time(object, "inventoriedAt", record_input_now_ms(), err))
            continue;
        json_decref(objects);
        return NULL;
    }
    return objects;
}

static int run(const struct options *options)
{
    const char *path = options_text(options, "file");
    if (path == NULL && !options_has(options, "remove"))
        return output_fail(options, STATUS_USAGE, "say which stores: --file FILE, or --remove STORE_ID");
    struct err err = {0};
    AUTO(json) json_t *objects = path != NULL ? load(path, &err) : NULL;
    if (path != NULL && objects == NULL)
        return output_fail_input(options, &err);
    int status = STATUS_DONE;
    AUTO(session) struct session *session = session_open(options, &status);
    if (session == NULL)
        return status;
    if (objects != NULL) {
        struct send_plan plan = {.kind = RECORD_STORE_INVENTORY,
                                 .topic = session_topic(session, "inventory"),
                                 .key_field = "storeId",
                                 .extra = (const char *const[]){"clientMachine", "storePath", NULL}};
        status = send_records(options, session, &plan, objects, false);
    }
    return status == STATUS_DONE ? send_removals(options, session) : status;
}

const struct subcommand SUBCOMMAND_INVENTORY = {
    .name = "inventory",
    .summary = "send what certificate stores hold, or forget a store",
    .rows = ROWS,
    .needs_kafka = true,
    .details =
        "The file has the field names of schemas/store-inventory.avsc; inventoriedAt may be left out.\n\n"
        "  certswap inventory --file stores.json\n"
        "  certswap inventory --remove 7d8f9c1e-0b7a-4c56-9f3e-2a1b3c4d5e6f\n",
    .run = run,
};
