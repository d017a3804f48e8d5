/* SPDX-License-Identifier: Apache-2.0 */
/* What happens: effects, gates, moves, clocks and ladders of a definition. */
#include "loops/loop_reader.h"
#include "model/org.h"

/* ---- effects ---- */

static void
effect_assign(struct reader *r, const struct ydoc_node *n, struct loop_effect *e)
{
    reader_want(r, n, YDOC_TEXT);
    if (r->err)
        return;
    if (span_eq(n->text, SPAN("actor"))) {
        e->assignee = LOOP_TO_ACTOR;
    } else if (span_eq(n->text, SPAN("nobody"))) {
        e->assignee = LOOP_TO_NOBODY;
    } else {
        e->assignee = LOOP_TO_FIELD;
        e->target = reader_ref(r, n, REF_FIELD);
    }
}

static void
effect_set(
    struct reader *r, const struct ydoc_node *n, const struct ydoc_node *item,
    struct loop_effect *e)
{
    e->target = reader_ref(r, n, REF_FIELD);
    const struct ydoc_node *to = reader_need(r, item, "to");
    if (!to || r->err)
        return;
    static const uint8_t kinds[] = {
        [LOOP_TEXT] = LOOP_V_TEXT,     [LOOP_NOTE] = LOOP_V_TEXT,
        [LOOP_CHOICE] = LOOP_V_TEXT,   [LOOP_FLAG] = LOOP_V_FLAG,
        [LOOP_NUMBER] = LOOP_V_NUMBER, [LOOP_TIME] = LOOP_V_NUMBER,
        [LOOP_PLATE] = LOOP_V_TEXT,    [LOOP_FILES] = 0,
    };
    uint8_t kind = kinds[r->d->fields[e->target].type];
    if (kind)
        e->value = reader_expr(r, to, (enum loop_value_kind)kind);
    else
        r->err = ydoc_wrong(
            r->y, n, r->note, ERR_INPUT,
            "a field of this type cannot be set by an effect",
            "该类型的字段不能由效果设置");
}

static void
effect_extend(
    struct reader *r, const struct ydoc_node *n, const struct ydoc_node *item,
    struct loop_effect *e)
{
    e->target = reader_ref(r, n, REF_CLOCK);
    const struct ydoc_node *by = reader_need(r, item, "by");
    if (!by || r->err)
        return;
    e->field = reader_ref(r, by, REF_FIELD);
    if (!r->err && r->d->fields[e->field].type != LOOP_NUMBER)
        r->err = ydoc_wrong(
            r->y, by, r->note, ERR_INPUT, "a number field with minutes is needed",
            "此处需要以分钟计的 number 字段");
}

/* The field an effect works on must have this type. */
static void
field_of_type(
    struct reader *r, const struct ydoc_node *n, struct loop_effect *e,
    enum loop_type type)
{
    e->target = reader_ref(r, n, REF_FIELD);
    if (!r->err && r->d->fields[e->target].type != type)
        r->err = ydoc_wrong(
            r->y, n, r->note, ERR_INPUT,
            "a field of type %1$s is needed, this one is %2$s",
            "此处需要 %1$s 类型的字段，该字段为 %2$s", loop_type_name(type),
            loop_type_name((enum loop_type)r->d->fields[e->target].type));
}

static void
effect_unit_is(struct reader *r, const struct ydoc_node *n, struct loop_effect *e)
{
    static const char *const words[] = {"assigned", "en_route", "on_scene", "busy"};
    static const uint8_t status[] = {
        UNIT_ASSIGNED, UNIT_EN_ROUTE, UNIT_ON_SCENE, UNIT_BUSY};
    size_t w = 0;
    if (!r->err)
        r->err = ydoc_get_word(r->y, n, words, COUNT(words), &w, r->note);
    e->target = status[w];
}

static void
effect_count(struct reader *r, const struct ydoc_node *n, struct loop_effect *e)
{
    field_of_type(r, n, e, LOOP_CHOICE);
    bool counts = r->err != OK;
    for (unsigned i = 0; !r->err && i < r->d->fields[e->target].options_n; i++)
        counts = counts || r->d->fields[e->target].options[i].verdict;
    if (!counts)
        r->err = ydoc_wrong(
            r->y, n, r->note, ERR_INPUT, "no option of this field has a verdict",
            "该字段没有任何选项带 verdict");
}

