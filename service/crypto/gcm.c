#include "crypto/gcm.h"

#include "crypto/library.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/evp.h>

static enum gcm_result run(bool encrypt, const uint8_t *key, const uint8_t *nonce, const struct span aad[2],
                           struct span in, uint8_t *out, uint8_t *tag)
{
    int len = 0;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    bool fed = context != NULL && in.len <= INT_MAX && aad[0].len <= INT_MAX && aad[1].len <= INT_MAX &&
               EVP_CipherInit_ex2(context, crypto_library()->ciphers[CIPHER_AES_256_GCM], key, nonce, encrypt,
                                  NULL) == 1;
    for (int i = 0; fed && i < 2; i++)
        fed = aad[i].len == 0 || EVP_CipherUpdate(context, NULL, &len, aad[i].data, (int)aad[i].len) == 1;
    fed = fed && (in.len == 0 || EVP_CipherUpdate(context, out, &len, in.data, (int)in.len) == 1) &&
          (encrypt || EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, GCM_TAG_LEN, tag) == 1);
    enum gcm_result result = GCM_NO_MEMORY;
    if (fed)
        result = EVP_CipherFinal_ex(context, out + in.len, &len) == 1 ? GCM_DONE : GCM_ALTERED;
    if (result == GCM_DONE && encrypt &&
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, GCM_TAG_LEN, tag) != 1)
        result = GCM_NO_MEMORY;
    EVP_CIPHER_CTX_free(context);
    ERR_clear_error();
    return result;
}

enum gcm_result gcm_encrypt(const uint8_t key[GCM_KEY_LEN], const uint8_t nonce[GCM_NONCE_LEN],
                            const struct span aad[2], struct span in, uint8_t *out, uint8_t tag[GCM_TAG_LEN])
{
    return run(true, key, nonce, aad, in, out, tag);
}

enum gcm_result gcm_decrypt(const uint8_t key[GCM_KEY_LEN], const uint8_t nonce[GCM_NONCE_LEN],
                            const struct span aad[2], struct span in, uint8_t *out,
                            const uint8_t tag[GCM_TAG_LEN])
{
    uint8_t copy[GCM_TAG_LEN];
    memcpy(copy, tag, sizeof copy);
    return run(false, key, nonce, aad, in, out, copy);
}
