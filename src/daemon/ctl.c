/* SPDX-License-Identifier: Apache-2.0 */
/* One datagram-like message each way over a stream socket: length, JSON, and with the
 * question three descriptors. The daemon trusts nobody but root and its own user. */
#include "daemon/ctl.h"

#include "core/log.h"
#include "daemon/op.h"
#include "daemon/parts.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define MESSAGE_MAX (1u << 20)
#define DESCRIPTORS 3
#define CALLS 16 /* commands at once */

struct ctl {
    struct daemon *d;
    pthread_t thread;
    int listener;
    int wake[2];
    char path[OS_PATH];
    bool started;
    /* under lock */
    pthread_mutex_t lock;
    pthread_cond_t ended;
    unsigned calls;
    bool heavy;
};

struct call { /* one command, on a thread of its own: nobody waits for an import */
    struct ctl *c;
    int fd;
};

static bool
address(const char *dir, struct sockaddr_un *a, char *path)
{
    *a = (struct sockaddr_un){.sun_family = AF_UNIX};
    return os_join(path, OS_PATH, dir, "ctl.sock") == OK &&
           span_copy(a->sun_path, sizeof a->sun_path, span_cstr(path));
}

static bool
write_all(int fd, const void *p, size_t n)
{
    while (n) {
        ssize_t r = write(fd, p, n);
        if (r < 0 && errno == EINTR)
            continue;
        if (r <= 0)
            return false;
        p = (const char *)p + r;
        n -= (size_t)r;
    }
    return true;
}

static bool
read_all(int fd, void *p, size_t n)
{
    while (n) {
        ssize_t r = read(fd, p, n);
        if (r < 0 && errno == EINTR)
            continue;
        if (r <= 0)
            return false;
        p = (char *)p + r;
        n -= (size_t)r;
    }
    return true;
}

/* Length and text; the first byte carries the descriptors. */
static bool
send_message(int fd, const char *text, const int *fds)
{
    uint32_t n = (uint32_t)strlen(text);
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(sizeof(int) * DESCRIPTORS)];
    } control = {0};
    struct iovec iov = {&n, sizeof n};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
    if (fds) {
        msg.msg_control = control.bytes;
        msg.msg_controllen = sizeof control.bytes;
        struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int) * DESCRIPTORS);
        memcpy(CMSG_DATA(c), fds, sizeof(int) * DESCRIPTORS);
    }
    return sendmsg(fd, &msg, MSG_NOSIGNAL) == (ssize_t)sizeof n &&
           write_all(fd, text, n);
}

static char *
receive_message(int fd, int *fds)
{
    uint32_t n = 0;
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(sizeof(int) * DESCRIPTORS)];
    } control = {0};
    struct iovec iov = {&n, sizeof n};
    struct msghdr msg = {
        .msg_iov = &iov,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = sizeof control.bytes,
    };
    if (recvmsg(fd, &msg, MSG_CMSG_CLOEXEC | MSG_WAITALL) != (ssize_t)sizeof n)
        return NULL;
    struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
    bool carried = c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
                   c->cmsg_len == CMSG_LEN(sizeof(int) * DESCRIPTORS);
    if (fds && carried)
        memcpy(fds, CMSG_DATA(c), sizeof(int) * DESCRIPTORS);
    if (n > MESSAGE_MAX || (fds && !carried))
        return NULL;
    char *text = malloc((size_t)n + 1);
    if (text && !read_all(fd, text, n)) {
        free(text);
        return NULL;
    }
    if (text)
        text[n] = 0;
    return text;
}

/* ---- the daemon's side ---- */

static enum err
enter(struct ctl *c, const struct op *op, struct note *note)
{
    if (!op->heavy)
        return OK;
    must(pthread_mutex_lock(&c->lock) == 0);
    bool busy = c->heavy;
    c->heavy = true;
    pthread_mutex_unlock(&c->lock);
    return !busy ? OK
                 : note_set(
                       note, ERR_BUSY, NULL,
                       "another import or backup is running: try again when it is done",
                       "另一项导入或备份正在进行，请待其完成后再试");
}

static void
leave(struct ctl *c, const struct op *op)
{
    if (!op->heavy)
        return;
    must(pthread_mutex_lock(&c->lock) == 0);
    c->heavy = false;
    pthread_mutex_unlock(&c->lock);
}

