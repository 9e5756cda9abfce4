/* sgc: the command line, and the command that it names. */
#include "driver/driver.h"

static int run(const Options *o, Arena *a)
{
    if (o->help) {
        print_help(stdout);
        return SGC_OK;
    }
    if (o->version) {
        puts("sgc " SGC_VERSION);
        return SGC_OK;
    }
    if (o->print)
        return print_listing(o->print, stdout) ? SGC_OK : SGC_USAGE;
    return command_info[o->command].run(o, a);
}

int main(int argc, char **argv)
{
    install_handlers();
    if (argc < 2) {
        print_usage(stderr);
        fputs("\nsgc --help says more\n", stderr);
        return SGC_USAGE;
    }
    Arena *a = arena_new();
    Options o;
    int status = options_parse(argc, argv, &o, a) ? run(&o, a) : SGC_USAGE;
    arena_free(a);
    return status;
}
