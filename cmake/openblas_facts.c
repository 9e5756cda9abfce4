/* Prints what the archive of OpenBLAS that models hold is: the bytes of the largest mapping that it
 * asks for when a product starts; and "OpenBLAS 0.3.21, serial". */
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

void *blas_memory_alloc(int procpos);
char *openblas_get_config(void); /* "OpenBLAS 0.3.21 DYNAMIC_ARCH ..." */
int openblas_get_parallel(void);

static size_t largest;

void *mmap(void *at, size_t length, int protection, int flags, int file, off_t offset)
{
    if (length > largest)
        largest = length;
    return (void *)syscall(SYS_mmap, at, length, protection, flags, file, offset);
}

int main(void)
{
    char name[40] = "", version[40] = "";
    void *space = blas_memory_alloc(0);
    int words = sscanf(openblas_get_config(), "%39s %39s", name, version);
    printf("%zu;%s %s, %s", largest, name, version,
           openblas_get_parallel() == 0 ? "serial" : "with threads");
    return space && largest > 0 && words == 2 ? 0 : 1;
}
