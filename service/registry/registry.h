/* registry/registry: the schemas and ids of a Confluent-compatible schema registry that are known so far,
   shared by all threads, and a client a thread that asks for others. Ids are immutable, so what is known
   stays. Subjects are by TopicNameStrategy: "<topic>-value". */
#pragma once

#include "avro/codec.h"

#include <stdatomic.h>

struct registry;

struct registry_options {
    const char *url;      /* base URL, perhaps with a path, without user and password */
    const char *user;     /* NULL: none */
    const char *password; /* with user */
    const char *ca_file;  /* of an https registry; NULL: the system's */
    bool auto_register;   /* certswap's own schemas are registered; else only looked up */
    bool write;           /* codecs write in Confluent's framing; else they only read it */
    const char
        *topics[RECORD_KIND_COUNT];   /* where records of that kind stand; NULL: on no topic of their own */
    const struct schema_set *schemas; /* certswap's own among them */
    int timeout_ms;                   /* of a question */
    const atomic_bool *stop;          /* breaks a question off; NULL: nothing does */
};

/* Borrows what the options point to. Nothing is asked yet. NULL with NO_MEMORY. */
struct registry *registry_new(const struct registry_options *options, struct err *err);
/* After all its clients. */
void registry_free(struct registry *registry);
AUTO_DEFINE(registry, struct registry, registry_free);

struct registry_client;

/* One a thread: from now on the codec reads, and where the options say so writes, by what the registry says.
   Borrows both. A codec's error is then also REGISTRY_UNAVAILABLE (it does not answer, or not in time) or
   REGISTRY_REFUSED (it answers, but somebody must mend something; the text says what). NULL with NO_MEMORY.
 */
struct registry_client *registry_client_new(struct registry *registry, struct codec *codec, struct err *err);
void registry_client_free(struct registry_client *client);
AUTO_DEFINE(registry_client, struct registry_client, registry_client_free);

/* A codec of the schemas, with a client of its own where there is a registry (NULL: none); both are the
   caller's to free, the client first, also on failure. False with NO_MEMORY. */
bool registry_codec(const struct schema_set *schemas, struct registry *registry, struct codec **codec,
                    struct registry_client **client, struct err *err);

/* NULL does nothing. The batch is over. Which ids the registry does not have is remembered until then: so
   each is asked for once a batch, and a batch of many is done at last even by a slow registry, in several
   tries of bounded time. */
void registry_client_forget(struct registry_client *client);
