/* SPDX-License-Identifier: Apache-2.0 */
/* The rows described: what a role reaches, the OpenAPI document, and the check at start
 * that no row lacks its role, its audit class or a language. */
#include <math.h>
#include <stdio.h>

#include "core/version.h"
#include "serve/call.h"
#include "serve/shape.h"

/* ---- the check ---- */

static bool
values_whole(const struct api_value *v)
{
    for (; v && v->name; v++) {
        if (!v->type || !v->zh || !v->en || (v->type == API_WORD && !v->words))
            return false;
        if ((v->type == API_INT || v->type == API_NUMBER) && !(v->min <= v->max))
            return false;
    }
    return true;
}

/* Every {name} of the path stands in params and is needed there. */
static bool
holes_named(const struct api_route *t)
{
    for (const char *p = strchr(t->path, '{'); p; p = strchr(p + 1, '{')) {
        const char *end = strchr(p, '}');
        const struct api_value *v = t->params;
        while (end && v && v->name &&
               !span_eq_cstr(span_of(p + 1, (size_t)(end - p - 1)), v->name))
            v++;
        if (!end || !v || !v->name || !v->required)
            return false;
    }
    return true;
}

static bool
route_whole(const struct api_route *t)
{
    unsigned people = ROLES_PEOPLE | ROLE_DEVICE | ROLES_OPEN;
    bool who = t->roles && !(t->roles & ~people);
    bool how = t->audit != API_UNSET && t->where < WHERE_COUNT && t->fn;
    bool taken = !t->body || t->method != METHOD_GET;
    return who && how && taken && t->zh && t->en && t->path[0] == '/' &&
           values_whole(t->params) && values_whole(t->body) && holes_named(t);
}

void
api_check(void)
{
    for (const struct api *const *a = api_rows; *a; a++) {
        must((*a)->zh && (*a)->en && (*a)->routes);
        for (const struct api_route *t = (*a)->routes; t->path; t++) {
            if (!route_whole(t))
                fprintf(
                    stderr, "row %s %s is not whole\n", method_name(t->method),
                    t->path);
            must(route_whole(t));
        }
    }
}

void
api_may(struct buf *out, unsigned roles)
{
    bool first = true;
    for (const struct api *const *a = api_rows; *a; a++) {
        for (const struct api_route *t = (*a)->routes; t->path; t++) {
            if (!(t->roles & (roles | ROLES_OPEN)))
                continue;
            buf_fmt(
                out, "%s\"%s %s\"", first ? "" : ",", method_name(t->method), t->path);
            first = false;
        }
    }
}

/* ---- OpenAPI ---- */

static const char *
schema_type(enum api_type type)
{
    switch (type) {
    case API_INT:
    case API_TIME:
    case API_ID:
        return "integer";
    case API_NUMBER:
        return "number";
    case API_FLAG:
        return "boolean";
    case API_INTS:
    case API_LIST:
        return "array";
    case API_OBJECT:
        return "object";
    case API_TEXT:
    case API_LINES:
    case API_REASON:
    case API_WORD:
        break;
    }
    return "string";
}

static void
write_words(struct buf *out, const char *words)
{
    struct span rest = span_cstr(words);
    buf_text(out, ",\"enum\":[");
    for (bool first = true; rest.n; first = false) {
        if (!first)
            buf_u8(out, ',');
        buf_json(out, span_cut(&rest, '|'));
    }
    buf_u8(out, ']');
}

static void
write_bounds(struct buf *out, const struct api_value *v)
{
    bool text = v->type == API_TEXT || v->type == API_LINES || v->type == API_REASON;
    bool list = v->type == API_INTS || v->type == API_LIST;
    bool number = v->type == API_INT || v->type == API_NUMBER;
    const char *low = text ? "minLength" : list ? "minItems" : "minimum";
    const char *high = text ? "maxLength" : list ? "maxItems" : "maximum";
    if (text || list || number)
        buf_fmt(out, ",\"%s\":%.15g,\"%s\":%.15g", low, v->min, high, v->max);
    if (v->type == API_INTS)
        buf_text(out, ",\"items\":{\"type\":\"integer\"}");
    if (v->type == API_LIST)
        buf_text(out, ",\"items\":{}");
    if (v->type == API_ID)
        buf_text(out, ",\"minimum\":1");
    if (v->words)
        write_words(out, v->words);
}