/* The operation with a reader of its own. */
static enum err
call_op(
    struct ctl *c, const struct op *op, struct op_call *call, struct door *door,
    struct note *note)
{
    enum err e = enter(c, op, note);
    if (e != OK)
        return e;
    e = ledger_reader_open(c->d->base->ledger, &door->reader, note);
    if (e == OK)
        e = op->fn(call, note);
    ledger_reader_close(&door->reader);
    leave(c, op);
    return e;
}

static enum err
run_op(
    struct ctl *c, json_t *question, const int *fds, const struct ucred *who,
    struct note *note)
{
    const char *name = json_string_value(json_object_get(question, "op"));
    const struct op *op = name ? op_find(name) : NULL;
    json_t *args = json_object_get(question, "args");
    if (!op || !json_is_object(args))
        return note_set(
            note, ERR_USAGE, "op",
            "this daemon does not know the operation: is it older?",
            "守护进程不认识该操作：版本是否较旧？");
    char login[64];
    snprintf(login, sizeof login, "cli:%u", (unsigned)who->uid);
    const char *given = json_string_value(json_object_get(question, "login"));
    if (given && who->uid == 0)
        snprintf(login, sizeof login, "%.60s", given);
    FILE *out = fdopen(dup(fds[1]), "w"), *log = fdopen(dup(fds[2]), "w");
    enum err e = out && log ? OK : ERR_IO;
    if (e == OK) {
        struct door door = {c->d->base, c->d, NULL};
        struct op_call call = {&door, args, fds[0], out, log, login};
        e = call_op(c, op, &call, &door, note);
    }
    if (out && fclose(out) != 0 && e == OK)
        e = note_set(note, ERR_IO, NULL, "writing the output failed", "输出写入失败");
    if (log)
        fclose(log);
    return e;
}

static void
answer(int fd, enum err e, const struct note *note)
{
    json_t *reply = json_pack(
        "{s:i, s:s, s:s, s:s}", "err", (int)e, "field", note->field, "en", note->en,
        "zh", note->zh);
    char *text = reply ? json_dumps(reply, JSON_COMPACT) : NULL;
    if (text)
        (void)send_message(fd, text, NULL); /* the command may have been killed */
    free(text);
    json_decref(reply);
}

static void
serve_one(struct ctl *c, int fd)
{
    struct ucred who = {0};
    socklen_t n = sizeof who;
    struct note note = {0};
    int fds[DESCRIPTORS] = {-1, -1, -1};
    enum err e = OK;
    struct timeval patience = {.tv_sec = 10};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    bool known = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n) == 0 &&
                 (who.uid == 0 || who.uid == geteuid());
    char *text = receive_message(fd, fds);
    json_t *question = text ? json_loads(text, 0, NULL) : NULL;
    if (!known)
        e = note_set(
            &note, ERR_DENIED, NULL, "only root and the service's own user may do this",
            "仅限 root 与服务自身用户操作");
    else if (!question)
        e = note_set(
            &note, ERR_USAGE, NULL, "the question was not understood",
            "无法识别的请求");
    else
        e = run_op(c, question, fds, &who, &note);
    answer(fd, e, &note);
    for (int i = 0; i < DESCRIPTORS; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    json_decref(question);
    free(text);
}

static void
end_call(struct ctl *c)
{
    must(pthread_mutex_lock(&c->lock) == 0);
    c->calls--;
    pthread_cond_broadcast(&c->ended);
    pthread_mutex_unlock(&c->lock);
}

static void *
run_call(void *arg)
{
    struct call *call = arg;
    struct ctl *c = call->c;
    serve_one(c, call->fd);
    close(call->fd);
    free(call);
    end_call(c);
    return NULL;
}

/* The socket is the call's from here on. */
static void
start_call(struct ctl *c, int fd)
{
    struct call *call = malloc(sizeof *call);
    pthread_t thread;
    must(pthread_mutex_lock(&c->lock) == 0);
    bool room = call && c->calls < CALLS;
    c->calls += room;
    pthread_mutex_unlock(&c->lock);
    if (room) {
        *call = (struct call){c, fd};
        if (pthread_create(&thread, NULL, run_call, call) == 0) {
            pthread_detach(thread); /* ctl_stop() waits for the count */
            return;
        }
        end_call(c);
    }
    struct note note = {0};
    enum err e = note_set(
        &note, ERR_BUSY, NULL, "too many commands at once: try again",
        "同时运行的命令过多，请稍后再试");
    answer(fd, e, &note);
    close(fd);
    free(call);
}

