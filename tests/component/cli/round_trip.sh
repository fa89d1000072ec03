#!/usr/bin/env bash
# round_trip.sh CERTSWAP MOCK_BROKER: what the tool sends is what it reads again, secrets stay hidden, and each kind of
# failure has its exit status. The broker is librdkafka's mock cluster.
set -euo pipefail
certswap=$1
mock_broker=$2
work=$(mktemp -d "${TMPDIR:-/tmp}/certswap-cli.XXXXXX")
broker=''

# shellcheck disable=SC2317 # the trap calls it
finish() {
    local status=$?
    trap - EXIT
    exec 8>&-
    if [ -n "$broker" ]; then
        kill -TERM "$broker" 2>/dev/null || true
        wait "$broker" 2>/dev/null || true
    fi
    rm -rf "$work"
    exit "$status"
}
trap finish EXIT
trap 'exit 143' TERM INT HUP

failures=0
fail() {
    echo "FAIL: $*"
    failures=$((failures + 1))
}
# Runs the tool: its output is kept in out and err of the work folder. Fails unless it exits with the status.
expect() { # STATUS ARGUMENTS...
    local wanted=$1 status=0
    shift
    "$certswap" "$@" >"$work/out" 2>"$work/err" || status=$?
    [ "$status" -eq "$wanted" ] || fail "certswap $*: exit status $status, wanted $wanted: $(cat "$work/err")"
}
has() { # FILE TEXT
    grep -qF -- "$2" "$work/$1" || fail "no '$2' in $1: $(cat "$work/$1")"
}
lacks() { # FILE TEXT
    if grep -qF -- "$2" "$work/$1"; then
        fail "'$2' is in $1"
    fi
}
# The fields of all records of a topic are exactly this text.
reads() { # TOPIC TEXT FIELD...
    local topic=$1 text=$2 fields=()
    shift 2
    for field in "$@"; do
        fields+=(--field "$field")
    done
    expect 0 watch "$topic" --from-beginning --until-end "${fields[@]}"
    [ "$(sort "$work/out")" = "$text" ] || fail "$topic holds: $(cat "$work/out")"
}

mkfifo "$work/in" "$work/bootstrap"
"$mock_broker" certificate.enrollments:2 certificate.renewals:2 certstore.inventory:2 certificate.replace.commands:2 \
    certificate.replace.results:1 other.jobs:1 sealed.enrollments:1 sealed.commands:1 <"$work/in" >"$work/bootstrap" &
broker=$!
exec 8>"$work/in"
read -r -t 20 CERTSWAP_KAFKA_BOOTSTRAP_SERVERS <"$work/bootstrap"
export CERTSWAP_KAFKA_BOOTSTRAP_SERVERS

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/key" -out "$work/crt" \
    -subj /CN=www.example.test 2>/dev/null
cat "$work/crt" "$work/key" >"$work/pem"
openssl pkcs12 -export -in "$work/crt" -inkey "$work/key" -passout pass:sesame-pfx -out "$work/pfx"
thumbprint=$(openssl x509 -in "$work/crt" -noout -fingerprint -sha1 | sed 's/.*=//; s/://g')
echo sesame-pfx >"$work/pass"

# Enrollment: from flags, the thumbprint computed, nothing secret shown unless asked for.
enroll=(enroll -c 456 -r 9 -u alice --pfx "$work/pfx")
expect 0 "${enroll[@]}" --password-file "$work/pass" --event-id 7D8F9C1E-0B7A-4C56-9F3E-2A1B3C4D5E6F \
    --occurred-at 2026-11-19T16:23:01Z
reads enrollments "456	7d8f9c1e-0b7a-4c56-9f3e-2a1b3c4d5e6f	1795105381000	9	alice	Replace	$thumbprint	PKCS12	(hidden)" \
    key value.eventId value.occurredAt value.requestId value.requester value.certificateFormat value.thumbprint \
    value.credential.format value.credential.password
expect 0 watch enrollments --from-beginning --count 1
lacks out sesame-pfx
expect 0 watch enrollments --from-beginning --count 1 --show-secrets --field value.credential.content
base64 -d "$work/out" | cmp - "$work/pfx" || fail "the PFX is not the one that was sent"
expect 0 watch enrollments --from-beginning --count 1 --show-secrets
has out '"password":"sesame-pfx"'
DEMO_PASSWORD=sesame-pfx expect 0 "${enroll[@]}" --password-env DEMO_PASSWORD
expect 65 "${enroll[@]}"
has err --password-file
echo wrong >"$work/wrong"
expect 65 "${enroll[@]}" --password-file "$work/wrong"
lacks err wrong
expect 64 enroll -c 456 -r 9 -u alice
has err --pfx
expect 66 enroll -c 456 -r 9 -u alice --pfx "$work/absent"
has err "No such file or directory"

# Renewal, as PEM.
expect 0 renew -c 457 -r 10 -u bob --pem "$work/pem" --renewed-certificate-id 456 --output table
has out "certificate.renewals"
reads renewals "457	456	PEM	$thumbprint" key value.renewedCertificateId value.credential.format value.thumbprint

# Sealed: what is sent is readable by the recipient alone, and comes out as it went in.
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/agent.key" -out "$work/agent.crt" -subj /CN=agent.example.test \
    2>/dev/null
