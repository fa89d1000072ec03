/* base/auto: scope cleanup. AUTO(evp_pkey) EVP_PKEY *key = NULL; is freed by auto_evp_pkey(&key) where the
   scope ends. Each room defines the auto_ functions of its own types and of the foreign handles that it alone
   uses. */
#pragma once

#define AUTO(type) __attribute__((cleanup(auto_##type)))

#define AUTO_DEFINE(name, type, free_function)                                                               \
    static inline void auto_##name(type **handle)                                                            \
    {                                                                                                        \
        if (*handle != NULL)                                                                                 \
            free_function(*handle);                                                                          \
    }                                                                                                        \
    struct auto_##name##_needs_semicolon