static const struct effect_row {
    struct span name;
    uint8_t kind;
    bool rungs_only, moves_only;
} effect_rows[] = {
    {SPAN("assign"), LOOP_ASSIGN, false, false},
    {SPAN("hand_down"), LOOP_HAND_DOWN, false, true},
    {SPAN("hand_back"), LOOP_HAND_BACK, false, true},
    {SPAN("start"), LOOP_CLOCK_START, false, false},
    {SPAN("stop"), LOOP_CLOCK_STOP, false, false},
    {SPAN("pause"), LOOP_CLOCK_PAUSE, false, false},
    {SPAN("resume"), LOOP_CLOCK_RESUME, false, false},
    {SPAN("extend"), LOOP_CLOCK_EXTEND, false, true},
    {SPAN("notify"), LOOP_NOTIFY, false, false},
    {SPAN("climb"), LOOP_CLIMB, true, false},
    {SPAN("set"), LOOP_SET, false, false},
    {SPAN("raise"), LOOP_RAISE, false, false},
    {SPAN("count"), LOOP_COUNT, false, true},
    {SPAN("dispatch"), LOOP_DISPATCH, false, true},
    {SPAN("release"), LOOP_RELEASE, false, false},
    {SPAN("unit_is"), LOOP_UNIT_IS, false, true},
    {SPAN("move"), LOOP_MOVE, true, false},
};

static const struct effect_row *
effect_row(struct reader *r, const struct ydoc_node *n, struct span name, bool rung)
{
    const struct effect_row *row = NULL;
    for (size_t i = 0; i < COUNT(effect_rows); i++)
        if (span_eq(name, effect_rows[i].name))
            row = &effect_rows[i];
    if (row && !(rung ? row->moves_only : row->rungs_only))
        return row;
    if (row)
        r->err = ydoc_wrong_key(
            r->y, n, r->note, ERR_INPUT,
            rung ? "this effect belongs to moves only"
                 : "this effect belongs to rungs only",
            rung ? "该效果仅用于操作" : "该效果仅用于梯级");
    else
        r->err = ydoc_wrong_key(
            r->y, n, r->note, ERR_INPUT,
            "expected an effect (assign, hand_down, hand_back, start, stop, pause, "
            "resume, "
            "extend, notify, climb, set, raise, count, dispatch, release, unit_is, "
            "move), found "
            "\"%.*s\"",
            "应为效果名（assign、hand_down、hand_"
            "back、start、stop、pause、resume、extend、"
            "notify、climb、set、raise、count、dispatch、release、unit_"
            "is、move），实为“%.*s”",
            (int)(name.n < 40 ? name.n : 40), name.p);
    return NULL;
}

static void
effect_target(
    struct reader *r, const struct ydoc_node *n, const struct ydoc_node *item,
    struct loop_effect *e)
{
    switch (e->kind) {
    case LOOP_ASSIGN:
        effect_assign(r, n, e);
        break;
    case LOOP_HAND_DOWN:
        field_of_type(r, n, e, LOOP_ORG);
        break;
    case LOOP_DISPATCH:
        field_of_type(r, n, e, LOOP_UNIT);
        break;
    case LOOP_COUNT:
        effect_count(r, n, e);
        break;
    case LOOP_SET:
        effect_set(r, n, item, e);
        break;
    case LOOP_CLOCK_EXTEND:
        effect_extend(r, n, item, e);
        break;
    case LOOP_NOTIFY:
    case LOOP_CLIMB:
        e->target = reader_ref(r, n, REF_ROLE);
        e->text = reader_label_maybe(r, item, SENTENCE_MAX);
        break;
    case LOOP_UNIT_IS:
        effect_unit_is(r, n, e);
        break;
    case LOOP_MOVE:
        e->target = reader_ref(r, n, REF_MOVE);
        if (!r->err && r->d->moves[e->target].on != LOOP_ON_TIMER)
            r->err = ydoc_wrong(
                r->y, n, r->note, ERR_INPUT, "a rung makes moves with on: timer only",
                "梯级只能触发 on: timer 的操作");
        break;
    default:
        e->target = reader_ref(r, n, REF_CLOCK);
        break;
    }
}

