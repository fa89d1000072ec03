/* The inventory, enrollments and commands of a benchmark. */
#include "bench/identity.h"
#include "bench/load.h"
#include "crypto/library.h"
#include "crypto/store_format.h"

#include <stdio.h>
#include <stdlib.h>

enum { FLUSH_MS = 60000, FULL_MS = 10, STORES_A_MACHINE = 4 };

static const char requester[] = "BANK\\ada";

static void on_delivery(rd_kafka_t *client, const rd_kafka_message_t *message, void *arg)
{
    (void)client;
    (void)arg;
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR)
        die("%s: %s", rd_kafka_topic_name(message->rkt), rd_kafka_err2str(message->err));
}

void sender_open(struct sender *sender, const char *linger_ms)
{
    struct err err = {0};
    rd_kafka_conf_t *conf = client_conf(KAFKA_PLAIN_PRODUCER);
    conf_set(conf, "linger.ms", linger_ms);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    sender->client = client_new(RD_KAFKA_PRODUCER, conf);
    sender->set = schema_set_new(NULL, &err);
    need(sender->set != NULL, &err);
    sender->codec = codec_new(sender->set);
    if (sender->codec == NULL)
        die("out of memory");
}

void sender_put(struct sender *sender, const char *topic, struct span key, struct span value)
{
    rd_kafka_resp_err_t failure;
    while ((failure = rd_kafka_producev(sender->client, RD_KAFKA_V_TOPIC(topic),
                                        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                                        RD_KAFKA_V_KEY((void *)(uintptr_t)key.data, key.len),
                                        RD_KAFKA_V_VALUE((void *)(uintptr_t)value.data, value.len),
                                        RD_KAFKA_V_END)) == RD_KAFKA_RESP_ERR__QUEUE_FULL)
        rd_kafka_poll(sender->client, FULL_MS);
    if (failure != RD_KAFKA_RESP_ERR_NO_ERROR)
        die("%s: %s", topic, rd_kafka_err2str(failure));
    rd_kafka_poll(sender->client, 0);
}

void sender_close(struct sender *sender)
{
    if (rd_kafka_flush(sender->client, FLUSH_MS) != RD_KAFKA_RESP_ERR_NO_ERROR)
        die("the broker does not take what was sent");
    rd_kafka_destroy(sender->client);
    codec_free(sender->codec);
    schema_set_free(sender->set);
}

static struct uuid make_uuid(uint64_t *state)
{
    uint64_t bits[2] = {random_bits(state), random_bits(state)};
    return uuid_v4((const uint8_t *)bits);
}

/* The agents' certificates, also written as files for bench_crypto. All RSA agents share one key: to make a
   hundred takes longer than all else, and nobody looks. */
static struct buf *make_agents(long count, const char *kind, const char *folder)
{
    struct buf *certificates = allocate((size_t)count * sizeof *certificates);
    EVP_PKEY *key = NULL;
    for (long i = 0; i < count; i++) {
        char path[512];
        char name[32];
        certificates[i] = (struct buf){0};
        if (key == NULL || strcmp(kind, "rsa") != 0) {
            EVP_PKEY_free(key);
            key = make_key(kind);
        }
        snprintf(name, sizeof name, "agent-%ld", i);
        X509 *certificate = make_certificate(key, name, 1000 + i, NULL, NULL, false);
        certificate_der(certificate, &certificates[i]);
        X509_free(certificate);
        agent_path(path, sizeof path, folder, i);
        file_write(path, buf_span(&certificates[i]));
    }
    EVP_PKEY_free(key);
    return certificates;
}

struct fleet {
    long locations;
    long fan_out;
    long entries; /* a store */
    long agents;
    bool sealed;
    struct buf *certificates; /* of the agents */
    uint64_t seed;
    size_t alias_bytes;
};

/* Location l holds certificate 1 + l modulo the certificates: a fan-out's stores lie far apart, as they do,
   and its jobs are spread over the agents. */
static void send_store(struct sender *sender, struct fleet *fleet, long number, struct buf *out)
{
    enum { ENTRIES_MAX = 16 };
    char machine[48], path[64], aliases[ENTRIES_MAX][32], thumbprints[ENTRIES_MAX][41],
        key[UUID_TEXT_LEN + 1];
    struct store_entry entries[ENTRIES_MAX];
    struct err err = {0};
    long certificates = fleet->locations / fleet->fan_out;
    long first = number * fleet->entries;
    long agent = (first / certificates + first % certificates / fleet->entries) % fleet->agents;
    if (fleet->entries > ENTRIES_MAX)
        die("a store has at most %d entries", ENTRIES_MAX);
    snprintf(machine, sizeof machine, "host%06ld.bank.example", number / STORES_A_MACHINE);
    snprintf(path, sizeof path, "/opt/app%ld/tls/keystore.p12", number % 1000);
    struct store_inventory store = {
        .store_id = make_uuid(&fleet->seed),
        .type = {.short_name = SPAN_LITERAL("PKCS12"),
                 .format = CREDENTIAL_PKCS12,
                 .private_key = PRIVATE_KEY_REQUIRED,
                 .add_supported = true},
        .has_container_id = true,
        .container_id = (int32_t)(number % 50),
        .client_machine = span_text(machine),
        .store_path = span_text(path),
        .approved = true,
        .has_agent = true,
        .agent = {.has_certificate = fleet->sealed},
        .entries = entries,
        .inventoried_at_ms = wall_ms(),
    };
    for (long i = 0; i < fleet->entries && first + i < fleet->locations; i++) {
        long certificate = (first + i) % certificates;
        snprintf(aliases[i], sizeof aliases[i], "server-%ld", (first + i) % 1000);
        snprintf(thumbprints[i], sizeof thumbprints[i], "%040lX", certificate * 2654435761L);
        fleet->alias_bytes += strlen(aliases[i]);
        entries[store.entry_count++] = (struct store_entry){.alias = span_text(aliases[i]),
                                                            .certificate_id = (int32_t)certificate + 1,
                                                            .thumbprint = span_text(thumbprints[i]),
                                                            .has_private_key = true};
    }
    memcpy(store.agent.agent_id.bytes, &(long[2]){agent + 1}, sizeof store.agent.agent_id.bytes);
    if (fleet->sealed)
        store.agent.certificate = buf_span(&fleet->certificates[agent]);
    buf_reset(out);
    need(codec_encode_store_inventory(sender->codec, &store, out, &err), &err);
    uuid_format(&store.store_id, key);
    sender_put(sender, argument("topic", NULL), span_of(key, UUID_TEXT_LEN), buf_span(out));
}

