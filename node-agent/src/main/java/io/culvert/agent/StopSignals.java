package io.culvert.agent;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.IntConsumer;

/**
 * SIGTERM and SIGINT: the first one asks for a graceful end, the next one ends the process at once.
 *
 * <p>The JVM by itself lets a second signal wait for the first one's work. Its own class for signals is called by
 * reflection, since the compiler warns of every other use of it.
 *
 * <p>Runs on: the JVM's thread for signals.
 */
final class StopSignals {
    private static final System.Logger LOG = System.getLogger(StopSignals.class.getName());
    private static final List<String> NAMES = List.of("TERM", "INT");
    private static final int SIGNAL_EXIT = 128;

    private final IntConsumer first;
    private final IntConsumer next;
    private final AtomicBoolean told = new AtomicBoolean();

    private StopSignals(IntConsumer first, IntConsumer next) {
        this.first = first;
        this.next = next;
    }

    /**
     * Takes the signals over; where the JVM does not allow it, the first one ends as the JVM has it and others wait for
     * it.
     *
     * @param first given the process's exit code; must not block
     * @param next as that, and ends the process
     */
    static void install(IntConsumer first, IntConsumer next) {
        StopSignals signals = new StopSignals(first, next);
        try {
            Class<?> signal = Class.forName("sun.misc.Signal");
            Class<?> handler = Class.forName("sun.misc.SignalHandler");
            InvocationHandler invoked = (self, method, arguments) -> {
                if (!method.getName().equals("handle")) {
                    throw new UnsupportedOperationException(method.getName());
                }
                signals.on((Integer) signal.getMethod("getNumber").invoke(arguments[0]));
                return null;
            };
            Object ours = Proxy.newProxyInstance(handler.getClassLoader(), new Class<?>[] {handler}, invoked);
            for (String name : NAMES) {
                Object _ = signal.getMethod("handle", signal, handler)
                        .invoke(null, signal.getConstructor(String.class).newInstance(name), ours);
            }
        } catch (ReflectiveOperationException e) {
            LOG.log(System.Logger.Level.DEBUG, "signals are left to the JVM", e);
        }
    }

    private void on(int number) {
        (told.compareAndSet(false, true) ? first : next).accept(SIGNAL_EXIT + number);
    }
}
