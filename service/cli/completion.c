#include "cli/completion.h"

#include "cli/subcommands.h"

#include <stdio.h>

static const char *const SHELLS = "bash zsh";

/* A subcommand and where its rows are written to. */
struct target {
    struct buf *out;
    const struct subcommand *subcommand;
};

static size_t first_word(const char *name)
{
    return strcspn(name, " ");
}

/* The first words of all names, each once, separated by spaces. */
static void put_first_words(struct buf *out)
{
    for (size_t i = 0; i < SUBCOMMAND_COUNT; i++) {
        const char *name = SUBCOMMANDS[i]->name;
        size_t len = first_word(name);
        bool again = i > 0 && strncmp(SUBCOMMANDS[i - 1]->name, name, len) == 0 &&
                     first_word(SUBCOMMANDS[i - 1]->name) == len;
        if (!again)
            buf_put_format(out, "%.*s ", (int)len, name);
    }
}

static void bash_option(void *arg, const struct option_row *row)
{
    struct target *target = arg;
    buf_put_format(target->out, "--%s ", row->name);
}

/* What stands behind an option that takes a value. */
static void bash_value(void *arg, const struct option_row *row)
{
    struct target *target = arg;
    const char *name = target->subcommand->name;
    if (row->kind == OPTION_FLAG)
        return;
    buf_put_format(target->out, "    \"%s --%s\"", name, row->name);
    if (row->letter != '\0')
        buf_put_format(target->out, " | \"%s -%c\"", name, row->letter);
    if (row->choices != NULL)
        buf_put_format(target->out, ") words='%s' ;;\n", row->choices);
    else
        buf_put_text(target->out, row->kind == OPTION_FILE ? ") files=1 ;;\n" : ") ;;\n");
}

void completion_bash(struct buf *out)
{
    buf_put_text(out, "# bash completion of certswap: source <(certswap completion bash)\n"
                      "_certswap()\n{\n"
                      "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
                      "    local sub=${COMP_WORDS[1]} words='' files='' first=2\n"
                      "    COMPREPLY=()\n"
                      "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
                      "        words='");
    put_first_words(out);
    buf_put_text(out, "help --help --version'\n"
                      "        mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
                      "        return\n    fi\n"
                      "    case \"$sub $COMP_CWORD\" in\n");
    for (size_t i = 0; i < SUBCOMMAND_COUNT; i++) {
        const char *name = SUBCOMMANDS[i]->name;
        size_t len = first_word(name);
        if (name[len] == ' ')
            buf_put_format(
                out, "    \"%.*s 2\") mapfile -t COMPREPLY < <(compgen -W '%s' -- \"$cur\"); return ;;\n",
                (int)len, name, name + len + 1);
    }
    buf_put_text(out, "    \"help 2\") mapfile -t COMPREPLY < <(compgen -W '");
    put_first_words(out);
    buf_put_text(out, "' -- \"$cur\"); return ;;\n    esac\n    case \"$sub\" in\n");
    for (size_t i = 0; i < SUBCOMMAND_COUNT; i++) {
        const char *name = SUBCOMMANDS[i]->name;
        size_t len = first_word(name);
        if (name[len] == ' ')
            buf_put_format(out, "    %.*s) sub=\"$sub ${COMP_WORDS[2]}\" first=3 ;;\n", (int)len, name);
    }
    buf_put_text(out, "    esac\n    case \"$sub $prev\" in\n");
    for (size_t i = 0; i < SUBCOMMAND_COUNT; i++)
        options_each(SUBCOMMANDS[i], bash_value, &(struct target){out, SUBCOMMANDS[i]});
    buf_put_text(out, "    *)\n        case \"$sub\" in\n");
    for (size_t i = 0; i < SUBCOMMAND_COUNT; i++) {
        const struct subcommand *sub = SUBCOMMANDS[i];
        buf_put_format(out, "        \"%s\")\n            words='", sub->name);
        options_each(sub, bash_option, &(struct target){out, sub});
        buf_put_text(out, "'\n");
        if (sub->choices != NULL)
            buf_put_format(out, "            [ \"$COMP_CWORD\" -gt \"$first\" ] || words=\"%s $words\"\n",
                           sub->choices);
        buf_put_text(out, "            ;;\n");
    }
    buf_put_text(out, "        esac\n        ;;\n    esac\n"
                      "    if [ -n \"$files\" ]; then\n"
                      "        compopt -o filenames 2>/dev/null\n"
                      "        mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
                      "    else\n"
                      "        mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
                      "    fi\n}\ncomplete -F _certswap certswap\n");
}