/* `hand_back`, `raise`, `release` stand alone; the others are maps: {assign: actor}. */
static void
read_effect(
    struct reader *r, const struct ydoc_node *item, bool rung, struct loop_effect *e)
{
    bool alone = item->kind == YDOC_TEXT;
    const struct ydoc_node *head = alone ? item : item->first;
    if (!alone)
        reader_want(r, item, YDOC_MAP);
    if (!r->err && !head)
        r->err = ydoc_wrong(
            r->y, item, r->note, ERR_INPUT, "an effect is missing", "缺少效果");
    if (r->err)
        return;
    const struct effect_row *row =
        effect_row(r, head, alone ? item->text : head->key, rung);
    if (!row)
        return;
    e->kind = row->kind;
    bool may = row->kind == LOOP_HAND_BACK || row->kind == LOOP_RAISE ||
               row->kind == LOOP_RELEASE;
    if (alone != may) {
        r->err = ydoc_wrong(
            r->y, item, r->note, ERR_INPUT,
            may ? "write this effect alone, without a colon"
                : "this effect needs what it works on (name: value)",
            may ? "该效果应单独书写，不带冒号" : "该效果需要写明对象（名称: 值）");
        return;
    }
    if (alone)
        return;
    const char *keys[4] = {reader_keep(r, head->key)};
    size_t n = 1;
    if (row->kind == LOOP_SET)
        keys[n++] = "to";
    if (row->kind == LOOP_CLOCK_EXTEND)
        keys[n++] = "by";
    if (row->kind == LOOP_NOTIFY || row->kind == LOOP_CLIMB) {
        keys[n++] = "zh";
        keys[n++] = "en";
    }
    reader_only(r, item, keys, n);
    if (!r->err)
        effect_target(r, head, item, e);
}

static const struct loop_effect *
read_effects(struct reader *r, const struct ydoc_node *list, bool rung, uint8_t *out_n)
{
    if (!list)
        return NULL;
    reader_want(r, list, YDOC_LIST);
    if (!r->err && list->n > LOOP_MAX_EFFECTS)
        r->err = ydoc_wrong(
            r->y, list, r->note, ERR_TOOBIG, "at most 12 effects", "效果最多 12 项");
    struct loop_effect *rows = reader_take(r, list->n, sizeof *rows);
    for (const struct ydoc_node *n = rows ? list->first : NULL; n && !r->err;
         n = n->next)
        read_effect(r, n, rung, &rows[n->index]);
    *out_n = (uint8_t)list->n;
    return rows;
}

/* ---- gates ---- */

void
reader_gates(struct reader *r, const struct ydoc_node *map)
{
    static const char *const keys[] = {"when", "zh", "en", "blocks_stop"};
    if (!map || r->err || !reader_names(r, map, 64))
        return;
    struct loop_gate *rows = reader_take(r, map->n, sizeof *rows);
    for (const struct ydoc_node *n = rows ? map->first : NULL; n && !r->err;
         n = n->next) {
        struct loop_gate *g = &rows[n->index];
        reader_only(r, n, keys, COUNT(keys));
        g->name = reader_keep(r, n->key);
        g->pos = reader_pos(n);
        g->text = reader_label(r, n, SENTENCE_MAX);
        g->blocks_stop = reader_flag(r, n, "blocks_stop", false);
        const struct ydoc_node *when = reader_need(r, n, "when");
        if (when)
            g->when = reader_expr(r, when, LOOP_V_FLAG);
    }
    r->d->gates = rows;
    r->d->gates_n = (uint16_t)map->n;
}

/* ---- moves ---- */

static void
read_from(struct reader *r, const struct ydoc_node *n, struct loop_move *m)
{
    if (n->kind == YDOC_TEXT && span_eq(n->text, SPAN("open"))) {
        for (unsigned i = 0; i < r->d->states_n; i++)
            if (r->d->states[i].kind != LOOP_TERMINAL)
                m->from |= UINT64_C(1) << i;
        return;
    }
    m->from = reader_bits(r, n, REF_STATE);
    if (!r->err && !m->from)
        r->err = ydoc_wrong(
            r->y, n, r->note, ERR_INPUT, "name at least one state, or: open",
            "至少填写一个状态，或写 open");
}

