/* Does a JSON document agree with a JSON schema?  As much of the 2020-12 draft as
 * docs/manifest.schema.json uses; a keyword that is not known here is an error.
 *
 *   schema SCHEMA DOCUMENT */
#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const cJSON *root;
static int faults;

static bool agrees(const cJSON *schema, const cJSON *x, const char *place);

static bool fault(const char *place, const char *what, const char *which)
{
    fprintf(stderr, "%s: %s %s\n", *place ? place : "the document", what, which);
    faults++;
    return false;
}

static cJSON *read_json(const char *path)
{
    FILE *in = fopen(path, "r");
    char *text = NULL;
    size_t room = 0;
    if (!in || getdelim(&text, &room, 0, in) < 0) {
        perror(path);
        exit(2);
    }
    fclose(in);
    cJSON *tree = cJSON_ParseWithOpts(text, NULL, true);
    free(text);
    if (!tree) {
        fprintf(stderr, "%s: not JSON\n", path);
        exit(2);
    }
    return tree;
}

static bool is_type(const cJSON *x, const char *type)
{
    if (strcmp(type, "integer") == 0)
        return cJSON_IsNumber(x) && x->valuedouble == (double)(long long)x->valuedouble;
    return (strcmp(type, "object") == 0 && cJSON_IsObject(x)) ||
           (strcmp(type, "array") == 0 && cJSON_IsArray(x)) ||
           (strcmp(type, "string") == 0 && cJSON_IsString(x)) ||
           (strcmp(type, "number") == 0 && cJSON_IsNumber(x)) ||
           (strcmp(type, "boolean") == 0 && cJSON_IsBool(x)) ||
           (strcmp(type, "null") == 0 && cJSON_IsNull(x));
}

static bool check_type(const cJSON *type, const cJSON *x, const char *place)
{
    const cJSON *one;
    if (cJSON_IsString(type))
        return is_type(x, type->valuestring) || fault(place, "is no", type->valuestring);
    cJSON_ArrayForEach(one, type) if (is_type(x, one->valuestring)) return true;
    return fault(place, "is of no type of", "the list");
}

static bool check_enum(const cJSON *among, const cJSON *x, const char *place)
{
    const cJSON *one;
    cJSON_ArrayForEach(one, among) if (cJSON_Compare(one, x, true)) return true;
    return fault(place, "is none of", "the enum");
}

static bool check_required(const cJSON *names, const cJSON *x, const char *place)
{
    bool ok = true;
    const cJSON *name;
    cJSON_ArrayForEach(name,
                       names) if (cJSON_IsObject(x) && !cJSON_HasObjectItem(x, name->valuestring))
        ok = fault(place, "has no", name->valuestring);
    return ok;
}

static bool check_properties(const cJSON *schema, const cJSON *x, const char *place)
{
    bool ok = true;
    const cJSON *members = cJSON_IsObject(x) ? x : NULL, *member;
    const cJSON *known = cJSON_GetObjectItem(schema, "properties");
    cJSON_ArrayForEach(member, members)
    {
        char inside[400];
        const cJSON *of = cJSON_GetObjectItemCaseSensitive(known, member->string);
        snprintf(inside, sizeof inside, "%s.%s", place, member->string);
        if (of)
            ok = agrees(of, member, inside) && ok;
        else if (cJSON_IsFalse(cJSON_GetObjectItem(schema, "additionalProperties")))
            ok = fault(place, "has", member->string);
    }
    return ok;
}

static bool check_items(const cJSON *schema, const cJSON *x, const char *place)
{
    bool ok = true;
    int number = 0;
    const cJSON *list = cJSON_IsArray(x) ? x : NULL, *item;
    cJSON_ArrayForEach(item, list)
    {
        char inside[400];
        snprintf(inside, sizeof inside, "%s[%d]", place, number++);
        ok = agrees(schema, item, inside) && ok;
    }
    return ok;
}

/* "#/$defs/NAME" */
static bool follow(const char *to, const cJSON *x, const char *place)
{
    const cJSON *defs = cJSON_GetObjectItem(root, "$defs"), *def = NULL;
    if (strncmp(to, "#/$defs/", 8) == 0)
        def = cJSON_GetObjectItemCaseSensitive(defs, to + 8);
    return def ? agrees(def, x, place) : fault(place, "the schema has no", to);
}

static bool agrees(const cJSON *schema, const cJSON *x, const char *place)
{
    static const char *const silent = " $schema title description $defs properties "
                                      "additionalProperties ";
    bool ok = true;
    const cJSON *rule;
    cJSON_ArrayForEach(rule, schema)
    {
        char word[100];
        snprintf(word, sizeof word, " %s ", rule->string);
        if (strcmp(rule->string, "type") == 0)
            ok = check_type(rule, x, place) && ok;
        else if (strcmp(rule->string, "const") == 0)
            ok = (cJSON_Compare(rule, x, true) || fault(place, "is not", "the const")) && ok;
        else if (strcmp(rule->string, "enum") == 0)
            ok = check_enum(rule, x, place) && ok;
        else if (strcmp(rule->string, "required") == 0)
            ok = check_required(rule, x, place) && ok;
        else if (strcmp(rule->string, "items") == 0)
            ok = check_items(rule, x, place) && ok;
        else if (strcmp(rule->string, "$ref") == 0)
            ok = follow(rule->valuestring, x, place) && ok;
        else if (!strstr(silent, word))
            ok = fault(place, "the schema has an unknown", rule->string);
    }
    return check_properties(schema, x, place) && ok;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: schema SCHEMA DOCUMENT\n");
        return 2;
    }
    cJSON *schema = read_json(argv[1]), *document = read_json(argv[2]);
    root = schema;
    bool ok = agrees(schema, document, "");
    cJSON_Delete(schema);
    cJSON_Delete(document);
    return ok && faults == 0 ? 0 : 1;
}
