/* The words of the language, for editors. */
#include "frontend/syntax.h"

static const char *const statement[] = {
/* clang-format off */
#define STATEMENT_WORD(id, text) text,
#include "frontend/token.def"
    /* clang-format on */
    NULL};

static const char *const keyword[] = {
/* clang-format off */
#define STATEMENT_WORD(id, text)
#define TOKEN(id, text)
#define MARK(id, text)
#define WORD(id, text) text,
#include "frontend/token.def"
    /* clang-format on */
    NULL};

static const char *const function[] = {
/* clang-format off */
#define BUILTIN(name, ...) name,
#include "frontend/builtin.def"
    /* clang-format on */
    NULL};

static const char *const initial[] = {
/* clang-format off */
#define INIT(name, ...) name,
#include "frontend/init.def"
    /* clang-format on */
    NULL};

const char *const *fe_words(FeWords kind)
{
    static const char *const *const list[] = {
        [FE_STATEMENTS] = statement,
        [FE_KEYWORDS] = keyword,
        [FE_FUNCTIONS] = function,
        [FE_INITIAL] = initial,
    };
    return list[kind];
}
