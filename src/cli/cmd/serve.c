/* SPDX-License-Identifier: Apache-2.0 */
/* tongqu serve: the service itself. */
#include "cli/cmd.h"
#include "cli/service.h"

static const struct cmd_opt opts[] = {
    {"data", "DIR", OPT_PATH, true, 0, 0, NULL, "data directory", "数据目录"},
    {"listen", "HOST:PORT", OPT_LISTEN, false, 0, 0, "127.0.0.1:8080",
     "console and API; several addresses with blanks between",
     "控制台与接口的监听地址，多个以空格分隔"},
    {"ingest-listen", "HOST:PORT", OPT_LISTEN, false, 0, 0, NULL,
     "a port of its own for cameras; left out: on the console's port",
     "前端设备专用端口，缺省与控制台共用"},
    {"public-listen", "HOST:PORT", OPT_LISTEN, false, 0, 0, NULL,
     "a port for health checks and, later, the public's page: nothing else answers "
     "there",
     "对外端口：目前仅应答健康检查"},
    {"tls-cert", "FILE", OPT_PATH, false, 0, 0, NULL,
     "certificate chain (PEM): the console speaks TLS; needed beyond loopback",
     "证书链（PEM）；非本机访问必须启用"},
    {"tls-key", "FILE", OPT_PATH, false, 0, 0, NULL, "its private key (PEM)",
     "私钥（PEM）"},
    {"web-root", "DIR", OPT_PATH, false, 0, 0, NULL,
     "console files from here, not from the program", "从该目录提供控制台文件"},
    {"definitions", "DIR", OPT_PATH, false, 0, 0, NULL,
     "definitions from here, not from DIR/definitions", "从该目录读取定义"},
    {"proxies", "LIST", OPT_TEXT, false, 0, 0, NULL,
     "trusted proxies, as \"10.0.0.0/8 127.0.0.1\"", "受信任的反向代理"},
    {"origins", "LIST", OPT_TEXT, false, 0, 0, NULL,
     "further addresses of this console", "本控制台的其他访问地址"},
    {"keep-days", "N", OPT_NUMBER, false, 1, 4000, "365", "retention of passes in days",
     "过车记录保存天数"},
    {"keep-pictures-days", "N", OPT_NUMBER, false, 1, 4000, NULL,
     "retention of their pictures in days, at most --keep-days; left out: as long as "
     "the passes. Evidence of matters is copied first",
     "过车图片保存天数，不得超过 --keep-days；缺省与过车记录相同。事项证据先行留存"},
    {"head-to", "FILE", OPT_PATH, false, 0, 0, NULL,
     "hourly signed audit heads go into this file, outside this machine's reach; at a "
     "start the head in it is held against the record: an older copy of the data is "
     "told",
     "每小时签名的审计链头写入该文件（宜在机外）；启动时与审计记录核对，数据被换成旧副"
     "本"
     "即告警"},
    {0},
};

/* "https://HOST[:PORT]", several with blanks between: what a browser sends as Origin. */
static enum err
check_origins(const char *list, struct note *note)
{
    struct span rest = span_cstr(list);
    while (rest.n) {
        struct span one = span_cut(&rest, ' '), host = one;
        if (span_starts(host, SPAN("https://")))
            host = span_skip(host, 8);
        else if (span_starts(host, SPAN("http://")))
            host = span_skip(host, 7);
        else
            host.n = 0;
        if (one.n && (host.n == 0 || memchr(host.p, '/', host.n)))
            return note_fmt(
                note, ERR_USAGE, "origins",
                "\"%.*s\" is no origin: write https://HOST or https://HOST:PORT",
                "“%.*s”不是来源地址：请写作 https://主机 或 https://主机:端口",
                SPAN_ARG(one));
    }
    return OK;
}

static enum err
run(const struct cmd_args *args, struct note *note)
{
    struct service s = {
        .daemon =
            {
                .dir = cmd_cstr(args, "data"),
                .listen = cmd_cstr(args, "listen"),
                .ingest_listen = cmd_cstr(args, "ingest-listen"),
                .public_listen = cmd_cstr(args, "public-listen"),
                .tls_cert = cmd_cstr(args, "tls-cert"),
                .tls_key = cmd_cstr(args, "tls-key"),
                .web_root = cmd_cstr(args, "web-root"),
                .definitions = cmd_cstr(args, "definitions"),
                .proxies = cmd_cstr(args, "proxies"),
                .origins = cmd_cstr(args, "origins"),
                .keep_days = (int)cmd_number(args, "keep-days"),
                .keep_pictures_days = (int)cmd_number(args, "keep-pictures-days"),
                .head_to = cmd_cstr(args, "head-to"),
            },
    };
    if (!s.daemon.tls_cert != !s.daemon.tls_key)
        return note_set(
            note, ERR_USAGE, "tls-key", "--tls-cert and --tls-key go together",
            "--tls-cert 与 --tls-key 须同时给出");
    if (s.daemon.keep_pictures_days > s.daemon.keep_days)
        return note_set(
            note, ERR_USAGE, "keep-pictures-days",
            "--keep-pictures-days is at most --keep-days: pictures go with their "
            "passes",
            "--keep-pictures-days 不得大于 --keep-days：图片随过车记录清除");
    enum err e = check_origins(s.daemon.origins, note);
    return e == OK ? service_run(&s, note) : e;
}

const struct cmd cmd_serve = {
    .name = "serve",
    .synopsis = "--data DIR --listen HOST:PORT [options]",
    .en = "Serve a city from a data directory; prints \"ready URL\" when it answers.",
    .zh = "以数据目录提供服务；就绪时输出“ready 地址”。",
    .opts = opts,
    .examples = "  tongqu serve --data /var/lib/tongqu --listen 0.0.0.0:8443 "
                "--tls-cert tls.crt "
                "--tls-key tls.key --ingest-listen 0.0.0.0:8081\n",
    .fn = run,
};