static void
write_text_pair(struct buf *out, const char *zh, const char *en)
{
    char both[512];
    snprintf(both, sizeof both, "%s / %s", zh, en);
    buf_json(out, span_cstr(both));
}

static void
write_schema(struct buf *out, const struct api_value *v)
{
    if (v->null)
        buf_fmt(out, "{\"type\":[\"%s\",\"null\"]", schema_type(v->type));
    else
        buf_fmt(out, "{\"type\":\"%s\"", schema_type(v->type));
    write_bounds(out, v);
    if (v->preset) {
        buf_text(out, ",\"default\":");
        if (v->type == API_INT || v->type == API_TIME || v->type == API_NUMBER)
            buf_text(out, v->preset);
        else
            buf_json(out, span_cstr(v->preset));
    }
    buf_text(out, ",\"description\":");
    write_text_pair(out, v->zh, v->en);
    buf_u8(out, '}');
}

static void
write_params(struct buf *out, const struct api_route *t)
{
    char hole[64];
    buf_text(out, ",\"parameters\":[");
    for (const struct api_value *v = t->params; v && v->name; v++) {
        snprintf(hole, sizeof hole, "{%s}", v->name);
        bool in_path = strstr(t->path, hole) != NULL;
        buf_fmt(
            out, "%s{\"name\":\"%s\",\"in\":\"%s\",\"required\":%s,\"schema\":",
            v == t->params ? "" : ",", v->name, in_path ? "path" : "query",
            v->required ? "true" : "false");
        write_schema(out, v);
        buf_u8(out, '}');
    }
    buf_u8(out, ']');
}

static void
write_body(struct buf *out, const struct api_route *t)
{
    if (t->body_type) {
        buf_fmt(out, ",\"requestBody\":{\"content\":{\"%s\":{}}}", t->body_type);
        return;
    }
    if (!t->body)
        return;
    buf_text(
        out, ",\"requestBody\":{\"required\":true,\"content\":{\"application/json\":"
             "{\"schema\":{\"type\":\"object\",\"additionalProperties\":false,"
             "\"properties\":{");
    for (const struct api_value *v = t->body; v->name; v++) {
        buf_fmt(out, "%s\"%s\":", v == t->body ? "" : ",", v->name);
        write_schema(out, v);
    }
    buf_text(out, "},\"required\":[");
    bool first = true;
    for (const struct api_value *v = t->body; v->name; v++) {
        if (!v->required)
            continue;
        buf_fmt(out, "%s\"%s\"", first ? "" : ",", v->name);
        first = false;
    }
    buf_text(out, "]}}}}");
}

static void
write_roles(struct buf *out, unsigned roles)
{
    buf_text(out, ",\"x-roles\":[");
    bool first = true;
    if (roles & ROLES_OPEN) {
        buf_text(out, "\"anyone\"");
        first = false;
    }
    for (const struct role_row *row = role_rows(); row->role; row++) {
        if (!(roles & row->role))
            continue;
        buf_fmt(out, "%s\"%s\"", first ? "" : ",", row->name);
        first = false;
    }
    buf_u8(out, ']');
}

