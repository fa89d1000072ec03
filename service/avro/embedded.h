/* avro/embedded: the files of schemas/, put into the library by schemas/embed.cmake; NUL at the end. */
#pragma once

extern const char embedded_certificate_enrolled[];
extern const char embedded_certificate_renewed[];
extern const char embedded_store_inventory[];
extern const char embedded_replace_command[];
extern const char embedded_store_job[];
extern const char embedded_replace_result[];
extern const char embedded_credential[];
extern const char embedded_sealed_credential[];
extern const char embedded_sealed_password[];
