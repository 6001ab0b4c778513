#include "culvert_errno.h"

#include <stddef.h>
#include <string.h>

int culvert_errno_abi(void)
{
    return CULVERT_ABI;
}

#define NAMED(e) { #e, e }

int culvert_errno_value(const char *name)
{
    static const struct {
        const char *name;
        int value;
    } known[] = {
        NAMED(EPERM), NAMED(ENOENT), NAMED(EINTR), NAMED(EIO), NAMED(E2BIG), NAMED(EBADF), NAMED(EAGAIN), NAMED(ENOMEM),
        NAMED(EACCES), NAMED(EBUSY), NAMED(EEXIST), NAMED(ENODEV), NAMED(ENOTDIR), NAMED(EINVAL), NAMED(ENFILE),
        NAMED(EMFILE), NAMED(ENOTTY), NAMED(ENOSPC), NAMED(EROFS), NAMED(EPIPE), NAMED(ENAMETOOLONG), NAMED(ENOSYS),
        NAMED(EPROTO), NAMED(ENOTSOCK), NAMED(EDESTADDRREQ), NAMED(EMSGSIZE), NAMED(EPROTOTYPE), NAMED(ENOPROTOOPT),
        NAMED(EPROTONOSUPPORT), NAMED(EOPNOTSUPP), NAMED(EAFNOSUPPORT), NAMED(EADDRINUSE), NAMED(EADDRNOTAVAIL),
        NAMED(ENETDOWN), NAMED(ENETUNREACH), NAMED(ECONNABORTED), NAMED(ECONNRESET), NAMED(ENOBUFS), NAMED(EISCONN),
        NAMED(ENOTCONN), NAMED(ETIMEDOUT), NAMED(ECONNREFUSED), NAMED(EHOSTUNREACH), NAMED(EALREADY), NAMED(EINPROGRESS),
        NAMED(EBADMSG), NAMED(EKEYEXPIRED),
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(known[i].name, name) == 0)
            return known[i].value;
    return -ENOENT;
}

const char *culvert_errno_step(int step)
{
#define TEXT(name, text) text,
    static const char *const texts[] = { CULVERT_STEPS(TEXT) };
#undef TEXT
    return step < 0 || step >= CULVERT_STEP_COUNT ? NULL : texts[step];
}
