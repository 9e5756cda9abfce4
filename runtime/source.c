/* The right-hand side of x=FILE[:MEMBER][[FIRST:LAST]], x=zero and x=random:SEED. */
#include "runtime/bind.h"
#include "runtime/memory.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Digits up to `end`; nothing stands for `absent`. */
static bool bound_of(const char *text, const char *end, int64_t absent, int64_t *value)
{
    *value = absent;
    if (text == end)
        return true;
    for (const char *p = text; p < end; p++)
        if (!isdigit((unsigned char)*p))
            return false;
    errno = 0;
    *value = strtoll(text, NULL, 10);
    return errno == 0;
}

/* Cuts "[FIRST:LAST]" off the end of `word`.  A bracket that holds no colon is part of a name. */
static bool take_range(char *word, SgrtSource *s, SgrtError *e)
{
    size_t length = strlen(word);
    char *open = length && word[length - 1] == ']' ? strrchr(word, '[') : NULL;
    char *colon = open ? strchr(open, ':') : NULL;
    if (!colon)
        return true;
    if (!bound_of(open + 1, colon, 0, &s->first) ||
        !bound_of(colon + 1, word + length - 1, -1, &s->last))
        return sgrt_fail(e, "'%s' is no range of rows; try [0:1000]", open);
    *open = 0;
    return true;
}

/* Cuts ":MEMBER" off, unless a file has the whole as its name. */
static bool take_member(char *word, SgrtSource *s, SgrtError *e)
{
    char *colon = strrchr(word, ':');
    if (!colon || strchr(colon, '/') || access(word, F_OK) == 0)
        return true;
    *colon = 0;
    s->member = sgrt_copy_text(colon + 1, e);
    return s->member != NULL;
}

/* zero and random:SEED; a file of such a name is ./zero. */
static bool take_made(const char *word, SgrtSource *s, bool *made, SgrtError *e)
{
    static const char random[] = "random:";
    const char *seed = word + sizeof random - 1;
    *made = strcmp(word, "zero") == 0;
    if (*made)
        s->kind = SGRT_SOURCE_ZERO;
    if (*made || strncmp(word, random, sizeof random - 1) != 0)
        return true;
    *made = true;
    s->kind = SGRT_SOURCE_RANDOM;
    return (*seed && bound_of(seed, seed + strlen(seed), 0, &s->seed)) ||
           sgrt_fail(e, "'%s': a seed is expected, as in random:0", word);
}

bool sgrt_source_parse(SgrtSource *s, const char *word, SgrtError *e)
{
    bool made = false;
    *s = (SgrtSource){.last = -1, .path = sgrt_copy_text(word, e)};
    if (s->path && take_made(word, s, &made, e) && made)
        return true;
    if (s->path && !made && take_range(s->path, s, e) && take_member(s->path, s, e)) {
        if (*s->path)
            return true;
        sgrt_fail(e, "'%s' names no file", word);
    }
    sgrt_source_free(s);
    return false;
}

char *sgrt_source_text(const SgrtSource *s, char *out, size_t room)
{
    char last[24] = "";
    if (s->last >= 0)
        snprintf(last, sizeof last, "%lld", (long long)s->last);
    size_t used = (size_t)snprintf(out, room, "%s%s%s", s->path, s->member ? ":" : "",
                                   s->member ? s->member : "");
    if ((s->first || s->last >= 0) && used < room)
        snprintf(out + used, room - used, "[%lld:%s]", (long long)s->first, last);
    return out;
}

void sgrt_source_free(SgrtSource *s)
{
    free(s->path);
    free(s->member);
    *s = (SgrtSource){0};
}
