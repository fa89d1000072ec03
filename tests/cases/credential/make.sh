#!/usr/bin/env bash
# Makes the credentials of this folder anew, with the programs whose files certswap meets: openssl, Java's keytool and
# Python's cryptography; make.py adds what none of them writes. Their output is kept in the repository, so that tests
# need none of them. Each case is a folder: case.txt says what it is, its password and what is expected of it.
# Needs: openssl 3 with the legacy provider, keytool (Java 17), python3 with cryptography 42 or later.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export pki=$work/pki cases=$here
rm -rf "$here/valid" "$here/invalid"
mkdir -p "$pki" "$here/valid" "$here/invalid"

# The certificates: a root, an issuing CA, a leaf of each kind of key, one that belongs to nothing.
issue() { # name, subject, issuer or "self", "ca" or "leaf"
    local name=$1 subject=$2 issuer=$3 kind=$4 ext=basicConstraints=critical,CA:FALSE
    [ "$kind" = ca ] && ext=basicConstraints=critical,CA:TRUE
    openssl req -new -utf8 -key "$pki/$name.key" -subj "$subject" -out "$name.csr"
    if [ "$issuer" = self ]; then
        openssl x509 -req -in "$name.csr" -key "$pki/$name.key" -days 36500 -out "$pki/$name.crt" \
            -extfile <(echo "$ext") 2>/dev/null
    else
        openssl x509 -req -in "$name.csr" -CA "$pki/$issuer.crt" -CAkey "$pki/$issuer.key" -days 36500 \
            -out "$pki/$name.crt" -extfile <(printf '%s\nsubjectAltName=DNS:shop.example' "$ext") 2>/dev/null
    fi
}
key() { openssl genpkey "${@:2}" -out "$pki/$1.key" 2>/dev/null; }
for ca in root issuing other rootnew; do key $ca -algorithm EC -pkeyopt ec_paramgen_curve:P-256; done
key rsa -algorithm RSA -pkeyopt rsa_keygen_bits:2048
key p256 -algorithm EC -pkeyopt ec_paramgen_curve:P-256
key p384 -algorithm EC -pkeyopt ec_paramgen_curve:P-384
key p521 -algorithm EC -pkeyopt ec_paramgen_curve:P-521
key ed25519 -algorithm ED25519
key ed448 -algorithm ED448
key selfsigned -algorithm RSA -pkeyopt rsa_keygen_bits:2048
key unicode -algorithm EC -pkeyopt ec_paramgen_curve:P-256
issue root "/O=Example/CN=Example Root" self ca
# The same name with another key, as after a CA's renewal.
issue rootnew "/O=Example/CN=Example Root" self ca
issue issuing "/O=Example/CN=Example Issuing CA" root ca
issue other "/O=Other/CN=Unrelated" self ca
for kind in rsa p256 p384 p521 ed25519 ed448; do issue $kind "/O=Example/CN=$kind.shop.example" issuing leaf; done
issue selfsigned "/CN=self.example" self leaf
issue unicode "/O=Exämple/CN=Straße 中文 shop" issuing leaf
cat "$pki/issuing.crt" "$pki/root.crt" > "$pki/chain.pem"

# Writing cases.
thumbprint() { openssl x509 -in "$1" -noout -fingerprint -sha1 | sed 's/.*=//; s/://g'; }
valid() { # name, description, leaf, chain length, password or "-" (none), file, format
    mkdir -p "$here/valid/$1"
    local file=credential.p12
    [ "${7-PKCS12}" = PEM ] && file=credential.pem
    cp "$6" "$here/valid/$1/$file"
    {
        echo "description: $2"
        echo "format: ${7-PKCS12}"
        [ "$5" = - ] || echo "password: $5"
        echo "thumbprint: $(thumbprint "$pki/$3.crt")"
        echo "chain: $4"
    } > "$here/valid/$1/case.txt"
}
invalid() { # name, description, password or "-", file, words of the error, format
    mkdir -p "$here/invalid/$1"
    local file=credential.p12
    [ "${6-PKCS12}" = PEM ] && file=credential.pem
    cp "$4" "$here/invalid/$1/$file"
    {
        echo "description: $2"
        echo "format: ${6-PKCS12}"
        [ "$3" = - ] || echo "password: $3"
        echo "error: $5"
    } > "$here/invalid/$1/case.txt"
}
p12() { # leaf, password, openssl's further arguments: x.p12
    openssl pkcs12 -export -inkey "$pki/$1.key" -in "$pki/$1.crt" -name "$1" -passout "pass:$2" -out x.p12 "${@:3}"
}
with_chain=(-certfile "$pki/chain.pem")