void load_inventory(void)
{
    const char *seal = argument("seal", "none");
    struct fleet fleet = {.locations = argument_number("locations", -1),
                          .fan_out = argument_number("fan-out", -1),
                          .entries = argument_number("entries", 4),
                          .agents = argument_number("agents", 10),
                          .sealed = strcmp(seal, "none") != 0,
                          .seed = 1};
    AUTO(buf) struct buf out = {0};
    double start = monotonic_s();
    struct sender sender;
    if (fleet.sealed)
        fleet.certificates = make_agents(fleet.agents, seal, argument("folder", NULL));
    sender_open(&sender, "20");
    long stores = (fleet.locations + fleet.entries - 1) / fleet.entries;
    for (long i = 0; i < stores; i++)
        send_store(&sender, &fleet, i, &out);
    sender_close(&sender);
    for (long i = 0; fleet.sealed && i < fleet.agents; i++)
        buf_free(&fleet.certificates[i]);
    free(fleet.certificates);
    print_figures("stores", (double)stores, "locations", (double)fleet.locations, "alias_bytes",
                  (double)fleet.alias_bytes, "seconds", monotonic_s() - start, NULL);
}

void load_enrollments(void)
{
    static const char password[] = "an enrollment's password";
    long first = argument_number("first", -1);
    long count = argument_number("count", -1);
    uint64_t state = (uint64_t)first;
    struct identity identity;
    struct err err = {0};
    AUTO(material) struct material material = {0};
    AUTO(buf) struct buf pfx = {0};
    AUTO(buf) struct buf out = {0};
    char thumbprint[THUMBPRINT_TEXT_LEN + 1];
    bool encrypted;
    struct sender sender;
    sender_open(&sender, "20");
    need(crypto_library_start(&err), &err);
    identity_make(&identity, argument("leaf", "p256"));
    identity_material(&identity, &material);
    struct store_format_request request = {
        CREDENTIAL_PKCS12, PKCS12_MODERN, &material, true, span_text(password), 1};
    need(store_format_build(&request, &pfx, &encrypted, &err), &err);
    if (!material_thumbprint(&material, thumbprint))
        die("out of memory");
    for (long i = 0; i < count; i++) {
        struct certificate_event event = {
            .event_id = make_uuid(&state),
            .occurred_at_ms = wall_ms(),
            .certificate_id = (int32_t)(first + i),
            .request_id = (int32_t)(first + i),
            .requester = span_text(requester),
            .certificate_format = SPAN_LITERAL("Replace"),
            .thumbprint = span_text(thumbprint),
            .credential.plain = {CREDENTIAL_PKCS12, buf_span(&pfx), true, span_text(password)},
        };
        char key[16];
        snprintf(key, sizeof key, "%ld", first + i);
        buf_reset(&out);
        need(codec_encode_certificate_event(sender.codec, &event, &out, &err), &err);
        sender_put(&sender, argument("topic", NULL), span_text(key), buf_span(&out));
    }
    sender_close(&sender);
    print_figures("pfx_bytes", (double)pfx.len, "count", (double)count, NULL);
    crypto_library_stop();
}

void command_make(struct sender *sender, const struct command_plan *plan, long k, struct uuid *id,
                  struct buf *out)
{
    struct span permissions[] = {SPAN_LITERAL("/certificates/enrollment/pfx/"),
                                 SPAN_LITERAL("/certificate_stores/schedule/")};
    struct err err = {0};
    char password[64];
    uint64_t state = plan->seed + (uint64_t)k * 2;
    *id = make_uuid(&state);
    snprintf(password, sizeof password, "password-%ld-%016lx", k, (unsigned long)random_bits(&state));
    struct replace_command command = {
        .command_id = *id,
        .existing_certificate_id = (int32_t)(1 + k % plan->certificates),
        .has_certificate_id = true,
        .certificate_id = (int32_t)(plan->first_new + k),
        .password_kind = PASSWORD_PLAIN,
        .password = span_text(password),
        .principal = {span_text(requester), permissions, 2},
        .issued_at_ms = wall_ms(),
    };
    buf_reset(out);
    need(codec_encode_replace_command(sender->codec, &command, out, &err), &err);
}

void load_commands(void)
{
    struct command_plan plan = {argument_number("first", -1), argument_number("certificates", -1),
                                (uint64_t)(wall_s() * 1e9)};
    long count = argument_number("count", -1);
    AUTO(buf) struct buf out = {0};
    struct sender sender;
    sender_open(&sender, "20");
    for (long k = 0; k < count; k++) {
        struct uuid id;
        char key[UUID_TEXT_LEN + 1];
        command_make(&sender, &plan, k, &id, &out);
        uuid_format(&id, key);
        sender_put(&sender, argument("topic", NULL), span_of(key, UUID_TEXT_LEN), buf_span(&out));
    }
    sender_close(&sender);
    print_figures("count", (double)count, NULL);
}
