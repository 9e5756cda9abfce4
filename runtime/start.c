/* The start of a model's executable; left out of a program that has a `main` of its own. */
#include "runtime/rt.h"

int main(int argc, char **argv)
{
    return sgrt_main(argc, argv, &sgrt_model);
}