for kind in rsa p256 p384 p521 ed25519 ed448; do
    p12 $kind 'changeit' "${with_chain[@]}"
    valid openssl3-$kind "OpenSSL 3 as it is: PBES2 with AES-256, MAC SHA-256; $kind" $kind 2 changeit x.p12
done
p12 rsa changeit
valid openssl3-no-chain "OpenSSL 3 without chain" rsa 0 changeit x.p12
p12 selfsigned changeit
valid openssl3-self-signed "a self-signed certificate" selfsigned 0 changeit x.p12
p12 rsa changeit -legacy "${with_chain[@]}"
valid openssl11-rsa "OpenSSL 1.1's defaults: RC2-40 certificates, 3DES key, MAC SHA-1" rsa 2 changeit x.p12
p12 p256 changeit -legacy -descert "${with_chain[@]}"
valid openssl11-descert-p256 "OpenSSL 1.1 with -descert: 3DES for all" p256 2 changeit x.p12
p12 rsa changeit -legacy -certpbe PBE-SHA1-RC2-128 -keypbe PBE-SHA1-RC2-128
valid rc2-128 "RC2-128 for certificate and key" rsa 0 changeit x.p12
p12 rsa changeit -legacy -certpbe PBE-SHA1-2DES -keypbe PBE-SHA1-2DES
valid des-ede-2key "3DES with two keys" rsa 0 changeit x.p12
p12 rsa 'Pa55word!' -legacy -certpbe PBE-SHA1-RC2-40 -keypbe PBE-SHA1-3DES -macalg sha1 -iter 2000 -keyex \
    -CSP "Microsoft Enhanced RSA and AES Cryptographic Provider" -LMK "${with_chain[@]}"
valid windows-rc2-rsa "as Windows exports: RC2-40, 3DES, SHA-1, 2000 iterations, CSP and key usage attributes" rsa 2 'Pa55word!' x.p12
p12 rsa 'Pa55word!' -certpbe AES-256-CBC -keypbe AES-256-CBC -macalg sha256 -iter 2000 \
    -CSP "Microsoft Software Key Storage Provider" "${with_chain[@]}"
valid windows-aes-rsa "as Windows Server 2019 exports: AES-256 and SHA-256, 2000 iterations" rsa 2 'Pa55word!' x.p12
for mac in sha224 sha384 sha512; do
    p12 p256 changeit -macalg $mac
    valid mac-$mac "MAC with $mac" p256 0 changeit x.p12
done
for cipher in AES-128-CBC AES-192-CBC DES-EDE3-CBC; do
    p12 p256 changeit -keypbe $cipher -certpbe $cipher
    valid pbes2-${cipher,,} "PBES2 with $cipher" p256 0 changeit x.p12
done
p12 rsa changeit -certpbe NONE "${with_chain[@]}"
valid certificates-in-clear "certificates not encrypted" rsa 2 changeit x.p12
p12 p256 changeit -certpbe NONE -keypbe NONE
valid all-in-clear "nothing encrypted, a MAC alone" p256 0 changeit x.p12
p12 p256 ''
valid empty-password "empty password, two zero bytes" p256 0 '' x.p12
valid empty-password-none-sent "empty password, none sent" p256 0 - x.p12
p12 p256 'Grüße-пароль-密码-🔑' "${with_chain[@]}"
valid unicode-password "a password beyond ASCII and the BMP" p256 2 'Grüße-пароль-密码-🔑' x.p12
p12 p256 'Grüße-пароль-密码' -legacy "${with_chain[@]}"
valid unicode-password-legacy "the same with PKCS#12's own PBE" p256 2 'Grüße-пароль-密码' x.p12
p12 unicode changeit "${with_chain[@]}"
valid unicode-name "a common name beyond ASCII" unicode 2 changeit x.p12
p12 p256 changeit -iter 1 -certfile <(cat "$pki/root.crt" "$pki/other.crt" "$pki/rootnew.crt" "$pki/issuing.crt" "$pki/rsa.crt")
valid chain-shuffled "chain in disorder, with certificates that do not belong and a root of the same name" p256 2 changeit x.p12
for kind in rsa ed25519; do
    p12 $kind changeit -iter 1 "${with_chain[@]}"
    valid one-iteration-$kind "one iteration, $kind" $kind 2 changeit x.p12
