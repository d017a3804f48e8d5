// SPDX-License-Identifier: Apache-2.0
// questions.mjs - some questions as GET /questions lists them: one of each kind of parameter and column.
const T = (zh, en) => ({ zh, en });
const P = (name, type, zh, en, more = {}) => ({ name, type, zh, en, required: false, min: 1, max: 64, default: "", unit: "", words: [], ...more });
const C = (name, shape, zh, en, unit = "") => ({ name, shape, unit, zh, en });
export const QUESTIONS = [
  { name: "first_seen", ...T("初次入城", "first seen in the city"), what: T("时段内首次过车、且此前若干天未出现的车辆", "vehicles whose first pass in the window follows days without any"), pitfall: T("误读会产生从未出现过的号牌", "a misread makes a plate nobody ever saw"), days_max: 31, seconds: 60,
    params: [P("quiet_days", "number", "此前未出现的天数", "days without a pass before", { max: 365, default: "30", unit: "d" }), P("where", "word", "首次出现的位置", "where the first pass is", { default: "entry", words: [{ name: "entry", ...T("入城点位", "at an entry of the city") }, { name: "anywhere", ...T("任意点位", "anywhere") }] })],
    columns: [C("plate", "plate", "号牌", "plate"), C("site", "site", "首次点位", "first site"), C("first_ms", "time", "首次时间", "first pass"), C("passes", "count", "时段内过车", "passes"), C("last_ms", "time", "最近时间", "last pass")] },
  { name: "collide", ...T("多点位碰撞", "several sites and windows"), what: T("在多个时空窗口中按交、并、差碰撞车辆", "vehicles that passed all, any or none of several windows"), pitfall: T("误读使同一车辆落在两个号牌上", "a misread puts one vehicle under two plates"), days_max: 31, seconds: 60,
    params: [P("windows", "windows", "时空窗口", "windows", { required: true, min: 2, max: 8 })], columns: [C("plate", "plate", "号牌", "plate"), C("passes", "count", "过车", "passes")] },
  { name: "companions", ...T("伴随车", "companions"), what: T("与所给车辆反复同行的车辆", "vehicles that travel with the given ones again and again"), pitfall: T("同一走廊的车辆会偶然同行", "vehicles of one corridor meet by chance"), days_max: 31, seconds: 60,
    params: [P("plates", "plates", "号牌", "plates", { required: true, max: 8 }), P("sites", "sites", "点位", "sites")], columns: [C("plate", "plate", "号牌", "plate"), C("other", "plate", "伴随车", "companion"), C("span", "span", "平均相隔", "mean gap"), C("p", "number", "p 值", "p-value"), C("share", "share", "占比", "share"), C("evidence", "sighting", "证据", "evidence")] },
];
