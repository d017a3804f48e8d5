/* SPDX-License-Identifier: Apache-2.0 */
/* Shunting-yard over a fixed operator stack into a postfix program; a stack of kinds is
 * run beside it, so that wrong kinds and too deep programs are refused when the file is
 * read, and running cannot fail. */
#include "loops/loop_expr.h"

#include <math.h>
#include <stdio.h>

#include "loops/ydoc.h"

enum op {
    OP_TEXT,
    OP_NUMBER,
    OP_FLAG,
    OP_FIELD,
    OP_HAS,
    OP_AGE,
    OP_NOW,
    OP_OPENED,
    OP_LEVEL,
    OP_HANDED,
    OP_SENT,
    OP_NOT,
    OP_NEG,
    OP_ADD,
    OP_SUB,
    OP_MUL,
    OP_DIV,
    OP_EQ,
    OP_NE,
    OP_LT,
    OP_LE,
    OP_GT,
    OP_GE,
    OP_AND,
    OP_OR,
    OP_IN,   /* arg texts or numbers above the value */
    OP_OPEN, /* only on the operator stack */
};

struct step {
    uint8_t op;
    uint16_t arg;
    double number;
    struct span text;
};

struct loop_expr {
    uint8_t kind;
    uint16_t n;
    struct step steps[];
};

/* ---- the words ---- */

static const struct {
    struct span name;
    uint8_t op, kind;
} facts[] = {
    {SPAN("now"), OP_NOW, LOOP_V_NUMBER},
    {SPAN("opened"), OP_OPENED, LOOP_V_NUMBER},
    {SPAN("level"), OP_LEVEL, LOOP_V_NUMBER},
    {SPAN("handed"), OP_HANDED, LOOP_V_NUMBER},
    {SPAN("sent"), OP_SENT, LOOP_V_FLAG},
};

static const struct operator_row {
    struct span text;
    uint8_t op, rank; /* higher binds closer */
} operators[] = {
    {SPAN("=="), OP_EQ, 4}, {SPAN("!="), OP_NE, 4},   {SPAN("<="), OP_LE, 4},
    {SPAN(">="), OP_GE, 4}, {SPAN("<"), OP_LT, 4},    {SPAN(">"), OP_GT, 4},
    {SPAN("+"), OP_ADD, 5}, {SPAN("-"), OP_SUB, 5},   {SPAN("*"), OP_MUL, 6},
    {SPAN("/"), OP_DIV, 6}, {SPAN("and"), OP_AND, 2}, {SPAN("or"), OP_OR, 1},
};
#define RANK_NOT 3
#define RANK_IN 4
#define RANK_NEG 7

static unsigned
rank_of(uint8_t op)
{
    if (op == OP_NOT)
        return RANK_NOT;
    if (op == OP_NEG)
        return RANK_NEG;
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++)
        if (operators[i].op == op)
            return operators[i].rank;
    return 0; /* OP_OPEN */
}

static uint8_t
kind_of_type(uint8_t type)
{
    switch (type) {
    case LOOP_TEXT:
    case LOOP_NOTE:
    case LOOP_CHOICE:
    case LOOP_PLATE:
        return LOOP_V_TEXT;
    case LOOP_FLAG:
        return LOOP_V_FLAG;
    case LOOP_POINT:
    case LOOP_FILES:
        return LOOP_V_NONE;
    default:
        return LOOP_V_NUMBER;
    }
}

/* ---- compiling ---- */

struct compiler {
    struct arena *arena;
    const struct loop_def *def;
    struct span all, rest;
    struct step steps[LOOP_EXPR_OPS];
    struct {
        uint8_t op;
        size_t at; /* where it stands */
    } ops[LOOP_EXPR_OPS];
    uint8_t kinds[LOOP_EXPR_STACK]; /* of the values the program would hold now */
    unsigned steps_n, ops_n, kinds_n;
    bool want_value;     /* a value or prefix comes next, not an operator */
    const char *en, *zh; /* what is wrong; NULL so far nothing */
    size_t wrong_at;
};

static void
wrong_here(struct compiler *c, size_t at, const char *en, const char *zh)
{
    if (c->en)
        return;
    c->en = en;
    c->zh = zh;
    c->wrong_at = at;
}

