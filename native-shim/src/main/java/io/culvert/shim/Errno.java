package io.culvert.shim;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The kernel's error numbers, with a sentence that says what each means for a socket or a namespace.
 *
 * <p>The numbers are asked from C, so they are this platform's.
 */
public enum Errno {
    EPERM("the process lacks a capability for this"),
    ENOENT("it does not exist"),
    EINTR("a signal interrupted the call"),
    EIO("the device reported an error"),
    E2BIG("the list is too long"),
    EBADF("the descriptor is closed"),
    EAGAIN("it is not ready yet"),
    ENOMEM("the kernel is out of memory"),
    EACCES("permission is denied"),
    EBUSY("it is in use"),
    EEXIST("it exists already"),
    ENODEV("there is no such device"),
    ENOTDIR("a part of the path is not a directory"),
    EINVAL("an argument is not acceptable"),
    ENFILE("the whole system has too many open files"),
    EMFILE("the process has too many open files; raise its limit of open files"),
    ENOTTY("the descriptor is not of the right kind"),
    ENOSPC("the disk is full"),
    EROFS("the file system is read-only"),
    EPIPE("the peer has closed"),
    ENAMETOOLONG("the path is too long"),
    ENOSYS("this kernel does not have the call"),
    EPROTO("the peer broke the protocol"),
    ENOTSOCK("the descriptor is not a socket"),
    EDESTADDRREQ("the socket has no destination"),
    EMSGSIZE("the message is longer than the limit"),
    EPROTOTYPE("the socket is of another type"),
    ENOPROTOOPT("this kernel does not have the option"),
    EPROTONOSUPPORT("this kernel does not have the protocol"),
    EOPNOTSUPP("the operation is not supported here"),
    EAFNOSUPPORT("the address family does not fit or is not supported here"),
    EADDRINUSE("the address is in use by another socket"),
    EADDRNOTAVAIL("the address is not one of this namespace's, or no port is free"),
    ENETDOWN("the network is down"),
    ENETUNREACH("there is no route to the network"),
    ECONNABORTED("the connection was aborted"),
    ECONNRESET("the peer reset the connection"),
    ENOBUFS("the kernel is out of buffers"),
    EISCONN("the socket is connected already"),
    ENOTCONN("the socket is not connected"),
    ETIMEDOUT("no answer came in time"),
    ECONNREFUSED("nothing listens there"),
    EHOSTUNREACH("there is no route to the host"),
    EALREADY("the operation is under way already"),
    EINPROGRESS("the operation is under way"),
    EBADMSG("what came cannot be decrypted"),
    EKEYEXPIRED("the peer changed its keys");

    private static final @Nullable Errno[] BY_NUMBER = byNumber();

    private final int number;
    private final String sentence;

    Errno(String sentence) {
        this.number = NativeLibrary.CALLS.culvert_errno_value(name());
        this.sentence = sentence;
        if (number <= 0) {
            throw new IllegalStateException("the native library does not know " + name());
        }
    }

    /** The platform's number. */
    public int number() {
        return number;
    }

    /** What it means, without a full stop. */
    public String sentence() {
        return sentence;
    }

    /** The constant of a number, or null for one that is not listed here. */
    public static @Nullable Errno of(int number) {
        return number >= 0 && number < BY_NUMBER.length ? BY_NUMBER[number] : null;
    }

    /** Name, number and sentence. */
    public static String describe(int number) {
        Errno known = of(number);
        return known == null ? "errno " + number : known.name() + " (" + number + "): " + known.sentence;
    }

    private static @Nullable Errno[] byNumber() {
        int max = Arrays.stream(values()).mapToInt(Errno::number).max().orElse(0);
        @Nullable Errno[] table = new @Nullable Errno[max + 1];
        for (Errno each : values()) {
            table[each.number] = each;
        }
        return table;
    }
}
