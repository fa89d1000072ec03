#!/usr/bin/env bash
# Opens what certswap makes for stores with another program: foreign_readers.sh WRAP_FOR_STORES openssl|keytool|python.
# Every combination of profile, key kind, with and without key; algorithms and iteration counts as the contract says.
set -euo pipefail
wrap=$1 reader=$2
password='Grüße-密码' iterations=10000
export LC_ALL=C.UTF-8 password
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

fail() { echo "failed: $*"; exit 1; }
skip() { # a tool that CI lacks is a fault of CI
    [ -n "${CI-}" ] && fail "$*"
    echo "skipped: $*"
    exit 77
}
expect() { grep -qF -- "$2" "$1" || { cat "$1"; fail "$file: no \"$2\""; }; }
count() { [ "$(grep -c -- "$2" "$1")" = "$3" ] || { cat "$1"; fail "$file: not $3 times \"$2\""; }; }

public_of_key() { openssl pkey -in "$1" -passin "env:password" -pubout; }
public_of_leaf() { openssl x509 -in "$1" -noout -pubkey; }

with_openssl_p12() { # file, profile, key or bare
    openssl pkcs12 -in "$file" -passin env:password -info -noout 2> info
    local times=1
    [ "$3" = key ] && times=2
    expect info "Iteration $iterations"
    if [ "$2" = modern ]; then
        expect info "MAC: sha256, Iteration $iterations"
        count info "PBES2, PBKDF2, AES-256-CBC, Iteration $iterations, PRF hmacWithSHA256" $times
    else
        expect info "MAC: sha1, Iteration $iterations"
        count info "pbeWithSHA1And3-KeyTripleDES-CBC, Iteration $iterations" $times
    fi
    openssl pkcs12 -in "$file" -passin env:password -passout env:password -out out.pem
    count out.pem "BEGIN CERTIFICATE" 3
    expect out.pem "friendlyName: $kind.shop.example"
    expect out.pem "localKeyID: "
    [ "$3" = bare ] || [ "$(public_of_key out.pem)" = "$(public_of_leaf out.pem)" ] || fail "$file: another key"
}

with_openssl_pem() { # file, key or bare
    count "$file" "BEGIN CERTIFICATE" 3
    count "$file" "BEGIN ENCRYPTED PRIVATE KEY" "$([ "$2" = key ] && echo 1 || echo 0)"
    [ "$2" = bare ] && return
    [ "$(public_of_key "$file")" = "$(public_of_leaf "$file")" ] || fail "$file: another key"
    openssl asn1parse -in <(sed -n '/BEGIN ENC/,$p' "$file") > info
    for word in PBES2 PBKDF2 hmacWithSHA256 aes-256-cbc "INTEGER           :$(printf %04X $iterations)"; do
        expect info "$word"
    done
}

with_keytool() { # file, key or bare
    keytool -J-Dsun.jnu.encoding=UTF-8 -list -v -keystore "$file" -storetype PKCS12 -storepass "$password" > info 2>&1 ||
        { cat info; fail "$file: keytool"; }
    expect info "Alias name: $kind.shop.example"
    if [ "$2" = bare ]; then
        expect info "Entry type: trustedCertEntry"
        return
    fi
    expect info "Entry type: PrivateKeyEntry"
    expect info "Certificate chain length: 3"
    # Listing does not open the key; copying does.
    rm -f copy.p12
    keytool -J-Dsun.jnu.encoding=UTF-8 -importkeystore -srckeystore "$file" -srcstoretype PKCS12 -srcstorepass "$password" \
        -destkeystore copy.p12 -deststoretype PKCS12 -deststorepass "$password" -noprompt > info 2>&1 ||
        { cat info; fail "$file: keytool cannot open the key"; }
}

command -v openssl > /dev/null || skip "openssl is not installed"
case $reader in
keytool) command -v keytool > /dev/null || skip "keytool is not installed: install a JDK" ;;
python) python3 -c 'from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12' 2> /dev/null ||
    skip "Python's cryptography (36 or later) is not installed" ;;
esac

# Java opens no PKCS#12 under a password beyond ASCII, whoever wrote it ("Password is not ASCII").
[ "$reader" != keytool ] || password='Pa55word with space'
"$wrap" "$work" "$password" "$iterations"
if [ "$reader" = python ]; then
    python3 -W error "$(dirname "$0")/read_with_cryptography.py" "$work"
    exit
fi
for kind in rsa p256 ed25519; do
    for with in key bare; do
        for profile in modern legacy; do
            file=$kind-$profile-$with.p12
            if [ "$reader" = openssl ]; then
                with_openssl_p12 "$file" $profile $with
            else
                with_keytool "$file" $with
            fi
        done
        file=$kind-pem-$with.pem
        [ "$reader" != openssl ] || with_openssl_pem "$file" $with
    done
done
echo "$reader opens all"