static size_t
here(const struct compiler *c)
{
    return (size_t)(c->rest.p - c->all.p);
}

static void
wrong(struct compiler *c, const char *en, const char *zh)
{
    wrong_here(c, here(c), en, zh);
}

static void
push_kind(struct compiler *c, uint8_t kind)
{
    if (c->kinds_n == LOOP_EXPR_STACK)
        wrong(c, "the expression is too deep", "表达式嵌套过深");
    else
        c->kinds[c->kinds_n++] = kind;
}

static uint8_t
pop_kind(struct compiler *c)
{
    if (c->kinds_n == 0) {
        wrong(c, "a value is missing", "缺少一个值");
        return LOOP_V_NONE;
    }
    return c->kinds[--c->kinds_n];
}

static void
put_step(struct compiler *c, struct step s)
{
    if (c->steps_n == LOOP_EXPR_OPS)
        wrong(c, "the expression is too long", "表达式过长");
    else
        c->steps[c->steps_n++] = s;
}

/* Writes an operator behind its values and works out the kind of the result. */
static void
put_operator(struct compiler *c, uint8_t op, size_t at)
{
    uint8_t b = pop_kind(c), result = LOOP_V_FLAG;
    bool fits = true;
    switch (op) {
    case OP_NOT:
        fits = b == LOOP_V_FLAG;
        break;
    case OP_NEG:
        fits = b == LOOP_V_NUMBER;
        result = LOOP_V_NUMBER;
        break;
    case OP_ADD:
    case OP_SUB:
    case OP_MUL:
    case OP_DIV:
        fits = pop_kind(c) == LOOP_V_NUMBER && b == LOOP_V_NUMBER;
        result = LOOP_V_NUMBER;
        break;
    case OP_AND:
    case OP_OR:
        fits = pop_kind(c) == LOOP_V_FLAG && b == LOOP_V_FLAG;
        break;
    case OP_EQ:
    case OP_NE:
        fits = pop_kind(c) == b;
        break;
    default: /* < <= > >= */
        fits = pop_kind(c) == b && b == LOOP_V_NUMBER;
        break;
    }
    if (!fits)
        wrong_here(
            c, at, "the two sides are of different kinds (number, text, true/false)",
            "运算两侧类型不一致（数字、文字、真假）");
    put_step(c, (struct step){.op = op});
    push_kind(c, result);
}

static void
reduce(struct compiler *c, unsigned rank)
{
    while (c->ops_n && rank_of(c->ops[c->ops_n - 1].op) >= rank) {
        c->ops_n--;
        put_operator(c, c->ops[c->ops_n].op, c->ops[c->ops_n].at);
    }
}

static void
push_op(struct compiler *c, uint8_t op, size_t at)
{
    if (c->ops_n == LOOP_EXPR_OPS)
        wrong(c, "the expression is too long", "表达式过长");
    else {
        c->ops[c->ops_n].op = op;
        c->ops[c->ops_n++].at = at;
    }
}

static bool
letter(char ch)
{
    return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || ch == '_';
}

static bool
digit(char ch)
{
    return ch >= '0' && ch <= '9';
}

static void
skip_blanks(struct compiler *c)
{
    while (c->rest.n && (c->rest.p[0] == ' ' || c->rest.p[0] == '\n'))
        c->rest = span_skip(c->rest, 1);
}

static struct span
peek_word(const struct compiler *c)
{
    size_t n = 0;
    while (n < c->rest.n && (letter(c->rest.p[n]) || (n && digit(c->rest.p[n]))))
        n++;
    return (struct span){c->rest.p, n};
}

static bool
eat(struct compiler *c, struct span token)
{
    if (!span_starts(c->rest, token))
        return false;
    if (letter(token.p[0]) && peek_word(c).n != token.n)
        return false;
    c->rest = span_skip(c->rest, token.n);
    skip_blanks(c);
    return true;
}

