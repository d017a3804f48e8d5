// SPDX-License-Identifier: Apache-2.0
// org.tsx - the organisation as a tree.
import { useEffect, useState } from "preact/hooks";
import { get, post, sentence } from "../kit/api";
import { useDraft } from "../kit/draft";
import { t, tx } from "../kit/i18n";
import type { List, Org } from "../kit/model";
import { codeText, codes, may } from "../kit/session";
import { num } from "../kit/time";
import { Empty, Failed, Loading } from "../parts/bits";
import { Grid } from "../parts/grid";

function depth(rows: Org[]): Map<number, number> {
  const d = new Map<number, number>();
  const by = new Map(rows.map((o) => [o.id, o]));
  for (const o of rows) {
    let n = 0, x: Org | undefined = o;
    while (x?.parent != null && n < 12) { n++; x = by.get(x.parent); }
    d.set(o.id, n);
  }
  return d;
}

function Edit({ parent, node, done }: { parent: Org | null; node: Org | null; done: () => void }) {
  const [v, set, clear] = useDraft(`org.${node?.id ?? "new"}`, { name: node?.name ?? "", kind: node?.kind ?? String(codes("org_kind")[1]?.code ?? "squad") });
  const [error, setError] = useState("");
  return (
    <form class="form" onSubmit={(e) => {
      e.preventDefault();
      const p = node ? post(`/org/${node.id}`, { name: v.name.trim(), kind: v.kind }) : post("/org", { parent: parent?.id, kind: v.kind, name: v.name.trim() });
      p.then(() => { clear(); done(); }, (x: unknown) => setError(sentence(x)));
    }}>
      <h3>{node ? t("org.edit", { name: node.name }) : t("org.add", { name: parent?.name ?? "" })}</h3>
      <div class="field"><label for="org-name">{t("f.name")}</label><input id="org-name" required value={v.name} maxLength={100} onInput={(e) => set({ name: e.currentTarget.value })} /></div>
      <div class="field"><label for="org-kind">{t("f.kind")}</label><select id="org-kind" value={v.kind} onChange={(e) => set({ kind: e.currentTarget.value })}>{codes("org_kind").map((c) => <option key={c.code} value={String(c.code)}>{tx(c)}</option>)}</select></div>
      {error && <p class="bad" role="alert">{error}</p>}
      <button class="primary">{t("save")}</button>
    </form>
  );
}

function View() {
  const [list, setList] = useState<List<Org> | null>(null);
  const [error, setError] = useState("");
  const [on, setOn] = useState<Org | null>(null);
  const load = () => { get<List<Org>>("/org").then((l) => { setList(l); setError(""); }, (e: unknown) => setError(sentence(e))); };
  useEffect(load, []);
  if (error && !list) return <Failed what={error} again={load} />;
  if (!list) return <Loading />;
  const d = depth(list.items);
  return (
    <div class="split split-side">
      <section class="pane" aria-label={t("rail.org")}>
        {list.items.length ? (
          <Grid<Org> label={t("rail.org")} rows={list.items} id={(o) => String(o.id)} selected={on ? String(on.id) : null} onSelect={setOn} exportName="org" as_of={list.as_of_ms} stale_ms={3600000}
            columns={[
              { key: "name", head: t("f.name"), width: "minmax(0,1fr)", cell: (o) => <span style={{ paddingLeft: `${(d.get(o.id) ?? 0) * 24}px` }}>{(d.get(o.id) ?? 0) > 0 && <span class="dim" aria-hidden="true">└ </span>}<b>{o.name}</b></span>, text: (o) => o.name },
              { key: "kind", head: t("f.kind"), width: "140px", cell: (o) => codeText("org_kind", o.kind), sort: (o) => o.kind, text: (o) => codeText("org_kind", o.kind) },
              { key: "users", head: t("org.users"), width: "100px", align: "right", cell: (o) => num(o.users), sort: (o) => o.users, text: (o) => String(o.users) },
              { key: "units", head: t("org.units"), width: "100px", align: "right", cell: (o) => num(o.units), sort: (o) => o.units, text: (o) => String(o.units) },
            ]} />
        ) : <Empty title={t("org.empty")} hint={t("org.empty_hint")} />}
      </section>
      {may("POST /org") && (
        <section class="pane pane-card" aria-label={t("org.change")}>
          {on ? <div class="card-scroll" tabIndex={0} role="region" aria-label={on.name}><Edit key={`e${on.id}`} parent={null} node={on} done={load} /><Edit key={`a${on.id}`} parent={on} node={null} done={load} /></div> : <Empty title={t("org.choose")} />}
        </section>
      )}
    </div>
  );
}

export const page = { name: "org", face: "desk" as const, title: "rail.org", icon: "org", place: 7, key: "o", needs: ["POST /org", "GET /users"], view: View };
