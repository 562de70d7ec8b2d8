/* The manual page, evreplay(1), written from the tables that --help is written from. */
#include "commands.h"

#include <evreplay/evreplay.h>

#include <stdio.h>
#include <string.h>

/* One character of UTF-8; moves *text behind it. What is no UTF-8 counts byte by byte. */
static unsigned next_character(const char **text)
{
    const unsigned char *s = (const unsigned char *)*text;
    int more = s[0] >= 0xf0 ? 3 : s[0] >= 0xe0 ? 2 : s[0] >= 0xc0 ? 1 : 0;
    unsigned code = s[0] & (more == 3 ? 0x07u : more == 2 ? 0x0fu : more == 1 ? 0x1fu : 0xffu);
    int i = 1;
    for (; i <= more && (s[i] & 0xc0) == 0x80; i++)
        code = code << 6 | (s[i] & 0x3f);
    *text += i;
    return code;
}

/* Text as troff takes it: what is special at the start of a line, backslashes and dashes are escaped, `code` is bold, a blank line starts a paragraph. */
static void print_text(const char *text)
{
    bool bold = false, line_start = true;
    while (*text) {
        unsigned c = next_character(&text);
        if (c == '\n') {
            printf("\n%s", *text == '\n' ? ".PP" : ""); /* of the blank line the macro takes the place */
            line_start = true;
            continue;
        }
        if (line_start && (c == '.' || c == '\''))
            printf("\\&");
        if (line_start && c == ' ') /* a blank at the start breaks the line: wanted nowhere */
            continue;
        line_start = false;
        if (c == '`')
            printf("%s", (bold = !bold) ? "\\fB" : "\\fR");
        else if (c == '\\')
            printf("\\e");
        else if (c == '-')
            printf("\\-");
        else if (c >= 0x80)
            printf("\\[u%04X]", c);
        else
            putchar((int)c);
    }
}

static void print_line(const char *text)
{
    print_text(text);
    putchar('\n');
}

static void print_options(const command *cmd)
{
    for (const option *o = cmd->options; o && o->name; o++) {
        printf(".TP\n");
        if (o->short_name)
            printf("\\fB\\-%c\\fR, ", o->short_name);
        printf("\\fB\\-\\-");
        print_text(o->name);
        printf("\\fR");
        if (o->value) {
            printf(" \\fI");
            print_text(o->value);
            printf("\\fR%s", o->kind == OPT_LIST ? "\\[u2026]" : "");
        }
        putchar('\n');
        print_line(o->help);
    }
}

static void print_command(const command *cmd)
{
    printf(".SS \"evreplay %s\"\n", cmd->name);
    printf("\\fBevreplay %s\\fR ", cmd->name);
    print_text(cmd->synopsis);
    printf("%s\n.PP\n", cmd->options && cmd->options->name ? " [OPTIONS]" : "");
    print_line(cmd->summary);
    print_options(cmd);
    if (cmd->details) {
        printf(".PP\n");
        print_text(cmd->details);
    }
    for (const command *const *sub = cmd->commands; sub && *sub; sub++)
        print_command(*sub);
}

int manual_print(void)
{
    printf(".\\\" Written by evreplay help --man.\n.TH EVREPLAY 1 \"\" \"libevreplay %s\"\n.SH NAME\nevreplay \\- ", evr_version_string());
    print_line(program_summary);
    printf(".SH SYNOPSIS\n\\fBevreplay\\fR \\fICOMMAND\\fR [\\fIARGUMENTS\\fR]\n.SH DESCRIPTION\n");
    print_line(program_input);
    printf("Data goes to standard output, everything else to standard error.\n.SH COMMANDS\n");
    for (const command *const *cmd = program_commands; *cmd; cmd++)
        print_command(*cmd);
    printf(".SH EXIT STATUS\n");
    for (const exit_code *e = program_exit_codes; e->text; e++) {
        printf(".TP\n%d\n", e->code);
        print_line(e->text);
    }
    printf(".SH ENVIRONMENT\n"
           ".TP\nEVREPLAY_BRIDGE\nThe bridge to torch, a file or a folder.\n"
           ".TP\nEVREPLAY_BACKEND_PATH\nWhat keeps time on a device, a file or a folder.\n"
           ".TP\nEVREPLAY_WORKER\nThe program that isolated records run in.\n"
           ".TP\nEVREPLAY_MODULE_PATH\nFolders with modules of operators, separated by colons.\n");
    return EXIT_GOOD;
}