/* 'text', 12, 1.5, 2min, true: the step, or false when something else stands here. */
static bool
eat_literal(struct compiler *c, struct step *s, uint8_t *kind)
{
    char ch = c->rest.n ? c->rest.p[0] : 0;
    if (ch == '\'' || ch == '"') {
        const char *end = memchr(c->rest.p + 1, ch, c->rest.n - 1);
        if (!end) {
            wrong(c, "the text has no closing quote", "文字缺少结束引号");
            return true;
        }
        struct span text = {c->rest.p + 1, (size_t)(end - c->rest.p - 1)};
        *s = (struct step){.op = OP_TEXT, .text = arena_span(c->arena, text)};
        *kind = LOOP_V_TEXT;
        c->rest = span_skip(c->rest, text.n + 2);
    } else if (digit(ch)) {
        size_t n = 0;
        int64_t ms;
        double v;
        while (n < c->rest.n &&
               (letter(c->rest.p[n]) || digit(c->rest.p[n]) || c->rest.p[n] == '.'))
            n++;
        struct span text = {c->rest.p, n};
        if (duration_parse(text, &ms))
            v = (double)ms;
        else if (!span_f64(text, &v))
            wrong(c, "this is no number and no duration", "不是有效的数字或时长");
        *s = (struct step){.op = OP_NUMBER, .number = c->en ? 0 : v};
        *kind = LOOP_V_NUMBER;
        c->rest = span_skip(c->rest, n);
    } else if (eat(c, SPAN("true"))) {
        *s = (struct step){.op = OP_FLAG, .arg = 1};
        *kind = LOOP_V_FLAG;
    } else if (eat(c, SPAN("false"))) {
        *s = (struct step){.op = OP_FLAG, .arg = 0};
        *kind = LOOP_V_FLAG;
    } else {
        return false;
    }
    skip_blanks(c);
    return true;
}

/* has(field) or age(clock), after its name. */
static void
call(struct compiler *c, bool has)
{
    if (!eat(c, SPAN("("))) {
        wrong(c, "( is missing", "缺少左括号 (");
        return;
    }
    struct span word = peek_word(c);
    int n = has ? loop_field_find(c->def, word) : loop_clock_find(c->def, word);
    if (n < 0) {
        wrong(
            c, has ? "has() names no field" : "age() names no clock",
            has ? "has() 中没有这个字段" : "age() 中没有这个时限");
        return;
    }
    c->rest = span_skip(c->rest, word.n);
    skip_blanks(c);
    if (!eat(c, SPAN(")"))) {
        wrong(c, ") is missing", "缺少右括号 )");
        return;
    }
    put_step(c, (struct step){.op = has ? OP_HAS : OP_AGE, .arg = (uint16_t)n});
    push_kind(c, has ? LOOP_V_FLAG : LOOP_V_NUMBER);
}

static void
name(struct compiler *c)
{
    struct span word = peek_word(c);
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
        if (!span_eq(word, facts[i].name))
            continue;
        c->rest = span_skip(c->rest, word.n);
        skip_blanks(c);
        put_step(c, (struct step){.op = facts[i].op});
        push_kind(c, facts[i].kind);
        return;
    }
    int n = loop_field_find(c->def, word);
    if (n < 0) {
        wrong(
            c, word.n ? "there is no field of this name" : "a value is missing",
            word.n ? "没有这个字段" : "缺少一个值");
        return;
    }
    uint8_t kind = kind_of_type(c->def->fields[n].type);
    if (kind == LOOP_V_NONE)
        wrong(
            c, "a point or a list of files can only be asked with has()",
            "位置或附件字段只能用 has() 判断");
    c->rest = span_skip(c->rest, word.n);
    skip_blanks(c);
    put_step(c, (struct step){.op = OP_FIELD, .arg = (uint16_t)n});
    push_kind(c, kind);
}

static void
value(struct compiler *c)
{
    struct step s = {0};
    uint8_t kind = LOOP_V_NONE;
    size_t at = here(c);
    if (eat(c, SPAN("("))) {
        push_op(c, OP_OPEN, at);
        return;
    }
    if (eat(c, SPAN("not"))) {
        push_op(c, OP_NOT, at);
        return;
    }
    if (eat(c, SPAN("-"))) {
        push_op(c, OP_NEG, at);
        return;
    }
    c->want_value = false;
    if (eat_literal(c, &s, &kind)) {
        put_step(c, s);
        push_kind(c, kind);
    } else if (eat(c, SPAN("has"))) {
        call(c, true);
    } else if (eat(c, SPAN("age"))) {
        call(c, false);
    } else {
        name(c);
    }
}

