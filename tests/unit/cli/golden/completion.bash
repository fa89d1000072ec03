# bash completion of certswap: source <(certswap completion bash)
_certswap()
{
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
    local sub=${COMP_WORDS[1]} words='' files='' first=2
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        words='topics enroll renew inventory replace watch dlq seal open gateway check completion help --help --version'
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
        return
    fi
    case "$sub $COMP_CWORD" in
    "topics 2") mapfile -t COMPREPLY < <(compgen -W 'create' -- "$cur"); return ;;
    "dlq 2") mapfile -t COMPREPLY < <(compgen -W 'open' -- "$cur"); return ;;
    "help 2") mapfile -t COMPREPLY < <(compgen -W 'topics enroll renew inventory replace watch dlq seal open gateway check completion ' -- "$cur"); return ;;
    esac
    case "$sub" in
    topics) sub="$sub ${COMP_WORDS[2]}" first=3 ;;
    dlq) sub="$sub ${COMP_WORDS[2]}" first=3 ;;
    esac
    case "$sub $prev" in
    "topics create --partitions") ;;
    "topics create --replication") ;;
    "topics create --bootstrap-servers" | "topics create -b") ;;
    "topics create --output" | "topics create -o") words='table json' ;;
    "enroll --file" | "enroll -f") files=1 ;;
    "enroll --certificate-id" | "enroll -c") ;;
    "enroll --request-id" | "enroll -r") ;;
    "enroll --requester" | "enroll -u") ;;
    "enroll --pfx") files=1 ;;
    "enroll --pem") files=1 ;;
    "enroll --password-file") files=1 ;;
    "enroll --password-env") ;;
    "enroll --seal-to") files=1 ;;
    "enroll --thumbprint") ;;
    "enroll --event-id") ;;
    "enroll --occurred-at") ;;
    "enroll --format") ;;
    "enroll --bootstrap-servers" | "enroll -b") ;;
    "enroll --output" | "enroll -o") words='table json' ;;
    "renew --file" | "renew -f") files=1 ;;
    "renew --certificate-id" | "renew -c") ;;
    "renew --request-id" | "renew -r") ;;
    "renew --requester" | "renew -u") ;;
    "renew --pfx") files=1 ;;
    "renew --pem") files=1 ;;
    "renew --password-file") files=1 ;;
    "renew --password-env") ;;
    "renew --seal-to") files=1 ;;
    "renew --thumbprint") ;;
    "renew --event-id") ;;
    "renew --occurred-at") ;;
    "renew --renewed-certificate-id") ;;
    "renew --bootstrap-servers" | "renew -b") ;;
    "renew --output" | "renew -o") words='table json' ;;
    "inventory --file" | "inventory -f") files=1 ;;
    "inventory --remove") ;;
    "inventory --bootstrap-servers" | "inventory -b") ;;
    "inventory --output" | "inventory -o") words='table json' ;;
    "replace --file" | "replace -f") files=1 ;;
    "replace --existing" | "replace -e") ;;
    "replace --certificate-id" | "replace -c") ;;
    "replace --request-id" | "replace -r") ;;
    "replace --user" | "replace -u") ;;
    "replace --permission" | "replace -p") ;;
    "replace --token-file") files=1 ;;
    "replace --token-env") ;;
    "replace --store-id") ;;
    "replace --job-time") ;;
    "replace --password-file") files=1 ;;
    "replace --password-env") ;;
    "replace --seal-to") files=1 ;;
    "replace --command-id") ;;
    "replace --timeout" | "replace -t") ;;
    "replace --bootstrap-servers" | "replace -b") ;;
    "replace --output" | "replace -o") words='table json' ;;
    "watch --count" | "watch -n") ;;
    "watch --timeout" | "watch -t") ;;
    "watch --field") ;;
    "watch --bootstrap-servers" | "watch -b") ;;
    "watch --output" | "watch -o") words='table json' ;;
    "dlq open --at") ;;
    "dlq open --bootstrap-servers" | "dlq open -b") ;;
    "dlq open --output" | "dlq open -o") words='table json' ;;
    "seal --seal-to") files=1 ;;
    "seal --pfx") files=1 ;;
    "seal --pem") files=1 ;;
    "seal --password-file") files=1 ;;
    "seal --password-env") ;;
    "seal --cms") files=1 ;;
    "seal --output" | "seal -o") words='table json' ;;
    "open --certificate" | "open -c") files=1 ;;
    "open --key" | "open -k") files=1 ;;
    "open --password-file") files=1 ;;
    "open --password-env") ;;
    "open --content") files=1 ;;
    "open --password-to") files=1 ;;
    "open --output" | "open -o") words='table json' ;;
    "gateway --listen" | "gateway -l") ;;
    "gateway --prefix") ;;
    "gateway --tls-certificate") files=1 ;;
    "gateway --tls-key") files=1 ;;
    "gateway --seal-to") files=1 ;;
    "gateway --insecure-principal") ;;
    "gateway --insecure-permission") ;;
    "gateway --timeout" | "gateway -t") ;;
    "gateway --max-waiting") ;;
    "gateway --max-connections") ;;
    "gateway --client-timeout") ;;
    "gateway --drain") ;;
    "gateway --health-listen") ;;
    "gateway --bootstrap-servers" | "gateway -b") ;;
    "gateway --output" | "gateway -o") words='table json' ;;
    "check --output" | "check -o") words='table json' ;;
    "completion --output" | "completion -o") words='table json' ;;
    *)
        case "$sub" in
        "topics create")
            words='--partitions --replication --bootstrap-servers --output --help '
            ;;
        "enroll")
            words='--file --certificate-id --request-id --requester --pfx --pem --password-file --password-env --password-prompt --seal-to --thumbprint --event-id --occurred-at --format --bootstrap-servers --output --help '
            ;;
        "renew")
            words='--file --certificate-id --request-id --requester --pfx --pem --password-file --password-env --password-prompt --seal-to --thumbprint --event-id --occurred-at --renewed-certificate-id --bootstrap-servers --output --help '
            ;;
        "inventory")
            words='--file --remove --bootstrap-servers --output --help '
            ;;
        "replace")
            words='--file --existing --certificate-id --request-id --user --permission --token-file --token-env --store-id --job-time --password-file --password-env --password-prompt --seal-to --dry-run --command-id --wait --timeout --bootstrap-servers --output --help '
            ;;
        "watch")
            words='--from-beginning --until-end --count --timeout --field --show-secrets --bootstrap-servers --output --help '
            [ "$COMP_CWORD" -gt "$first" ] || words="enrollments renewals inventory commands retry dlq jobs results $words"
            ;;
        "dlq open")
            words='--at --show-secrets --bootstrap-servers --output --help '
            ;;
        "seal")
            words='--seal-to --pfx --pem --password-file --password-env --password-prompt --cms --output --help '
            ;;
        "open")
            words='--certificate --key --password-file --password-env --password-prompt --content --password-to --output --help '
            ;;
        "gateway")
            words='--listen --prefix --tls-certificate --tls-key --plain-http --seal-to --insecure-plain-passwords --insecure-principal --insecure-permission --timeout --max-waiting --max-connections --client-timeout --drain --health-listen --bootstrap-servers --output --help '
            ;;
        "check")
            words='--output --help '
            ;;
        "completion")
            words='--output --help '
            [ "$COMP_CWORD" -gt "$first" ] || words="bash zsh $words"
            ;;
        esac
        ;;
    esac
    if [ -n "$files" ]; then
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
    else
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
    fi
}
complete -F _certswap certswap
