/* Completion for shells, written from the tables that --help is written from. */
#include "commands.h"

#include <stdio.h>
#include <string.h>

static bool takes_file(const option *o)
{
    static const char *const files[] = {"FILE", "PATH", "DIR", "FOLDER"};
    for (size_t i = 0; o->value && i < sizeof files / sizeof *files; i++)
        if (strcmp(o->value, files[i]) == 0)
            return true;
    return false;
}

/* Calls `each` for every command and sub-command. */
static void walk(const command *const *commands, void (*each)(const command *cmd))
{
    for (; commands && *commands; commands++) {
        each(*commands);
        walk((*commands)->commands, each);
    }
}

static void print_words(const command *const *commands)
{
    for (; *commands; commands++)
        printf("%s%s", command_word(*commands), commands[1] ? " " : "");
}

/* Text between single quotes. */
static void print_quoted(const char *text, const char *quote)
{
    for (; *text; text++) {
        if (*text == '\'')
            printf("%s", quote);
        else
            putchar(*text);
    }
}

/* Options of one kind of value as a pattern of `case`: what has no such option says "-" which is nobody's name. */
static void print_pattern(const command *cmd, bool with_file)
{
    const char *between = "";
    for (const option *o = cmd->options; o && o->name; o++)
        if (o->kind != OPT_FLAG && takes_file(o) == with_file) {
            printf("%s--%s", between, o->name);
            between = "|";
            if (o->short_name)
                printf("|-%c", o->short_name);
        }
    printf("%s)", *between ? "" : "-");
}

static void bash_command(const command *cmd)
{
    printf("    \"%s\")\n", cmd->name);
    if (cmd->commands) {
        printf("      words='");
        print_words(cmd->commands);
        printf(" --help' ;;\n");
        return;
    }
    printf("      words='--help");
    for (const option *o = cmd->options; o && o->name; o++)
        printf(" --%s", o->name);
    printf("'\n      case $previous in\n        ");
    print_pattern(cmd, true);
    printf(" files=1 words= ;;\n        ");
    print_pattern(cmd, false);
    printf(" words= ;;\n        *) %s ;;\n      esac ;;\n", cmd->synopsis[0] ? "[[ $word == -* ]] || files=1 words=" : ":");
}

static void bash(void)
{
    printf("# bash completion for evreplay, written by: evreplay completion bash\n_evreplay() {\n  local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} "
           "words= files= command=${COMP_WORDS[1]}\n"
           "  COMPREPLY=()\n  if ((COMP_CWORD == 1)); then\n    words='");
    print_words(program_commands);
    printf(" help completion --help --version'\n    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n    return\n  fi\n"
           "  case $command in\n");
    for (const command *const *cmd = program_commands; *cmd; cmd++)
        if ((*cmd)->commands)
            printf("    %s) ((COMP_CWORD > 2)) && command=\"%s ${COMP_WORDS[2]}\" ;;\n", (*cmd)->name, (*cmd)->name);
    printf("  esac\n  case $command in\n    completion) words='bash zsh fish' ;;\n    help) words='--man ");
    print_words(program_commands);
    printf("' ;;\n");
    walk(program_commands, bash_command);
    printf("  esac\n  if [[ $files ]]; then\n    compopt -o filenames 2>/dev/null\n    COMPREPLY=($(compgen -f -- \"$word\"))\n  else\n"
           "    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n  fi\n}\ncomplete -F _evreplay evreplay\n");
}

/* A text inside of [...] of _arguments. */
static void zsh_text(const char *text)
{
    for (; *text; text++) {
        if (strchr("[]:\\", *text))
            putchar('\\');
        if (*text == '\'')
            printf("'\\''");
        else
            putchar(*text);
    }
}

static void zsh_commands(const command *const *commands)
{
    for (; *commands; commands++) {
        printf(" '%s:", command_word(*commands));
        zsh_text((*commands)->summary);
        printf("'");
    }
}