/* in [a, b, c]: literals of the kind of the value before it. */
static void
list(struct compiler *c)
{
    reduce(c, RANK_IN);
    uint8_t kind = pop_kind(c), k = LOOP_V_NONE;
    unsigned n = 0;
    struct step s = {0};
    if (!eat(c, SPAN("["))) {
        wrong(c, "[ is missing behind in", "in 之后缺少 [");
        return;
    }
    do {
        if (!eat_literal(c, &s, &k) || k != kind) {
            wrong(
                c, "the list holds values of the same kind as what is looked for",
                "列表中的值须与被查找的值类型一致");
            return;
        }
        put_step(c, s);
        n++;
    } while (!c->en && eat(c, SPAN(",")));
    if (n + c->kinds_n + 1 > LOOP_EXPR_STACK)
        wrong(c, "the list is too long", "列表过长");
    if (!eat(c, SPAN("]")))
        wrong(c, "] is missing", "缺少 ]");
    put_step(c, (struct step){.op = OP_IN, .arg = (uint16_t)n});
    push_kind(c, LOOP_V_FLAG);
}

static void
operator(struct compiler *c)
{
    size_t at = here(c);
    if (eat(c, SPAN(")"))) {
        reduce(c, 1);
        if (c->ops_n == 0)
            wrong(c, ") without (", "多余的右括号 )");
        else
            c->ops_n--;
        return;
    }
    if (eat(c, SPAN("in"))) {
        list(c);
        return;
    }
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        if (!eat(c, operators[i].text))
            continue;
        reduce(c, operators[i].rank);
        push_op(c, operators[i].op, at);
        c->want_value = true;
        return;
    }
    wrong(
        c, "expected an operator (== != < <= > >= + - * / and or in)",
        "此处应为运算符（== != < <= > >= + - * / and or in）");
}

enum err
loop_expr_compile(
    struct arena *a, const struct loop_def *d, struct span text,
    enum loop_value_kind want, const struct loop_expr **out, size_t *at,
    struct note *note)
{
    struct compiler c = {.arena = a, .def = d, .all = text, .rest = text};
    c.want_value = true;
    skip_blanks(&c);
    while (!c.en && (c.rest.n || c.want_value)) {
        if (c.want_value)
            value(&c);
        else
            operator(&c);
    }
    if (!c.en)
        reduce(&c, 1);
    if (!c.en && c.ops_n)
        wrong_here(&c, c.ops[c.ops_n - 1].at, "this ( is never closed", "该括号未闭合");
    if (!c.en && (c.kinds_n != 1 || (want && c.kinds[0] != want)))
        wrong_here(
            &c, 0, "the expression gives a value of another kind than is needed here",
            "表达式结果的类型与此处要求不符");
    if (c.en) {
        *at = c.wrong_at;
        return note_set(note, ERR_INPUT, "", c.en, c.zh);
    }
    struct loop_expr *e = arena_take(a, sizeof *e + c.steps_n * sizeof e->steps[0]);
    if (!e)
        return note_set(note, ERR_TOOBIG, "", "the file is too big", "文件过大");
    e->kind = c.kinds[0];
    e->n = (uint16_t)c.steps_n;
    memcpy(e->steps, c.steps, c.steps_n * sizeof e->steps[0]);
    *out = e;
    return OK;
}

enum loop_value_kind
loop_expr_kind(const struct loop_expr *e)
{
    return e->kind;
}

bool
loop_expr_uses(const struct loop_expr *e, unsigned field)
{
    for (unsigned i = 0; i < e->n; i++)
        if ((e->steps[i].op == OP_FIELD || e->steps[i].op == OP_HAS) &&
            e->steps[i].arg == field)
            return true;
    return false;
}

/* ---- running ---- */

static struct loop_value
flag_of(bool b)
{
    return (struct loop_value){.kind = LOOP_V_FLAG, .flag = b};
}

static struct loop_value
number_of(double v)
{
    if (!isfinite(v))
        return (struct loop_value){.kind = LOOP_V_NONE};
    return (struct loop_value){.kind = LOOP_V_NUMBER, .number = v};
}

