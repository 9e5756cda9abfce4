/* CSV out: a line for each row, the other axes side by side. */
#include "runtime/csv.h"

#include "runtime/file.h"
#include "runtime/show.h"

#include <string.h>

static bool write_lines(SgrtFile *f, const SgrtArray *a, SgrtError *e)
{
    char text[33];
    int64_t rows = a->rank ? a->dim[0] : 1, width = rows ? a->size / rows : 0;
    for (int64_t i = 0; i < a->size; i++) {
        sgrt_show_value(text, a, i);
        size_t length = strlen(text);
        text[length++] = (i + 1) % width ? ',' : '\n';
        if (!sgrt_file_write(f, text, (int64_t)length, e))
            return false;
    }
    return true;
}

bool sgrt_csv_write(const char *path, const SgrtArray *a, SgrtError *e)
{
    SgrtFile f;
    if (!sgrt_file_begin(&f, path, e))
        return false;
    if (write_lines(&f, a, e))
        return sgrt_file_commit(&f, e);
    sgrt_file_abandon(&f);
    return false;
}