static void *
ctl_loop(void *arg)
{
    struct ctl *c = arg;
    for (;;) {
        struct pollfd p[2] = {
            {.fd = c->listener, .events = POLLIN},
            {.fd = c->wake[0], .events = POLLIN}};
        if (poll(p, 2, -1) < 0 && errno != EINTR)
            return NULL;
        if (p[1].revents)
            return NULL;
        if (!p[0].revents)
            continue;
        int fd = accept4(c->listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            continue;
        start_call(c, fd);
    }
}

enum err
ctl_start(struct daemon *d, struct note *note)
{
    struct sockaddr_un a;
    struct ctl *c = calloc(1, sizeof *c);
    if (!c)
        return ERR_NOMEM;
    *c = (struct ctl){.d = d, .listener = -1, .wake = {-1, -1}};
    must(pthread_mutex_init(&c->lock, NULL) == 0);
    must(pthread_cond_init(&c->ended, NULL) == 0);
    d->ctl = c;
    if (!address(d->base->dir, &a, c->path))
        return note_set(
            note, ERR_INPUT, "data",
            "the path of the data directory is too long for a socket: at most 90 bytes",
            "数据目录路径过长，套接字路径最多 90 字节");
    unlink(c->path); /* ours: we hold the lock */
    c->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    mode_t before = umask(0177);
    bool bound = c->listener >= 0 &&
                 bind(c->listener, (struct sockaddr *)&a, sizeof a) == 0 &&
                 listen(c->listener, 8) == 0;
    umask(before);
    if (!bound || pipe(c->wake) != 0)
        return note_fmt(
            note, ERR_IO, "data", "%s cannot be made", "无法创建 %s", c->path);
    c->started = pthread_create(&c->thread, NULL, ctl_loop, c) == 0;
    return c->started ? OK : ERR_NOMEM;
}

void
ctl_stop(struct daemon *d)
{
    struct ctl *c = d->ctl;
    if (!c)
        return;
    if (c->started) {
        must(write_all(c->wake[1], "x", 1));
        pthread_join(c->thread, NULL);
        must(pthread_mutex_lock(&c->lock) == 0);
        while (c->calls)
            pthread_cond_wait(&c->ended, &c->lock);
        pthread_mutex_unlock(&c->lock);
    }
    pthread_cond_destroy(&c->ended);
    pthread_mutex_destroy(&c->lock);
    if (c->listener >= 0) {
        close(c->listener);
        unlink(c->path);
    }
    for (int i = 0; i < 2; i++)
        if (c->wake[i] >= 0)
            close(c->wake[i]);
    free(c);
    d->ctl = NULL;
}

/* ---- the command's side ---- */

bool
ctl_ask(
    const char *dir, const char *op, struct json_t *args, int in, FILE *out,
    enum err *e, struct note *note)
{
    struct sockaddr_un a;
    char path[OS_PATH];
    int fd =
        address(dir, &a, path) ? socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) : -1;
    if (fd < 0)
        return false;
    if (connect(fd, (struct sockaddr *)&a, sizeof a) != 0) {
        close(fd);
        return false; /* nobody there, or a socket left by a killed daemon */
    }
    const char *user = getenv("SUDO_USER");
    char login[64];
    snprintf(login, sizeof login, "cli:%.58s", user ? user : "root");
    json_t *question =
        json_pack("{s:s, s:O, s:s}", "op", op, "args", args, "login", login);
    char *text = question ? json_dumps(question, JSON_COMPACT) : NULL;
    int none = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int fds[DESCRIPTORS] = {in >= 0 ? in : none, fileno(out), STDERR_FILENO};
    fflush(out);
    bool sent = text && send_message(fd, text, fds);
    char *reply = sent ? receive_message(fd, NULL) : NULL;
    json_t *answered = reply ? json_loads(reply, 0, NULL) : NULL;
    if (answered) {
        *e = (enum err)json_integer_value(json_object_get(answered, "err"));
        note_set(
            note, *e, json_string_value(json_object_get(answered, "field")),
            json_string_value(json_object_get(answered, "en")),
            json_string_value(json_object_get(answered, "zh")));
    } else {
        *e = note_set(
            note, ERR_STOPPING, NULL, "the daemon went away before it answered",
            "守护进程在应答前退出");
    }
    json_decref(answered);
    json_decref(question);
    free(reply);
    free(text);
    if (none >= 0)
        close(none);
    close(fd);
    return true;
}
