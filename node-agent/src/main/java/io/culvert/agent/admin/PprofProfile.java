package io.culvert.agent.admin;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Samples of stacks, in the form that {@code pprof} reads.
 *
 * <p>Bounds: {@value #STACKS_MAX} different stacks; what is sampled beyond is left out.
 *
 * <p>Source: pprof's profile.proto: sample type 1, sample 2, location 4, function 5, strings 6, time 9, duration 10, period
 * type 11, period 12.
 */
final class PprofProfile {
    private static final int STACKS_MAX = 100_000;

    private final Map<String, Integer> strings = new LinkedHashMap<>();
    private final Map<Frame, Integer> locations = new LinkedHashMap<>();
    private final Map<Frame, Integer> functions = new LinkedHashMap<>();
    private final Map<List<Long>, Long> stacks = new LinkedHashMap<>();

    /** A method, and where in it. */
    record Frame(String method, String file, int line) {}

    PprofProfile() {
        string("");
    }

    /** Counts a stack, its innermost frame first. */
    void add(List<Frame> stack) {
        List<Long> ids = new ArrayList<>(stack.size());
        for (Frame frame : stack) {
            functions.computeIfAbsent(new Frame(frame.method(), frame.file(), 0), each -> functions.size() + 1);
            ids.add((long) locations.computeIfAbsent(frame, each -> locations.size() + 1));
        }
        if (stacks.size() < STACKS_MAX || stacks.containsKey(ids)) {
            stacks.merge(ids, 1L, Long::sum);
        }
    }

    private long string(String text) {
        return strings.computeIfAbsent(text, each -> strings.size());
    }

    /** The whole, of samples that each stand for a period. */
    byte[] encode(long beginNanos, Duration duration, Duration period) {
        long nanos = period.toNanos();
        ProtoWriter profile = new ProtoWriter();
        profile.message(1, valueType("samples", "count"));
        profile.message(1, valueType("cpu", "nanoseconds"));
        stacks.forEach((ids, count) -> profile.message(
                2,
                new ProtoWriter()
                        .packed(1, ids.stream().mapToLong(Long::longValue).toArray())
                        .packed(2, new long[] {count, count * nanos})));
        locations.forEach((frame, id) -> profile.message(4, location(frame, id)));
        functions.forEach((frame, id) -> profile.message(5, function(frame, id)));
        ProtoWriter periodType = valueType("cpu", "nanoseconds");
        strings.keySet().forEach(text -> profile.text(6, text));
        return profile.number(9, beginNanos)
                .number(10, duration.toNanos())
                .message(11, periodType)
                .number(12, nanos)
                .toBytes();
    }

    private ProtoWriter valueType(String type, String unit) {
        return new ProtoWriter().number(1, string(type)).number(2, string(unit));
    }

    private ProtoWriter location(Frame frame, int id) {
        int function = functions.getOrDefault(new Frame(frame.method(), frame.file(), 0), 0);
        ProtoWriter line = new ProtoWriter().number(1, function).number(2, Math.max(0, frame.line()));
        return new ProtoWriter().number(1, id).message(4, line);
    }

    private ProtoWriter function(Frame frame, int id) {
        return new ProtoWriter()
                .number(1, id)
                .number(2, string(frame.method()))
                .number(3, string(frame.method()))
                .number(4, string(frame.file()));
    }
}
