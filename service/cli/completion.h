/* cli/completion: what a shell needs to complete `certswap`, made of the subcommands' own tables. */
#pragma once

#include "base/buf.h"

/* A bash script that defines and registers the completion; needs bash 4 and nothing else. */
void completion_bash(struct buf *out);
/* A zsh completion function; works sourced and as a file _certswap on fpath. */
void completion_zsh(struct buf *out);