echo sesame-pfx >"$work/pass"
agent=(-c "$work/agent.crt" -k "$work/agent.key")
CERTSWAP_TOPIC_ENROLLMENTS=sealed.enrollments expect 0 "${enroll[@]}" --password-file "$work/pass" --seal-to "$work/agent.crt"
CERTSWAP_TOPIC_ENROLLMENTS=sealed.enrollments expect 0 watch enrollments --from-beginning --count 1 --show-secrets
lacks out sesame-pfx
lacks out '"format"'
has out "\"recipient\":\"$(openssl x509 -in "$work/agent.crt" -outform DER | sha256sum | cut -d ' ' -f 1)\""
cp "$work/out" "$work/event.json"
expect 0 open "${agent[@]}" --content "$work/opened.pfx" "$work/event.json"
[ "$(cat "$work/out")" = sesame-pfx ] || fail "another password: $(cat "$work/out")"
cmp "$work/opened.pfx" "$work/pfx" || fail "the PFX that was opened is not the one that was sealed"
[ "$(stat -c %a "$work/opened.pfx")" = 600 ] || fail "others may read what was opened"
expect 0 open "${agent[@]}" --content "$work/opened.pfx" --password-to "$work/opened.pass" "$work/event.json"
[ ! -s "$work/out" ] && [ "$(cat "$work/opened.pass")" = sesame-pfx ] || fail "--password-to is not heeded"
expect 64 open "${agent[@]}" "$work/event.json"
has err --content
expect 65 open -c "$work/crt" -k "$work/key" --content "$work/none" "$work/event.json"
has err "none of our certificates"
[ ! -e "$work/none" ] || fail "something was written"
expect 65 open -c "$work/agent.crt" -k "$work/key" --content "$work/none" "$work/event.json"
expect 66 open "${agent[@]}" --content "$work/none" "$work/absent.json"
expect 66 open "${agent[@]}" --content "$work/absent/none" "$work/event.json"

# Inventory: an array, one object from standard input, a tombstone; all or nothing when a record is wrong.
store() { # NUMBER
    echo "{\"storeId\": \"AAAAAAAA-0000-4000-8000-00000000000$1\", \"storeType\": {\"shortName\": \"PEM\",
      \"format\": \"PEM\", \"entryPasswordRequired\": false, \"privateKey\": \"OPTIONAL\", \"addSupported\": true},
      \"clientMachine\": \"web-$1\", \"storePath\": \"/www.pem\", \"approved\": true, \"entries\": []}"
}
echo "[$(store 1), $(store 2)]" >"$work/stores.json"
expect 0 inventory --file "$work/stores.json"
store 3 >"$work/store.json"
expect 0 inventory --file - <"$work/store.json"
expect 0 inventory --remove AAAAAAAA-0000-4000-8000-000000000003
echo "[$(store 4), {\"storeId\": 7}]" >"$work/half.json"
expect 65 inventory --file "$work/half.json"
has err "nothing was sent"
reads inventory "aaaaaaaa-0000-4000-8000-000000000001	web-1
aaaaaaaa-0000-4000-8000-000000000002	web-2
aaaaaaaa-0000-4000-8000-000000000003	
aaaaaaaa-0000-4000-8000-000000000003	web-3" key value.clientMachine

# Commands: flags and the same from a file; a wait that gets no answer.
echo sesame-store >"$work/pass"
expect 0 replace -e 123 -r 9 -u alice -p /a/ -p /b/ --dry-run --password-file "$work/pass" \
    --store-id AAAAAAAA-0000-4000-8000-000000000001 --job-time 2026-11-19T16:23:01Z \
    --command-id 00000000-0000-4000-8000-000000000001
echo '{"commandId": "00000000-0000-4000-8000-000000000002", "existingCertificateId": 1, "certificateId": 2,
  "password": "sesame-store", "principal": {"user": "bob", "permissions": []}}' >"$work/command.json"
expect 0 replace --file "$work/command.json"
fields=(key value.existingCertificateId value.certificateId value.requestId value.principal.user
    value.principal.permissions value.storeIds value.jobTime value.password value.dryRun)
reads commands "00000000-0000-4000-8000-000000000001	123		9	alice	/a/, /b/	aaaaaaaa-0000-4000-8000-000000000001	2026-11-19T16:23:01Z	(hidden)	yes
00000000-0000-4000-8000-000000000002	1	2		bob				(hidden)	no" "${fields[@]}"
CERTSWAP_TOPIC_COMMANDS=sealed.commands expect 0 replace -e 123 -r 9 -u alice -p /a/ --password-file "$work/pass" \
    --seal-to "$work/agent.crt"
CERTSWAP_TOPIC_COMMANDS=sealed.commands expect 0 watch commands --from-beginning --count 1 --show-secrets
lacks out sesame-store
cp "$work/out" "$work/sealed-command.json"
expect 0 open "${agent[@]}" "$work/sealed-command.json"
[ "$(cat "$work/out")" = sesame-store ] || fail "another password: $(cat "$work/out")"
expect 64 open "${agent[@]}" --content "$work/none" "$work/sealed-command.json"
expect 64 replace -e 123 -r 9 -u alice --seal-to "$work/agent.crt"
expect 14 replace -e 123 -c 9 -u alice --wait --timeout 1
has err "may still be carried out"
expect 64 replace -e 123 -c 9 -r 9 -u alice
expect 64 replace --file "$work/command.json" --dry-run
has err "leave out --dry-run"

# Topics of other names, and topics that are none.
CERTSWAP_TOPIC_JOBS=other.jobs expect 14 watch jobs --count 1 --timeout 1
CERTSWAP_TOPIC_JOBS=other.jobs expect 0 watch jobs --from-beginning --until-end
expect 64 watch
expect 78 watch jobs --bootstrap-servers ''
CERTSWAP_KAFKA_BANANA=1 expect 78 watch jobs
has err CERTSWAP_KAFKA_BANANA
expect 64 repalce
has err "did you mean 'certswap replace'?"

if [ "$failures" -gt 0 ]; then
    echo "$failures failures"
    exit 1
fi
echo "all as expected"
