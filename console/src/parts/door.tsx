// SPDX-License-Identifier: Apache-2.0
// door.tsx - sign-in and the first password. The page underneath keeps its address; drafts are kept.
import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError, sentence } from "../kit/api";
import { lang, setLang, t } from "../kit/i18n";
import { changePassword, cutOff, session, signIn, signOut } from "../kit/session";
import { setTheme, theme } from "../kit/theme";
import { Icon } from "./icon";

export function Switches() {
  return (
    <div class="switches">
      <button class="quiet" lang={lang.value === "zh" ? "en" : "zh-CN"} onClick={() => setLang(lang.value === "zh" ? "en" : "zh")}>{lang.value === "zh" ? "English" : "中文"}</button>
      <button class="quiet" aria-label={theme.value === "night" ? t("theme.day") : t("theme.night")} title={theme.value === "night" ? t("theme.day") : t("theme.night")}
        onClick={() => setTheme(theme.value === "night" ? "day" : "night")}><Icon name={theme.value === "night" ? "sun" : "moon"} size={18} /></button>
    </div>
  );
}

export function Door({ change }: { change: boolean }) {
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const [locked, setLocked] = useState(0);
  const first = useRef<HTMLInputElement>(null);
  useEffect(() => first.current?.focus(), [change]);
  useEffect(() => {
    if (locked <= 0) return;
    const h = setTimeout(() => setLocked(locked - 1), 1000);
    return () => clearTimeout(h);
  }, [locked]);

  const submit = async (e: Event) => {
    e.preventDefault();
    const f = new FormData(e.currentTarget as HTMLFormElement);
    const v = (k: string) => String(f.get(k) ?? "");
    if (change && v("new") !== v("again")) return setError(t("door.differ"));
    if (change && [...v("new")].length < 10) return setError(t("door.short"));
    setBusy(true);
    setError("");
    try {
      if (change) await changePassword(v("old"), v("new"));
      else await signIn(v("user").trim(), v("password"));
    } catch (x) {
      setError(sentence(x));
      if (x instanceof ApiError && x.retry_s) setLocked(x.retry_s);
    } finally {
      setBusy(false);
    }
  };
  return (
    <main class="door">
      <div class="door-top"><Switches /></div>
      <form class="door-form" onSubmit={(e) => void submit(e)}>
        <h1><svg viewBox="0 0 64 64" width="44" height="44" aria-hidden="true"><rect width="64" height="64" rx="12" class="logo-back" /><path d="M32 9v46M9 32h46" class="logo-road" /><circle cx="32" cy="32" r="7" class="logo-dot" /></svg> {t("app")}</h1>
        <p class="dim">{change ? t("door.change_hint") : t("door.hint")}</p>
        {change ? (
          <>
            <input type="hidden" name="username" autocomplete="username" value={session.value?.user.name ?? ""} />
            <label for="old">{t("door.old")}</label>
            <input ref={first} id="old" name="old" type="password" autocomplete="current-password" required maxLength={256} />
            <label for="new">{t("door.new")}</label>
            <input id="new" name="new" type="password" autocomplete="new-password" required maxLength={256} aria-describedby="rule" />
            <p id="rule" class="why">{t("door.rule")}</p>
            <label for="again">{t("door.again")}</label>
            <input id="again" name="again" type="password" autocomplete="new-password" required maxLength={256} />
          </>
        ) : (
          <>
            <label for="user">{t("door.user")}</label>
            <input ref={first} id="user" name="user" autocomplete="username" autocapitalize="none" spellcheck={false} required maxLength={64} />
            <label for="password">{t("door.password")}</label>
            <input id="password" name="password" type="password" autocomplete="current-password" required maxLength={256} />
          </>
        )}
        {!change && cutOff.value && !error && <p class="note" role="status">{t("door.cut_off")}</p>}
        {error && <p class="bad" role="alert">{error}</p>}
        <button class="primary" type="submit" disabled={busy || locked > 0}>
          {locked > 0 ? t("door.wait", { s: locked }) : busy ? t("door.busy") : change ? t("door.change") : t("door.in")}
        </button>
        {change && <button type="button" class="quiet" onClick={() => void signOut()}>{t("user.out")}</button>}
        <p class="dim small-print">{t("door.notice")}</p>
      </form>
    </main>
  );
}