done
p12 rsa changeit -iter 1 -legacy "${with_chain[@]}"
valid one-iteration-rc2 "one iteration, RC2-40 and 3DES" rsa 2 changeit x.p12
p12 p256 changeit -iter 1 -nomaciter
valid one-iteration "one iteration, and none said for the MAC" p256 0 changeit x.p12

# Java.
p12 rsa changeit "${with_chain[@]}"
keytool_import() { # output, arguments
    rm -f "$1"
    keytool "${@:2}" -importkeystore -srckeystore x.p12 -srcstorepass changeit -srcstoretype PKCS12 \
        -destkeystore "$1" -deststoretype PKCS12 -deststorepass changeit -noprompt >/dev/null 2>&1
}
keytool_import java.p12
valid java17-rsa "keytool of Java 17: AES-256, SHA-256, 10000 iterations" rsa 2 changeit java.p12
keytool_import java.p12 -J-Dkeystore.pkcs12.legacy
valid java-legacy-rsa "keytool with keystore.pkcs12.legacy: RC2-40, 3DES, SHA-1, 50000 and 100000 iterations" rsa 2 changeit java.p12
p12 ed25519 changeit "${with_chain[@]}"
keytool_import java.p12
valid java17-ed25519 "keytool of Java 17, Ed25519" ed25519 2 changeit java.p12

# PEM.
pem() { cat "$@" > x.pem; }
pem "$pki/rsa.crt" "$pki/chain.pem" "$pki/rsa.key"
valid pem-pkcs8 "certificate, chain, plain PKCS#8" rsa 2 - x.pem PEM
pem "$pki/root.crt" "$pki/rsa.key" "$pki/other.crt" "$pki/rsa.crt" "$pki/issuing.crt"
valid pem-shuffled "key in the middle, chain in disorder" rsa 2 - x.pem PEM
openssl rsa -in "$pki/rsa.key" -traditional -out k.pem 2>/dev/null
pem k.pem "$pki/rsa.crt"
valid pem-pkcs1 "PKCS#1 key first" rsa 0 - x.pem PEM
openssl ec -in "$pki/p256.key" -out k.pem 2>/dev/null
pem <(openssl ecparam -name prime256v1) k.pem "$pki/p256.crt" "$pki/chain.pem"
valid pem-sec1 "SEC1 key behind its EC PARAMETERS" p256 2 - x.pem PEM
sed 's/$/\r/' x.pem > crlf.pem
valid pem-crlf "line ends of Windows" p256 2 - crlf.pem PEM
for kind in p384 ed25519 ed448; do
    pem "$pki/$kind.crt" "$pki/$kind.key"
    valid pem-$kind "PKCS#8, $kind" $kind 0 - x.pem PEM
done
openssl pkcs8 -topk8 -in "$pki/rsa.key" -passout pass:changeit -out k.pem
pem "$pki/rsa.crt" "$pki/chain.pem" k.pem
valid pem-encrypted "encrypted PKCS#8: PBES2, AES-256, SHA-256" rsa 2 changeit x.pem PEM
openssl pkcs8 -topk8 -v2 aes128 -v2prf hmacWithSHA512 -in "$pki/p256.key" -passout pass:Grüße -out k.pem
pem k.pem "$pki/p256.crt"
valid pem-encrypted-sha512 "encrypted PKCS#8: AES-128, SHA-512, a password beyond ASCII" p256 0 Grüße x.pem PEM
openssl pkcs8 -topk8 -scrypt -in "$pki/p256.key" -passout pass:changeit -out k.pem
pem k.pem "$pki/p256.crt"
valid pem-scrypt "encrypted PKCS#8 with scrypt" p256 0 changeit x.pem PEM
openssl pkcs8 -topk8 -v1 PBE-SHA1-3DES -in "$pki/p256.key" -passout pass:changeit -out k.pem
pem k.pem "$pki/p256.crt"
valid pem-pkcs12-pbe "encrypted PKCS#8 with PKCS#12's 3DES" p256 0 changeit x.pem PEM
p12 rsa changeit "${with_chain[@]}"
openssl pkcs12 -in x.p12 -passin pass:changeit -passout pass:changeit -out x.pem
valid pem-bag-attributes "openssl pkcs12's output, with text between the blocks" rsa 2 changeit x.pem PEM

