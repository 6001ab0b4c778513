package io.culvert.shim;

import java.util.ArrayList;
import java.util.List;

/** Whether this process may do what the data path needs, asked from the kernel before any pod depends on it. */
public final class ShimSelfTest {
    private ShimSelfTest() {}

    /**
     * Something that will not work.
     *
     * @param name what was tried
     * @param errno what the kernel said
     * @param advice what to grant
     */
    public record Finding(String name, int errno, String advice) {
        @Override
        public String toString() {
            return name + ": " + Errno.describe(errno) + "; " + advice;
        }
    }

    /** Tries to enter a namespace, to mark packets and to use foreign addresses: an empty list when all is well. */
    public static List<Finding> run(int mark) {
        List<Finding> findings = new ArrayList<>();
        add(findings, "enter a network namespace (setns)", visitOwn(), "grant the container CAP_SYS_ADMIN");
        addMark(findings, mark);
        add(
                findings,
                "use the client's source address (IP_TRANSPARENT)",
                NativeLibrary.CALLS.culvert_socket_probe_transparent(),
                "grant the container CAP_NET_ADMIN (CAP_NET_RAW suffices for this alone)");
        return List.copyOf(findings);
    }

    /** As {@link #run}, for whoever never leaves the namespace that it is in; a mark of 0 is none. */
    public static List<Finding> runAtHome(int mark) {
        List<Finding> findings = new ArrayList<>();
        if (mark != 0) {
            addMark(findings, mark);
        }
        return List.copyOf(findings);
    }

    private static int visitOwn() {
        try (PodNetns own = PodNetns.current()) {
            return NativeLibrary.CALLS.culvert_netns_visit(own.fd(), own.fd());
        } catch (ShimException e) {
            return -e.errno();
        }
    }

    private static void addMark(List<Finding> findings, int mark) {
        add(
                findings,
                "mark packets (SO_MARK)",
                NativeLibrary.CALLS.culvert_socket_probe_mark(mark),
                "grant the container CAP_NET_ADMIN");
    }

    private static void add(List<Finding> findings, String name, int result, String advice) {
        if (result < 0) {
            findings.add(new Finding(name, -result, advice));
        }
    }
}
