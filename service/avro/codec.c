#include "avro/codec.h"

#include "avro/decode.h"
#include "avro/encode.h"
#include "avro/framing.h"
#include "base/secret.h"

#include <assert.h>
#include <stdlib.h>

struct codec {
    const struct schema_set *set;
    const struct schema_ids *ids; /* NULL: no registry */
    bool writes_ids;
    /* The writers of the messages before, one of each framing: a topic has few. */
    uint64_t last_fingerprint;
    const struct schema *last_writer;
    uint32_t last_id;
    const struct schema *last_id_writer;
    const struct schema *own_credential;
};

struct codec *codec_new(const struct schema_set *set)
{
    struct codec *codec = calloc(1, sizeof *codec);
    if (codec == NULL)
        return NULL;
    codec->set = set;
    codec->own_credential = schema_set_find(set, record_fingerprint(RECORD_CREDENTIAL), NULL);
    assert(codec->own_credential != NULL);
    return codec;
}

void codec_free(struct codec *codec)
{
    free(codec);
}

void codec_use_ids(struct codec *codec, const struct schema_ids *ids, bool write)
{
    codec->ids = ids;
    codec->writes_ids = ids != NULL && write;
    codec->last_id_writer = NULL;
}

static const struct schema *writer_by_id(struct codec *codec, uint32_t id, struct err *err)
{
    if (codec->ids == NULL) {
        err_set(err, ERR_AVRO_INVALID,
                "the message is in Confluent's framing (schema id %u), which needs a registry: set "
                "CERTSWAP_SCHEMA_REGISTRY_URL",
                id);
        return NULL;
    }
    if (codec->last_id_writer == NULL || codec->last_id != id) {
        codec->last_id_writer = codec->ids->find(codec->ids->self, id, err);
        codec->last_id = id;
    }
    return codec->last_id_writer;
}

static const struct schema *writer_by_fingerprint(struct codec *codec, uint64_t fingerprint, struct err *err)
{
    if (codec->last_writer == NULL || codec->last_fingerprint != fingerprint) {
        codec->last_writer = schema_set_find(codec->set, fingerprint, err);
        codec->last_fingerprint = fingerprint;
    }
    return codec->last_writer;
}

const struct schema *codec_split(struct codec *codec, struct span message, struct span *body, struct err *err)
{
    struct framed framed;
    if (!framing_split(message, &framed, err))
        return NULL;
    *body = framed.body;
    return framed.framing == FRAMING_CONFLUENT ? writer_by_id(codec, framed.id, err)
                                               : writer_by_fingerprint(codec, framed.fingerprint, err);
}

bool codec_put_head(struct codec *codec, enum record_kind kind, struct buf *out, struct err *err)
{
    uint32_t id;
    if (!codec->writes_ids) {
        framing_put_single_object(out, record_fingerprint(kind));
        return true;
    }
    if (!codec->ids->own(codec->ids->self, kind, &id, err))
        return false;
    framing_put_confluent(out, id);
    return true;
}

bool codec_can_write(struct codec *codec, enum record_kind kind, struct err *err)
{
    uint32_t id;
    return !codec->writes_ids || codec->ids->own(codec->ids->self, kind, &id, err);
}

static bool decode(struct codec *codec, enum record_kind kind, struct span message, struct arena *arena,
                   enum err_code refusal, void *out, struct err *err)
{
    struct span body;
    const struct schema *writer = codec_split(codec, message, &body, err);
    return writer != NULL && decode_body(writer, record_layout(kind), body, arena, refusal, out, err);
}

bool codec_decode_certificate_event(struct codec *codec, enum record_kind kind, struct span message,
                                    struct arena *arena, struct certificate_event *out, struct err *err)
{
    assert(kind == RECORD_CERTIFICATE_ENROLLED || kind == RECORD_CERTIFICATE_RENEWED);
    *out = (struct certificate_event){.is_renewal = kind == RECORD_CERTIFICATE_RENEWED};
    return decode(codec, kind, message, arena, ERR_EVENT_INVALID, out, err);
}

bool codec_decode_store_inventory(struct codec *codec, struct span message, struct arena *arena,
                                  struct store_inventory *out, struct err *err)
{
    *out = (struct store_inventory){0};
    return decode(codec, RECORD_STORE_INVENTORY, message, arena, ERR_INVENTORY_INVALID, out, err);
}

bool codec_decode_replace_command(struct codec *codec, struct span message, struct arena *arena,
                                  struct replace_command *out, struct err *err)
{
    *out = (struct replace_command){0};
    return decode(codec, RECORD_REPLACE_COMMAND, message, arena, ERR_COMMAND_ID_INVALID, out, err);
}

bool codec_decode_store_job(struct codec *codec, struct span message, struct arena *arena,
                            struct store_job *out, struct err *err)
{
    *out = (struct store_job){0};
    return decode(codec, RECORD_STORE_JOB, message, arena, ERR_AVRO_INVALID, out, err);
}

bool codec_decode_replace_result(struct codec *codec, struct span message, struct arena *arena,
                                 struct replace_result *out, struct err *err)
{
    *out = (struct replace_result){0};
    return decode(codec, RECORD_REPLACE_RESULT, message, arena, ERR_AVRO_INVALID, out, err);
}

bool codec_decode_credential_body(struct codec *codec, struct span body, struct arena *arena,
                                  struct credential *out, struct err *err)
{
    *out = (struct credential){0};
    return decode_body(codec->own_credential, record_layout(RECORD_CREDENTIAL), body, arena, ERR_AVRO_INVALID,
                       out, err);
}

/* Appends all or nothing. */
static bool finish(struct buf *out, size_t len_before, struct err *err)
{
    if (!out->failed)
        return true;
    secret_wipe(out->data + len_before, out->len - len_before);
    out->len = len_before;
    out->failed = false;
    return err_set(err, ERR_NO_MEMORY, "out of memory for a record");
}

static bool encode(struct codec *codec, enum record_kind kind, const void *record, struct buf *out,
                   struct err *err)
{
    size_t len_before = out->len;
    if (!codec_put_head(codec, kind, out, err))
        return false;
    encode_body(out, record_layout(kind), record);
    return finish(out, len_before, err);
}

bool codec_encode_certificate_event(struct codec *codec, const struct certificate_event *event,
                                    struct buf *out, struct err *err)
{
    return encode(codec, event->is_renewal ? RECORD_CERTIFICATE_RENEWED : RECORD_CERTIFICATE_ENROLLED, event,
                  out, err);
}

bool codec_encode_store_inventory(struct codec *codec, const struct store_inventory *inventory,
                                  struct buf *out, struct err *err)
{
    return encode(codec, RECORD_STORE_INVENTORY, inventory, out, err);
}

bool codec_encode_replace_command(struct codec *codec, const struct replace_command *command, struct buf *out,
                                  struct err *err)
{
    return encode(codec, RECORD_REPLACE_COMMAND, command, out, err);
}

bool codec_encode_store_job(struct codec *codec, const struct store_job *job, struct buf *out,
                            struct err *err)
{
    return encode(codec, RECORD_STORE_JOB, job, out, err);
}

bool codec_encode_replace_result(struct codec *codec, const struct replace_result *result, struct buf *out,
                                 struct err *err)
{
    return encode(codec, RECORD_REPLACE_RESULT, result, out, err);
}

bool codec_encode_credential_body(struct codec *codec, const struct credential *credential, struct buf *out,
                                  struct err *err)
{
    (void)codec;
    size_t len_before = out->len;
    encode_body(out, record_layout(RECORD_CREDENTIAL), credential);
    return finish(out, len_before, err);
}
