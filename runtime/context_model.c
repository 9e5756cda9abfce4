/* The calls that are about the model of a library, and not about a context. */
#include "runtime/context.h"

#include <string.h>

int sgrt_context_new(SgrtContext **out, const SgrtContextConfig *config)
{
    return sgrt_context_open(out, &sgrt_model, config);
}

const char *sgrt_context_manifest(void)
{
    return sgrt_model.manifest;
}

int sgrt_context_param(const char *path)
{
    for (int64_t i = 0; i < sgrt_model.params; i++)
        if (strcmp(sgrt_model.param[i].name, path) == 0)
            return (int)i;
    return -1;
}

int64_t sgrt_context_size(int param)
{
    return param >= 0 && param < sgrt_model.params ? sgrt_model.param[param].size : -1;
}
