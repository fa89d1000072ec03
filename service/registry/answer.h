/* registry/answer: what a registry's answers mean: status, body and Confluent's error codes. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

enum answer_kind {
    ANSWER_OK,      /* the value is there */
    ANSWER_UNKNOWN, /* the registry says that it has no such schema, subject or version */
    ANSWER_REFUSED, /* REGISTRY_REFUSED: it will not change by asking again */
    ANSWER_FAILED,  /* REGISTRY_UNAVAILABLE or NO_MEMORY */
};

/* What the answer to a question ("looking up the schema 7") says; all but ANSWER_OK fill *err, ANSWER_UNKNOWN
   with REGISTRY_REFUSED too. */
enum answer_kind answer_judge(int status, struct span body, const char *question, struct err *err);

/* The "id" of an answer to a registration or a lookup. */
enum answer_kind answer_id(struct span body, const char *question, uint32_t *id, struct err *err);

/* The text of the Avro schema in an answer. ANSWER_REFUSED with AVRO_INVALID for one that is no Avro schema,
   or that refers to others. */
enum answer_kind answer_schema(struct span body, const char *question, struct buf *text, struct err *err);
