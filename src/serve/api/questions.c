/* SPDX-License-Identifier: Apache-2.0 */
/* Questions about sets of vehicles (研判): what can be asked, and asking it. Every row
 * of analysis/ask/ is one; each answer is a look. */
#include "serve/answers.h"
#include "serve/api_kit.h"
#include "serve/asking.h"
#include "store/ledger_look.h"

#define ARENA_BYTES ((size_t)768 << 20)
#define GIVEN_TEXT 16384 /* of all parameters together */

static enum err
list(struct req *r, struct api_env *env)
{
    (void)env;
    api_list_open(r);
    for (const struct question *const *q = question_rows; *q; q++) {
        api_list_row(r);
        answers_question(req_out(r), *q);
    }
    api_list_close(r, SPAN(""), req_at(r));
    return OK;
}

/* Texts and numbers of "params" as texts in the request's arena. */
static enum err
read_given(struct req *r, struct question_given *out, size_t *n)
{
    const char *key;
    json_t *v;
    size_t bytes = 0;
    *n = 0;
    json_object_foreach(api_json(r, "params"), key, v)
    {
        struct span text = {0};
        if (json_is_string(v))
            text = span_of(json_string_value(v), json_string_length(v));
        else if (json_is_integer(v))
            text = arena_fmt(req_arena(r), "%lld", (long long)json_integer_value(v));
        else if (json_is_real(v))
            text = arena_fmt(req_arena(r), "%.17g", json_real_value(v));
        bytes += text.n;
        if (!text.p || *n == QUESTION_PARAMS || bytes > GIVEN_TEXT)
            return req_refuse(
                r, REFUSE_BAD_REQUEST, "params",
                "params holds texts and numbers, one a parameter of the question",
                "params 为文本或数字，每个参数一项");
        out[(*n)++] = (struct question_given){span_cstr(key), text};
    }
    return OK;
}

static enum err
written(struct req *r, struct api_env *env)
{
    return ledger_look_put(env->ledger, *api_keep(r));
}

static void
answer_json(
    struct req *r, const struct kit *k, const struct question *q,
    const struct question_answer *a, const struct asking_passes *passes,
    const struct look_row *row)
{
    struct buf *out = req_out(r);
    struct span matter = api_text(r, "matter");
    buf_fmt(
        out, "{\"n\":%llu,\"at_ms\":%lld,\"kind\":\"analysis\",\"matter\":",
        (unsigned long long)row->number, (long long)row->at_ms);
    if (matter.n)
        buf_json(out, matter);
    else
        buf_text(out, "null");
    buf_fmt(
        out, ",\"purpose\":\"%s\",\"emergency\":%s,\"confirm_by_ms\":", row->purpose,
        row->emergency ? "true" : "false");
    buf_fmt(out, row->confirm_by_ms ? "%lld" : "null", (long long)row->confirm_by_ms);
    buf_fmt(
        out, ",\"question\":\"%s\",\"count\":%zu,\"truncated\":%s,", q->name, a->n,
        a->more ? "true" : "false");
    answers_json(out, q, a, k->sites);
    asking_passes_json(out, passes);
    looks_coverage_json(
        out, &a->coverage, k->sites, k->live, k->orgs, api_user(r)->org);
    buf_text(out, "}");
}

static enum err
ask(struct req *r, struct api_env *env)
{
    struct kit k;
    struct arena arena;
    struct question_answer answer;
    struct question_given given[QUESTION_PARAMS];
    bool recorded = false;
    struct look_row *row = ARENA_NEW(req_arena(r), struct look_row);
    struct asking_passes *passes = ARENA_NEW(req_arena(r), struct asking_passes);
    struct asking q = {
        .question = question_find(api_text(r, "name")),
        .given = given,
        .limit = (size_t)api_int(r, "limit", 10000),
    };
    if (!row || !passes)
        return ERR_TOOBIG;
    if (!q.question)
        return ERR_NOTFOUND;
    *api_keep(r) = row;
    kit_open(&k, env, r);
    arena_init(&arena, ARENA_BYTES);
    enum err e = read_given(r, given, &q.given_n);
    if (e == OK)
        e = kit_who(r, env, LOOK_ANALYSIS, &q.who);
    if (e == OK)
        e = asking_run(
            k.house, env->reader, &q, &arena, &answer, passes, row, &recorded,
            req_note(r));
    if (e == ERR_DENIED && req_note(r)->code[0])
        e = kit_look_refused(r, looks_refusal(req_note(r)->code));
    if (e == OK) {
        answer_json(r, &k, q.question, &answer, passes, row);
        e = api_then(r, ON_LEDGER, written);
    }
    if (recorded)
        api_looked(r);
    arena_release(&arena);
    kit_close(&k);
    return e;
}

static const struct api_value ask_body[] = {
    {"matter", API_TEXT, 1, 40, false, true, NULL, NULL, "事项编号",
     "number of an open matter"},
    {"purpose", API_TEXT, 1, 24, false, true, NULL, NULL, "事由",
     "code of the purpose"},
    {"from_ms", API_TIME, 0, 0, true, false, NULL, NULL, "起始", "from"},
    {"to_ms", API_TIME, 0, 0, true, false, NULL, NULL, "截止", "to"},
    {"params", API_OBJECT, 0, 0, false, true, NULL, NULL, "问题参数",
     "parameters of the question: texts and numbers"},
    {"limit", API_INT, 1, 50000, false, true, NULL, NULL, "最多行数", "rows at most"},
    {"emergency", API_FLAG, 0, 0, false, true, NULL, NULL, "紧急查询", "emergency"},
    {"why", API_REASON, 2, 400, false, true, NULL, NULL, "紧急原因", "why it is one"},
    {"once", API_TEXT, 1, 64, false, true, NULL, NULL, "重放标识", "repeat mark"},
    {0},
};
static const struct api_value name_params[] = {
    {"name", API_TEXT, 1, 32, true, false, NULL, NULL, "问题", "which question"},
    {0},
};
static const struct api_route routes[] = {
    {.method = METHOD_GET,
     .path = "/questions",
     .roles = ROLE_DUTY | ROLE_ANALYST | ROLE_SUPERVISOR,
     .audit = API_NONE,
     .where = ON_QUERY_FAST,
     .reply = "list of Question",
     .zh = "可研判的问题",
     .en = "the questions that can be asked, with their parameters and columns",
     .fn = list},
    {.method = METHOD_POST,
     .path = "/questions/{name}",
     .roles = ROLE_DUTY | ROLE_ANALYST | ROLE_SUPERVISOR,
     .audit = API_LOOK,
     .where = ON_QUERY_BATCH,
     .params = name_params,
     .body = ask_body,
     .cost = 100,
     .reply = "Answer",
     .zh = "研判",
     .en = "ask a question about sets of vehicles",
     .fn = ask},
    {0},
};
const struct api api_questions = {"研判", "questions", routes};
