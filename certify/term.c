/* The terms of proofs/ops.def, and the rule that translates to each. */
#include "certify/rule.h"

#include <string.h>

static const char *const term[IR_OP_COUNT] = {
#define OP(id, term, how) [IR_##id] = term,
#define NO_OP(...)
#define DIST(...)
#define NO_DIST(...)
#include "proofs/ops.def"
#undef OP
#undef NO_OP
#undef DIST
#undef NO_DIST
};

const char *low_term(IrOp op)
{
    return term[op];
}

/* "g_nodes" and the like are parts of the certificate around the programs: the operand itself. */
static const struct {
    const char *term;
    LowRule *rule;
} translation[] = {
    {"Const", rule_const},
    {"g_inputs", rule_input},
    {"Iota", rule_index},
    {"Size", rule_size},
    {"Sample", rule_sample},
    {"g_scores", rule_copy},
    {"g_cost", rule_copy},
    {"g_nodes", rule_copy},
    {"check", rule_copy},
    {"op_not", rule_not},
    {"op_neg", rule_neg},
    {"op_mulz", rule_mul},
    {"op_and", rule_mul},
    {"op_or", rule_or},
    {"op_lt", rule_lt},
    {"op_le", rule_le},
    {"op_eq", rule_eq},
    {"op_ne", rule_ne},
    {"op_select", rule_select},
    {"op_sum", rule_sum},
    {"Lse", rule_lse},
    {"Ein2", rule_contract},
    {"op_cumsum", rule_cumsum},
    {"op_reshape", rule_reshape},
    {"op_transpose", rule_transpose},
    {"op_expand", rule_expand},
    {"op_concat", rule_concat},
    {"op_gather", rule_gather},
    {"op_scatter", rule_scatter},
    {"op_one_hot", rule_one_hot},
    {"op_diag", rule_diag},
    {"op_diag_part", rule_diag_part},
    {"op_tril", rule_tril},
};

/* Terms that several rows share, each with another rule. */
static LowRule *shared_rule(IrOp op)
{
    switch (op) {
    case IR_SLICE:
        return rule_slice;
    case IR_PAD:
        return rule_pad;
    case IR_TO_PLATE:
        return rule_to_plate;
    case IR_TO_AXIS:
        return rule_to_axis;
    case IR_CARRY:
        return rule_carry;
    default:
        return NULL;
    }
}

LowRule *low_rule(IrOp op)
{
    if (!term[op] || shared_rule(op))
        return shared_rule(op);
    if (strncmp(term[op], "Map1 ", 5) == 0 || strncmp(term[op], "Map2 ", 5) == 0)
        return rule_map;
    for (size_t i = 0; i < sizeof translation / sizeof *translation; i++)
        if (strcmp(translation[i].term, term[op]) == 0)
            return translation[i].rule;
    return NULL;
}

const char *certify_untranslated(void)
{
    for (IrOp op = 0; op < IR_OP_COUNT; op++)
        if (term[op] && !low_rule(op))
            return ir_op_info[op].name;
    return NULL;
}
