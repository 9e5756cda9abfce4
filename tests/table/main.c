/* Prints docs/laws.md. */
#include "tests/laws/page.h"

int main(void)
{
    return !page_write(stdout) || ferror(stdout);
}