# What must be refused.
p12 rsa changeit "${with_chain[@]}"
cp x.p12 good.p12
invalid wrong-password "another password" Changeit x.p12 "the password does not open"
invalid no-password "a password is needed and none is sent" - x.p12 "does not open without a password"
p12 rsa changeit -nomac
invalid no-mac "no MAC" changeit x.p12 "has no MAC"
openssl pkcs12 -export -nokeys -in "$pki/rsa.crt" -passout pass:changeit -out x.p12
invalid no-key "a certificate alone" changeit x.p12 "no private key"
head -c 900 good.p12 > x.p12
invalid truncated "cut off" changeit x.p12 "cannot be read"
(cat good.p12; printf 'more') > x.p12
invalid trailing-bytes "bytes behind the file" changeit x.p12 "cannot be read"
: > x.p12
invalid empty "no bytes" changeit x.p12 "is empty"
printf '\x30\x84\xff\xff\xff\xff\x02\x01\x03' > x.p12
invalid huge-length "claims 4 GiB" changeit x.p12 "cannot be read"
cp "$pki/rsa.key" x.p12
invalid pem-as-pkcs12 "PEM where PKCS#12 is said" changeit x.p12 "cannot be read"
keytool -genseckey -keyalg AES -keysize 256 -alias s -keystore sec.p12 -storetype PKCS12 -storepass changeit >/dev/null 2>&1
invalid java-secret-key "a Java key store with a secret key alone" changeit sec.p12 "no private key"

pem "$pki/rsa.crt"
invalid pem-no-key "a certificate alone" - x.pem "has no private key" PEM
pem "$pki/rsa.key"
invalid pem-no-certificate "a key alone" - x.pem "has no certificate" PEM
pem "$pki/rsa.crt" "$pki/p256.key"
invalid pem-other-key "a key of another certificate" - x.pem "no certificate of the PEM text belongs" PEM
pem "$pki/rsa.crt" "$pki/rsa.key" "$pki/p256.key"
invalid pem-two-keys "two keys" - x.pem "more than one private key" PEM
pem "$pki/rsa.crt" <(openssl pkcs8 -topk8 -in "$pki/rsa.key" -passout pass:changeit)
invalid pem-wrong-password "another password" wrong x.pem "the password does not open" PEM
invalid pem-no-password "an encrypted key and no password" - x.pem "send its password" PEM
openssl rsa -in "$pki/rsa.key" -aes256 -traditional -passout pass:changeit -out k.pem 2>/dev/null
pem "$pki/rsa.crt" k.pem
invalid pem-dek-info "traditional encryption" changeit x.pem "DEK-Info" PEM
pem "$pki/rsa.crt" <(head -n 10 "$pki/rsa.key")
invalid pem-truncated "no END line" - x.pem "no END line" PEM
pem "$pki/rsa.crt" <(sed '3s/^..../!!!!/' "$pki/rsa.key")
invalid pem-no-base64 "letters that are no base64" - x.pem "no base64" PEM
openssl pkcs8 -topk8 -v1 PBE-MD5-DES -provider legacy -provider default -in "$pki/p256.key" -passout pass:changeit -out k.pem
pem "$pki/p256.crt" k.pem
invalid pem-des "DES with MD5" changeit x.pem "unsupported" PEM
: > x.pem
invalid pem-empty "no text" - x.pem "has no certificate" PEM
openssl genpkey -genparam -algorithm DSA -pkeyopt dsa_paramgen_bits:1024 -out d.par 2>/dev/null
openssl genpkey -paramfile d.par -out k.pem 2>/dev/null
pem "$pki/rsa.crt" k.pem
invalid pem-dsa "a DSA key" - x.pem "kind that is unsupported" PEM
openssl ecparam -name prime256v1 -genkey -noout -param_enc explicit -out k.pem
pem "$pki/p256.crt" k.pem
invalid pem-explicit-curve "a curve written out" - x.pem "unsupported" PEM

python3 "$here/make.py"
