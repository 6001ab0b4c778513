package io.culvert.systemtests.ambient;

import io.culvert.testkit.Netns;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;

/** Runs something in a network namespace, on a thread of its own that never comes back. Source: setns(2). */
final class NamespaceThread {
    private static final int CLONE_NEWNET = 0x4000_0000;
    private static final int O_RDONLY = 0;

    private static final MethodHandle OPEN = handle(
            "open", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_INT), true);
    private static final MethodHandle SETNS = handle(
            "setns", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT), false);
    private static final MethodHandle CLOSE =
            handle("close", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT), false);

    private NamespaceThread() {}

    @SuppressWarnings("restricted") // three system calls whose signatures are stable
    private static MethodHandle handle(String name, FunctionDescriptor as, boolean variadic) {
        Linker linker = Linker.nativeLinker();
        MemorySegment symbol = linker.defaultLookup().find(name).orElseThrow();
        return variadic
                ? linker.downcallHandle(symbol, as, Linker.Option.firstVariadicArg(2))
                : linker.downcallHandle(symbol, as);
    }

    /** What the task makes of the sockets that it opens in there. */
    static <T> T call(Netns in, Callable<T> task) {
        FutureTask<T> future = new FutureTask<>(() -> {
            enter(in);
            return task.call();
        });
        Thread.ofPlatform().daemon().name("in-" + in.name()).start(future);
        try {
            return future.get();
        } catch (Exception e) {
            throw new IllegalStateException("in " + in.name() + ": " + e.getCause(), e);
        }
    }

    private static void enter(Netns in) {
        try (Arena arena = Arena.ofConfined()) {
            int fd = (int) OPEN.invokeExact(arena.allocateFrom(in.path().toString()), O_RDONLY);
            int entered = fd < 0 ? fd : (int) SETNS.invokeExact(fd, CLONE_NEWNET);
            int closed = fd < 0 ? fd : (int) CLOSE.invokeExact(fd);
            if (entered != 0 || closed != 0) {
                throw new IllegalStateException("cannot enter " + in.path());
            }
        } catch (RuntimeException e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }
}