static void
write_reply(struct buf *out, const struct api_route *t)
{
    buf_fmt(
        out, ",\"responses\":{\"%u\":{\"description\":", t->status ? t->status : 200);
    buf_json(out, span_cstr(t->reply ? t->reply : "done"));
    struct buf schema = {0};
    if (t->reply && shape_of_reply(&schema, t->reply)) {
        buf_text(out, ",\"content\":{\"application/json\":{\"schema\":");
        buf_put(out, schema.p, schema.n);
        buf_text(out, "}}");
    } else if (t->reply_type) {
        buf_fmt(out, ",\"content\":{\"%s\":{}}", t->reply_type);
    }
    buf_release(&schema);
    buf_u8(out, '}');
}

static void
write_operation(struct buf *out, const struct api *a, const struct api_route *t)
{
    static const char *const audits[] = {"", "none", "look", "change", "security"};
    static const char *const verbs[] = {
        [METHOD_GET] = "get",
        [METHOD_POST] = "post",
        [METHOD_PUT] = "put",
        [METHOD_DELETE] = "delete"};
    buf_fmt(out, "\"%s\":{\"tags\":[\"%s\"],\"summary\":", verbs[t->method], a->en);
    write_text_pair(out, t->zh, t->en);
    write_roles(out, t->roles);
    buf_fmt(out, ",\"x-audit\":\"%s\"", audits[t->audit]);
    write_params(out, t);
    write_body(out, t);
    write_reply(out, t);
    buf_text(out, ",\"default\":{\"$ref\":\"#/components/responses/Error\"}}}");
}

/* Has an earlier row of the list the same path? Then its operations stand there. */
static bool
path_written(const struct api *const *upto, const struct api_route *here)
{
    for (const struct api *const *a = api_rows;; a++)
        for (const struct api_route *t = (*a)->routes; t->path; t++) {
            if (t == here)
                return false;
            if (strcmp(t->path, here->path) == 0)
                return true;
            must(a <= upto);
        }
}

static void
write_path(struct buf *out, const char *path)
{
    bool first = true;
    buf_fmt(out, "\"%s\":{", path);
    for (const struct api *const *a = api_rows; *a; a++)
        for (const struct api_route *t = (*a)->routes; t->path; t++) {
            if (strcmp(t->path, path) != 0)
                continue;
            if (!first)
                buf_u8(out, ',');
            first = false;
            write_operation(out, *a, t);
        }
    buf_u8(out, '}');
}

void
api_openapi(struct buf *out)
{
    buf_fmt(
        out,
        "{\"openapi\":\"3.1.0\",\"info\":{\"title\":\"Tongqu\",\"version\":\"%s\","
        "\"license\":{\"name\":\"Apache-2.0\"}},\"servers\":[{\"url\":\"/api/"
        "v1\"}],\"paths\":{",
        TQ_VERSION);
    bool first = true;
    for (const struct api *const *a = api_rows; *a; a++)
        for (const struct api_route *t = (*a)->routes; t->path; t++) {
            if (path_written(a, t))
                continue;
            if (!first)
                buf_u8(out, ',');
            first = false;
            write_path(out, t->path);
        }
    buf_text(out, "},\"components\":{\"schemas\":{");
    shape_all(out);
    buf_text(
        out, "},\"securitySchemes\":{\"session\":{\"type\":\"apiKey\","
             "\"in\":\"cookie\","
             "\"name\":\"tongqu_session\"},\"device\":{\"type\":\"http\",\"scheme\":"
             "\"bearer\"}},"
             "\"responses\":{\"Error\":{\"description\":\"refused\",\"content\":{"
             "\"application/json\":"
             "{\"schema\":{\"type\":\"object\",\"properties\":{\"error\":{\"type\":"
             "\"object\","
             "\"required\":[\"code\",\"message\",\"text\"],\"properties\":{\"code\":{"
             "\"type\":"
             "\"string\"},\"message\":{\"type\":\"string\"},\"field\":{\"type\":"
             "\"string\"},\"text\":"
             "{\"type\":\"object\",\"properties\":{\"zh\":{\"type\":\"string\"},\"en\":"
             "{\"type\":"
             "\"string\"}}}}}}}}}}}}}\n");
}
