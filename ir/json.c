/* Writing JSON: UTF-8 passes through, but for what JSON reserves. */
#include "ir/json.h"

#include <stdbool.h>
#include <stdint.h>

/* By the first byte: the length, and the least code point of that length, since longer spellings of
 * a character are not well-formed. */
size_t utf8_length(const char *s)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *u = (const unsigned char *)s;
    size_t n = u[0] < 0x80 ? 1 : u[0] < 0xC0 ? 0 : u[0] < 0xE0 ? 2 : u[0] < 0xF0 ? 3 : 4;
    if (n <= 1 || u[0] >= 0xF8)
        return n == 1 && u[0] ? 1 : 0;
    uint32_t point = u[0] & (0xFFu >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if ((u[i] & 0xC0) != 0x80)
            return 0;
        point = point << 6 | (u[i] & 0x3F);
    }
    bool surrogate = point >= 0xD800 && point < 0xE000;
    return point < least[n] || point > 0x10FFFF || surrogate ? 0 : n;
}

static void put_character(FILE *out, const char *s, size_t n)
{
    if (n == 0)
        fputs("\\ufffd", out);
    else if (*s == '"' || *s == '\\')
        fprintf(out, "\\%c", *s);
    else if ((unsigned char)*s < ' ')
        fprintf(out, "\\u%04x", (unsigned)*s);
    else
        fwrite(s, 1, n, out);
}

void json_text(FILE *out, const char *s)
{
    fputc('"', out);
    while (*s) {
        size_t n = utf8_length(s);
        put_character(out, s, n);
        s += n ? n : 1;
    }
    fputc('"', out);
}

void json_member(FILE *out, const char *key, const char *value)
{
    fprintf(out, "\"%s\":", key);
    json_text(out, value);
}
