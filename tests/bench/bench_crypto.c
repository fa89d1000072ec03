/* The crypto floor: the wraps and seals that a backlog of commands needs, as plain calls of OpenSSL's, and
   nothing else. One wrap a command and one seal for each of its agents. */
#include "bench/common.h"
#include "bench/identity.h"

#include <openssl/cms.h>
#include <openssl/pkcs12.h>
#include <openssl/rsa.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { THREADS_MAX = 64 };

struct crypto_work {
    const struct identity *identity;
    X509 **agents;
    long agent_count;
    long commands;
    int iterations;
    double wrap_s; /* of this thread's CPU */
    double seal_s;
    size_t content_bytes;
};

static double thread_cpu_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int wrap(const struct crypto_work *work, long number, uint8_t **der)
{
    char password[64];
    snprintf(password, sizeof password, "password-%ld-0123456789abcdef", number);
    STACK_OF(X509) *chain = sk_X509_new_null();
    sk_X509_push(chain, work->identity->ca);
    PKCS12 *made =
        PKCS12_create(password, "www.bank.example", work->identity->key, work->identity->leaf, chain,
                      NID_aes_256_cbc, NID_aes_256_cbc, work->iterations, work->iterations, 0);
    int len = made != NULL ? i2d_PKCS12(made, der) : 0;
    if (len <= 0)
        die("a PKCS#12 cannot be made");
    PKCS12_free(made);
    sk_X509_free(chain);
    return len;
}

static void seal(X509 *agent, const uint8_t *content, int len)
{
    BIO *in = BIO_new_mem_buf(content, len);
    CMS_ContentInfo *cms = CMS_encrypt(NULL, in, EVP_aes_256_gcm(), CMS_BINARY | CMS_PARTIAL);
    CMS_RecipientInfo *recipient = cms != NULL ? CMS_add1_recipient_cert(cms, agent, CMS_KEY_PARAM) : NULL;
    EVP_PKEY_CTX *context = recipient != NULL ? CMS_RecipientInfo_get0_pkey_ctx(recipient) : NULL;
    if (context == NULL)
        die("a recipient cannot be added");
    if (EVP_PKEY_get_base_id(X509_get0_pubkey(agent)) == EVP_PKEY_RSA &&
        (EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) <= 0 ||
         EVP_PKEY_CTX_set_rsa_oaep_md(context, EVP_sha256()) <= 0))
        die("OAEP cannot be set");
    uint8_t *der = NULL;
    if (CMS_final(cms, in, NULL, CMS_BINARY) != 1 || i2d_CMS_ContentInfo(cms, &der) <= 0)
        die("a CMS cannot be made");
    OPENSSL_free(der);
    CMS_ContentInfo_free(cms);
    BIO_free(in);
}

static void *work_off(void *arg)
{
    struct crypto_work *work = arg;
    for (long i = 0; i < work->commands; i++) {
        uint8_t *der = NULL;
        double start = thread_cpu_s();
        int len = wrap(work, i, &der);
        double wrapped = thread_cpu_s();
        for (long agent = 0; agent < work->agent_count; agent++)
            seal(work->agents[agent], der, len);
        work->seal_s += thread_cpu_s() - wrapped;
        work->wrap_s += wrapped - start;
        work->content_bytes = (size_t)len;
        OPENSSL_free(der);
    }
    return NULL;
}

static X509 **read_agents(long count, const char *folder)
{
    X509 **agents = allocate((size_t)(count + 1) * sizeof(X509 *));
    for (long i = 0; i < count; i++) {
        char path[512];
        AUTO(buf) struct buf der = {0};
        agent_path(path, sizeof path, folder, i);
        file_read(path, &der);
        const uint8_t *at = der.data;
        agents[i] = d2i_X509(NULL, &at, (long)der.len);
        if (agents[i] == NULL)
            die("%s is no certificate", path);
    }
    return agents;
}

int main(int argc, char **argv)
{
    static const char *const known[] = {"count", "iterations", "agents", "folder", "threads", "leaf", NULL};
    struct crypto_work works[THREADS_MAX];
    pthread_t threads[THREADS_MAX];
    struct identity identity;
    (void)argc;
    arguments_take(argv + 1, known);
    long thread_count = argument_number("threads", 1);
    long commands = argument_number("count", -1);
    long agent_count = argument_number("agents", 0);
    double wrap_s = 0, seal_s = 0;
    if (thread_count < 1 || thread_count > THREADS_MAX)
        die("--threads: 1 to %d", THREADS_MAX);
    identity_make(&identity, argument("leaf", "p256"));
    X509 **agents = read_agents(agent_count, argument("folder", "."));
    for (long i = 0; i < thread_count; i++)
        works[i] = (struct crypto_work){
            .identity = &identity,
            .agents = agents,
            .agent_count = agent_count,
            .commands = commands * (i + 1) / thread_count - commands * i / thread_count,
            .iterations = (int)argument_number("iterations", 10000),
        };
    double start = monotonic_s(), cpu = cpu_s();
    for (long i = 0; i < thread_count; i++)
        if (pthread_create(&threads[i], NULL, work_off, &works[i]) != 0)
            die("no thread");
    for (long i = 0; i < thread_count; i++) {
        pthread_join(threads[i], NULL);
        wrap_s += works[i].wrap_s;
        seal_s += works[i].seal_s;
    }
    double seals = (double)commands * (double)agent_count;
    print_figures("seconds", monotonic_s() - start, "cpu_s", cpu_s() - cpu, "wrap_us",
                  wrap_s / (double)commands * 1e6, "seal_us", seals > 0 ? seal_s / seals * 1e6 : 0,
                  "content_bytes", (double)works[0].content_bytes, NULL);
    for (long i = 0; i < agent_count; i++)
        X509_free(agents[i]);
    free(agents);
    return 0;
}
