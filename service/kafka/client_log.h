/* kafka/client_log: where the lines of librdkafka and of this room about its clients go. */
#pragma once

/* `level` as in syslog (3 error, 4 warning, 5 notice, 6 info, 7 debug); `client` is empty where it is about
   none; `text` holds no secret. Called from any thread, also from librdkafka's. */
typedef void kafka_log_fn(int level, const char *client, const char *text);

/* Set once, before the first client is made; without it the lines are dropped. */
void kafka_log_to(kafka_log_fn *sink);
void kafka_log_line(int level, const char *client, const char *text);