static void
read_on(struct reader *r, const struct ydoc_node *n, struct loop_move *m)
{
    static const char *const keys[] = {"message"};
    m->on = LOOP_ON_ACTION;
    if (!n || r->err)
        return;
    if (n->kind == YDOC_TEXT) {
        static const char *const words[] = {"action", "timer"};
        size_t w = 0;
        r->err = ydoc_get_word(r->y, n, words, COUNT(words), &w, r->note);
        m->on = (uint8_t)(w ? LOOP_ON_TIMER : LOOP_ON_ACTION);
        return;
    }
    reader_only(r, n, keys, COUNT(keys));
    const struct ydoc_node *message = reader_need(r, n, "message");
    struct span s = {0};
    if (!message)
        return;
    r->err = ydoc_get_name(r->y, message, &s, r->note);
    m->message = reader_keep(r, s);
    m->on = LOOP_ON_MESSAGE;
}

/* form: [outcome, note?]: the fields in their order; `?` may be left out. */
const struct loop_ask *
reader_form(struct reader *r, const struct ydoc_node *list, bool inputs, uint8_t *out_n)
{
    if (!list || r->err)
        return NULL;
    reader_want(r, list, YDOC_LIST);
    if (!r->err && list->n > LOOP_MAX_FIELDS)
        r->err =
            ydoc_wrong(r->y, list, r->note, ERR_TOOBIG, "too many fields", "字段过多");
    struct loop_ask *rows = reader_take(r, list->n, sizeof *rows);
    for (const struct ydoc_node *n = rows ? list->first : NULL; n && !r->err;
         n = n->next) {
        struct ydoc_node bare = *n;
        rows[n->index].required = true;
        if (n->kind == YDOC_TEXT && n->text.n && n->text.p[n->text.n - 1] == '?') {
            rows[n->index].required = false;
            bare.text.n--;
        }
        rows[n->index].field = reader_ref(r, &bare, REF_FIELD);
        if (!r->err && !inputs && r->d->fields[rows[n->index].field].input)
            r->err = ydoc_wrong(
                r->y, n, r->note, ERR_INPUT,
                "an input field is given when the matter opens, a form cannot ask for "
                "it",
                "input 字段在立项时给定，表单不能再填");
        for (unsigned i = 0; !r->err && i < n->index; i++)
            if (rows[i].field == rows[n->index].field)
                r->err = ydoc_wrong(
                    r->y, n, r->note, ERR_INPUT, "it stands in the list twice",
                    "列表中重复");
    }
    *out_n = (uint8_t)list->n;
    return rows;
}

static void
read_move_gates(struct reader *r, const struct ydoc_node *list, struct loop_move *m)
{
    if (!list || r->err)
        return;
    reader_want(r, list, YDOC_LIST);
    uint16_t *rows = reader_take(r, list->n, sizeof *rows);
    if (!rows)
        return;
    if (list->n > 16)
        r->err =
            ydoc_wrong(r->y, list, r->note, ERR_TOOBIG, "at most 16", "最多 16 项");
    for (const struct ydoc_node *n = list->first; n && !r->err; n = n->next)
        rows[n->index] = reader_ref(r, n, REF_GATE);
    m->gates = rows;
    m->gates_n = (uint8_t)list->n;
}

static void
read_key(struct reader *r, const struct ydoc_node *n, struct loop_move *m)
{
    if (!n || r->err)
        return;
    reader_want(r, n, YDOC_TEXT);
    if (!r->err && (n->text.n != 1 || n->text.p[0] < 'a' || n->text.p[0] > 'z'))
        r->err = ydoc_wrong(
            r->y, n, r->note, ERR_INPUT, "a key is one letter a-z",
            "快捷键应为一个小写字母");
    m->key = reader_keep(r, n->text);
}

