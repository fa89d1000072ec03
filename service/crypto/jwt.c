#include "crypto/jwt.h"

#include "base/base64.h"
#include "base/json_text.h"

enum { KID_SHOWN = 64 };

static void auto_json(json_t **json)
{
    json_decref(*json);
}
#define AUTO_JSON __attribute__((cleanup(auto_json))) json_t *

static const char RENEW[] = "get a new token from the issuer, and send the command under a new id";

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_NO_MEMORY, "out of memory for a token");
}

/* What is wrong with the token, and what to do. */
static bool refuse(struct err *err, const char *wrong)
{
    return err_set(err, ERR_UNAUTHENTICATED, "the token %s; %s", wrong, RENEW);
}

static struct span text_of(const json_t *value)
{
    return json_is_string(value) ? span_of(json_string_value(value), json_string_length(value))
                                 : (struct span){0};
}

/* A part of the token that is a JSON object in base64url; NULL with UNAUTHENTICATED or NO_MEMORY. */
static json_t *read_object(struct span base64url, const char *wrong, struct err *err)
{
    AUTO(buf) struct buf text = {0};
    bool canonical = base64url_decode(&text, base64url);
    json_error_t where;
    bool out_of_memory = text.failed;
    json_t *object = canonical && !text.failed
                         ? json_text_load(buf_span(&text), JSON_REJECT_DUPLICATES, &where, &out_of_memory)
                         : NULL;
    if (json_is_object(object))
        return object;
    json_decref(object);
    if (object == NULL && out_of_memory)
        no_memory(err);
    else
        refuse(err, wrong);
    return NULL;
}

/* Cuts at the two dots; *dots says how many there were. */
static bool split(struct span token, struct span parts[3], size_t *dots)
{
    size_t start = 0;
    *dots = 0;
    for (size_t i = 0; i < token.len; i++) {
        if (token.data[i] != '.')
            continue;
        if (*dots < 2)
            parts[*dots] = span_of(token.data + start, i - start);
        ++*dots;
        start = i + 1;
    }
    parts[2] = span_of(token.data + start, token.len - start);
    return *dots == 2 && parts[0].len > 0 && parts[1].len > 0;
}

static bool is_jwt_type(struct span type)
{
    struct span jwt = SPAN_LITERAL("jwt"), prefix = SPAN_LITERAL("application/");
    if (type.len == prefix.len + jwt.len &&
        strncasecmp((const char *)type.data, "application/", prefix.len) == 0)
        type = span_of(type.data + prefix.len, jwt.len);
    return type.len == jwt.len && strncasecmp((const char *)type.data, "jwt", jwt.len) == 0;
}

static bool read_header(struct arena *arena, struct span part, struct jwt *jwt, struct err *err)
{
    AUTO_JSON header = read_object(part, "has a header that cannot be read", err);
    if (header == NULL)
        return false;
    const json_t *kid = json_object_get(header, "kid");
    if (json_object_get(header, "enc") != NULL)
        return refuse(err, "is encrypted (JWE), which is not taken");
    jwt->algorithm = jws_algorithm_find(text_of(json_object_get(header, "alg")));
    if (jwt->algorithm == NULL)
        return refuse(err, "is signed by none of RS, PS and ES with 256, 384 or 512 (alg)");
    if (json_object_get(header, "crit") != NULL)
        return refuse(err, "has header members that must be understood and are not (crit)");
    if (is_jwt_type(text_of(json_object_get(header, "cty"))))
        return refuse(err, "holds another token (cty), which is not taken");
    if (kid != NULL && !json_is_string(kid))
        return refuse(err, "names its key by something else than a text (kid)");
    jwt->has_kid = kid != NULL;
    if (!jwt->has_kid)
        return true;
    jwt->kid = arena_copy(arena, text_of(kid));
    return jwt->kid.data != NULL || no_memory(err);
}

bool jwt_read(struct arena *arena, struct span authorization, struct jwt *jwt, struct err *err)
{
    struct span scheme = SPAN_LITERAL("Bearer "), token = authorization, parts[3];
    size_t dots;
    *jwt = (struct jwt){0};
    if (token.len >= scheme.len && memcmp(token.data, scheme.data, scheme.len) == 0)
        token = span_of(token.data + scheme.len, token.len - scheme.len);
    if (token.len == 0)
        return err_set(err, ERR_UNAUTHENTICATED,
                       "the command carries no token; send it in authorization, under a new id");
    if (token.len > JWT_BYTES_MAX)
        return refuse(err, "is longer than 16 KiB");
    if (!split(token, parts, &dots))
        return refuse(err, dots == 4 ? "is encrypted (JWE), which is not taken"
                                     : "is no signed JWT, three base64url parts with dots between them");
    jwt->payload = parts[1];
    jwt->signature = parts[2];
    jwt->signed_text = span_of(token.data, parts[0].len + 1 + parts[1].len);
    return read_header(arena, parts[0], jwt, err);
}

