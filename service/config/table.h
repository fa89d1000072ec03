/* config/table: the settings, declared once. Everything that reads, checks, prints or documents them walks
 * it. */
#pragma once

#include "config/settings.h"

enum setting_type {
    SETTING_TEXT,     /* char *: min to max printable ASCII characters, no space */
    SETTING_SERVERS,  /* char *: host:port, comma-separated */
    SETTING_TOPIC,    /* char *: a Kafka topic's name */
    SETTING_PATH,     /* char *: of a file or folder */
    SETTING_HTTP_URL, /* struct http_address */
    SETTING_JWKS,     /* char *: a path or https:// */
    SETTING_INTEGER,  /* int: min to max */
    SETTING_BOOLEAN,  /* bool: true or false */
    SETTING_CHOICE,   /* an enum: the index of the choice */
    SETTING_LISTEN,   /* struct listen_address */
    SETTING_REDIS,    /* struct redis_address */
    SETTING_KEYS      /* struct secret: the staging keys */
};

/* What stands in for a variable that is not set. */
enum setting_fallback { FALLBACK_TEXT, FALLBACK_CPU_COUNT, FALLBACK_HOST_NAME };

enum { SETTING_CHOICES_MAX = 5 };

struct setting {
    const char *section; /* of the first row of each section: its heading */
    const char *name;
    enum setting_type type;
    size_t offset;        /* in struct settings */
    const char *fallback; /* the default's text; NULL: none, unless fallback_from gives one */
    enum setting_fallback fallback_from;
    bool required;
    bool service; /* only the service needs it: not required of a client */
    bool secret;  /* has a _FILE twin, and its value stands in no message */
    int min;
    int max;
    const char *choices[SETTING_CHOICES_MAX]; /* ended by NULL */
    const char *form;                         /* how a value looks, for help; NULL: the type says it */
    const char *help;                         /* what it does, with its unit */
};

extern const struct setting settings_table[];
extern const size_t settings_table_count;