static void
read_move_roles(struct reader *r, const struct ydoc_node *n, struct loop_move *m)
{
    const struct ydoc_node *roles = r->err ? NULL : ydoc_find(n, "roles");
    if (!r->err && (m->on == LOOP_ON_ACTION) != (roles != NULL)) {
        r->err = ydoc_wrong(
            r->y, n, r->note, ERR_INPUT,
            m->on == LOOP_ON_ACTION ? "the key \"roles\" is missing"
                                    : "a timer or message move has no roles",
            m->on == LOOP_ON_ACTION ? "缺少键“roles”"
                                    : "定时或消息触发的操作不能有 roles");
        return;
    }
    if (roles)
        m->roles = (uint32_t)reader_bits(r, roles, REF_ROLE);
    if (!r->err && roles && !m->roles)
        r->err = ydoc_wrong(
            r->y, roles, r->note, ERR_INPUT, "name at least one role",
            "至少填写一个角色");
}

static void
read_move(struct reader *r, const struct ydoc_node *n, struct loop_move *m)
{
    static const char *const keys[] = {"zh", "en", "key",   "tone",  "phone", "from",
                                       "to", "on", "roles", "gates", "form",  "do"};
    static const char *const tones[] = {"plain", "good", "bad", "send"};
    m->pos = reader_pos(n);
    reader_only(r, n, keys, COUNT(keys));
    m->label = reader_label(r, n, LABEL_MAX);
    const struct ydoc_node *from = reader_need(r, n, "from"),
                           *to = reader_need(r, n, "to");
    if (!from || !to)
        return;
    read_from(r, from, m);
    m->stays = to->kind == YDOC_TEXT && span_eq(to->text, SPAN("same"));
    if (!m->stays)
        m->to = reader_ref(r, to, REF_STATE);
    read_on(r, ydoc_find(n, "on"), m);
    read_key(r, ydoc_find(n, "key"), m);
    m->tone = tones[reader_word(r, n, "tone", tones, COUNT(tones), 0)];
    m->phone = reader_flag(r, n, "phone", false);
    read_move_roles(r, n, m);
    read_move_gates(r, ydoc_find(n, "gates"), m);
    m->asks =
        reader_form(r, ydoc_find(n, "form"), m->on == LOOP_ON_MESSAGE, &m->asks_n);
    m->effects = read_effects(r, ydoc_find(n, "do"), false, &m->effects_n);
}

void
reader_moves(struct reader *r, const struct ydoc_node *map)
{
    if (!map || r->err || !reader_names(r, map, LOOP_MAX_MOVES))
        return;
    struct loop_move *rows = reader_take(r, map->n, sizeof *rows);
    for (const struct ydoc_node *n = rows ? map->first : NULL; n && !r->err;
         n = n->next) {
        rows[n->index].name = reader_keep(r, n->key);
        read_move(r, n, &rows[n->index]);
    }
    r->d->moves = rows;
    r->d->moves_n = (uint16_t)map->n;
}

/* ---- clocks and ladders ---- */

static void
read_clock(struct reader *r, const struct ydoc_node *n, struct loop_clock *c)
{
    static const char *const keys[] = {"zh",      "en",       "budget", "start_on",
                                       "stop_on", "pause_in", "again"};
    static const char *const again[] = {"restart", "keep"};
    reader_only(r, n, keys, COUNT(keys));
    c->pos = reader_pos(n);
    c->label = reader_label(r, n, LABEL_MAX);
    const struct ydoc_node *budget = reader_need(r, n, "budget");
    if (!budget)
        return;
    r->err = ydoc_get_duration(r->y, budget, &c->budget_ms, r->note);
    const struct ydoc_node *start = ydoc_find(n, "start_on"),
                           *stop = ydoc_find(n, "stop_on");
    const struct ydoc_node *pause = ydoc_find(n, "pause_in");
    if (start)
        c->start_on = reader_bits(r, start, REF_STATE);
    if (pause)
        c->pause_in = reader_bits(r, pause, REF_STATE);
    if (stop)
        c->stop_on = reader_bits(r, stop, REF_STATE);
    else if (start)
        c->stop_on = ~(c->start_on | c->pause_in);
    c->keep = reader_word(r, n, "again", again, COUNT(again), 0) == 1;
}