/* The text inside single quotes and, in _arguments' language, inside [brackets]. */
static void put_zsh_text(struct buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\'')
            buf_put_text(out, "'\\''");
        else if (strchr("[]:\\", *text) != NULL)
            buf_put_format(out, "\\%c", *text);
        else
            buf_put_byte(out, (uint8_t)*text);
    }
}

static void zsh_option(void *arg, const struct option_row *row)
{
    struct buf *out = ((struct target *)arg)->out;
    buf_put_format(out, "      '%s--%s[", row->repeats ? "*" : "", row->name);
    put_zsh_text(out, row->help);
    buf_put_text(out, "]");
    if (row->kind != OPTION_FLAG) {
        buf_put_text(out, ":");
        put_zsh_text(out, row->value);
        if (row->choices != NULL)
            buf_put_format(out, ":(%s)", row->choices);
        else
            buf_put_text(out, row->kind == OPTION_FILE ? ":_files" : ":");
    }
    buf_put_text(out, "' \\\n");
}

static void zsh_subcommand(struct buf *out, const struct subcommand *sub)
{
    size_t len = first_word(sub->name);
    bool two_words = sub->name[len] == ' ';
    buf_put_format(out, "  %.*s)\n", (int)len, sub->name);
    if (two_words)
        buf_put_format(
            out, "    if (( CURRENT == 3 )); then compadd %s; return; fi\n    shift words; (( CURRENT-- ))\n",
            sub->name + len + 1);
    buf_put_text(out, "    shift words; (( CURRENT-- ))\n    _arguments \\\n");
    options_each(sub, zsh_option, &(struct target){out, sub});
    if (sub->choices != NULL)
        buf_put_format(out, "      '1:%s:(%s)'\n", sub->arguments, sub->choices);
    else
        buf_put_text(out, "      '*: :'\n");
    buf_put_text(out, "    ;;\n");
}

void completion_zsh(struct buf *out)
{
    buf_put_text(out, "#compdef certswap\n# zsh completion of certswap: source <(certswap completion zsh)\n"
                      "_certswap()\n{\n  local -a subcommands\n  subcommands=(\n");
    for (size_t i = 0; i < SUBCOMMAND_COUNT; i++) {
        const struct subcommand *sub = SUBCOMMANDS[i];
        buf_put_format(out, "    '%.*s:", (int)first_word(sub->name), sub->name);
        put_zsh_text(out, sub->summary);
        buf_put_text(out, "'\n");
    }
    buf_put_text(out,
                 "    'help:say how a subcommand is used'\n  )\n"
                 "  if (( CURRENT == 2 )); then\n    _describe subcommand subcommands\n    return\n  fi\n"
                 "  case $words[2] in\n");
    for (size_t i = 0; i < SUBCOMMAND_COUNT; i++)
        zsh_subcommand(out, SUBCOMMANDS[i]);
    buf_put_text(out, "  help)\n    compadd ");
    put_first_words(out);
    buf_put_text(out, "\n    ;;\n  esac\n}\n"
                      "if [ \"${funcstack[1]}\" = _certswap ]; then _certswap \"$@\"; else compdef _certswap "
                      "certswap; fi\n");
}

static int run(const struct options *options)
{
    AUTO(buf) struct buf out = {0};
    const char *shell = options_argument(options, 0);
    if (strcmp(shell, "bash") == 0) {
        completion_bash(&out);
    } else if (strcmp(shell, "zsh") == 0) {
        completion_zsh(&out);
    } else {
        fprintf(stderr, "certswap completion: there is none for '%s'; take one of: %s\n", shell, SHELLS);
        return STATUS_USAGE;
    }
    bool written = !out.failed && fwrite(out.data, 1, out.len, stdout) == out.len;
    return written ? STATUS_DONE : STATUS_FAILED;
}

const struct subcommand SUBCOMMAND_COMPLETION = {
    .name = "completion",
    .summary = "print the completion script of a shell",
    .arguments = "bash|zsh",
    .choices = "bash zsh",
    .argument_min = 1,
    .argument_max = 1,
    .details =
        "bash: source <(certswap completion bash)\n"
        "zsh:  source <(certswap completion zsh), or save it as _certswap in a folder of your fpath.\n",
    .run = run,
};
