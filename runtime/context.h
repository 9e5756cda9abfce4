/* A model inside a program: what runtime/context.def promises, for one model.
 *
 * All memory is taken by _new; what follows takes none, prints nothing, and ends or signals no one.
 * There is no state outside a context but the choice of OpenBLAS's kernels, which is made once. */
#ifndef SGC_RUNTIME_CONTEXT_H
#define SGC_RUNTIME_CONTEXT_H

#include "runtime/engine.h"

enum {
#define CONTEXT_ERROR(name, text) SGRT_CONTEXT_##name,
#include "runtime/context.def"
};

typedef struct SgrtContext SgrtContext;

/* In a model's header the hypers have names. */
typedef struct SgrtContextConfig {
#define CONTEXT_SETTING(type, name, ...) type name;
#include "runtime/context.def"
    double hyper[];
} SgrtContextConfig;

typedef struct SgrtContextCall {
#define CONTEXT_FIELD(type, name, ...) type name;
#include "runtime/context.def"
} SgrtContextCall;

/* What _new does with the model that a library is made of. */
int sgrt_context_open(SgrtContext **out, const SgrtModel *model, const SgrtContextConfig *config);

#define PUBLIC __attribute__((visibility("default")))
PUBLIC int sgrt_context_new(SgrtContext **out, const SgrtContextConfig *config);
PUBLIC void sgrt_context_free(SgrtContext *m);
PUBLIC const char *sgrt_context_error(const SgrtContext *m);
PUBLIC const char *sgrt_context_reason(int code);
PUBLIC const char *sgrt_context_manifest(void);
PUBLIC int sgrt_context_grad(SgrtContext *m, int graph, const SgrtContextCall *call);
PUBLIC int sgrt_context_update(SgrtContext *m, int graph);
PUBLIC int sgrt_context_train(SgrtContext *m, int graph, const SgrtContextCall *call);
PUBLIC int sgrt_context_eval(SgrtContext *m, int graph, const SgrtContextCall *call);
PUBLIC int sgrt_context_run(SgrtContext *m, int graph, const SgrtContextCall *call);
PUBLIC int sgrt_context_noise(SgrtContext *m, int64_t seed, int64_t draw);
PUBLIC int sgrt_context_param(const char *path);
PUBLIC int64_t sgrt_context_size(int param);
PUBLIC int sgrt_context_get(SgrtContext *m, int param, void *value);
PUBLIC int sgrt_context_set(SgrtContext *m, int param, const void *value);
PUBLIC void *sgrt_context_p(SgrtContext *m, int param);
PUBLIC const void *sgrt_context_g(const SgrtContext *m, int graph, int param);
PUBLIC double sgrt_context_norm(const SgrtContext *m, int graph);
PUBLIC int sgrt_context_hyper(SgrtContext *m, int hyper, double value);
PUBLIC int sgrt_context_optimizer(SgrtContext *m, const char *setting, double value);
PUBLIC int64_t sgrt_context_updates(const SgrtContext *m, int graph);
PUBLIC int sgrt_context_note(SgrtContext *m, const char *text);
PUBLIC const char *sgrt_context_noted(const SgrtContext *m);
PUBLIC int sgrt_context_save(SgrtContext *m, int graph, const char *path);
PUBLIC int sgrt_context_load(SgrtContext *m, int graph, const char *path);
PUBLIC int64_t sgrt_context_pack(SgrtContext *m, int graph, void *out, int64_t room);
PUBLIC int sgrt_context_unpack(SgrtContext *m, int graph, const void *bytes, int64_t count);
#undef PUBLIC

#endif
