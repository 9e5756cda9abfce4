/* CSV: writing.  (Reading is behind sgrt_array_read().) */
#ifndef SGC_RUNTIME_CSV_H
#define SGC_RUNTIME_CSV_H

#include "runtime/data.h"

/* Every number in the fewest digits that read back as the same; an existing file is replaced only
 * when all is written. */
bool sgrt_csv_write(const char *path, const SgrtArray *a, SgrtError *e);

#endif
