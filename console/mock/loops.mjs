// SPDX-License-Identifier: Apache-2.0
// loops.mjs - two loops of the mock server, in the form GET /meta shows them.
const T = (zh, en) => ({ zh, en });
const f = {
  verdict_note: { name: "verdict_note", ...T("判断理由", "grounds"), type: "note", max: 400, why: T("误报理由用来校准相机", "it calibrates the camera") },
  compared: { name: "compared", ...T("已逐项对比图片与登记", "pictures compared with the record"), type: "flag", why: T("看到的与登记的不符时，必须有人对比过才能拦车", "a person compares before anybody is stopped") },
  reason: { name: "reason", ...T("误报原因", "why false"), type: "choice", options: [{ value: "misread", ...T("号牌识别错", "misread plate") }, { value: "list", ...T("名单已失效", "list out of date") }, { value: "twin", ...T("同色同型车", "similar vehicle") }, { value: "other", ...T("其他", "other") }], why: T("用来统计误报", "counts false alarms") },
  unit: { name: "unit", ...T("派哪个车组", "which unit"), type: "unit", why: T("指令必须有接收人", "an order needs a receiver") },
  order: { name: "order", ...T("指令", "order"), type: "note", max: 200 },
  outcome: { name: "outcome", ...T("处置结果", "outcome"), type: "choice", options: [{ value: "fine", ...T("依法处罚", "fined") }, { value: "seized", ...T("扣留车辆", "vehicle seized") }, { value: "clear", ...T("核实无违法", "nothing found") }, { value: "handover", ...T("移交刑侦", "handed over") }], why: T("结果计入相机与名单的准确率", "it counts for camera and list") },
  candidate: { name: "candidate", ...T("候选车辆", "vehicle"), type: "plate" },
  verdict: { name: "verdict", ...T("比对结论", "verdict"), type: "choice", options: [{ value: "fits", ...T("像", "yes") }, { value: "perhaps", ...T("待定", "maybe") }, { value: "excluded", ...T("排除", "no") }, { value: "undone", ...T("撤销结论", "verdict taken back") }], why: T("每辆车的取舍都要留痕", "why each vehicle was kept or dropped can be gone over later") },
  judge_note: { name: "judge_note", ...T("比对说明", "remark"), type: "note", max: 500 },
  text: { name: "text", ...T("内容", "text"), type: "note", max: 800 },
};
const m = (name, zh, en, from, to, roles, key, tone, fields = [], phone = false) => ({ name, zh, en, from, to, roles, key, tone, fields, phone });
export const loops = [
  {
    kind: "alarm", version: 1, ...T("预警处置", "alarm order"), by_hand: false,
    states: [["raised", "待签收", "to be signed", "start"], ["signed", "已签收", "signed", "active"], ["judged", "核实有效", "valid", "active"], ["sent", "已派警", "dispatched", "active"], ["going", "出警中", "en route", "active"], ["there", "已到场", "on scene", "active"], ["stopped", "已拦截", "intercepted", "active"], ["lost", "未拦到", "lost", "active"], ["closed", "已反馈", "fed back", "terminal"], ["void", "误报办结", "false alarm", "terminal"]]
      .map(([name, zh, en, kind]) => ({ name, zh, en, kind, public: kind === "terminal" ? "closed" : "open" })),
    moves: [
      m("sign", "签收", "Sign", ["raised"], "signed", ["duty", "supervisor"], "s", "plain"),
      m("valid", "有效", "Valid", ["signed"], "judged", ["duty", "supervisor"], "v", "good", ["compared", "verdict_note"]),
      m("void", "误报", "Not valid", ["signed"], "void", ["duty", "supervisor"], "x", "bad", ["reason", "verdict_note"]),
      m("dispatch", "派警", "Dispatch", ["judged"], "sent", ["duty", "supervisor"], "d", "send", ["unit", "order"]),
      m("accept", "接警", "Accept", ["sent"], "going", ["squad", "duty"], "a", "good", [], true),
      m("arrive", "到场", "On scene", ["going"], "there", ["squad", "duty"], "e", "good", [], true),
      m("stop", "已拦截", "Intercepted", ["there"], "stopped", ["squad", "duty"], "t", "good", [], true),
      m("miss", "未拦到", "Lost", ["there", "going"], "lost", ["squad", "duty"], "u", "bad", ["text"], true),
      m("feed", "反馈结案", "Feed back", ["stopped", "lost"], "closed", ["squad", "duty", "supervisor"], "f", "send", ["outcome", "text"], true),
      m("note", "记一笔", "Note", ["raised", "signed", "judged", "sent", "going", "there", "stopped", "lost"], "", ["duty", "squad", "supervisor", "analyst"], "n", "plain", ["text"], true),
    ],
    fields: Object.values(f),
    clocks: [{ name: "sign", ...T("签收", "sign"), budget_ms: 120000 }, { name: "order", ...T("指令签收", "order signed"), budget_ms: 600000 }, { name: "feed", ...T("反馈", "feedback"), budget_ms: 86400000 }],
  },
  {
    kind: "inquiry", version: 1, ...T("核查", "inquiry"), by_hand: true,
    states: [["open", "办理中", "open", "start"], ["done", "已办结", "closed", "terminal"]].map(([name, zh, en, kind]) => ({ name, zh, en, kind, public: kind === "terminal" ? "closed" : "open" })),
    moves: [m("note", "记一笔", "Note", ["open"], "", ["duty", "squad", "supervisor", "analyst"], "n", "plain", ["text"], true), m("close", "办结", "Close", ["open"], "done", ["duty", "squad", "supervisor", "analyst"], "x", "send", ["text"], true)],
    fields: [f.text], clocks: [{ name: "work", ...T("办理", "work"), budget_ms: 3 * 86400000 }],
  },
  {
    kind: "flight", version: 1, ...T("肇事逃逸侦查", "hit-and-run"), by_hand: true,
    states: [["searching", "排查中", "searching", "start"], ["not_flight", "不构成逃逸，已结", "not flight and closed", "terminal"]].map(([name, zh, en, kind]) => ({ name, zh, en, kind, public: kind === "terminal" ? "closed" : "open" })),
    moves: [m("judge_candidate", "比对结论", "Verdict", ["searching"], "", ["duty", "squad", "supervisor", "analyst"], null, "plain", ["candidate", "verdict", "judge_note"]), m("add_clip", "导入视频", "Import a clip", ["searching"], "", ["duty", "squad", "supervisor", "analyst"], null, "plain", []), m("set_clip_clock", "视频对时", "Set the clip's clock", ["searching"], "", ["duty", "squad", "supervisor", "analyst"], null, "plain", []), m("mark_frame", "标注画面为过车", "Mark a frame as a pass", ["searching"], "", ["duty", "squad", "supervisor", "analyst"], null, "plain", []), m("note", "记一笔", "Note", ["searching"], "", ["duty", "squad", "supervisor", "analyst"], "n", "plain", ["text"], true), m("close", "不构成逃逸办结", "Not flight", ["searching"], "not_flight", ["duty", "squad", "supervisor", "analyst"], null, "good", ["text"])],
    fields: [f.text, f.candidate, f.verdict, f.judge_note], clocks: [{ name: "golden_day", ...T("黄金 24 小时", "first day"), budget_ms: 86400000 }],
  },
];
export const required = { valid: (a) => (a?.contradictions.length ? ["compared"] : []), void: () => ["reason"], dispatch: () => ["unit"], feed: () => ["outcome"], miss: () => [], note: () => ["text"], judge_candidate: () => ["candidate", "verdict"], close: () => ["text"] };
/** Which clock runs in a state of the alarm loop. */
export const clockOf = { raised: "sign", sent: "order", signed: "feed", judged: "feed", going: "feed", there: "feed", stopped: "feed", lost: "feed", open: "work", searching: "golden_day" };