static bool
true_of(struct loop_value v)
{
    return v.kind == LOOP_V_FLAG && v.flag;
}

static bool
equal(struct loop_value a, struct loop_value b)
{
    if (a.kind != b.kind)
        return false;
    switch (a.kind) {
    case LOOP_V_FLAG:
        return a.flag == b.flag;
    case LOOP_V_NUMBER:
        return a.number == b.number;
    case LOOP_V_TEXT:
        return span_eq(a.text, b.text);
    default:
        return true;
    }
}

static struct loop_value
arithmetic(uint8_t op, struct loop_value a, struct loop_value b)
{
    if (a.kind != LOOP_V_NUMBER || b.kind != LOOP_V_NUMBER)
        return (struct loop_value){.kind = LOOP_V_NONE};
    switch (op) {
    case OP_ADD:
        return number_of(a.number + b.number);
    case OP_SUB:
        return number_of(a.number - b.number);
    case OP_MUL:
        return number_of(a.number * b.number);
    default:
        return b.number == 0 ? (struct loop_value){.kind = LOOP_V_NONE}
                             : number_of(a.number / b.number);
    }
}

static struct loop_value
binary(uint8_t op, struct loop_value a, struct loop_value b)
{
    bool ordered = a.kind == LOOP_V_NUMBER && b.kind == LOOP_V_NUMBER;
    switch (op) {
    case OP_EQ:
        return flag_of(equal(a, b));
    case OP_NE:
        return flag_of(!equal(a, b));
    case OP_LT:
        return flag_of(ordered && a.number < b.number);
    case OP_LE:
        return flag_of(ordered && a.number <= b.number);
    case OP_GT:
        return flag_of(ordered && a.number > b.number);
    case OP_GE:
        return flag_of(ordered && a.number >= b.number);
    case OP_AND:
        return flag_of(true_of(a) && true_of(b));
    case OP_OR:
        return flag_of(true_of(a) || true_of(b));
    default:
        return arithmetic(op, a, b);
    }
}

/* A step that only puts a value on the stack. */
static struct loop_value
fetch(const struct step *s, const struct loop_facts *f)
{
    switch (s->op) {
    case OP_TEXT:
        return (struct loop_value){.kind = LOOP_V_TEXT, .text = s->text};
    case OP_NUMBER:
        return number_of(s->number);
    case OP_FLAG:
        return flag_of(s->arg);
    case OP_FIELD:
        return f->field(f->ctx, s->arg);
    case OP_HAS: /* a point or files answer a flag of presence */
        return flag_of(f->field(f->ctx, s->arg).kind != LOOP_V_NONE);
    case OP_AGE:
        return number_of((double)f->age(f->ctx, s->arg));
    case OP_NOW:
        return number_of((double)f->now);
    case OP_OPENED:
        return number_of((double)f->opened);
    case OP_LEVEL:
        return number_of(f->level);
    case OP_HANDED:
        return number_of(f->handed);
    default:
        return flag_of(f->sent);
    }
}

struct loop_value
loop_expr_eval(const struct loop_expr *e, const struct loop_facts *f)
{
    struct loop_value stack[LOOP_EXPR_STACK + 1] = {0};
    unsigned n = 0;
    for (unsigned i = 0; i < e->n; i++) {
        const struct step *s = &e->steps[i];
        if (s->op < OP_NOT) {
            must(n < LOOP_EXPR_STACK);
            stack[n++] = fetch(s, f);
        } else if (s->op == OP_NOT) {
            stack[n - 1] = flag_of(!true_of(stack[n - 1]));
        } else if (s->op == OP_NEG) {
            stack[n - 1] = arithmetic(OP_SUB, number_of(0), stack[n - 1]);
        } else if (s->op == OP_IN) {
            bool found = false;
            n -= s->arg;
            for (unsigned k = 0; k < s->arg; k++)
                found = found || equal(stack[n - 1], stack[n + k]);
            stack[n - 1] = flag_of(found);
        } else {
            n--;
            stack[n - 1] = binary(s->op, stack[n - 1], stack[n]);
        }
    }
    must(n == 1);
    return stack[0];
}

bool
loop_expr_holds(const struct loop_expr *e, const struct loop_facts *f)
{
    return true_of(loop_expr_eval(e, f));
}