/* The kid as a message may show it. */
static void show(char shown[KID_SHOWN + 4], struct span kid)
{
    size_t len = kid.len < KID_SHOWN ? kid.len : KID_SHOWN;
    for (size_t i = 0; i < len; i++)
        shown[i] = (char)(kid.data[i] >= ' ' && kid.data[i] <= '~' ? kid.data[i] : '?');
    memcpy(shown + len, kid.len > KID_SHOWN ? "..." : "", kid.len > KID_SHOWN ? 4 : 1);
}

/* Whether the key may have been meant: of the token's kid, or the only one that verifies. */
static bool is_meant(const struct jwt *jwt, const struct jwk *jwk)
{
    return jwt->has_kid ? jwk->kid != NULL && span_equal(jwt->kid, span_text(jwk->kid)) : jwk->why == NULL;
}

/* Why this one does not verify the token; NULL: it may. */
static const char *misfit(const struct jwt *jwt, const struct jwk *jwk)
{
    if (jwk->why != NULL)
        return jwk->why;
    if (!jws_algorithm_fits(jwt->algorithm, &jwk->key))
        return "it is of another kind than the token's alg";
    return jwk->only != NULL && jwk->only != jwt->algorithm ? "it is for another alg than the token's" : NULL;
}

/* Says of a token that none of the keys tried has signed why. */
static enum jwt_key_state refuse_key(const struct jwt *jwt, const char *why, struct err *err)
{
    char kid[KID_SHOWN + 4];
    show(kid, jwt->kid);
    if (why != NULL) {
        err_set(err, ERR_UNAUTHENTICATED, "the token's key%s%s%s cannot be used for it: %s; %s",
                jwt->has_kid ? " \"" : "", kid, jwt->has_kid ? "\"" : "", why, RENEW);
        return JWT_KEY_BAD;
    }
    if (jwt->has_kid)
        err_set(err, ERR_UNAUTHENTICATED, "the token's key \"%s\" (kid) is not in the key set; %s", kid,
                RENEW);
    else
        refuse(err, "is not signed by the only key there is, and names none (kid)");
    return JWT_KEY_UNKNOWN;
}

enum jwt_key_state jwt_check_key(const struct jwt *jwt, const struct jwk_set *set, struct err *err)
{
    AUTO(buf) struct buf signature = {0};
    bool canonical = base64url_decode(&signature, jwt->signature);
    const char *why = NULL;
    struct err other = {0};
    if (signature.failed || !canonical) {
        if (signature.failed)
            no_memory(err);
        else
            refuse(err, "has a signature that is no base64url");
        return JWT_KEY_BAD;
    }
    if (!jwt->has_kid && set->usable != 1) {
        refuse(err, "does not name its key (kid), and there are several");
        return JWT_KEY_BAD;
    }
    for (size_t i = 0; i < set->count; i++) {
        const struct jwk *jwk = &set->keys[i];
        if (!is_meant(jwt, jwk))
            continue;
        const char *here = misfit(jwt, jwk);
        if (here != NULL) {
            why = here;
            continue;
        }
        struct err fault = {0};
        if (jws_verify(jwt->algorithm, &jwk->key, jwt->signed_text, buf_span(&signature), &fault))
            return JWT_KEY_GOOD;
        err_set(fault.code == ERR_NO_MEMORY ? err : &other, fault.code, "%s", fault.text);
        if (fault.code == ERR_NO_MEMORY)
            return JWT_KEY_BAD;
    }
    /* The one key of a set without kids may have become another one. */
    if (other.code == ERR_NONE || !jwt->has_kid)
        return refuse_key(jwt, other.code == ERR_NONE ? why : NULL, err);
    err_set(err, other.code, "%s", other.text);
    return JWT_KEY_BAD;
}

