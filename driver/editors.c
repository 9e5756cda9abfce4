/* Syntax highlighting for Vim and for editors that read TextMate grammars, made of the tables of
 * the language: editors/ holds what these functions print. */
#include "driver/driver.h"

#include <string.h>

/* Words of one colour: their group and its colour in Vim, their scope in TextMate. */
typedef enum Group { STATEMENTS, KEYWORDS, FUNCTIONS, LAWS, CHOICES, GROUPS } Group;
static const struct {
    const char *vim, *color, *scope;
} group[GROUPS] = {
    [STATEMENTS] = {"sgcStatement", "Statement", "keyword.control"},
    [KEYWORDS] = {"sgcKeyword", "Keyword", "keyword.other"},
    [FUNCTIONS] = {"sgcFunction", "Function", "support.function"},
    [LAWS] = {"sgcLaw", "Type", "support.type"},
    [CHOICES] = {"sgcChoice", "Constant", "support.constant"},
};

/* A list under construction: what stands between its words. */
typedef struct List {
    FILE *out;
    const char *between;
    size_t words;
} List;

static void put_word(List *l, const char *word)
{
    fprintf(l->out, "%s%s", l->words++ ? l->between : "", word);
}

static void put_words(List *l, FeWords kind)
{
    for (const char *const *word = fe_words(kind); *word; word++)
        put_word(l, *word);
}

static bool seen_law(IrDist d)
{
    for (IrDist e = 0; e < d; e++)
        if (strcmp(ir_dist_info[e].name, ir_dist_info[d].name) == 0)
            return true;
    return false;
}

static void put_laws(List *l)
{
    for (IrDist d = 0; d < IR_DIST_COUNT; d++)
        if (!seen_law(d))
            put_word(l, ir_dist_info[d].name);
}

static void put_choices(List *l)
{
    for (IrEstimator e = IR_EST_AUTO + 1; e < IR_EST_COUNT; e++)
        put_word(l, ir_estimator_info[e].name);
    for (IrConstraint c = IR_FREE + 1; c < IR_RANGE; c++)
        put_word(l, ir_constraint_name[c]);
    put_words(l, FE_INITIAL);
}

static void put_group(Group g, const char *between, FILE *out)
{
    List l = {out, between, 0};
    switch (g) {
    case STATEMENTS: put_words(&l, FE_STATEMENTS); break;
    case KEYWORDS: put_words(&l, FE_KEYWORDS); break;
    case FUNCTIONS: put_words(&l, FE_FUNCTIONS); break;
    case LAWS: put_laws(&l); break;
    case CHOICES: put_choices(&l); break;
    case GROUPS: break;
    }
}

void print_vim(FILE *out)
{
    fputs("\" Vim syntax file of sgc's language (.sg); made by sgc --print=sgc.vim\n"
          "\" In ~/.vim/syntax, with: autocmd BufNewFile,BufRead *.sg setfiletype sgc\n"
          "if exists(\"b:current_syntax\")\n  finish\nendif\n\n",
          out);
    for (Group g = 0; g < GROUPS; g++) {
        fprintf(out, "syn keyword %s ", group[g].vim);
        put_group(g, " ", out);
        fputc('\n', out);
    }
    fputs("syn match sgcNumber \"\\<\\d\\+\\(\\.\\d\\+\\)\\?\\([eE][-+]\\?\\d\\+\\)\\?\\>\"\n"
          "syn match sgcComment \"#.*$\" contains=@Spell\n\n",
          out);
    for (Group g = 0; g < GROUPS; g++)
        fprintf(out, "hi def link %s %s\n", group[g].vim, group[g].color);
    fputs("hi def link sgcNumber Number\nhi def link sgcComment Comment\n\n"
          "setlocal commentstring=#\\ %s\nlet b:current_syntax = \"sgc\"\n",
          out);
}

void print_textmate(FILE *out)
{
    fputs("{\n  \"name\": \"sgc\",\n  \"scopeName\": \"source.sgc\",\n  \"fileTypes\": [\"sg\"],\n"
          "  \"patterns\": [\n"
          "    {\"name\": \"comment.line.number-sign.sgc\", \"match\": \"#.*$\"},\n"
          "    {\"name\": \"constant.numeric.sgc\", \"match\": "
          "\"\\\\b[0-9]+(\\\\.[0-9]+)?([eE][-+]?[0-9]+)?\\\\b\"},\n",
          out);
    for (Group g = 0; g < GROUPS; g++) {
        fprintf(out, "    {\"name\": \"%s.sgc\", \"match\": \"\\\\b(", group[g].scope);
        put_group(g, "|", out);
        fputs(")\\\\b\"},\n", out);
    }
    fputs("    {\"name\": \"keyword.operator.sgc\", \"match\": \"[-+*/@^~=<>!]\"}\n  ]\n}\n", out);
}
