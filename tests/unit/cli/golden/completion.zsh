#compdef certswap
# zsh completion of certswap: source <(certswap completion zsh)
_certswap()
{
  local -a subcommands
  subcommands=(
    'topics:create the topics that do not exist yet'
    'enroll:send an enrollment\: a new certificate with its key'
    'renew:send a renewal\: the successor of a certificate, with its key'
    'inventory:send what certificate stores hold, or forget a store'
    'replace:command that a certificate be replaced in all stores that hold it'
    'watch:print the records of a topic, as JSON'
    'dlq:show dead letters, and open those that are encrypted'
    'seal:seal a credential or a password to a certificate'
    'open:open what was sealed to a certificate, with its key'
    'gateway:serve callers of Keyfactor'\''s POST Enrollment/PFX/Replace over HTTP'
    'check:check the service'\''s configuration, as certswapd --check-config'
    'completion:print the completion script of a shell'
    'help:say how a subcommand is used'
  )
  if (( CURRENT == 2 )); then
    _describe subcommand subcommands
    return
  fi
  case $words[2] in
  topics)
    if (( CURRENT == 3 )); then compadd create; return; fi
    shift words; (( CURRENT-- ))
    shift words; (( CURRENT-- ))
    _arguments \
      '--partitions[of each topic (default\: 6)\: so many pipelines can share the work]:N:' \
      '--replication[copies of each partition (default\: the broker'\''s)]:N:' \
      '--bootstrap-servers[where Kafka is, HOST\:PORT,...; before CERTSWAP_KAFKA_BOOTSTRAP_SERVERS]:SERVERS:' \
      '--output[what to print; a table on a terminal, else JSON]:FORM:(table json)' \
      '--help[say how this subcommand is used]' \
      '*: :'
    ;;
  enroll)
    shift words; (( CURRENT-- ))
    _arguments \
      '--file[the record as JSON, or an array of them; - is standard input]:FILE:_files' \
      '--certificate-id[the new certificate]:ID:' \
      '--request-id[the certificate request it came from]:ID:' \
      '--requester[who made the request; only this user may replace with it]:USER:' \
      '--pfx[certificate and key as PKCS#12]:FILE:_files' \
      '--pem[certificate, chain and key as PEM, instead of --pfx]:FILE:_files' \
      '--password-file[a file whose first line is the password\: what opens --pfx or --pem]:FILE:_files' \
      '--password-env[the environment variable that holds it]:NAME:' \
      '--password-prompt[ask for it on the terminal]' \
      '--seal-to[seal it to this certificate (PEM or DER)\: only its key'\''s holder can read it]:FILE:_files' \
      '--thumbprint[the certificate'\''s SHA-1; computed when absent]:HEX:' \
      '--event-id[the event'\''s id; a random one when absent]:GUID:' \
      '--occurred-at[when it was acquired; now when absent]:TIME:' \
      '--format[what the enrollment was for; only Replace is staged (default\: Replace)]:NAME:' \
      '--bootstrap-servers[where Kafka is, HOST\:PORT,...; before CERTSWAP_KAFKA_BOOTSTRAP_SERVERS]:SERVERS:' \
      '--output[what to print; a table on a terminal, else JSON]:FORM:(table json)' \
      '--help[say how this subcommand is used]' \
      '*: :'
    ;;
  renew)
    shift words; (( CURRENT-- ))
    _arguments \
      '--file[the record as JSON, or an array of them; - is standard input]:FILE:_files' \
      '--certificate-id[the new certificate]:ID:' \
      '--request-id[the certificate request it came from]:ID:' \
      '--requester[who made the request; only this user may replace with it]:USER:' \
      '--pfx[certificate and key as PKCS#12]:FILE:_files' \
      '--pem[certificate, chain and key as PEM, instead of --pfx]:FILE:_files' \
      '--password-file[a file whose first line is the password\: what opens --pfx or --pem]:FILE:_files' \
      '--password-env[the environment variable that holds it]:NAME:' \
      '--password-prompt[ask for it on the terminal]' \
      '--seal-to[seal it to this certificate (PEM or DER)\: only its key'\''s holder can read it]:FILE:_files' \
      '--thumbprint[the certificate'\''s SHA-1; computed when absent]:HEX:' \
      '--event-id[the event'\''s id; a random one when absent]:GUID:' \
      '--occurred-at[when it was acquired; now when absent]:TIME:' \
      '--renewed-certificate-id[the certificate that was renewed]:ID:' \
      '--bootstrap-servers[where Kafka is, HOST\:PORT,...; before CERTSWAP_KAFKA_BOOTSTRAP_SERVERS]:SERVERS:' \
      '--output[what to print; a table on a terminal, else JSON]:FORM:(table json)' \
      '--help[say how this subcommand is used]' \
      '*: :'
    ;;
  inventory)
    shift words; (( CURRENT-- ))
    _arguments \
      '--file[one store as JSON, or an array of them; - is standard input]:FILE:_files' \
      '*--remove[forget this store]:STORE_ID:' \
      '--bootstrap-servers[where Kafka is, HOST\:PORT,...; before CERTSWAP_KAFKA_BOOTSTRAP_SERVERS]:SERVERS:' \
      '--output[what to print; a table on a terminal, else JSON]:FORM:(table json)' \
      '--help[say how this subcommand is used]' \
      '*: :'
    ;;
  replace)
    shift words; (( CURRENT-- ))
    _arguments \
      '--file[the command as JSON, or an array of them; - is standard input]:FILE:_files' \
      '--existing[the certificate to be replaced]:ID:' \
      '--certificate-id[the certificate that takes its place]:ID:' \
      '--request-id[the same, by its request; give one of both]:ID:' \
      '--user[in whose name; the requester of the new certificate]:USER:' \
      '*--permission[a permission of the user]:PATH:' \
      '--token-file[a file whose first line is the user'\''s token, where the service asks for one]:FILE:_files' \
      '--token-env[the environment variable that holds it]:NAME:' \
      '*--store-id[only in this store]:GUID:' \
      '--job-time[when the jobs run, ISO 8601 with a zone; at once when absent]:TIME:' \
      '--password-file[a file whose first line is the password\: what secures the certificate in the stores]:FILE:_files' \
      '--password-env[the environment variable that holds it]:NAME:' \
      '--password-prompt[ask for it on the terminal]' \
      '--seal-to[seal it to this certificate (PEM or DER)\: only its key'\''s holder can read it]:FILE:_files' \
      '--dry-run[make no jobs, say what would be]' \
      '--command-id[the command'\''s id; a random one when absent]:GUID:' \
      '--wait[stay for the result\: it sets the exit status]' \
      '--timeout[how long to wait (default\: 30)]:SECONDS:' \
      '--bootstrap-servers[where Kafka is, HOST\:PORT,...; before CERTSWAP_KAFKA_BOOTSTRAP_SERVERS]:SERVERS:' \
      '--output[what to print; a table on a terminal, else JSON]:FORM:(table json)' \
      '--help[say how this subcommand is used]' \
      '*: :'
    ;;
  watch)
    shift words; (( CURRENT-- ))
    _arguments \
      '--from-beginning[all that the topic holds, not only what comes from now on]' \
      '--until-end[stop at what was there at the start; with --from-beginning]' \
      '--count[stop after so many records]:N:' \
      '--timeout[stop, with status 14, when --count was not reached by then]:SECONDS:' \
      '*--field[print only this field, as value.storePath; a tab between several]:PATH:' \
      '--show-secrets[also passwords and credentials]' \
      '--bootstrap-servers[where Kafka is, HOST\:PORT,...; before CERTSWAP_KAFKA_BOOTSTRAP_SERVERS]:SERVERS:' \
      '--output[what to print; a table on a terminal, else JSON]:FORM:(table json)' \
      '--help[say how this subcommand is used]' \
      '1:TOPIC:(enrollments renewals inventory commands retry dlq jobs results)'
    ;;
  dlq)
    if (( CURRENT == 3 )); then compadd open; return; fi
    shift words; (( CURRENT-- ))
    shift words; (( CURRENT-- ))
    _arguments \
      '--at[only the dead letter that stands there in its topic]:PARTITION/OFFSET:' \
      '--show-secrets[also passwords, credentials, and undecoded bytes]' \
      '--bootstrap-servers[where Kafka is, HOST\:PORT,...; before CERTSWAP_KAFKA_BOOTSTRAP_SERVERS]:SERVERS:' \
      '--output[what to print; a table on a terminal, else JSON]:FORM:(table json)' \
      '--help[say how this subcommand is used]' \
      '*: :'
    ;;
  seal)
    shift words; (( CURRENT-- ))
    _arguments \
      '--seal-to[seal it to this certificate (PEM or DER)\: only its key'\''s holder can read it]:FILE:_files' \
      '--pfx[certificate and key as PKCS#12]:FILE:_files' \
      '--pem[certificate, chain and key as PEM, instead of --pfx]:FILE:_files' \
      '--password-file[a file whose first line is the password\: what opens --pfx or --pem]:FILE:_files' \
      '--password-env[the environment variable that holds it]:NAME:' \
      '--password-prompt[ask for it on the terminal]' \
      '--cms[write the CMS there, in DER, instead of printing the record]:FILE:_files' \
      '--output[what to print; a table on a terminal, else JSON]:FORM:(table json)' \
      '--help[say how this subcommand is used]' \
      '*: :'
    ;;
  open)
    shift words; (( CURRENT-- ))
    _arguments \
      '--certificate[the certificate it is sealed to, as PEM]:FILE:_files' \
      '--key[its private key, as PEM; --certificate'\''s file when absent]:FILE:_files' \
      '--password-file[a file whose first line is the password\: what opens --key]:FILE:_files' \
      '--password-env[the environment variable that holds it]:NAME:' \
      '--password-prompt[ask for it on the terminal]' \
      '--content[where to write the PKCS#12 or PEM, readable by you alone]:FILE:_files' \
      '--password-to[where to write the password, readable by you alone; printed when absent]:FILE:_files' \
      '--output[what to print; a table on a terminal, else JSON]:FORM:(table json)' \
      '--help[say how this subcommand is used]' \
      '*: :'
    ;;
  gateway)
    shift words; (( CURRENT-- ))
    _arguments \
      '--listen[where to serve (default\: 127.0.0.1\:8443)]:HOST\:PORT:' \
      '--prefix[what the paths begin with (default\: /KeyfactorAPI)]:PATH:' \
      '--tls-certificate[serve by TLS with this certificate and its chain (PEM)]:FILE:_files' \
      '--tls-key[and this key (PEM)]:FILE:_files' \
      '--plain-http[serve without TLS on more than loopback\: a proxy in front does it]' \
      '--seal-to[certswapd'\''s certificate (PEM or DER)\: passwords are sealed to it]:FILE:_files' \
      '--insecure-plain-passwords[send passwords to Kafka as they come; for development]' \
      '--insecure-principal[serve everybody without a token, as this user; for development]:USER:' \
      '*--insecure-permission[a permission of that user]:PATH:' \
      '--timeout[how long a request waits for its result (default\: 30)]:SECONDS:' \
      '--max-waiting[requests that wait at one time; more get 503 (default\: 256)]:N:' \
      '--max-connections[connections at one time; more are kept waiting (default\: 1024)]:N:' \
      '--client-timeout[to send a request, or to take an answer (default\: 30)]:SECONDS:' \
      '--drain[after SIGTERM, for results still to come (default\: 10)]:SECONDS:' \
      '--health-listen[serve /livez, /readyz and /metrics there]:HOST\:PORT:' \
      '--bootstrap-servers[where Kafka is, HOST\:PORT,...; before CERTSWAP_KAFKA_BOOTSTRAP_SERVERS]:SERVERS:' \
      '--output[what to print; a table on a terminal, else JSON]:FORM:(table json)' \
      '--help[say how this subcommand is used]' \
      '*: :'
    ;;
  check)
    shift words; (( CURRENT-- ))
    _arguments \
      '--output[what to print; a table on a terminal, else JSON]:FORM:(table json)' \
      '--help[say how this subcommand is used]' \
      '*: :'
    ;;
  completion)
    shift words; (( CURRENT-- ))
    _arguments \
      '--output[what to print; a table on a terminal, else JSON]:FORM:(table json)' \
      '--help[say how this subcommand is used]' \
      '1:bash|zsh:(bash zsh)'
    ;;
  help)
    compadd topics enroll renew inventory replace watch dlq seal open gateway check completion 
    ;;
  esac
}
if [ "${funcstack[1]}" = _certswap ]; then _certswap "$@"; else compdef _certswap certswap; fi