/* NumericDate (section 2), from 1970 to the year 9999: a number beyond counts something else than seconds. */
static bool read_date(const json_t *value, double *seconds)
{
    *seconds = json_number_value(value);
    return json_is_number(value) && *seconds >= 0 && *seconds < 253402300800.0;
}

static bool check_times(const json_t *claims, int64_t moment_ms, struct err *err)
{
    const json_t *not_before = json_object_get(claims, "nbf");
    double now = (double)moment_ms / 1000, end, begin;
    if (json_object_get(claims, "exp") == NULL)
        return refuse(err, "does not say when it expires (exp)");
    if (!read_date(json_object_get(claims, "exp"), &end))
        return refuse(err, "has an exp that is no moment in seconds since 1970");
    if (now >= end + JWT_LEEWAY_S)
        return refuse(err, "had expired when the command was first seen (exp)");
    if (not_before == NULL)
        return true;
    if (!read_date(not_before, &begin))
        return refuse(err, "has an nbf that is no moment in seconds since 1970");
    return now >= begin - JWT_LEEWAY_S ||
           refuse(err, "was not valid yet when the command was first seen (nbf)");
}

/* aud is a text or an array of texts (section 4.1.3). */
static bool is_for(const json_t *audience, struct span us)
{
    bool found = json_is_string(audience) && span_equal(text_of(audience), us);
    for (size_t i = 0; i < json_array_size(audience); i++) {
        const json_t *one = json_array_get(audience, i);
        if (!json_is_string(one))
            return false;
        found = found || span_equal(text_of(one), us);
    }
    return found;
}

static bool add_permission(struct arena *arena, struct principal *principal, struct span permission,
                           struct err *err)
{
    struct span copy = arena_copy(arena, permission);
    principal->permissions[principal->permission_count++] = copy;
    return copy.data != NULL || no_memory(err);
}

static bool add_words(struct arena *arena, struct principal *principal, struct span text, struct err *err)
{
    for (size_t start = 0, i = 0; i <= text.len; i++) {
        if (i < text.len && text.data[i] != ' ')
            continue;
        if (i > start && !add_permission(arena, principal, span_of(text.data + start, i - start), err))
            return false;
        start = i + 1;
    }
    return true;
}

/* An array of texts, or one text with spaces between them; a token without the claim permits nothing. */
static bool read_permissions(struct arena *arena, const json_t *claim, struct principal *principal,
                             struct err *err)
{
    size_t most = json_is_string(claim) ? text_of(claim).len / 2 + 1 : json_array_size(claim);
    if (claim == NULL)
        return true;
    if (!json_is_string(claim) && !json_is_array(claim))
        return refuse(err, "has permissions that are neither an array nor a text");
    principal->permissions = arena_array(arena, most, sizeof *principal->permissions);
    if (principal->permissions == NULL)
        return no_memory(err);
    if (json_is_string(claim))
        return add_words(arena, principal, text_of(claim), err);
    for (size_t i = 0; i < most; i++) {
        const json_t *one = json_array_get(claim, i);
        if (!json_is_string(one))
            return refuse(err, "has a permission that is no text");
        if (!add_permission(arena, principal, text_of(one), err))
            return false;
    }
    return true;
}

static bool read_user(struct arena *arena, const json_t *claim, struct principal *principal, struct err *err)
{
    if (text_of(claim).len == 0)
        return refuse(err, "names no user in the claim that the service reads (CERTSWAP_JWT_USER_CLAIM)");
    principal->user = arena_copy(arena, text_of(claim));
    return principal->user.data != NULL || no_memory(err);
}

bool jwt_read_claims(struct arena *arena, const struct jwt *jwt, const struct jwt_rules *rules,
                     int64_t moment_ms, struct principal *principal, struct err *err)
{
    struct principal found = {0};
    *principal = (struct principal){0};
    AUTO_JSON claims = read_object(jwt->payload, "has claims that cannot be read", err);
    if (claims == NULL)
        return false;
    if (!span_equal(text_of(json_object_get(claims, "iss")), rules->issuer))
        return refuse(err, "is from another issuer than the service trusts (iss)");
    if (!is_for(json_object_get(claims, "aud"), rules->audience))
        return refuse(err, "is for another audience than the service (aud)");
    if (!check_times(claims, moment_ms, err) ||
        !read_user(arena, json_object_get(claims, rules->user_claim), &found, err) ||
        !read_permissions(arena, json_object_get(claims, rules->permissions_claim), &found, err))
        return false;
    *principal = found;
    return true;
}
