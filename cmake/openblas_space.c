/* Prints the bytes of the largest mapping that OpenBLAS asks for when a product starts. */
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

void *blas_memory_alloc(int procpos);

static size_t largest;

void *mmap(void *at, size_t length, int protection, int flags, int file, off_t offset)
{
    if (length > largest)
        largest = length;
    return (void *)syscall(SYS_mmap, at, length, protection, flags, file, offset);
}

int main(void)
{
    void *space = blas_memory_alloc(0);
    printf("%zu", largest);
    return space && largest > 0 ? 0 : 1;
}
