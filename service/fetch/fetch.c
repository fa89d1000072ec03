#include "fetch/fetch.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { CONNECT_MS = 3000, HEADER_MAX = 200 };

struct fetcher {
    struct fetch_options options;
    char *server;
    CURL *curl;
    char trouble[CURL_ERROR_SIZE];
    struct buf *body; /* of the exchange in hand */
    size_t body_before;
    bool too_long;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool library_works;

static void start_library(void)
{
    library_works = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

static size_t take(char *data, size_t size, size_t count, void *arg)
{
    struct fetcher *fetcher = arg;
    size_t len = size * count;
    fetcher->too_long = len > fetcher->options.reply_max - (fetcher->body->len - fetcher->body_before);
    if (fetcher->too_long)
        return 0;
    buf_put(fetcher->body, data, len);
    return fetcher->body->failed ? 0 : len;
}

static int look_at_stop(void *arg, curl_off_t in_all, curl_off_t in, curl_off_t out_all, curl_off_t out)
{
    (void)in_all;
    (void)in;
    (void)out_all;
    (void)out;
    const struct fetcher *fetcher = arg;
    return atomic_load(fetcher->options.stop);
}

static bool set_up(struct fetcher *fetcher, const struct fetch_options *options)
{
    CURL *curl = fetcher->curl;
    bool ok = curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
              curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, options->https_only ? "https" : "http,https") ==
                  CURLE_OK &&
              curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
              curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK &&
              curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
              curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK &&
              curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)options->timeout_ms) == CURLE_OK &&
              curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS) == CURLE_OK &&
              curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, fetcher->trouble) == CURLE_OK &&
              curl_easy_setopt(curl, CURLOPT_USERAGENT, "certswap/" CERTSWAP_VERSION) == CURLE_OK &&
              curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take) == CURLE_OK &&
              curl_easy_setopt(curl, CURLOPT_WRITEDATA, fetcher) == CURLE_OK;
    /* Without the second, the folder of the system's issuers would count beside the file. */
    if (ok && options->ca_file != NULL)
        ok = curl_easy_setopt(curl, CURLOPT_CAINFO, options->ca_file) == CURLE_OK &&
             curl_easy_setopt(curl, CURLOPT_CAPATH, NULL) == CURLE_OK;
    if (ok && options->user != NULL)
        ok = curl_easy_setopt(curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC) == CURLE_OK &&
             curl_easy_setopt(curl, CURLOPT_USERNAME, options->user) == CURLE_OK &&
             curl_easy_setopt(curl, CURLOPT_PASSWORD, options->password) == CURLE_OK;
    if (ok && options->stop != NULL)
        ok = curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L) == CURLE_OK &&
             curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, look_at_stop) == CURLE_OK &&
             curl_easy_setopt(curl, CURLOPT_XFERINFODATA, fetcher) == CURLE_OK;
    return ok;
}

struct fetcher *fetcher_new(const struct fetch_options *options, struct err *err)
{
    pthread_once(&once, start_library);
    struct fetcher *fetcher = calloc(1, sizeof *fetcher);
    if (fetcher != NULL && library_works) {
        fetcher->options = *options;
        fetcher->server = strdup(options->server);
        fetcher->curl = curl_easy_init();
    }
    if (fetcher != NULL && fetcher->server != NULL && fetcher->curl != NULL && set_up(fetcher, options))
        return fetcher;
    fetcher_free(fetcher);
    err_set(err, ERR_NO_MEMORY, "out of memory for a client of %s", options->server);
    return NULL;
}

void fetcher_free(struct fetcher *fetcher)
{
    if (fetcher == NULL)
        return;
    if (fetcher->curl != NULL)
        curl_easy_cleanup(fetcher->curl);
    free(fetcher->server);
    free(fetcher);
}

static bool add_line(struct curl_slist **headers, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*headers, line);
    *headers = longer != NULL ? longer : *headers;
    return longer != NULL;
}

static bool add_header(struct curl_slist **headers, const char *name, const char *value)
{
    char line[HEADER_MAX];
    int len = snprintf(line, sizeof line, "%s: %s", name, value);
    return len > 0 && (size_t)len < sizeof line && add_line(headers, line);
}

static bool set_request(struct fetcher *fetcher, const struct fetch_request *request,
                        struct curl_slist **headers)
{
    CURL *curl = fetcher->curl;
    bool ok = curl_easy_setopt(curl, CURLOPT_URL, request->url) == CURLE_OK &&
              add_header(headers, "Accept", request->accept);
    if (ok && request->content_type == NULL)
        ok = curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L) == CURLE_OK;
    else if (ok)
        /* Without "Expect:" a larger body waits up to a second for a "100 Continue" that few servers send. */
        ok = curl_easy_setopt(curl, CURLOPT_POST, 1L) == CURLE_OK &&
             curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body.data) == CURLE_OK &&
             curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len) == CURLE_OK &&
             add_header(headers, "Content-Type", request->content_type) && add_line(headers, "Expect:");
    return ok && curl_easy_setopt(curl, CURLOPT_HTTPHEADER, *headers) == CURLE_OK;
}

static bool failed(const struct fetcher *fetcher, const struct fetch_request *request, CURLcode code,
                   struct err *err)
{
    enum err_code failure = fetcher->options.failure;
    if (fetcher->body->failed || code == CURLE_OUT_OF_MEMORY)
        return err_set(err, ERR_NO_MEMORY, "out of memory for an answer of %s", fetcher->server);
    if (fetcher->too_long)
        return err_set(err, fetcher->options.too_large != ERR_NONE ? fetcher->options.too_large : failure,
                       "%s answers more than %zu bytes at %.200s", fetcher->server,
                       fetcher->options.reply_max, request->url);
    return err_set(err, failure, "%s does not answer at %.150s: %.150s", fetcher->server, request->url,
                   fetcher->trouble[0] != '\0' ? fetcher->trouble : curl_easy_strerror(code));
}

bool fetch(struct fetcher *fetcher, const struct fetch_request *request, int *status, struct buf *body,
           struct err *err)
{
    struct curl_slist *headers = NULL;
    size_t before = body->len;
    fetcher->body = body;
    fetcher->body_before = before;
    fetcher->too_long = false;
    fetcher->trouble[0] = '\0';
    CURLcode code = CURLE_OUT_OF_MEMORY;
    if (set_request(fetcher, request, &headers))
        code = curl_easy_perform(fetcher->curl);
    curl_easy_setopt(fetcher->curl, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(headers);
    long http = 0;
    if (code == CURLE_OK)
        code = curl_easy_getinfo(fetcher->curl, CURLINFO_RESPONSE_CODE, &http);
    *status = (int)http;
    if (code == CURLE_OK)
        return true;
    failed(fetcher, request, code, err);
    body->len = before;
    return false;
}