void
reader_clocks(struct reader *r, const struct ydoc_node *map)
{
    if (!map || r->err || !reader_names(r, map, LOOP_MAX_CLOCKS))
        return;
    struct loop_clock *rows = reader_take(r, map->n, sizeof *rows);
    for (const struct ydoc_node *n = rows ? map->first : NULL; n && !r->err;
         n = n->next) {
        rows[n->index].name = reader_keep(r, n->key);
        read_clock(r, n, &rows[n->index]);
    }
    r->d->clocks = rows;
    r->d->clocks_n = (uint16_t)map->n;
}

/* at: 80%, 100%, 150%, 100% + 30min, 100% - 10min */
static void
read_at(struct reader *r, const struct ydoc_node *n, struct loop_rung *rung)
{
    reader_want(r, n, YDOC_TEXT);
    if (r->err)
        return;
    struct span rest = n->text, percent = span_trim(span_cut(&rest, '%'));
    bool ok = percent.n != n->text.n && span_i64(percent, &rung->percent) &&
              rung->percent >= 0 && rung->percent <= 10000;
    rest = span_trim(rest);
    if (ok && rest.n) {
        bool minus = rest.p[0] == '-';
        ok = (minus || rest.p[0] == '+') &&
             duration_parse(span_trim(span_skip(rest, 1)), &rung->offset_ms);
        rung->offset_ms = minus ? -rung->offset_ms : rung->offset_ms;
    }
    if (!ok)
        r->err = ydoc_wrong(
            r->y, n, r->note, ERR_INPUT,
            "expected a share of the clock (80%%, 100%% + 30min), found \"%.*s\"",
            "应为时限的百分比（80%%、100%% + 30min），实为“%.*s”",
            (int)(n->text.n < 40 ? n->text.n : 40), n->text.p);
}

static void
read_rung(struct reader *r, const struct ydoc_node *n, struct loop_rung *rung)
{
    static const char *const keys[] = {"at", "zh", "en", "do"};
    reader_only(r, n, keys, COUNT(keys));
    rung->pos = (struct loop_pos){n->line, n->column};
    rung->label = reader_label(r, n, LABEL_MAX);
    const struct ydoc_node *at = reader_need(r, n, "at"),
                           *effects = reader_need(r, n, "do");
    if (!at || !effects)
        return;
    read_at(r, at, rung);
    rung->effects = read_effects(r, effects, true, &rung->effects_n);
}

static void
read_ladder(struct reader *r, const struct ydoc_node *list, struct loop_clock *c)
{
    reader_want(r, list, YDOC_LIST);
    if (!r->err && list->n > LOOP_MAX_RUNGS)
        r->err = ydoc_wrong(
            r->y, list, r->note, ERR_TOOBIG, "at most 16 rungs", "梯级最多 16 级");
    struct loop_rung *rows = reader_take(r, list->n, sizeof *rows);
    for (const struct ydoc_node *n = rows ? list->first : NULL; n && !r->err;
         n = n->next) {
        read_rung(r, n, &rows[n->index]);
        if (r->err || !n->index)
            continue;
        const struct loop_rung *a = &rows[n->index - 1], *b = &rows[n->index];
        if (c->budget_ms * a->percent / 100 + a->offset_ms >
            c->budget_ms * b->percent / 100 + b->offset_ms)
            r->err = ydoc_wrong(
                r->y, n, r->note, ERR_INPUT, "rungs stand in the order they fall due",
                "梯级须按到期先后排列");
    }
    c->rungs = rows;
    c->rungs_n = (uint8_t)list->n;
}

void
reader_ladders(struct reader *r, const struct ydoc_node *map)
{
    if (!map || r->err)
        return;
    reader_want(r, map, YDOC_MAP);
    for (const struct ydoc_node *n = r->err ? NULL : map->first; n && !r->err;
         n = n->next) {
        struct ydoc_node as_text = *n;
        as_text.kind = YDOC_TEXT;
        as_text.text = n->key;
        as_text.line = n->key_line;
        as_text.column = n->key_column;
        uint16_t c = reader_ref(r, &as_text, REF_CLOCK);
        if (!r->err) /* ours until the reading ends: reader_clocks() took it from the
                        arena */
            read_ladder(r, n, (struct loop_clock *)&r->d->clocks[c]);
    }
}
