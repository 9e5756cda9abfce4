/* Syntax highlighting for Vim and for editors that read TextMate grammars, made of the tables of
 * the language: editors/ holds what these functions print. */
#include "driver/driver.h"

#include <string.h>

/* A list of words with `between` between them; each once. */
static void put_words(const char *const *word, const char *between, FILE *out)
{
    for (size_t i = 0; word[i]; i++)
        fprintf(out, "%s%s", i ? between : "", word[i]);
}

static bool seen_law(IrDist d)
{
    for (IrDist e = 0; e < d; e++)
        if (strcmp(ir_dist_info[e].name, ir_dist_info[d].name) == 0)
            return true;
    return false;
}

static void put_laws(const char *between, FILE *out)
{
    for (IrDist d = 0; d < IR_DIST_COUNT; d++)
        if (!seen_law(d))
            fprintf(out, "%s%s", d ? between : "", ir_dist_info[d].name);
}

static void put_choices(const char *between, FILE *out)
{
    const char *joint = "";
    for (IrEstimator e = IR_EST_AUTO + 1; e < IR_EST_COUNT; e++, joint = between)
        fprintf(out, "%s%s", joint, ir_estimator_info[e].name);
    for (IrConstraint c = IR_FREE + 1; c < IR_RANGE; c++)
        fprintf(out, "%s%s", between, ir_constraint_name[c]);
    fputs(between, out);
    put_words(fe_words(FE_INITIAL), between, out);
}

/* ---- Vim ----------------------------------------------------------------------------------- */

static void vim_words(const char *group, FeWords kind, FILE *out)
{
    fprintf(out, "syn keyword %s ", group);
    put_words(fe_words(kind), " ", out);
    fputc('\n', out);
}

void print_vim(FILE *out)
{
    fputs("\" Vim syntax file of sgc's language (.sg); made by sgc --print=sgc.vim\n"
          "\" In ~/.vim/syntax, with: autocmd BufNewFile,BufRead *.sg setfiletype sgc\n"
          "if exists(\"b:current_syntax\")\n  finish\nendif\n\n",
          out);
    vim_words("sgcStatement", FE_STATEMENTS, out);
    vim_words("sgcKeyword", FE_KEYWORDS, out);
    vim_words("sgcFunction", FE_FUNCTIONS, out);
    fputs("syn keyword sgcLaw ", out);
    put_laws(" ", out);
    fputs("\nsyn keyword sgcChoice ", out);
    put_choices(" ", out);
    fputs("\nsyn match sgcNumber \"\\<\\d\\+\\(\\.\\d\\+\\)\\?\\([eE][-+]\\?\\d\\+\\)\\?\\>\"\n"
          "syn match sgcComment \"#.*$\" contains=@Spell\n\n"
          "hi def link sgcStatement Statement\nhi def link sgcKeyword Keyword\n"
          "hi def link sgcFunction Function\nhi def link sgcLaw Type\n"
          "hi def link sgcChoice Constant\nhi def link sgcNumber Number\n"
          "hi def link sgcComment Comment\n\n"
          "setlocal commentstring=#\\ %s\nlet b:current_syntax = \"sgc\"\n",
          out);
}

/* ---- TextMate ------------------------------------------------------------------------------ */

static void begin_rule(const char *scope, FILE *out)
{
    fprintf(out, "    {\"name\": \"%s.sgc\", \"match\": \"\\\\b(", scope);
}

static void word_rule(const char *scope, FeWords kind, FILE *out)
{
    begin_rule(scope, out);
    put_words(fe_words(kind), "|", out);
    fputs(")\\\\b\"},\n", out);
}

void print_textmate(FILE *out)
{
    fputs("{\n  \"name\": \"sgc\",\n  \"scopeName\": \"source.sgc\",\n  \"fileTypes\": [\"sg\"],\n"
          "  \"patterns\": [\n"
          "    {\"name\": \"comment.line.number-sign.sgc\", \"match\": \"#.*$\"},\n"
          "    {\"name\": \"constant.numeric.sgc\", \"match\": "
          "\"\\\\b[0-9]+(\\\\.[0-9]+)?([eE][-+]?[0-9]+)?\\\\b\"},\n",
          out);
    word_rule("keyword.control", FE_STATEMENTS, out);
    word_rule("keyword.other", FE_KEYWORDS, out);
    word_rule("support.function", FE_FUNCTIONS, out);
    begin_rule("support.type", out);
    put_laws("|", out);
    fputs(")\\\\b\"},\n", out);
    begin_rule("support.constant", out);
    put_choices("|", out);
    fputs(")\\\\b\"},\n", out);
    fputs("    {\"name\": \"keyword.operator.sgc\", \"match\": \"[-+*/@^~=<>!]\"}\n  ]\n}\n", out);
}