static void zsh_command(const command *cmd)
{
    printf("    '%s')\n", cmd->name);
    if (cmd->commands) {
        printf("      commands=(");
        zsh_commands(cmd->commands);
        printf(")\n      _describe command commands ;;\n");
        return;
    }
    printf("      _arguments '--help[this text]'");
    for (const option *o = cmd->options; o && o->name; o++) {
        printf(" '%s--%s%s[", o->kind == OPT_LIST ? "*" : "", o->name, o->kind == OPT_FLAG ? "" : "=");
        zsh_text(o->help);
        printf("]");
        if (o->kind != OPT_FLAG) {
            printf(":");
            zsh_text(o->value);
            printf(":%s", takes_file(o) ? "_files" : "");
        }
        printf("'");
    }
    printf("%s ;;\n", cmd->synopsis[0] ? " '*:file:_files'" : "");
}

static void zsh(void)
{
    printf("#compdef evreplay\n# zsh completion for evreplay, written by: evreplay completion zsh\n_evreplay() {\n  local -a commands\n  local command=$words[2]\n"
           "  if ((CURRENT == 2)); then\n    commands=(");
    zsh_commands(program_commands);
    printf(")\n    _describe command commands\n    return\n  fi\n  shift words\n  ((CURRENT--))\n  case $command in\n");
    for (const command *const *cmd = program_commands; *cmd; cmd++)
        if ((*cmd)->commands)
            printf("    %s) if ((CURRENT > 2)); then command=\"%s $words[2]\"; shift words; ((CURRENT--)); fi ;;\n", (*cmd)->name, (*cmd)->name);
    printf("  esac\n  case $command in\n");
    walk(program_commands, zsh_command);
    printf("  esac\n}\nif [[ $funcstack[1] == _evreplay ]]; then _evreplay \"$@\"; else compdef _evreplay evreplay; fi\n");
}

static void fish_command(const command *cmd)
{
    char parent[32];
    snprintf(parent, sizeof parent, "%.*s", (int)strcspn(cmd->name, " "), cmd->name);
    bool sub = strcmp(parent, cmd->name) != 0;
    printf("complete -c evreplay -f -n '%s", sub ? "" : "__fish_use_subcommand");
    if (sub)
        printf("__fish_seen_subcommand_from %s; and __fish_is_nth_token 2", parent);
    printf("' -a %s -d '", command_word(cmd));
    print_quoted(cmd->summary, "\\'");
    printf("'\n");
    if (!cmd->synopsis[0] || cmd->commands) /* no file goes there */
        printf("complete -c evreplay -f -n '__fish_seen_subcommand_from %s%s'\n", parent, cmd->commands ? "; and __fish_is_nth_token 2" : "");
    for (const option *o = cmd->options; o && o->name; o++) {
        printf("complete -c evreplay -n '__fish_seen_subcommand_from %s%s%s' -l %s", parent, sub ? "; and __fish_seen_subcommand_from " : "",
               sub ? command_word(cmd) : "", o->name);
        if (o->short_name)
            printf(" -s %c", o->short_name);
        printf("%s -d '", o->kind == OPT_FLAG ? "" : takes_file(o) ? " -r -F" : " -x");
        print_quoted(o->help, "\\'");
        printf("'\n");
    }
}

static void fish(void)
{
    printf("# fish completion for evreplay, written by: evreplay completion fish\n");
    printf("complete -c evreplay -f -n '__fish_use_subcommand' -a 'completion help'\n"
           "complete -c evreplay -f -n '__fish_seen_subcommand_from completion' -a 'bash zsh fish'\n"
           "complete -c evreplay -f -n '__fish_seen_subcommand_from help' -a '--man ");
    print_words(program_commands);
    printf("'\n");
    walk(program_commands, fish_command);
}

int completion_main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*print)(void);
    } shells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};
    for (size_t i = 0; argc == 1 && i < sizeof shells / sizeof *shells; i++)
        if (strcmp(argv[0], shells[i].name) == 0) {
            shells[i].print();
            return EXIT_GOOD;
        }
    fprintf(stderr, "usage: evreplay completion bash|zsh|fish\n\nWrites a script that completes this command: in bash, eval \"$(evreplay completion bash)\".\n");
    return argc == 1 && strcmp(argv[0], "--help") == 0 ? EXIT_GOOD : EXIT_USAGE;
}
